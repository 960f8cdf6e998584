"""What happened to a component, as a list that stays readable."""

from datetime import UTC, datetime, timedelta

from resilience.health.minutes import _folded
from resilience.health.timelines import Mark

NOW = datetime(2026, 11, 21, 3, 12, tzinfo=UTC)


def marks(*words: str) -> list[Mark]:
    """One a minute, the newest first."""
    return [Mark(NOW - timedelta(minutes=ago), word, "idle", "info") for ago, word in enumerate(words)]


def test_failed_tests_of_an_outage_are_two_lines() -> None:
    """With how often and since when; what happened before and after stands by itself."""
    told = [
        mark.word for mark in _folded(marks("closed", "tested", "open", "tested", "open", "tested", "open", "down"))
    ]
    assert told[0] == "closed"
    assert told[-1] == "down"
    assert any(word.startswith("open 3 times since") for word in told)
    assert len(told) <= 5


def test_what_happened_a_few_times_stays_as_it_was() -> None:
    """In its order, a line each, also when outages come back."""
    words = ("up", "down", "note", "up", "down", "up", "planned")
    assert [mark.word for mark in _folded(marks(*words))] == list(words)

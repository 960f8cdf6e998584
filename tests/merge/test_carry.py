"""Choices that outlive another round: what the upstream changed asks again, what it did not touch stays decided."""

from typing import Any

import pytest

from conflicts.core.choosing import discarded, fallen, holds, undecided
from conflicts.core.verdict import Verdict, judge

pytestmark = pytest.mark.plain

RULES = {"/text": {"text": "sentences"}}
BASE = {"text": "One old. Two stays. Three old.", "title": "Old"}
LOCAL = {"text": "One here. Two stays. Three here.", "title": "Here"}
REMOTE = {"text": "One there. Two stays. Three there.", "title": "There"}


def first(choices_of: Any) -> tuple[Verdict, dict[str, Any]]:
    """The first round with what was chosen in it."""
    asked = judge(BASE, LOCAL, REMOTE, RULES)
    by_path = {decision.path: decision.id for decision in asked.asks}
    return asked, {by_path[path]: choice for path, choice in choices_of.items()}


def test_a_hunk_that_nobody_touched_keeps_its_choice() -> None:
    """The upstream writes another third sentence: the first hunk and the title stay decided, the third asks."""
    asked, choices = first({"/text": {"hunks": {"0": "local", "1": "remote"}}, "/title": "local"})
    moved = {"text": "One there. Two stays. Three moved.", "title": "There"}
    again = judge(BASE, LOCAL, moved, RULES, choices, before=asked.merge.decisions)
    (text,) = again.asks
    assert (text.path, again.choices[text.id], again.stale) == ("/text", {"hunks": {"0": "local"}}, 1)
    assert [decision.path for decision in undecided(again.merge.decisions, again.choices)] == ["/text"]


def test_one_side_for_the_whole_text_counts_for_each_hunk() -> None:
    """Who took the local text keeps it where nothing changed; where the upstream wrote something new, it asks."""
    asked, choices = first({"/text": "local", "/title": "remote"})
    moved = {"text": "One there. Two stays. Three moved.", "title": "There"}
    again = judge(BASE, LOCAL, moved, RULES, choices, before=asked.merge.decisions)
    (text,) = again.asks
    assert again.choices[text.id] == {"hunks": {"0": "local"}}


def test_nothing_is_carried_to_values_that_nobody_decided_on() -> None:
    """When every sentence moved, every hunk asks."""
    asked, choices = first({"/text": {"hunks": {"0": "local", "1": "local"}}, "/title": "local"})
    moved = {"text": "One moved. Two stays. Three moved.", "title": "Moved"}
    again = judge(BASE, LOCAL, moved, RULES, choices, before=asked.merge.decisions)
    assert again.choices == {}
    assert again.stale == 2
    assert {decision.path for decision in again.asks} == {"/text", "/title"}


def test_what_fell_away_is_told_by_hunk() -> None:
    """Beside what was carried, only the hunk that changed is told as fallen; a title whose value changed as a whole."""
    asked, choices = first({"/text": {"hunks": {"0": "local", "1": {"value": "Three written."}}}, "/title": "local"})
    moved = {"text": "One there. Two stays. Three moved.", "title": "Moved"}
    again = judge(BASE, LOCAL, moved, RULES, choices, before=asked.merge.decisions)
    paths = {decision.id: decision.path for decision in asked.merge.decisions}
    gone = fallen(again.merge.decisions, choices, asked.merge.decisions)
    assert {paths[name]: choice for name, choice in gone.items()} == {
        "/text": {"hunks": {"1": {"value": "Three written."}}},
        "/title": "local",
    }


@pytest.mark.parametrize(
    ("written", "side", "base", "there"),
    [
        ("Old, and more", "Old", "Older", True),
        ("New", "Old", "Older", False),
        ("New", "", "Old sentence.", True),
        ("Old sentence. New", "", "Old sentence.", False),
        ({"a": 1, "b": 3}, {"a": 1, "b": 2}, {"a": 0, "b": 2}, True),
        ({"a": 0}, {"a": 1}, {"a": 0}, False),
        ([1, 2, 3], [1, 2], [1], True),
        ([1, 3], [1, 2], [1], False),
        (1, True, 0, False),
    ],
)
def test_what_a_written_value_holds(written: Any, side: Any, base: Any, there: bool) -> None:
    """A side is not lost where what was written has all that it changed."""
    assert holds(written, side, base) is there


def test_a_side_that_stands_in_the_written_text_is_not_discarded() -> None:
    """Of the sentence that was written around local's, only the upstream's is left out; the same for the whole text."""
    asked, choices = first({"/text": {"hunks": {"0": {"value": "Well: One here. "}, "1": "local"}}, "/title": "local"})
    lost = [(one.side, one.hunk) for one in discarded(asked.asks, choices) if one.decision.path == "/text"]
    assert lost == [("remote", 0), ("remote", 1)]
    asked, choices = first({"/text": {"value": "Well: One here. Two stays. Three there."}, "/title": "local"})
    lost = [(one.side, one.hunk) for one in discarded(asked.asks, choices) if one.decision.path == "/text"]
    assert lost == [("remote", 0), ("local", 1)]

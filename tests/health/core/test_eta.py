"""When an outage is likely to be over: who is asked first, and what is never said."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resilience.health.core.eta import Expected, NextTest, Source, expected, quartiles

pytestmark = pytest.mark.plain
BEGAN = datetime(2026, 11, 21, 2, 47, tzinfo=UTC)
NOW = BEGAN + timedelta(minutes=2)
MINUTE = timedelta(minutes=1)
PAST = [43 * 60.0, 20 * 60.0, 60 * 60.0, 43 * 60.0]


def test_what_a_person_says_comes_first() -> None:
    """A person's word stands before everything else, even when it is only a text."""
    found = expected(began=BEGAN, now=NOW, said=(None, "tomorrow"), maintenance_ends=NOW + MINUTE, past=PAST)
    assert (found.source, found.at, found.text) == (Source.PERSON, None, "tomorrow")


def test_then_planned_maintenance() -> None:
    """The end of a maintenance that goes on comes before the past."""
    found = expected(began=BEGAN, now=NOW, maintenance_ends=NOW + 30 * MINUTE, past=PAST)
    assert (found.source, found.at) == (Source.MAINTENANCE, NOW + 30 * MINUTE)


def test_then_the_median_with_its_spread() -> None:
    """The median of past outages, with the middle half and their number."""
    found = expected(began=BEGAN, now=NOW, past=PAST, tests=[NextTest(NOW)])
    assert (found.source, found.n) == (Source.PAST, 4)
    assert found.at == BEGAN + 43 * MINUTE
    assert (found.low, found.high) == (37.25 * 60, 47.25 * 60)


def test_shorter_outages_say_nothing_about_a_longer_one() -> None:
    """When this one has lasted longer than some, only the longer ones count; of fewer than three nothing is made."""
    after = BEGAN + 30 * MINUTE
    found = expected(began=BEGAN, now=after, past=PAST)
    assert (found.source, found.n) == (Source.PAST, 3)
    assert expected(began=BEGAN, now=BEGAN + 50 * MINUTE, past=PAST).source is Source.UNKNOWN


def test_then_the_next_test() -> None:
    """The last of what has to be asked, with as many good answers as are needed."""
    tests = [NextTest(NOW + MINUTE), NextTest(NOW, needed=3, interval=60)]
    found = expected(began=BEGAN, now=NOW, past=PAST[:2], tests=tests)
    assert (found.source, found.at) == (Source.TEST, NOW + 2 * MINUTE)


def test_else_nobody_knows() -> None:
    """Without anything to go by, nothing is made up."""
    assert expected(began=BEGAN, now=NOW) == Expected(Source.UNKNOWN)


@given(st.lists(st.floats(1, 1e6), max_size=20), st.floats(0, 1e6))
def test_the_past_never_says_a_past_moment(past: list[float], age: float) -> None:
    """What is expected by the past lies ahead, and its middle half is around it."""
    now = BEGAN + timedelta(seconds=age)
    found = expected(began=BEGAN, now=now, past=past)
    if found.source is Source.PAST:
        assert found.at is not None
        assert found.at > now
        assert not found.overdue(now)
        assert (found.low or 0) <= (found.median or 0) <= (found.high or 0)


def test_overdue() -> None:
    """A moment that has passed is overdue; no moment never is."""
    assert Expected(Source.PERSON, NOW).overdue(NOW + MINUTE)
    assert not Expected(Source.PERSON, NOW).overdue(NOW)
    assert not Expected(Source.PERSON, None, "soon").overdue(NOW)


@given(st.lists(st.floats(0, 1e6), min_size=1, max_size=30))
def test_quartiles(values: list[float]) -> None:
    """They are within the values, in order."""
    low, high = quartiles(values)
    assert min(values) - 1e-6 <= low <= high + 1e-6
    assert high <= max(values) + 1e-6

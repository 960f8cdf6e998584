"""The seconds of each state, and the share that counts."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resilience.health.core.availability import Seconds, added, floor, seconds, stretches, without
from resilience.health.core.states import State

pytestmark = pytest.mark.plain
START = datetime(2026, 11, 21, 12, tzinfo=UTC)
END = START + timedelta(hours=1)
MOMENTS = st.integers(-3_600, 7_200).map(lambda s: START + timedelta(seconds=s))
FLIPS = st.lists(st.tuples(MOMENTS, st.sampled_from(State)), max_size=8)


@given(st.sampled_from(State), FLIPS)
def test_every_moment_is_in_one_state(first: State, flips: list[tuple[datetime, State]]) -> None:
    """The stretches follow each other from start to end, however the flips lie."""
    found = stretches(START, END, first, flips)
    assert found[0].start == START
    assert found[-1].end == END
    assert all(one.end == after.start for one, after in pairwise(found))


@given(st.sampled_from(State), FLIPS)
def test_seconds_are_the_hour_without_what_is_not_known(first: State, flips: list[tuple[datetime, State]]) -> None:
    """What is missing to the hour is no data."""
    found = stretches(START, END, first, flips)
    unknown = sum(one.seconds for one in found if one.state is State.NONE)
    total = seconds(found)
    assert total.known + total.maintenance + unknown == pytest.approx(3_600)


@given(st.floats(0, 1e6), st.floats(0, 1e6), st.floats(0, 1e6), st.floats(0, 1e6))
def test_the_share(up: float, slow: float, down: float, maintenance: float) -> None:
    """Up and slow count as answering; maintenance is in neither side; no data is no share."""
    spent = Seconds(up, slow, down, maintenance)
    assert (spent.share is None) is (up + slow + down == 0)
    assert spent.share is None or 0 <= spent.share <= 1
    assert Seconds(up, slow, down).share == spent.share


def test_a_flip_that_began_earlier() -> None:
    """A change that is told later, but began before the one in front of it, takes the time from its beginning on."""
    flips = [(START + timedelta(minutes=30), State.SLOW), (START + timedelta(minutes=20), State.DOWN)]
    found = seconds(stretches(START, END, State.UP, flips))
    assert (found.up, found.slow, found.down) == (1_200, 0, 2_400)


def test_gaps() -> None:
    """In a gap nothing is known, but what was planned."""
    minute = timedelta(minutes=1)
    planned = [(START + 20 * minute, State.MAINTENANCE), (START + 30 * minute, State.UP)]
    found = without(stretches(START, END, State.UP, planned), [(START + 10 * minute, START + 40 * minute)])
    spent = seconds(found)
    assert (spent.up, spent.maintenance, spent.known) == (1_800, 600, 1_800)


@given(st.lists(st.builds(Seconds, *[st.floats(0, 3_600)] * 4), max_size=10))
def test_days_are_the_sum_of_hours(hours: list[Seconds]) -> None:
    """Adding up leaves nothing out."""
    assert added(hours).known == pytest.approx(sum(hour.known for hour in hours))


@given(MOMENTS, st.sampled_from([60, 3_600, 86_400]))
def test_floor(at: datetime, size: int) -> None:
    """The beginning is before the moment by less than the size, and is a whole one."""
    begin = floor(at, size)
    assert timedelta(0) <= at - begin < timedelta(seconds=size)
    assert begin.timestamp() % size == 0

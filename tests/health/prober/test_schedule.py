"""When probes are due: in a fixed rhythm, spread evenly, never twice in one interval, and never made up for."""

from collections import Counter
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resilience.health.core.schedule import SHORTEST, Schedule, next_due, phase, run_seconds

pytestmark = pytest.mark.plain

ids = st.integers(1, 10**12)
intervals = st.floats(5, 86_400)
moments = st.floats(0, 2e9)


@given(ids, intervals, moments)
def test_the_next_moment_is_later_by_no_more_than_an_interval(probe_id: int, interval: float, after: float) -> None:
    """It is later, by an interval at most, and it lies in the probe's rhythm."""
    due = next_due(probe_id, interval, after)
    assert after < due <= after + interval * 1.001
    beats = (due - phase(probe_id, interval)) / interval
    assert abs(beats - round(beats)) < 1e-3


@given(ids, intervals)
def test_the_phase_is_fixed_and_within_the_interval(probe_id: int, interval: float) -> None:
    """A prober that takes over goes on in the same rhythm."""
    assert 0 <= phase(probe_id, interval) < interval
    assert phase(probe_id, interval) == phase(probe_id, interval)


def test_a_thousand_probes_are_spread_evenly() -> None:
    """No tenth of the interval has more than its share of a thousand neighbouring ids."""
    tenths = Counter(int(phase(number, 10.0)) for number in range(5_000, 6_000))
    assert set(tenths) == set(range(10))
    assert max(tenths.values()) <= 105


@given(st.floats(0.1, 300), intervals, st.none() | st.floats(0.1, 120))
def test_a_run_is_over_before_the_next(timeout: float, interval: float, bound: float | None) -> None:
    """It takes no longer than its timeout, its upstream's, and 0.8 of its interval."""
    seconds = run_seconds(timeout, interval, bound)
    assert seconds <= timeout
    assert seconds <= 0.8 * interval
    assert bound is None or seconds <= bound


@given(st.lists(st.tuples(st.integers(1, 50), st.floats(5, 60)), min_size=1, max_size=30), st.floats(1, 300))
def test_everything_runs_once_an_interval(probes: list[tuple[int, float]], span: float) -> None:
    """Over a span each probe runs as often as its interval fits, give or take one, whatever else is scheduled."""
    schedule, wanted = Schedule(), dict(probes)
    for probe_id, interval in probes:
        schedule.put(probe_id, interval, 1_000.0)
    runs: dict[int, list[float]] = {probe_id: [] for probe_id in wanted}
    while (at := schedule.next_at()) is not None and at <= 1_000.0 + span:
        found = schedule.pop(at)
        assert found is not None
        assert found[1] == 0
        runs[found[0]].append(at)
    for probe_id, interval in wanted.items():
        assert abs(len(runs[probe_id]) - span / interval) <= 1
        gaps = [later - earlier for earlier, later in pairwise(runs[probe_id])]
        assert all(abs(gap - interval) < 1e-3 for gap in gaps)


def test_moments_that_passed_are_left_out() -> None:
    """After a standstill a probe runs once, and the moments in between are told."""
    schedule = Schedule()
    schedule.put(1, 10.0, 0.0)
    due = schedule.next_at()
    assert due is not None
    assert schedule.pop(due + 35.0) == (1, 3)
    assert schedule.pop(due + 35.0) is None


def test_a_first_run_at_once_does_not_double_the_next() -> None:
    """A new probe runs at once and joins its rhythm no sooner than a part of its interval later."""
    schedule = Schedule()
    just_before = next_due(7, 10.0, 100.0) - 0.001
    schedule.put(7, 10.0, just_before, first_in=0.0)
    assert schedule.pop(just_before) == (7, 0)
    following = schedule.next_at()
    assert following is not None
    assert following - just_before >= SHORTEST * 10.0


def test_what_is_dropped_or_replaced_does_not_run() -> None:
    """A probe that is gone is not due, and one whose interval changed is due by the new one only."""
    schedule = Schedule()
    schedule.put(1, 10.0, 0.0)
    schedule.put(2, 10.0, 0.0)
    schedule.drop(1)
    schedule.put(2, 1_000.0, 0.0)
    assert 1 not in schedule
    assert len(schedule) == 1
    assert schedule.next_at() == next_due(2, 1_000.0, 0.0)

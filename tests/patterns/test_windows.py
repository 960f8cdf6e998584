"""Windows hold exactly the calls they should, at a cost that does not depend on how many those are."""

import sys
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resilience.patterns.steady import Steady, steady
from resilience.patterns.windows import FAILED, SLOW, CountWindow, TimeWindow
from tests.patterns.clock import Clock

pytestmark = pytest.mark.plain

calls = st.lists(st.tuples(st.booleans(), st.booleans()), max_size=60)


def totals(window: CountWindow | TimeWindow) -> tuple[int, int, int, int]:
    """Calls, failures, slow calls and calls ever."""
    return window.calls, window.failures, window.slow, window.seen


@given(size=st.integers(1, 12), calls=calls)
def test_a_count_window_holds_the_last_calls(size: int, calls: list[tuple[bool, bool]]) -> None:
    """After each call the totals are those of the last `size` of a plain list."""
    window = CountWindow(size)
    for number, (failed, slow) in enumerate(calls, 1):
        window.record(failed, slow)
        window.settle(0.0)
        last = calls[max(0, number - size) : number]
        assert totals(window) == (len(last), sum(f for f, _ in last), sum(s for _, s in last), number)


@given(
    seconds=st.sampled_from([1.0, 10.0, 60.0]),
    buckets=st.sampled_from([1, 4, 10]),
    steps=st.lists(st.tuples(st.integers(0, 48), st.booleans(), st.booleans()), max_size=40),
    last=st.integers(0, 80),
)
def test_a_time_window_holds_the_calls_of_its_span(
    seconds: float, buckets: int, steps: list[tuple[int, bool, bool]], last: int
) -> None:
    """At record and at read the totals are those of a plain list, of which the last `buckets` slices of time count."""
    window = TimeWindow(seconds, buckets)
    slices, kept = 0, []
    width = seconds / buckets

    def check() -> None:
        inside = [(f, s) for at, f, s in kept if at // 4 > slices // 4 - buckets]
        assert totals(window) == (len(inside), sum(f for f, _ in inside), sum(s for _, s in inside), len(kept))

    for step, failed, slow in steps:
        slices += step
        window.record(failed, slow, slices * width / 4 + width / 8)
        kept.append((slices, failed, slow))
        check()
    slices += last
    window.settle(slices * width / 4 + width / 8)
    check()


def test_the_edge_of_a_bucket_belongs_to_the_next_one() -> None:
    """A call counts for ten buckets, and is gone at the very moment at which the tenth one ends."""
    window = TimeWindow(10.0)
    window.push(FAILED + SLOW, 1.0)
    window.settle(10.999)
    assert totals(window) == (1, 1, 1, 1)
    window.settle(11.0)
    assert totals(window) == (0, 0, 0, 1)
    window.push(FAILED, 12.0)
    window.push(SLOW, 22.0)
    assert totals(window) == (1, 0, 1, 3), "to record at that moment forgets as well"
    window.push(FAILED, 23.0)
    window.settle(32.0)
    assert totals(window) == (1, 1, 0, 4), "each of the two had a bucket of its own"


def test_after_an_idle_hour_nothing_old_is_left() -> None:
    """Where one bucket is given up per record, a 5 s window still holds 40 failures an hour later (cockatiel)."""
    window = TimeWindow(5.0)
    for number in range(40):
        window.record(True, False, number / 8)
    assert window.failures == 40
    window.record(False, False, 3605.0)
    assert totals(window) == (1, 0, 0, 41)


def test_a_step_back_is_no_step() -> None:
    """What comes with an older time counts in the bucket that is open, and nothing is thrown away."""
    window = TimeWindow(10.0)
    window.record(True, False, 100.0)
    window.record(True, True, 3.0)
    window.settle(2.0)
    assert totals(window) == (2, 2, 1, 2)
    window.settle(109.9)
    assert totals(window) == (2, 2, 1, 2)
    window.settle(110.0)
    assert totals(window) == (0, 0, 0, 2)


def test_a_leap_far_ahead_empties_it_and_takes_no_longer_than_a_short_one() -> None:
    """A clock that jumps by a million years costs ten turns, not one for each bucket in between."""
    window = TimeWindow(1.0)
    window.record(True, False, 0.0)
    window.record(False, True, 3e13)
    assert totals(window) == (1, 0, 1, 2)


def test_a_moment_that_rounds_to_the_wrong_side_of_an_edge_does_no_harm() -> None:
    """Where a bucket's computed end lies a rounding below its next beginning, the call goes into the open bucket."""
    window = TimeWindow(1.1, 10)
    width = 1.1 / 10
    for tick in range(1, 400):
        window.record(True, False, tick * width)
        assert 9 <= window.failures <= 11 or tick < 11


def test_a_window_costs_one_byte_a_call() -> None:
    """A window of 100,000 calls is no reason to think twice."""
    window = CountWindow(100_000)
    assert sys.getsizeof(window._ring) < 101_000


def test_a_clock_that_steps_back_is_taken_to_stand_still() -> None:
    """10, 20, 5, 6 reads 10, 20, 20, 21: what was lost is never given back."""
    clock = Clock(10.0)
    even = Steady(clock)
    readings = []
    for now in (10.0, 20.0, 5.0, 6.0, 1.0, 2.5):
        clock.now = now
        readings.append(even())
    assert readings == [10.0, 20.0, 20.0, 21.0, 21.0, 22.5]


def test_a_clock_that_is_known_to_be_steady_is_read_as_it_is() -> None:
    """Only a clock that may step back pays for being watched, and only once."""
    assert steady(time.monotonic) is time.monotonic
    assert steady(time.perf_counter) is time.perf_counter
    watched = steady(time.time)
    assert isinstance(watched, Steady)
    assert steady(watched) is watched


def test_a_steady_clock_gets_a_new_lock_in_a_child() -> None:
    """As all locks do."""
    even = Steady(Clock())
    old = even._lock
    even._after_fork()
    assert even._lock is not old
    assert even() == 1000.0

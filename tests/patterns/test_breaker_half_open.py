"""Half open: so many at a time and no more, a place for each that comes back, and one that never does blocks nothing."""

import gc
import weakref

import pytest

from resilience.patterns.breaker import BreakerConfig, CircuitBreaker, Permit
from resilience.patterns.errors import CircuitOpenError
from resilience.patterns.typing import State, Verdict
from tests.patterns.breakers import Down, breaker, changes, ended, fail, half_open, opened, succeed
from tests.patterns.clock import Clock

pytestmark = pytest.mark.plain

FAILURE, SUCCESS, IGNORED = Verdict.FAILURE, Verdict.SUCCESS, Verdict.IGNORED


def test_it_refuses_until_exactly_the_reset_timeout_and_says_for_how_long() -> None:
    """The error carries the breaker's name, the seconds left and the reason; reading the state changes nothing."""
    clock = Clock()
    one = opened(clock, reset_timeout=30)
    clock.advance(10)
    with pytest.raises(CircuitOpenError) as caught:
        one.call(int)
    assert (caught.value.name, caught.value.retry_after, caught.value.reason) == ("maps", 20, "consecutive-failures")
    with pytest.raises(CircuitOpenError) as caught:
        one.admit()
    assert (caught.value.name, caught.value.retry_after, one.is_open, one.retry_after) == ("maps", 20, True, 20)
    clock.advance(19.5)
    assert one.is_open
    clock.advance(0.5)
    assert (one.state, one.is_open, one.retry_after) == (State.OPEN, False, 0.0)
    heard = changes(one)
    assert one.call(int) == 0
    assert one.state is State.HALF_OPEN
    assert [(change.previous, change.current, change.reason) for change in heard] == [
        (State.OPEN, State.HALF_OPEN, "reset-timeout")
    ]
    assert one.totals().rejected == 2


def test_a_refused_call_leaves_no_garbage() -> None:
    """The error is tied to nothing that only the garbage collector could free: an open breaker must not cost memory."""
    one = opened(Clock())
    gc.collect()
    gc.disable()
    try:
        with pytest.raises(CircuitOpenError) as caught:
            one.call(int)
        gone = weakref.ref(caught.value)
        del caught
        assert gone() is None
    finally:
        gc.enable()


def test_so_many_successes_close_it_with_an_empty_window() -> None:
    """What happened before the break is forgotten."""
    clock = Clock()
    one = half_open(clock, success_threshold=3)
    heard = changes(one)
    succeed(one, 2)
    assert (one.state, one.snapshot().successes) == (State.HALF_OPEN, 2)
    succeed(one)
    assert one.state is State.CLOSED
    assert [(change.current, change.reason, change.snapshot.successes) for change in heard] == [
        (State.CLOSED, "half-open-succeeded", 3)
    ]
    now = one.snapshot()
    assert (now.calls, now.failures, now.consecutive_failures, now.successes, now.openings) == (0, 0, 0, 0, 1)
    fail(one, 4)
    assert one.state is State.CLOSED


def test_after_closing_the_failures_of_before_do_not_open_it_again() -> None:
    """Also the ones that are counted by the second."""
    clock = Clock()
    one = half_open(clock, failures_in_window=5, window_seconds=3600, success_threshold=1)
    succeed(one)
    fail(one, 4)
    assert one.state is State.CLOSED
    fail(one)
    assert one.state is State.OPEN


def test_one_failure_opens_it_again_for_as_long() -> None:
    """And the successes of that phase are forgotten."""
    clock = Clock()
    one = half_open(clock, reset_timeout=30)
    succeed(one, 2)
    heard = changes(one)
    with pytest.raises(ZeroDivisionError):
        one.call(divmod, 1, 0)
    assert (one.state, one.retry_after, heard[0].reason) == (State.OPEN, 30, "half-open-failed")
    clock.advance(30)
    succeed(one, 2)
    assert one.state is State.HALF_OPEN
    assert one.snapshot().openings == 2


def test_each_opening_in_a_row_lasts_longer_if_asked_for() -> None:
    """10, 20, 40, 50, 50 seconds; closing makes the next one short again."""
    clock = Clock()
    one = opened(clock, reset_timeout=10, reset_timeout_factor=2, reset_timeout_max=50, success_threshold=1)
    waits = [one.retry_after]
    for _ in range(4):
        clock.advance(one.retry_after or 0)
        fail(one)
        waits.append(one.retry_after)
    assert waits == [10, 20, 40, 50, 50]
    clock.advance(50)
    succeed(one)
    assert one.state is State.CLOSED
    fail(one, 5)
    assert one.retry_after == 10


def test_no_more_than_so_many_at_a_time() -> None:
    """Others are refused at once, and told when a place is free at the latest; a place that comes back is given anew."""
    clock = Clock()
    one = opened(clock, half_open_max_calls=2, half_open_lease=45, success_threshold=9)
    clock.advance(60)
    first = one.admit()
    assert (first.half_open, first.generation, first.started, first.deadline) == (True, one.generation, 1060, 1105)
    assert not one.is_open
    clock.advance(5)
    second = one.admit()
    assert (one.snapshot().half_open_in_use, one.is_open, one.retry_after) == (2, True, 40)
    with pytest.raises(CircuitOpenError) as caught:
        one.call(int)
    assert (caught.value.name, caught.value.retry_after, caught.value.reason) == ("maps", 40, "half-open-full")
    first.done(SUCCESS)
    assert (one.snapshot().half_open_in_use, one.retry_after) == (1, 0.0)
    third = one.admit()
    second.done(SUCCESS)
    third.done(SUCCESS)
    assert (one.state, one.snapshot().successes, one.snapshot().half_open_in_use) == (State.HALF_OPEN, 3, 0)
    assert one.totals().rejected == 1


@pytest.mark.parametrize("error", [KeyboardInterrupt(), GeneratorExit(), LookupError()], ids=repr)
def test_one_that_was_interrupted_gives_its_place_back_and_decides_nothing(error: BaseException) -> None:
    """Polly closes on a cancelled trial; in resilience4j the place is lost."""
    clock = Clock()
    one = half_open(clock, half_open_max_calls=1, ignored_errors=(LookupError,))

    def interrupted() -> None:
        raise error

    for _ in range(5):
        with pytest.raises(type(error)):
            one.call(interrupted)
    assert (one.state, one.snapshot().half_open_in_use, one.snapshot().successes) == (State.HALF_OPEN, 0, 0)


def test_one_that_never_comes_back_blocks_nothing_beyond_its_lease() -> None:
    """Its place goes to the next who asks. interlock waits for it for ever."""
    clock = Clock()
    one = opened(clock, half_open_max_calls=1, half_open_lease=30, success_threshold=1)
    clock.advance(60)
    hung = one.admit()
    clock.advance(29.5)
    assert (one.is_open, one.retry_after) == (True, 0.5)
    clock.advance(0.5)
    assert (one.is_open, one.retry_after, one.snapshot().half_open_in_use) == (False, 0.0, 0)
    other = one.admit()
    assert one.snapshot().half_open_in_use == 1
    other.done(SUCCESS)
    assert one.state is State.CLOSED
    hung.done(FAILURE, error=Down("at last"))
    assert (one.state, one.totals().late) == (State.CLOSED, 1)


@pytest.mark.parametrize(("verdict", "state"), [(SUCCESS, State.CLOSED), (FAILURE, State.OPEN)])
def test_a_late_one_is_heard_though_another_has_its_place(verdict: Verdict, state: State) -> None:
    """Otherwise, with more callers than places, calls that take longer than the lease would all count for nothing."""
    clock = Clock()
    one = opened(clock, half_open_max_calls=1, half_open_lease=30, success_threshold=2)
    clock.advance(60)
    calls = []
    for _ in range(3):
        calls.append(one.admit())
        clock.advance(30)
    calls[0].done(SUCCESS)
    assert (one.state, one.snapshot().successes, len(one._leases)) == (State.HALF_OPEN, 1, 1)
    calls[1].done(verdict)
    assert (one.state, one.totals().late) == (state, 0)
    calls[2].done(FAILURE)
    assert (one.state, one.totals().late) == (state, 1)


def test_a_late_one_is_heard_as_long_as_nobody_needed_its_place() -> None:
    """Otherwise a breaker whose calls all take longer than the lease would never close."""
    clock = Clock()
    one = opened(clock, half_open_max_calls=1, half_open_lease=30, success_threshold=1)
    clock.advance(60)
    slow = one.admit()
    clock.advance(300)
    slow.done(SUCCESS)
    assert one.state is State.CLOSED


def test_the_place_of_the_oldest_is_taken_first() -> None:
    """And only one is taken for each who asks."""
    clock = Clock()
    one = opened(clock, half_open_max_calls=2, half_open_lease=30, success_threshold=1)
    clock.advance(60)
    one.admit()
    clock.advance(10)
    young = one.admit()
    clock.advance(30)
    third = one.admit()
    assert one._leases == [young, third]


def test_what_was_let_through_while_closed_decides_nothing_later() -> None:
    """Elsewhere a call from before the break closes it, or opens it again, or pushes its wait out (pyresilience)."""
    clock = Clock()
    one = breaker(clock, success_threshold=1)
    before = [one.admit() for _ in range(4)]
    fail(one, 5)
    clock.advance(10)
    before[0].done(FAILURE, error=Down("late"))
    assert (one.state, one.retry_after, one.snapshot().failures) == (State.OPEN, 50, 5)
    clock.advance(50)
    trial = one.admit()
    before[1].done(SUCCESS)
    before[2].done(FAILURE)
    assert (one.state, one.snapshot().successes) == (State.HALF_OPEN, 0)
    trial.done(SUCCESS)
    assert one.state is State.CLOSED
    before[3].done(FAILURE)
    assert one.snapshot().calls == 0
    totals = one.totals()
    assert (totals.late, totals.successes, totals.failures) == (4, 2, 8)
    assert len(one.recent()) == 10


def test_a_good_call_that_ends_after_the_breaker_opened_counts_in_the_totals_only() -> None:
    """The short path looks at the generation as well."""
    clock = Clock()
    one = breaker(clock)

    def meanwhile() -> None:
        fail(one, 5)

    one.call(meanwhile)
    assert (one.state, one.snapshot().consecutive_failures, one.snapshot().calls) == (State.OPEN, 5, 5)
    assert (one.totals().successes, one.totals().late) == (1, 1)
    assert one.recent()[-1] == (clock.now, 0.0, SUCCESS)
    one.reset()
    one.call(meanwhile)
    assert (one.totals().successes, one.totals().late) == (2, 2)

    def closes() -> None:
        one.reset()
        raise LookupError

    with pytest.raises(LookupError):
        breaker(ignored_errors=(LookupError,)).call(closes)


def test_an_ignored_call_that_ends_late_is_no_success() -> None:
    """It is counted as ignored, and once."""
    one = breaker()
    permit = one.admit()
    one.reset()
    permit.done(IGNORED)
    totals = one.totals()
    assert (totals.ignored, totals.successes, totals.failures, totals.late) == (1, 0, 0, 1)


def test_a_half_open_call_of_an_earlier_phase_decides_nothing() -> None:
    """Nor does it take a place from the phase that runs now."""
    clock = Clock()
    one = opened(clock, success_threshold=1, half_open_max_calls=2)
    clock.advance(60)
    old = one.admit()
    one.admit().done(FAILURE)
    clock.advance(60)
    new = one.admit()
    old.done(SUCCESS)
    assert (one.state, one.snapshot().half_open_in_use) == (State.HALF_OPEN, 1)
    new.done(SUCCESS)
    assert one.state is State.CLOSED


def test_a_permit_is_heard_once() -> None:
    """Whoever ends it twice by mistake changes nothing."""
    one = breaker(failure_threshold=2)
    permit = one.admit()
    assert not permit.half_open
    permit.done(FAILURE)
    permit.done(FAILURE)
    assert (one.state, one.totals().failures) == (State.CLOSED, 1)


def test_a_permit_measures_from_when_it_was_given_unless_told_otherwise() -> None:
    """Half open as well."""
    clock = Clock()
    one = breaker(clock, failure_threshold=1)
    permit = one.admit()
    clock.advance(3)
    permit.done(SUCCESS)
    one.admit().done(FAILURE, 7.0)
    clock.advance(60)
    trial = one.admit()
    clock.advance(2)
    trial.done(SUCCESS)
    one.admit().done(SUCCESS, 0.0)
    assert [call.duration for call in one.recent()] == [3.0, 7.0, 2.0, 0.0]


def test_a_slow_trial_opens_it_again_where_slow_calls_can_open_it() -> None:
    """Closing on a call that is as slow as those that opened it would be no cure."""
    for rate, state in ((0.5, State.OPEN), (None, State.CLOSED)):
        clock = Clock()
        one = half_open(clock, slow_call_duration=2.0, slow_call_rate_threshold=rate, success_threshold=1)
        one.call(clock.advance, 2.0)
        assert one.state is state
        assert (one.totals().slow, one.totals().failures) == (1, 5)


def test_an_interrupted_slow_trial_is_still_only_interrupted() -> None:
    """It gives its place back, however long it took."""
    clock = Clock()
    one = half_open(clock, slow_call_duration=2.0, slow_call_rate_threshold=0.5)
    permit = one.admit()
    clock.advance(10)
    permit.done(IGNORED)
    assert one.state is State.HALF_OPEN


def test_a_trial_that_took_too_long_is_a_failure() -> None:
    """call_timeout holds while half open, too, and the listener hears why."""
    clock = Clock()
    one = half_open(clock, call_timeout=2.0)
    heard = ended(one)
    one.call(clock.advance, 2.0)
    assert one.state is State.OPEN
    assert [(done.verdict, type(done.error).__name__) for done in heard] == [("failure", "DeadlineExceeded")]
    assert one.recent_errors()[-1].code == "TIMEOUT"


def test_outcomes_told_by_hand_move_it_as_calls_do() -> None:
    """A host that only asks `is_open` and tells how it went: refused while open, and a trial once the wait is over."""
    clock = Clock()
    one = opened(clock, success_threshold=2, half_open_max_calls=1)
    one.record_success()
    assert one.state is State.OPEN
    clock.advance(60)
    assert not one.is_open
    one.record_success()
    assert (one.state, one.snapshot().successes) == (State.HALF_OPEN, 1)
    taken = one.admit()
    one.record_success()
    assert one.snapshot().successes == 1, "there was no place for it"
    taken.done(IGNORED)
    one.record_success()
    assert one.state is State.CLOSED
    fail(one, 5)
    clock.advance(60)
    one.record_failure(Down("still"))
    assert (one.state, one.retry_after, one.recent_errors()[-1].text) == (State.OPEN, 60, "still")
    totals = one.totals()
    assert (totals.successes, totals.failures, totals.late) == (4, 11, 2)


def test_while_it_is_open_nobody_asks_for_a_place() -> None:
    """For a breaker whose places are in a database that would be a query for each refused call."""
    asked = []

    class Asking(CircuitBreaker):
        def _try_half_open(self) -> Permit | None:
            asked.append(1)
            return super()._try_half_open()

    clock = Clock()
    one = Asking("maps", clock=clock)
    fail(one, 5)
    clock.advance(59)
    one.record_success()
    one.record_failure()
    with pytest.raises(CircuitOpenError):
        one.call(int)
    assert asked == []
    clock.advance(1)
    one.record_success(duration=4.0)
    assert asked == [1]
    one.disable()
    one.call(int)
    one.record_success()
    assert asked == [1], "nor while it is disabled"
    one.record_success(duration=4.0)
    assert one.recent()[-1].duration == 4.0


def test_a_half_open_call_gets_its_arguments_and_its_listeners_the_error() -> None:
    """As a call that is let through while closed does."""
    one = half_open(Clock())
    heard = ended(one)
    assert one.call(dict, a=1) == {"a": 1}
    error = Down("no")

    def down() -> None:
        raise error

    with pytest.raises(Down):
        one.call(down)
    assert [done.error for done in heard] == [None, error]
    assert one.recent_errors()[-1].text == "no"


def test_a_half_open_call_is_kept_as_others_are() -> None:
    """With its moment, its duration and, if it failed, its error; what its result says decides."""
    clock = Clock()
    one = half_open(clock, is_failure_result=lambda result: result == 1, success_threshold=9)
    heard = ended(one)
    permit = one.admit()
    clock.advance(2)
    permit.done(SUCCESS, error=Down("only a note"))
    assert one.call(int) == 0
    assert len(one.recent_errors()) == 5
    assert {error.at for error in one.recent_errors()} == {1000.0}
    permit = one.admit()
    permit.done(FAILURE, 3.0, Down("no"))
    assert one.recent_errors()[-1] == (1062.0, "Down", "", "no")
    assert [(call.at, call.duration) for call in one.recent()[-3:]] == [(1062.0, 2.0), (1062.0, 0.0), (1062.0, 3.0)]
    assert [done.duration for done in heard] == [2.0, 0.0, 3.0]
    one = half_open(clock, is_failure_result=lambda result: result == 1)
    assert one.call(int, 1) == 1
    assert one.state is State.OPEN


def test_a_clock_that_steps_back_or_leaps_ahead_is_harmless() -> None:
    """A step back neither lengthens the wait nor makes a call's duration negative; a leap ahead only ends waits."""
    clock = Clock()
    one = opened(clock, reset_timeout=60, success_threshold=1)
    clock.advance(30)
    assert one.retry_after == 30
    clock.advance(-10_000)
    assert one.retry_after == 30
    clock.advance(30)
    assert one.retry_after == 0.0
    one.call(clock.advance, -500)
    assert one.state is State.CLOSED
    assert one.recent()[-1].duration == 0.0
    fail(one, 5)
    clock.advance(1e12)
    assert not one.is_open
    succeed(one)
    assert one.state is State.CLOSED


def test_a_breaker_that_closed_in_the_meantime_gives_an_ordinary_permit() -> None:
    """Between the look at the clock and the lock another thread may have closed it, or opened it again."""
    clock = Clock()
    one = breaker(clock)
    permit = one._try_half_open()
    assert permit is not None
    assert not permit.half_open
    assert (permit.generation, permit.started, permit.breaker) == (one.generation, 1000.0, one)
    fail(one, 5)
    assert one._try_half_open() is None
    one.reset()
    assert not one._enter(0.0).half_open


class Overtaken(CircuitBreaker):
    """Somebody resets it, or takes it over, just between the end of a call and what that end decided."""

    def _trip(self, reason: str, generation: int | None = None) -> bool:
        self.reset()
        return super()._trip(reason, generation)

    def _close(self, reason: str, generation: int | None = None) -> bool:
        self._adopt(State.OPEN, remaining=5.0)
        return super()._close(reason, generation)


def test_what_a_call_decided_is_dropped_when_somebody_was_faster() -> None:
    """Whichever way the call ended: the decision belongs to its generation."""
    clock = Clock()
    one = Overtaken("maps", BreakerConfig(failure_threshold=2, success_threshold=1, volume_threshold=2), clock=clock)
    fail(one, 2)
    assert one.state is State.CLOSED
    fail(one)
    succeed(one)
    assert (one.state, one.snapshot().openings) == (State.CLOSED, 0)
    one._adopt(State.HALF_OPEN)
    fail(one)
    assert (one.state, one.snapshot().openings) == (State.CLOSED, 0)
    one._adopt(State.HALF_OPEN)
    succeed(one)
    assert (one.state, one.retry_after) == (State.OPEN, 5.0)


def test_moves_of_another_generation_are_refused() -> None:
    """Who decided by what was true then changes nothing now."""
    clock = Clock()
    one = breaker(clock)
    old = one.generation
    assert one._trip("failure-rate", old)
    assert not one._trip("failure-rate", one.generation), "it is open already"
    assert not one._close("half-open-succeeded", old)
    assert one._close("half-open-succeeded", one.generation)
    assert not one._close("half-open-succeeded")
    assert not one._trip("failure-rate", old)
    assert one._trip("failure-rate")
    assert one._close("half-open-succeeded")
    assert one.snapshot().openings == 2

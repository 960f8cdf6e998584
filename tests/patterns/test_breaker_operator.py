"""What a person may say over the figures, what can be read, and what listeners are told."""

import logging
import os
import threading
from datetime import UTC, datetime
from typing import Any

import pytest

from resilience.patterns.breaker import CircuitBreaker
from resilience.patterns.errors import CircuitOpenError, ConfigError
from resilience.patterns.machine import BREAKS_KEPT
from resilience.patterns.snapshot import HEALTH_SPAN, health_score
from resilience.patterns.typing import State, Verdict
from tests.patterns.breakers import breaker, changes, fail, half_open, opened, succeed
from tests.patterns.clock import Clock

pytestmark = pytest.mark.plain


def test_forced_open_refuses_until_further_notice() -> None:
    """Nobody knows until when, and callers are told the operator's words."""
    clock = Clock()
    one = breaker(clock)
    heard = changes(one)
    one.force_open("planned work")
    clock.advance(1e9)
    with pytest.raises(CircuitOpenError) as caught:
        one.call(int)
    assert (caught.value.retry_after, caught.value.reason) == (None, "planned work")
    assert (one.state, one.forced, one.is_open, one.retry_after) == (State.OPEN, "open", True, None)
    assert [(change.reason, change.detail, change.forced) for change in heard] == [
        ("forced-open", "planned work", "open")
    ]
    assert (heard[0].name, heard[0].at) == ("maps", 1000.0)
    now = one.snapshot()
    assert (now.forced, now.reason, now.detail, now.retry_after) == ("open", "forced-open", "planned work", None)
    one.force_open()
    with pytest.raises(CircuitOpenError) as caught:
        one.call(int)
    assert caught.value.reason == "forced-open"


def test_forced_open_for_a_while_ends_in_a_trial() -> None:
    """After its time a call is tried as after any opening."""
    clock = Clock()
    one = breaker(clock, success_threshold=1)
    one.force_open("planned work", until=3600)
    assert one.retry_after == 3600
    clock.advance(3599)
    assert (one.is_open, one.forced, one.retry_after) == (True, "open", 1)
    clock.advance(1)
    assert (one.is_open, one.forced, one.snapshot().forced) == (False, None, None)
    succeed(one)
    assert (one.state, one.forced) == (State.CLOSED, None)


def test_forced_closed_goes_on_counting_and_never_opens() -> None:
    """Shadow mode: the figures can be read, and the first call that fails after its time opens it."""
    clock = Clock()
    one = opened(clock)
    heard = changes(one)
    one.force_closed("they say it works", until=100)
    assert (one.state, one.forced, one.is_open) == (State.CLOSED, "closed", False)
    assert (heard[0].reason, heard[0].detail, heard[0].forced) == ("forced-closed", "they say it works", "closed")
    fail(one, 50)
    clock.advance(99)
    fail(one)
    assert (one.state, one.snapshot().failures, one.snapshot().consecutive_failures) == (State.CLOSED, 51, 51)
    clock.advance(1)
    assert one.forced is None
    fail(one)
    assert (one.state, one.forced) == (State.OPEN, None)


def test_forced_closed_without_an_end_holds() -> None:
    """And a trip that comes from elsewhere does not open it either."""
    clock = Clock()
    one = breaker(clock)
    one.force_closed()
    assert one.snapshot().detail == ""
    clock.advance(1e9)
    fail(one, 20)
    assert not one._trip("failure-rate")
    assert (one.state, one.forced) == (State.CLOSED, "closed")
    assert one.call(int) == 0


def test_disabled_lets_all_through_and_keeps_them_out_of_the_window() -> None:
    """The totals go on, for whoever watches."""
    one = breaker()
    fail(one, 2)
    heard = changes(one)
    one.disable("drill")
    fail(one, 20)
    succeed(one)
    one.record_failure()
    assert (one.state, one.forced, one.is_open, one.retry_after) == (State.CLOSED, "disabled", False, 0.0)
    assert (one.snapshot().calls, one.snapshot().failures, one.snapshot().consecutive_failures) == (2, 2, 2)
    assert (one.totals().failures, one.totals().successes) == (23, 1)
    assert [(change.previous, change.current, change.reason, change.forced, change.detail) for change in heard] == [
        (State.CLOSED, State.CLOSED, "disabled", "disabled", "drill")
    ]
    one.reset()
    fail(one, 4)
    assert (one.state, one.forced, one.snapshot().failures) == (State.CLOSED, None, 4)
    assert heard[-1].reason == "reset"


def test_a_permit_of_a_breaker_that_was_disabled_meanwhile_decides_nothing() -> None:
    """Nor does one that was given while it was disabled, once it is not."""
    one = breaker(failure_threshold=1)
    before = one.admit()
    one.disable()
    assert one.snapshot().detail == ""
    during = one.admit()
    assert (during.half_open, during.generation, during.started) == (False, 0, 1000.0)
    before.done(Verdict.FAILURE)
    assert one.state is State.CLOSED
    one.reset()
    during.done(Verdict.FAILURE)
    assert (one.state, one.totals().late) == (State.CLOSED, 2)


def test_reset_closes_it_with_an_empty_window_whatever_it_was() -> None:
    """Also when it was closed: what failed so far is forgotten."""
    clock = Clock()
    for one in (opened(clock, failures_in_window=6), half_open(clock, failures_in_window=6)):
        one.reset()
        now = one.snapshot()
        assert (now.state, now.calls, now.consecutive_failures, now.reason) == (State.CLOSED, 0, 0, "reset")
        assert now.failures_lately == 0
    assert (now.failure_rate, now.slow_rate) == (0.0, 0.0), "of no calls none failed"
    one = breaker(clock)
    fail(one, 4)
    heard = changes(one)
    one.reset()
    fail(one, 4)
    assert one.state is State.CLOSED
    assert heard == [], "it was closed and is closed, which is no change"


@pytest.mark.parametrize("seconds", [-1, float("inf"), float("nan"), "60"])
def test_a_time_that_cannot_be_is_refused(seconds: Any) -> None:
    """And the breaker stays as it was."""
    one = breaker()
    for force in (one.force_open, one.force_closed):
        with pytest.raises(ConfigError) as caught:
            force("x", seconds)
        assert str(caught.value) == f"until must be a number of seconds of at least 0, or None, not {seconds!r}"
    assert one.forced is None


def test_what_is_no_name_and_what_are_no_settings_is_refused() -> None:
    """Where it is written, not at the first call; and the breaker stays as it was."""
    one = breaker()
    config = one.config
    for wrong in (
        lambda: CircuitBreaker(None),  # type: ignore[arg-type]
        lambda: CircuitBreaker("maps", {"failure_threshold": 2}),  # type: ignore[arg-type]
        lambda: one.reconfigure(None),  # type: ignore[arg-type]
        lambda: one.on_state_change(3),  # type: ignore[arg-type]
        lambda: one.on_call(3),  # type: ignore[arg-type]
        lambda: one.force_open(until=datetime.now(UTC)),  # type: ignore[arg-type]
    ):
        with pytest.raises(ConfigError):
            wrong()
    assert (one.config, one.state, one.call(int)) == (config, State.CLOSED, 0)


def test_a_force_of_no_time_is_over_at_once() -> None:
    """Zero seconds is a time that can be."""
    one = breaker()
    one.force_open(until=0)
    assert (one.state, one.is_open, one.forced) == (State.OPEN, False, None)


def test_other_settings_hold_from_the_next_call_on_and_keep_the_window() -> None:
    """Only a window of another shape begins anew."""
    one = breaker(failure_threshold=None)
    fail(one, 4)
    one.reconfigure(one.config.replace(failure_threshold=5, volume_threshold=20))
    assert one.snapshot().calls == 4
    fail(one)
    assert one.state is State.OPEN
    one.reset()
    fail(one, 2)
    one.reconfigure(one.config.replace(window_seconds=5.0))
    assert one.snapshot().calls == 2, "no window of time, no other shape"
    one.reconfigure(one.config.replace(window_size=50))
    assert one.snapshot().calls == 0
    fail(one, 2)
    one.reconfigure(one.config.replace(window="time"))
    assert one.snapshot().calls == 0
    fail(one)
    one.reconfigure(one.config.replace(window_size=77))
    assert one.snapshot().calls == 1, "no window of calls, no other shape"
    one.reconfigure(one.config.replace(window_seconds=50.0))
    assert one.snapshot().calls == 0
    assert one.totals().failures == 4 + 1 + 2 + 2 + 1
    assert one.totals().successes == 0


def test_other_settings_change_what_is_slow_and_what_is_judged() -> None:
    """The short path notices."""
    clock = Clock()
    one = breaker(clock)
    one.call(clock.advance, 5.0)
    one.reconfigure(one.config.replace(slow_call_duration=1.0, is_failure_result=lambda result: result is None))
    one.call(clock.advance, 5.0)
    assert (one.totals().slow, one.totals().failures) == (1, 1)


def test_failures_by_the_second_are_kept_as_far_as_they_fit() -> None:
    """More can be asked for at run time, and fewer, and none."""
    one = breaker(failure_threshold=None, failures_in_window=3)
    fail(one, 2)
    one.reconfigure(one.config.replace(failures_in_window=4))
    fail(one)
    assert (one.state, one.snapshot().failures_lately) == (State.CLOSED, 3)
    one.reconfigure(one.config.replace(failures_in_window=None))
    assert one.snapshot().failures_lately == 0
    one.reconfigure(one.config.replace(failures_in_window=2))
    fail(one)
    assert one.state is State.CLOSED
    one.reconfigure(one.config.replace(failures_in_window=2, window_seconds=100.0))
    fail(one)
    assert one.state is State.OPEN


def test_a_wait_that_runs_is_measured_by_the_new_settings() -> None:
    """Unless a person said how long, or the wait was not touched."""
    clock = Clock()
    one = opened(clock, reset_timeout=60)
    clock.advance(10)
    one.reconfigure(one.config.replace(reset_timeout=20))
    assert one.retry_after == 10
    one.reconfigure(one.config.replace(volume_threshold=7))
    assert one.retry_after == 10
    one.reconfigure(one.config.replace(reset_timeout=5))
    assert one.retry_after == 0.0
    one.force_open(until=1000)
    one.reconfigure(one.config.replace(reset_timeout=1, reset_timeout_factor=2.0))
    assert one.retry_after == 1000
    one.reset()
    one.reconfigure(one.config.replace(reset_timeout=2))
    assert (one.is_open, one.state) == (False, State.CLOSED)


def test_a_wait_that_was_taken_over_keeps_its_end_when_something_else_is_set() -> None:
    """Only reset_timeout and what it grows by touch it."""
    one = breaker()
    one._adopt(State.OPEN, remaining=7.0)
    one.reconfigure(one.config.replace(success_threshold=1))
    assert one.retry_after == 7.0


def test_a_state_that_was_decided_elsewhere_is_taken_over() -> None:
    """With its time left, its words, and a generation above the one it had and at least the one it is given."""
    clock = Clock()
    one = breaker(clock)
    fail(one, 2)
    permit = one.admit()
    heard = changes(one)
    one._adopt(State.OPEN, generation=40, reason="failure-rate", remaining=12.0, detail="by worker 2")
    assert (one.state, one.retry_after, one.generation, one.forced) == (State.OPEN, 12.0, 40, None)
    assert (heard[0].reason, heard[0].detail, heard[0].snapshot.failures) == ("failure-rate", "by worker 2", 2)
    permit.done(Verdict.FAILURE)
    one._adopt(State.HALF_OPEN)
    assert (one.state, one.is_open, one.generation) == (State.HALF_OPEN, False, 41)
    assert (heard[1].reason, heard[1].detail) == ("adopted", "")
    one._adopt(State.CLOSED, generation=3, forced="closed", remaining=50.0)
    assert (one.forced, one.generation, one.snapshot().calls) == ("closed", 42, 0)
    clock.advance(50)
    assert one.forced is None
    one._adopt(State.OPEN, forced="open")
    assert (one.forced, one.retry_after) == ("open", None)
    fresh = breaker(clock)
    fresh._adopt(State.CLOSED)
    fresh.reset()
    assert fresh.generation == 3


def test_a_snapshot_shows_all_of_one_moment() -> None:
    """Every figure that a page needs."""
    clock = Clock(500.0)
    one = breaker(clock, slow_call_duration=1.0, volume_threshold=4)
    one.call(clock.advance, 1.0)
    succeed(one, 2)
    clock.advance(9)
    fail(one, 3)
    for _ in range(3):
        with pytest.raises(CircuitOpenError):
            one.call(int)
    clock.advance(15)
    now = one.snapshot()
    assert (now.name, now.state, now.since, now.generation) == ("maps", State.OPEN, 510.0, 2)
    assert (now.calls, now.failures, now.slow, now.failures_lately) == (6, 3, 1, 0)
    assert (now.failure_rate, now.slow_rate, now.consecutive_failures) == (0.5, 1 / 6, 3)
    assert (now.successes, now.half_open_in_use, now.rejected, now.rejected_since_trip) == (0, 0, 3, 3)
    assert (now.openings, now.retry_after, now.forced, now.reason, now.detail) == (1, 45, None, "failure-rate", "")
    one.reset()
    assert one.snapshot().rejected == 3, "reading the counter does not move it"
    assert (one.snapshot().rejected, one.snapshot().rejected_since_trip, one.totals().rejected) == (3, 0, 3)
    one.force_open()
    with pytest.raises(CircuitOpenError):
        one.call(int)
    assert (one.snapshot().rejected, one.snapshot().rejected_since_trip) == (4, 1)


def test_changes_are_counted_by_where_from_where_to_and_why() -> None:
    """Counters that only grow; a change of what is forced alone is none of them."""
    clock = Clock()
    one = half_open(clock, success_threshold=1)
    fail(one)
    clock.advance(60)
    succeed(one)
    one.force_closed()
    one.reset()
    counted = one.changes()
    assert counted == {
        (State.CLOSED, State.OPEN, "consecutive-failures"): 1,
        (State.OPEN, State.HALF_OPEN, "reset-timeout"): 2,
        (State.HALF_OPEN, State.OPEN, "half-open-failed"): 1,
        (State.HALF_OPEN, State.CLOSED, "half-open-succeeded"): 1,
    }
    counted.clear()
    assert len(one.changes()) == 4


def test_a_new_breaker_has_nothing_to_tell() -> None:
    """Closed since it was made, for no reason but that."""
    now = breaker(Clock(7.0)).snapshot()
    assert (now.state, now.since, now.generation, now.reason, now.detail) == (State.CLOSED, 7.0, 1, "new", "")
    assert (now.calls, now.successes, now.rejected, now.rejected_since_trip, now.openings) == (0, 0, 0, 0, 0)
    assert now.health_score == 100


def test_no_more_breaks_are_kept_than_are_of_use() -> None:
    """A breaker that flaps for a year needs no more memory for it."""
    one = breaker()
    for _ in range(BREAKS_KEPT + 10):
        one.force_open()
        one.reset()
    assert len(one._breaks) == BREAKS_KEPT


@pytest.mark.parametrize(
    ("shares", "score"),
    [
        ((0, 0, 0, 0), 100),
        ((0.25, 0, 0, 0), 75),
        ((0, 0.5, 0, 0), 75),
        ((0, 0, 0.5, 0), 75),
        ((0, 0, 0, 0.5), 75),
        ((0.5, 0.5, 1, 1), 9.4),
        ((1, 0, 0, 0), 0),
    ],
)
def test_the_health_score_is_the_published_formula(shares: tuple[float, ...], score: float) -> None:
    """Four shares, each of which can only lower it; open is at most 25, half open at most 50."""
    failure, slow, rejected, away = shares

    def of(state: State) -> float:
        return health_score(state=state, failure_rate=failure, slow_rate=slow, rejected_share=rejected, away_share=away)

    assert of(State.CLOSED) == score
    assert of(State.HALF_OPEN) == min(score, 50)
    assert of(State.OPEN) == min(score, 25)


def test_a_breaker_knows_its_health() -> None:
    """Failures among too few calls weigh little; refusals and time away count for ten minutes, then are forgotten."""
    clock = Clock()
    one = breaker(clock, success_threshold=1, reset_timeout=60, slow_call_duration=1.0)
    assert one.health_score == 100
    fail(one)
    assert one.health_score == 90, "one of at least ten"
    one.reset()
    one.call(clock.advance, 1.0)
    succeed(one, 19)
    assert one.health_score == 97.5, "one slow of twenty"
    one.reset()
    fail(one, 5)
    assert one.health_score == 25
    for _ in range(3):
        with pytest.raises(CircuitOpenError):
            one.call(int)
    clock.advance(60)
    one.admit().done(Verdict.IGNORED)
    assert one.health_score == pytest.approx(100 * 0.5 * (1 - 3 / 8 / 2) * (1 - 0.1 / 2), abs=0.06)
    succeed(one)
    assert one.health_score == pytest.approx(100 * (1 - 1 / 2) * (1 - 0.1 / 2), abs=0.06)
    succeed(one, 7)
    assert one.health_score == pytest.approx(100 * (1 - 0.3 / 2) * (1 - 0.1 / 2), abs=0.06)
    clock.advance(HEALTH_SPAN - 30)
    assert one.health_score == pytest.approx(100 * (1 - 0.3 / 2) * (1 - 0.05 / 2), abs=0.06)
    clock.advance(30)
    assert one.health_score == 100


def test_each_break_brings_its_own_refusals() -> None:
    """Two breaks with two refusals each are four refusals."""
    one = breaker()
    for _ in range(2):
        one.force_open()
        for _ in range(2):
            with pytest.raises(CircuitOpenError):
                one.call(int)
        one.reset()
    succeed(one, 12)
    assert one.health_score == pytest.approx(100 * (1 - 4 / 16 / 2), abs=0.06)


def test_a_breaker_that_has_been_away_for_an_hour_is_not_worse_than_ten_minutes_away() -> None:
    """The look back has an end."""
    clock = Clock()
    one = breaker(clock)
    one.force_open()
    clock.advance(3600)
    one.reset()
    assert one.health_score == 50


def test_listeners_hear_each_change_once_in_order_also_those_they_cause() -> None:
    """A listener that resets the breaker from within does not make the others hear the end before the beginning."""
    one = breaker(failure_threshold=1)
    heard = []

    def heals(change: object) -> None:
        if one.state is State.OPEN:
            one.reset()

    one.on_state_change(heals)
    leave = one.on_state_change(lambda change: heard.append((change.previous, change.current)))
    fail(one)
    assert heard == [(State.CLOSED, State.OPEN), (State.OPEN, State.CLOSED)]
    leave()
    fail(one)
    assert len(heard) == 2


def test_a_listener_that_raises_harms_neither_the_call_nor_the_breaker(caplog: pytest.LogCaptureFixture) -> None:
    """It is logged; the others hear, and the caller gets its result."""
    one = breaker(failure_threshold=1)
    one.on_state_change(lambda change: 1 // 0)
    one.on_call(lambda done: 1 // 0)
    heard = changes(one)
    assert one.call(int) == 0
    fail(one)
    assert (one.state, len(heard)) == (State.OPEN, 1)
    assert sorted(caplog.messages) == [
        "A listener of the breaker maps raised at a CallDone (unlogged before: 0).",
        "A listener of the breaker maps raised at a StateChange (unlogged before: 0).",
    ]
    assert {record.levelno for record in caplog.records} == {logging.ERROR}


def test_a_listener_that_stops_the_process_does_not_stop_the_news() -> None:
    """What comes after an interrupt is still told."""
    one = breaker()
    leave = one.on_state_change(lambda change: (_ for _ in ()).throw(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        one.force_open()
    leave()
    heard = changes(one)
    one.reset()
    assert [change.reason for change in heard] == ["reset"]


def test_no_lock_is_held_while_anybody_elses_code_runs() -> None:
    """Another thread can read and reset it from within a call, a listener and a predicate."""
    one = breaker(
        failure_threshold=2, is_failure=lambda error: elsewhere(), is_failure_result=lambda result: elsewhere()
    )
    seen = []

    def elsewhere() -> bool:
        thread = threading.Thread(target=lambda: seen.append(one.snapshot().state))
        thread.start()
        thread.join(10)
        return not thread.is_alive()

    one.on_state_change(lambda change: elsewhere())
    one.on_call(lambda done: elsewhere())
    one.call(elsewhere)
    with pytest.raises(ZeroDivisionError):
        one.call(divmod, 1, 0)
    assert len(seen) >= 6


def test_its_own_thread_cannot_lock_itself_out() -> None:
    """A signal handler or a finalizer may come in the middle of counting, and use the breaker."""
    one = breaker()
    with one._lock:
        assert one.call(int) == 0
        one.reset()
        assert one.snapshot().calls == 0


@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
def test_a_forked_child_has_locks_of_its_own() -> None:
    """gunicorn --preload: a thread that holds the lock at the fork does not exist in the child."""
    one = breaker(failure_threshold=1)
    locks = (one._lock, one._delivering)
    one._after_fork()
    assert not {one._lock, one._delivering} & set(locks)
    held, let_go = threading.Event(), threading.Event()

    def hold() -> None:
        with one._lock, one._delivering:
            held.set()
            let_go.wait(10)

    holder = threading.Thread(target=hold)
    holder.start()
    assert held.wait(10)
    child = os.fork()
    if child == 0:  # pragma: no cover - runs where coverage cannot see it
        heard = changes(one)
        fail(one)
        os._exit(0 if one.state is State.OPEN and len(heard) == 1 else 1)
    let_go.set()
    holder.join()
    one.force_open()
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def test_news_that_came_while_another_thread_was_telling_are_told_by_that_one() -> None:
    """Whoever finds another at it goes on with its call at once, and nothing is lost."""
    one = breaker(failure_threshold=1)
    heard: list[State] = []
    telling, go_on = threading.Event(), threading.Event()

    def slow(change: object) -> None:
        telling.set()
        assert go_on.wait(10)

    one.on_state_change(slow)
    one.on_state_change(lambda change: heard.append(change.current))
    first = threading.Thread(target=fail, args=(one,))
    first.start()
    assert telling.wait(10)
    one.reset()
    assert heard == []
    go_on.set()
    first.join(10)
    assert heard == [State.OPEN, State.CLOSED]

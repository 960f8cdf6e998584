"""When a breaker opens: each threshold at exactly its value, and nothing that should not count counts."""

import pytest

from resilience.patterns.breaker import CircuitBreaker
from resilience.patterns.errors import BulkheadFullError, CircuitOpenError, ConfigError, DeadlineExceeded
from resilience.patterns.typing import State, Verdict
from tests.patterns.breakers import Down, breaker, changes, ended, fail, succeed
from tests.patterns.clock import Clock

pytestmark = pytest.mark.plain


def raising(error: BaseException) -> None:
    """Raises it."""
    raise error


def test_so_many_failures_in_a_row_open_it() -> None:
    """At the fifth and not at the sixth (gobreaker: > 5); a success in between begins anew."""
    one = breaker(failure_threshold=5, failure_rate_threshold=None)
    fail(one, 4)
    succeed(one)
    fail(one, 4)
    assert one.snapshot().consecutive_failures == 4
    assert one.state is State.CLOSED
    heard = changes(one)
    fail(one)
    assert one.state is State.OPEN
    assert [(change.previous, change.current, change.reason) for change in heard] == [
        (State.CLOSED, State.OPEN, "consecutive-failures")
    ]


def test_the_call_that_opens_it_raises_its_own_error(caplog: pytest.LogCaptureFixture) -> None:
    """The caller learns what happened to its call, and the log is left alone; pybreaker raises its own error instead."""
    one = breaker(failure_threshold=1)
    error = Down("no")
    with pytest.raises(Down) as caught:
        one.call(raising, error)
    assert caught.value is error
    assert one.state is State.OPEN
    assert caplog.messages == []


def test_the_share_of_failures_opens_it_at_exactly_the_threshold() -> None:
    """One half of the calls is enough for 0.5 (opossum and cockatiel want more), once the volume is there."""
    one = breaker(failure_threshold=None, failure_rate_threshold=0.5, volume_threshold=10)
    for _ in range(4):
        fail(one)
        succeed(one)
    fail(one)
    assert one.state is State.CLOSED
    assert one.snapshot().calls == 9
    heard = changes(one)
    succeed(one)
    assert one.state is State.OPEN, "a success that brings the volume opens it as well"
    assert heard[0].reason == "failure-rate"
    assert (heard[0].snapshot.calls, heard[0].snapshot.failures, heard[0].snapshot.failure_rate) == (10, 5, 0.5)


def test_below_the_threshold_it_stays_closed_for_ever() -> None:
    """Four of ten, again and again."""
    one = breaker(failure_threshold=None, volume_threshold=10, window_size=10)
    for _ in range(30):
        succeed(one, 6)
        fail(one, 4)
    assert one.state is State.CLOSED
    assert one.snapshot().failure_rate == 0.4


@pytest.mark.parametrize("threshold", [n / 100 for n in range(1, 101)])
def test_no_rounding_keeps_a_rate_below_its_threshold(threshold: float) -> None:
    """29 failures among 100 calls are 0.29: a product would be above 29 by a rounding."""
    failures = round(threshold * 100)
    one = breaker(failure_threshold=None, failure_rate_threshold=threshold, volume_threshold=100)
    succeed(one, 100 - failures)
    fail(one, failures - 1)
    assert one.state is State.CLOSED
    fail(one)
    assert one.state is State.OPEN


def test_so_many_failures_within_so_many_seconds_open_it() -> None:
    """Counted exactly: the third failure opens it if the first is less than ten seconds old, however many succeed between."""
    clock = Clock()
    one = breaker(clock, failure_threshold=None, failure_rate_threshold=None, failures_in_window=3, window_seconds=10.0)
    for _ in range(2):
        fail(one)
        succeed(one, 3)
        clock.advance(5.0)
    assert one.snapshot().failures_lately == 1, "the first is ten seconds old, which is out"
    fail(one)
    assert one.state is State.CLOSED
    assert one.snapshot().failures_lately == 2
    clock.advance(4.999)
    heard = changes(one)
    fail(one)
    assert one.state is State.OPEN
    assert heard[0].reason == "failures-in-window"
    assert heard[0].snapshot.failures_lately == 3


def test_a_share_of_slow_calls_opens_it() -> None:
    """A call of exactly the duration is slow, and seven of 24 reach 7/24, though all of them gave a result."""
    clock = Clock()
    one = breaker(clock, slow_call_duration=5.0, slow_call_rate_threshold=7 / 24)
    heard = changes(one)
    for seconds in [5.0] * 2 + [4.5] * 17 + [5.0] * 3:
        one.call(clock.advance, seconds)
    assert one.state is State.CLOSED, "five of twenty-two"
    for seconds in [5.0] * 2:
        one.call(clock.advance, seconds)
    assert one.state is State.OPEN
    assert heard[0].reason == "slow-call-rate"
    assert (heard[0].snapshot.slow, heard[0].snapshot.slow_rate, heard[0].snapshot.failures) == (7, 7 / 24, 0)
    assert one.totals().slow == 7
    assert one.recent()[-1] == (clock.now, 5.0, Verdict.SUCCESS)


def test_slow_calls_are_counted_where_they_open_nothing() -> None:
    """A duration without a rate is for reading only; a slow failure is both."""
    clock = Clock()
    one = breaker(clock, slow_call_duration=1.0, failure_threshold=None, failure_rate_threshold=None)
    for _ in range(20):
        one.call(clock.advance, 1.0)
    one.record_failure(duration=1.0)
    assert one.state is State.CLOSED
    assert (one.snapshot().slow, one.snapshot().slow_rate, one.snapshot().failures) == (21, 1.0, 1)


def test_a_window_of_time_forgets_what_is_too_old() -> None:
    """Nine failures an hour ago and one now are one failure; also in what is read without a call."""
    clock = Clock()
    one = breaker(clock, window="time", window_seconds=60.0, failure_threshold=None)
    fail(one, 9)
    clock.advance(3600)
    assert one.snapshot().calls == 0
    fail(one)
    assert one.state is State.CLOSED
    clock.advance(60)
    succeed(one)
    assert (one.snapshot().calls, one.snapshot().failures) == (1, 0)
    clock.advance(60)
    assert one.snapshot().calls == 0
    fail(one)
    fail(one, 9)
    assert one.state is State.OPEN


def test_a_window_of_calls_forgets_the_oldest() -> None:
    """Ten good calls push ten bad ones out."""
    one = breaker(failure_threshold=None, failure_rate_threshold=1.0, window_size=10)
    fail(one, 9)
    succeed(one, 10)
    assert (one.snapshot().calls, one.snapshot().failures) == (10, 0)


@pytest.mark.parametrize("error", [KeyboardInterrupt(), SystemExit(), GeneratorExit()], ids=repr)
def test_what_is_no_exception_is_never_counted_and_comes_out_as_it_is(error: BaseException) -> None:
    """Ctrl-C opens the breaker of pybreaker and purgatory, and the first hides it."""
    one = breaker(failure_threshold=1)
    with pytest.raises(type(error)) as caught:
        one.call(raising, error)
    assert caught.value is error
    assert (one.state, one.snapshot().calls, one.totals().ignored) == (State.CLOSED, 0, 1)


def test_ignored_errors_count_neither_way() -> None:
    """They do not open it, and they do not make good what failed before (pybreaker counts them as a success)."""
    one = breaker(failure_threshold=2, ignored_errors=(LookupError,))
    fail(one)
    with pytest.raises(KeyError):
        one.call(raising, KeyError("k"))
    assert (one.snapshot().consecutive_failures, one.snapshot().calls) == (1, 1)
    assert one.judge(KeyError()) is Verdict.IGNORED
    fail(one)
    assert one.state is State.OPEN


@pytest.mark.parametrize(
    "error", [CircuitOpenError("inner"), BulkheadFullError("inner"), ConfigError("a", 1, "b")], ids=repr
)
def test_what_the_patterns_refuse_says_nothing_about_the_other_side(error: Exception) -> None:
    """A full bulkhead must not open the breaker around it; a deadline that passed may."""
    one = breaker(failure_threshold=1)
    with pytest.raises(type(error)):
        one.call(raising, error)
    assert (one.state, one.totals().ignored) == (State.CLOSED, 1)
    assert one.judge(DeadlineExceeded(1)) is Verdict.FAILURE


def test_a_predicate_says_which_errors_are_failures() -> None:
    """Not one: it answered, which is a success. A verdict is taken at its word. Ignored errors are not asked about."""
    said = {"404": False, "503": True, "499": Verdict.IGNORED, "500": Verdict.FAILURE, "304": Verdict.SUCCESS}
    one = breaker(failure_threshold=None, is_failure=lambda error: said[str(error)], ignored_errors=(LookupError,))
    heard = ended(one)
    for code in said:
        with pytest.raises(Down):
            one.call(raising, Down(code))
    with pytest.raises(LookupError):
        one.call(raising, LookupError("404"))
    assert [done.verdict for done in heard] == ["success", "failure", "ignored", "failure", "success", "ignored"]
    assert (one.snapshot().calls, one.snapshot().failures) == (4, 2)


def test_a_predicate_says_which_results_are_failures() -> None:
    """The result comes back all the same."""
    one = breaker(failure_threshold=2, is_failure_result=lambda result: result >= 500)
    assert one.call(int, 200) == 200
    assert one.call(int, 503) == 503
    assert one.snapshot().failures == 1
    assert one.call(int, 500) == 500
    assert one.state is State.OPEN
    assert one.recent_errors() == []
    assert breaker(is_failure_result=lambda _: Verdict.IGNORED).judge_result(1) is Verdict.IGNORED
    assert breaker().judge_result(None) is Verdict.SUCCESS


def test_a_predicate_that_raises_is_logged_and_harms_no_call(caplog: pytest.LogCaptureFixture) -> None:
    """An error it was asked about is a failure as without it; a result it was asked about says nothing."""
    one = breaker(failure_threshold=None, is_failure=lambda error: 1 // 0, is_failure_result=lambda result: 1 // 0)
    with pytest.raises(Down):
        one.call(raising, Down("no"))
    assert one.call(int) == 0
    assert (one.totals().failures, one.totals().ignored, len(caplog.records)) == (1, 1, 2)
    assert caplog.messages == [
        f"The predicate {predicate!r} of the breaker maps raised."
        for predicate in (one.config.is_failure, one.config.is_failure_result)
    ]


def test_a_sync_call_that_took_too_long_counts_as_a_failure_and_gives_its_result() -> None:
    """Nothing can end it, so the least that can be done is to count it: from exactly `call_timeout` on."""
    clock = Clock()
    one = breaker(clock, call_timeout=2.0, failure_threshold=None)
    heard = ended(one)

    def take(seconds: float) -> str:
        clock.advance(seconds)
        return "done"

    assert one.call(take, 1.5) == "done"
    assert one.totals().failures == 0
    assert one.call(take, 2.0) == "done"
    assert one.totals().failures == 1
    assert [(error.code, error.type) for error in one.recent_errors()] == [("TIMEOUT", "DeadlineExceeded")]
    assert [(done.verdict, done.duration) for done in heard] == [("success", 1.5), ("failure", 2.0)]
    assert isinstance(heard[1].error, DeadlineExceeded)
    assert (heard[1].error.duration, heard[1].error.name) == (2.0, "maps")


def test_an_error_that_came_too_late_is_still_that_error() -> None:
    """A late failure is no timeout, and a late ignored error is still ignored."""
    clock = Clock()
    one = breaker(clock, call_timeout=2.0, ignored_errors=(LookupError,))

    def late(error: Exception) -> None:
        clock.advance(3)
        raise error

    with pytest.raises(Down):
        one.call(late, Down("no"))
    with pytest.raises(LookupError):
        one.call(late, LookupError())
    assert [error.code for error in one.recent_errors()] == [""]
    assert (one.totals().failures, one.totals().ignored) == (1, 1)


def test_outcomes_can_be_told_by_hand() -> None:
    """For hosts that do not run their calls through the breaker; whatever the error is, a failure is a failure."""
    one = breaker(failure_threshold=2, ignored_errors=(LookupError,), slow_call_duration=1.0)
    one.record_success(duration=1.0)
    one.record_failure(LookupError("gone"), duration=0.25)
    assert (one.snapshot().calls, one.snapshot().failures, one.snapshot().slow) == (2, 1, 1)
    assert [(call.duration, call.verdict) for call in one.recent()] == [(1.0, "success"), (0.25, "failure")]
    assert [(error.type, error.text) for error in one.recent_errors()] == [("LookupError", "gone")]
    one.record_failure()
    assert one.state is State.OPEN
    assert one.totals().failures == 2
    one.reset()
    one.record_success()
    assert [(call.at, call.duration) for call in one.recent()[-2:]] == [(1000.0, 0.0), (1000.0, 0.0)]


def test_the_last_calls_and_errors_are_kept_and_no_more() -> None:
    """60 calls and 5 errors, the oldest first, as text: an error itself would keep every frame alive."""
    clock = Clock()
    one = breaker(clock, failure_threshold=None, failure_rate_threshold=None)
    for number in range(100):
        clock.advance(1)
        with pytest.raises(Down):
            one.call(raising, Down(f"{number}" + "x" * 1000))
    assert len(one.recent()) == 60
    assert (one.recent()[0].at, one.recent()[-1].at) == (1041.0, 1100.0)
    assert [error.text[:3] for error in one.recent_errors()] == ["95x", "96x", "97x", "98x", "99x"]
    assert {len(error.text) for error in one.recent_errors()} == {500}
    assert {(error.type, error.code) for error in one.recent_errors()} == {("Down", "")}
    assert one.recent_errors()[0].at == 1096.0


def test_an_error_whose_text_cannot_be_had_is_counted_without_it() -> None:
    """A foreign error that raises when it is printed must not take the caller's error away."""

    class Mute(Exception):
        def __str__(self) -> str:
            raise RuntimeError("no words")

    one = breaker()
    with pytest.raises(Mute):
        one.call(raising, Mute())
    assert [(error.type == "Mute", error.code, error.text) for error in one.recent_errors()] == [(True, "", "")]


def test_a_breaker_that_nobody_configured_has_the_defaults_and_the_real_clock() -> None:
    """One name is enough."""
    one = CircuitBreaker("x")
    assert one.config.failure_threshold == 5
    assert one.call(max, 1, 2) == 2
    assert one.call(dict, a=1) == {"a": 1}
    assert (one.name, one.state, one.is_open, one.retry_after, one.forced) == ("x", State.CLOSED, False, 0.0, None)
    assert one.generation == 1


def test_what_a_call_costs_is_heard_by_who_asks() -> None:
    """Each call that was let through, with its duration and error; a refused one is no call. Leaving makes calls short again."""
    clock = Clock()
    one = breaker(clock, failure_threshold=2)
    heard = []
    leave = one.on_call(heard.append)
    one.call(clock.advance, 0.5)
    error = Down("no")
    for _ in range(2):
        with pytest.raises(Down):
            one.call(raising, error)
    with pytest.raises(CircuitOpenError):
        one.call(int)
    assert [(done.name, done.verdict, done.success, done.duration, done.error) for done in heard] == [
        ("maps", Verdict.SUCCESS, True, 0.5, None),
        ("maps", Verdict.FAILURE, False, 0.0, error),
        ("maps", Verdict.FAILURE, False, 0.0, error),
    ]
    leave()
    one.reset()
    one.call(int)
    assert len(heard) == 3
    assert one._look > 1e300, "nobody listens, so the short path is open again"

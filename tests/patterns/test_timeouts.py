"""Timeouts that say what they can do."""

import asyncio
import contextvars
import logging
import math
import pickle
import signal
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from resilience.patterns.deadline import current_deadline, time_left, within
from resilience.patterns.errors import BulkheadFullError, ConfigError, DeadlineExceeded, UnknownPolicy
from resilience.patterns.fallback import Fallback, FallbackEvent, Value, fallback_events
from resilience.patterns.forks import after_fork_in_child
from resilience.patterns.timeouts import (
    CallAbandoned,
    Timeout,
    TimeoutConfig,
    TimeoutEvent,
    TimeoutManager,
    TooManyAbandoned,
    Worker,
    abandoned_calls,
    timeout_events,
    timeouts,
    with_timeout,
    with_timeout_async,
)
from tests.patterns.clock import Clock

pytestmark = pytest.mark.plain

SOON = 0.01
"""Seconds after which what never ends is given up on."""
LATE = 60.0
"""Seconds that no test lasts: the limit of what does end."""


@pytest.fixture
def heard() -> Iterator[list[TimeoutEvent]]:
    """Every event of every timeout."""
    events: list[TimeoutEvent] = []
    unsubscribe = timeout_events.subscribe(events.append)
    yield events
    unsubscribe()


# Cooperative


def test_a_call_that_ends_in_time(heard: list[TimeoutEvent]) -> None:
    """Its result comes back; below it the deadline holds, after it does not."""
    assert with_timeout(max, 5.0, 3, 7) == 7
    seen = with_timeout(current_deadline, TimeoutConfig(timeout=5.0, name="load"))
    assert seen is not None
    assert (seen.seconds, seen.name) == (5.0, "load")
    assert (current_deadline(), heard) == (None, [])


def test_code_that_looks_at_the_deadline_is_ended(heard: list[TimeoutEvent]) -> None:
    """Its DeadlineExceeded comes out, with the seconds and the name."""
    clock = Clock()

    def load() -> None:
        deadline = current_deadline()
        assert deadline is not None
        clock.advance(5)
        deadline.raise_if_expired()

    with pytest.raises(DeadlineExceeded) as caught:
        Timeout(TimeoutConfig(timeout=5.0, name="load"), clock=clock).call(load)
    assert (caught.value.duration, caught.value.name) == (5.0, "load")
    assert heard == [TimeoutEvent(name="load", duration=5.0, abandoned=False)]


def test_a_clients_timeout_becomes_ours() -> None:
    """A client that was given what is left raises its own TimeoutError: it is the cause of DeadlineExceeded."""
    clock = Clock()

    def client() -> None:
        clock.advance(time_left() or 0)
        raise TimeoutError("the socket's")

    with pytest.raises(DeadlineExceeded, match="5 s") as caught:
        Timeout(5.0, clock=clock).call(client)
    assert str(caught.value.__cause__) == "the socket's"


def test_somebody_elses_limit_stays_theirs(heard: list[TimeoutEvent]) -> None:
    """A TimeoutError while there is time left is an error as any other."""

    def client() -> None:
        raise TimeoutError("the socket's")

    with pytest.raises(TimeoutError, match="the socket's") as caught:
        with_timeout(client, TimeoutConfig(timeout=LATE, fallback="unused"))
    assert not isinstance(caught.value, DeadlineExceeded)
    with pytest.raises(DeadlineExceeded, match="inner"):
        with_timeout(
            lambda: with_timeout(lambda: with_timeout(never, SOON), TimeoutConfig(timeout=LATE, name="middle")), LATE
        )
    assert [event.duration for event in heard] == [SOON]


def never() -> None:
    """Says at once that its time is over, as a client does whose deadline has passed."""
    deadline = current_deadline()
    assert deadline is not None
    threading.Event().wait(deadline.remaining())
    deadline.raise_if_expired("inner")


def test_a_result_that_comes_late_is_a_result() -> None:
    """Nothing was ended, so what was done is not called undone: a retry of it would do it twice."""
    clock = Clock()

    def slow() -> str:
        clock.advance(9)
        return "done"

    assert Timeout(5.0, clock=clock).call(slow) == "done"


def test_an_error_that_comes_late_is_that_error() -> None:
    """It says more than the timeout would."""
    clock = Clock()

    def slow() -> str:
        clock.advance(9)
        raise LookupError

    with pytest.raises(LookupError):
        Timeout(5.0, clock=clock).call(slow)


def test_the_deadline_around_it_is_the_earlier_one() -> None:
    """The error then names that one."""
    clock = Clock()

    def client() -> None:
        clock.advance(3)
        raise TimeoutError

    with within(3.0, name="request", clock=clock), pytest.raises(DeadlineExceeded) as caught:
        Timeout(TimeoutConfig(timeout=5.0, name="load"), clock=clock).call(client)
    assert (caught.value.duration, caught.value.name) == (3.0, "request")


# Fallbacks and hooks


@pytest.fixture
def replaced() -> Iterator[list[FallbackEvent]]:
    """Every error that a fallback replaced."""
    events: list[FallbackEvent] = []
    unsubscribe = fallback_events.subscribe(events.append)
    yield events
    unsubscribe()


@pytest.mark.parametrize("fallback", ["default", lambda: "default", lambda key: "default", Fallback("default")])
def test_a_fallback_answers_and_says_so(fallback: object, replaced: list[FallbackEvent]) -> None:
    """A value, a function or a chain; the hook hears of the seconds, listeners of the error that was replaced."""
    clock = Clock()
    told: list[float] = []
    config = TimeoutConfig(timeout=5.0, fallback=fallback, on_timeout=told.append, name="load")

    def load(key: str) -> str:
        clock.advance(5)
        raise TimeoutError

    assert Timeout(config, clock=clock).call(load, "a") == "default"
    assert told == [5.0]
    assert [type(event.error) for event in replaced] == [DeadlineExceeded]


def test_a_fallback_of_none() -> None:
    """Said as Value(None), for None alone means that there is none."""
    clock = Clock()

    def load() -> None:
        clock.advance(5)
        raise TimeoutError

    assert Timeout(TimeoutConfig(timeout=5.0, fallback=Value(None)), clock=clock).call(load) is None


def test_a_fallback_that_fails_leaves_the_timeout() -> None:
    """With a note of what happened to it."""
    clock = Clock()

    def load() -> None:
        clock.advance(5)
        raise TimeoutError

    nothing: dict[str, str] = {}
    with pytest.raises(DeadlineExceeded) as caught:
        Timeout(TimeoutConfig(timeout=5.0, fallback=lambda: nothing["gone"]), clock=clock).call(load)
    assert "KeyError: 'gone'" in caught.value.__notes__[0]


def test_a_hook_that_raises_changes_nothing(caplog: pytest.LogCaptureFixture) -> None:
    """It is logged."""
    clock = Clock()

    def load() -> None:
        clock.advance(5)
        raise TimeoutError

    with pytest.raises(DeadlineExceeded):
        Timeout(TimeoutConfig(timeout=5.0, on_timeout=lambda seconds: 1 / 0, name="load"), clock=clock).call(load)
    assert "The on_timeout of 'load' raised" in caplog.text


# Async


async def forever(*_: object) -> str:
    """Waits until it is cancelled."""
    await asyncio.Event().wait()
    return "never"


async def test_async_calls_are_cancelled(heard: list[TimeoutEvent]) -> None:
    """Through the async function, through the one for both, and for a lambda that makes a coroutine."""
    for call in (
        with_timeout_async(forever, SOON),
        with_timeout(forever, SOON),
        with_timeout(lambda: forever(1), SOON),
        with_timeout(forever, TimeoutConfig(timeout=SOON, mode="thread")),
    ):
        with pytest.raises(DeadlineExceeded) as caught:
            await call
        assert caught.value.duration == SOON
    assert [event.abandoned for event in heard] == [False] * 4


async def test_async_calls_that_end_in_time() -> None:
    """Their results and their own errors come back, and the deadline holds inside."""

    async def work(key: str) -> Any:
        await asyncio.sleep(0)
        return key, current_deadline()

    key, deadline = await with_timeout_async(work, LATE, "a")
    assert (key, deadline.seconds) == ("a", LATE)
    assert (await with_timeout_async(work, math.inf, "a"))[0] == "a"

    async def client() -> None:
        raise TimeoutError("the socket's")

    with pytest.raises(TimeoutError, match="the socket's"):
        await with_timeout_async(client, TimeoutConfig(timeout=LATE, fallback="unused"))


async def test_a_clients_timeout_becomes_ours_in_async_calls_too() -> None:
    """A client that was given what is left is quicker than the cancellation: its error is the cause."""
    clock = Clock()

    async def client() -> None:
        clock.advance(time_left() or 0)
        raise TimeoutError("the socket's")

    with pytest.raises(DeadlineExceeded, match="5 s") as caught:
        await Timeout(5.0, clock=clock).acall(client)
    assert str(caught.value.__cause__) == "the socket's"


async def test_a_cancelled_task_is_cancelled() -> None:
    """Whoever cancels it from outside is not told of a timeout."""
    started = asyncio.Event()

    async def work() -> None:
        started.set()
        await forever()

    task = asyncio.create_task(with_timeout_async(work, LATE))
    await started.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_nested_limits_end_where_they_belong() -> None:
    """The inner one ends the inner call; the outer one is not mistaken for it, and none of the time is added."""
    with pytest.raises(DeadlineExceeded, match="'inner'"):
        await with_timeout_async(with_timeout_async, LATE, forever, TimeoutConfig(timeout=SOON, name="inner"))
    with pytest.raises(DeadlineExceeded, match="'outer'"):
        await with_timeout_async(
            with_timeout_async,
            TimeoutConfig(timeout=SOON, name="outer"),
            forever,
            TimeoutConfig(timeout=LATE, name="inner"),
        )


async def test_async_fallbacks() -> None:
    """They may be async themselves."""

    async def cached(key: str) -> str:
        await asyncio.sleep(0)
        return f"cached {key}"

    assert await with_timeout_async(forever, TimeoutConfig(timeout=SOON, fallback=cached), "a") == "cached a"

    async def broken() -> str:
        raise LookupError

    with pytest.raises(DeadlineExceeded):
        await with_timeout_async(forever, TimeoutConfig(timeout=SOON, fallback=broken))


async def test_what_a_task_does_after_its_end_is_left_to_it() -> None:
    """One that catches the cancellation and returns has returned."""

    async def stubborn() -> str:
        try:
            await forever()
        except asyncio.CancelledError:
            return "saved"
        return "never"

    assert await with_timeout_async(stubborn, SOON) == "saved"


# Threads


class Zombie:
    """A call that goes on until it is released, and then returns or raises."""

    def __init__(self, error: Exception | None = None) -> None:
        self.release = threading.Event()
        self.ended = threading.Event()
        self.error = error

    def __call__(self) -> str:
        self.release.wait(LATE)
        if self.error is not None:
            raise self.error
        return "late"

    def bury(self, error: CallAbandoned) -> None:
        """Lets it end, and waits until it has."""
        assert error.worker is not None
        error.worker.when_done(self.ended.set)
        self.release.set()
        assert self.ended.wait(LATE)


def threaded(name: str, timeout: float = SOON, **more: Any) -> TimeoutConfig:
    """A config of that mode."""
    return TimeoutConfig(timeout=timeout, mode="thread", name=name, **more)


def test_what_runs_in_a_thread_and_ends_in_time() -> None:
    """Its result and its error come back, and it sees the caller's context variables and deadline."""
    user: contextvars.ContextVar[str] = contextvars.ContextVar("user")
    user.set("alice")
    where, who, deadline = with_timeout(
        lambda: (threading.current_thread(), user.get(), current_deadline()), threaded("a", LATE)
    )
    assert where is not threading.current_thread()
    assert where.daemon
    assert (who, deadline and deadline.seconds) == ("alice", LATE)

    def wrong() -> None:
        raise LookupError("own")

    with pytest.raises(LookupError, match="own"):
        with_timeout(wrong, threaded("a", math.inf))
    assert abandoned_calls("a") == 0


def test_the_caller_is_freed_and_the_work_is_counted(heard: list[TimeoutEvent]) -> None:
    """Until it ends; whoever holds something for it is told then, in its thread."""
    zombie = Zombie()
    with pytest.raises(CallAbandoned) as caught:
        with_timeout(zombie, threaded("b"))
    assert (caught.value.duration, caught.value.name) == (SOON, "b")
    assert isinstance(caught.value, DeadlineExceeded)
    assert heard == [TimeoutEvent(name="b", duration=SOON, abandoned=True)]
    assert (abandoned_calls("b"), abandoned_calls("other")) == (1, 0)
    assert abandoned_calls() >= 1
    zombie.bury(caught.value)
    assert abandoned_calls("b") == 0
    told: list[int] = []
    assert caught.value.worker is not None
    caught.value.worker.when_done(lambda: told.append(1))
    assert told == [1]


def test_only_so_many_are_left_behind() -> None:
    """Then calls of that name are refused before they start, and others are not."""
    zombies = [Zombie(), Zombie()]
    errors: list[CallAbandoned] = []
    for zombie in zombies:
        with pytest.raises(CallAbandoned) as caught:
            with_timeout(zombie, threaded("c", max_abandoned=2))
        errors.append(caught.value)
    with pytest.raises(TooManyAbandoned, match="'c' did not end in time") as refused:
        with_timeout(lambda: pytest.fail("it must not start"), threaded("c", max_abandoned=2))
    assert isinstance(refused.value, BulkheadFullError)
    assert with_timeout(lambda: "fine", threaded("d", LATE, max_abandoned=2)) == "fine"
    zombies[0].bury(errors[0])
    assert with_timeout(lambda: "fine again", threaded("c", LATE, max_abandoned=2)) == "fine again"
    zombies[1].bury(errors[1])
    assert abandoned_calls("c") == 0


def test_what_ends_with_an_error_after_all_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    """Nobody else would ever hear of it."""
    zombie = Zombie(LookupError("too late"))
    with caplog.at_level(logging.WARNING), pytest.raises(CallAbandoned) as caught:
        with_timeout(zombie, threaded("e"))
    zombie.bury(caught.value)
    assert "An abandoned call of 'e' ended with an error" in caplog.text
    assert "too late" in caplog.text


def test_a_fallback_for_an_abandoned_call() -> None:
    """It answers, and the work goes on and is counted."""
    zombie, errors = Zombie(), []

    def instead(error: CallAbandoned) -> str:
        errors.append(error)
        return "default"

    assert with_timeout(zombie, threaded("f", fallback=instead)) == "default"
    assert abandoned_calls("f") == 1
    zombie.bury(errors[0])


def test_an_interrupt_leaves_the_work_behind_too() -> None:
    """Ctrl-C frees the caller at once; what still runs is counted."""
    zombie = Zombie()
    workers: list[threading.Thread] = []
    caller = threading.get_ident()

    def interrupts() -> str:
        workers.append(threading.current_thread())
        signal.pthread_kill(caller, signal.SIGINT)  # a real one: it also wakes a caller that waits already
        return zombie()

    with pytest.raises(KeyboardInterrupt):
        with_timeout(interrupts, threaded("g", LATE))
    assert abandoned_calls("g") == 1
    zombie.release.set()
    workers[0].join(LATE)
    assert abandoned_calls("g") == 0


def test_what_exits_in_a_thread_exits_its_caller() -> None:
    """SystemExit does not get lost on the way."""

    def leave() -> None:
        raise SystemExit(3)

    with pytest.raises(SystemExit):
        with_timeout(leave, threaded("h", LATE))


def test_work_that_ends_in_the_moment_it_is_given_up_on_has_ended() -> None:
    """Its result is not thrown away, and it is not counted."""
    worker, looked = Worker("m"), threading.Event()
    worker.when_done(lambda: looked.wait(LATE))  # it has ended, and its caller cannot know yet
    ended = worker.run(lambda: "done", SOON)
    looked.set()
    assert (ended, worker.result(), worker.abandoned, abandoned_calls("m")) == (True, "done", False, 0)


def test_no_thread_is_to_be_had() -> None:
    """The system's own error comes out, and nothing is counted that never ran."""
    before = threading.stack_size(1 << 46)
    try:
        with pytest.raises(RuntimeError, match="thread"):
            with_timeout(lambda: "never", threaded("n", LATE))
    finally:
        threading.stack_size(before)
    assert abandoned_calls("n") == 0


def test_an_inner_abandoned_call_is_not_ours(heard: list[TimeoutEvent]) -> None:
    """A limit around it, with time left, neither counts it nor answers for it."""
    zombie = Zombie()
    with pytest.raises(CallAbandoned) as caught:
        with_timeout(lambda: with_timeout(zombie, threaded("i")), TimeoutConfig(timeout=LATE, fallback="unused"))
    assert len(heard) == 1
    zombie.bury(caught.value)


def test_a_forked_child_has_no_abandoned_calls() -> None:
    """Their threads stayed with the parent."""
    zombie = Zombie()
    with pytest.raises(CallAbandoned) as caught:
        with_timeout(zombie, threaded("j"))
    after_fork_in_child()
    assert abandoned_calls("j") == 0
    zombie.bury(caught.value)
    assert abandoned_calls("j") == 0


def test_errors_can_be_pickled() -> None:
    """The thread stays behind."""
    copy = pickle.loads(pickle.dumps(CallAbandoned(2.0, "k")))
    assert (copy.duration, copy.name, copy.worker) == (2.0, "k", None)
    assert pickle.loads(pickle.dumps(TooManyAbandoned("k"))).reason == "abandoned"


# By name


async def test_limits_by_name() -> None:
    """Registered once, used anywhere; the name stands in the error."""
    manager = TimeoutManager()
    assert manager.register("api.weather", 10.0) == TimeoutConfig(timeout=10.0, name="api.weather")
    manager.register("api.ai", TimeoutConfig(timeout=SOON))
    assert manager.names == ["api.ai", "api.weather"]
    assert manager.get("api.weather").timeout == 10.0
    assert manager.execute("api.weather", max, 3, 7) == 7
    with pytest.raises(DeadlineExceeded, match=r"'api\.ai'"):
        await manager.aexecute("api.ai", forever)
    manager.register("api.ai", 120.0)
    assert manager.get("api.ai").timeout == 120.0


def test_a_name_that_nobody_registered() -> None:
    """The error lists those there are, and the nearest one."""
    manager = TimeoutManager()
    manager.register("api.weather", 10.0)
    with pytest.raises(UnknownPolicy, match=r"Did you mean 'api.weather'\?"):
        manager.execute("api.wether", max, 3, 7)
    with pytest.raises(UnknownPolicy):
        timeouts.get("nobody's")


@pytest.mark.parametrize(
    ("said", "field"),
    [
        ({"timeout": 0}, "timeout"),
        ({"timeout": -1}, "timeout"),
        ({"timeout": math.nan}, "timeout"),
        ({"timeout": True}, "timeout"),
        ({"timeout": 10**400}, "timeout"),
        ({"timeout": "5"}, "timeout"),
        ({"timeout": 5, "mode": "process"}, "mode"),
        ({"timeout": 5, "max_abandoned": 0}, "max_abandoned"),
        ({"timeout": 5, "max_abandoned": 1.5}, "max_abandoned"),
        ({"timeout": 5, "max_abandoned": True}, "max_abandoned"),
        ({"timeout": 5, "on_timeout": 3}, "on_timeout"),
    ],
)
def test_impossible_settings(said: dict[str, Any], field: str) -> None:
    """The error names the field."""
    with pytest.raises(ConfigError, match=field):
        TimeoutConfig(**said)

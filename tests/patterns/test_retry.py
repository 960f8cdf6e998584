"""Calling again until it works or it is time to give up."""

import asyncio
import functools
import threading
from collections.abc import Awaitable, Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from resilience.patterns.deadline import Deadline, current_deadline, within
from resilience.patterns.errors import CircuitOpenError, ConfigError
from resilience.patterns.retry import (
    Ports,
    Retry,
    RetryBudget,
    RetryConfig,
    RetryEvent,
    RetryPolicies,
    Run,
    aexecute_with_retry,
    execute_with_retry,
    retry_events,
    set_testing,
    with_retry,
)
from resilience.patterns.retry_after import retry_after_ms_of
from tests.patterns.clock import Clock

pytestmark = pytest.mark.plain

NOW = datetime(2026, 11, 21, 12, 0, 0, tzinfo=UTC)


class Down(Exception):
    """The service is down."""


class Busy(Exception):
    """The service asks to be left alone for a while."""

    def __init__(self, retry_after: object = None, **headers: str) -> None:
        super().__init__("busy")
        self.retry_after = retry_after
        self.headers = {name.replace("_", "-"): text for name, text in headers.items()}


class World:
    """Time that passes only by sleeping, a chance of one half, and a service that works after so many failures."""

    def __init__(self, *, failures: int = 0, error: Callable[[], BaseException] = Down) -> None:
        self.clock = Clock()
        self.waits: list[float] = []
        self.calls: list[tuple[Any, ...]] = []
        self.failures = failures
        self.error = error
        self.ports = Ports(sleep=self.sleep, asleep=self.asleep, clock=self.clock, rng=lambda: 0.5, now=lambda: NOW)

    def sleep(self, seconds: float) -> None:
        """Time goes on."""
        self.waits.append(seconds)
        self.clock.advance(seconds)

    async def asleep(self, seconds: float) -> None:
        """Time goes on."""
        self.sleep(seconds)

    def serve(self, *args: Any, **kwargs: Any) -> str:
        """Works, after the failures."""
        self.calls.append((*args, *kwargs.values()))
        if len(self.calls) <= self.failures:
            raise self.error()
        return "served"

    async def aserve(self, *args: Any, **kwargs: Any) -> str:
        """Works, after the failures."""
        return self.serve(*args, **kwargs)


Execute = Callable[..., Any]


def sync(world: World, config: RetryConfig, *args: Any, **kwargs: Any) -> str:
    """Through the sync way."""
    return Retry(config, world.ports).call(world.serve, *args, **kwargs)


def through_async(world: World, config: RetryConfig, *args: Any, **kwargs: Any) -> str:
    """Through the async way, in a loop of its own."""
    return asyncio.run(Retry(config, world.ports).acall(world.aserve, *args, **kwargs))


@pytest.fixture(params=[sync, through_async])
def execute(request: pytest.FixtureRequest) -> Execute:
    """Both ways have to behave alike."""
    way: Execute = request.param
    return way


@pytest.fixture
def heard() -> Iterator[list[RetryEvent]]:
    """Every event of every retry."""
    events: list[RetryEvent] = []
    unsubscribe = retry_events.subscribe(events.append)
    yield events
    unsubscribe()


PLAIN = RetryConfig(jitter="none", initial_delay=1.0)


def test_a_call_that_works_is_made_once(execute: Execute, heard: list[RetryEvent]) -> None:
    """Arguments go through, nobody waits, nothing is told."""
    world = World()
    assert execute(world, PLAIN, 1, size=2) == "served"
    assert (world.calls, world.waits, heard) == ([(1, 2)], [], [])


def test_failures_are_tried_again(execute: Execute) -> None:
    """With the waits of the backoff in between."""
    world = World(failures=2)
    assert execute(world, PLAIN) == "served"
    assert (len(world.calls), world.waits) == (3, [1, 2])


def test_the_last_error_itself_is_raised(execute: Execute) -> None:
    """Not a wrapper: callers keep their `except`; a note says after how many attempts."""
    errors = [Down("1"), Down("2"), Down("3")]
    world = World(failures=3, error=iter(errors).__next__)
    with pytest.raises(Down) as caught:
        execute(world, PLAIN)
    assert caught.value is errors[2]
    assert caught.value.__notes__ == ["Gave up after attempt 3 of 3."]
    assert not hasattr(errors[0], "__notes__")


def test_one_attempt_is_no_retry(execute: Execute) -> None:
    """Nothing to add to the error."""
    world = World(failures=1)
    with pytest.raises(Down) as caught:
        execute(world, PLAIN.replace(max_attempts=1))
    assert not hasattr(caught.value, "__notes__")


def test_what_is_not_to_be_retried_is_raised_at_once(execute: Execute, heard: list[RetryEvent]) -> None:
    """A breaker that refuses, for example: one attempt, no wait, no words."""
    world = World(failures=9, error=lambda: CircuitOpenError("maps"))
    with pytest.raises(CircuitOpenError) as caught:
        execute(world, PLAIN)
    assert (len(world.calls), world.waits) == (1, [])
    assert not hasattr(caught.value, "__notes__")
    assert [event.end for event in heard] == ["not-retryable"]


def test_another_error_on_the_way_ends_it(execute: Execute) -> None:
    """It says that it came after some attempts."""
    errors: Iterator[Exception] = iter([Down(), KeyError("gone")])
    world = World(failures=2, error=lambda: next(errors))
    with pytest.raises(KeyError) as caught:
        execute(world, PLAIN.replace(retry_on=Down))
    assert caught.value.__notes__ == ["Gave up after attempt 2 of 3: this error is not retried."]


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit, GeneratorExit])
def test_what_is_no_exception_goes_through(error: type[BaseException]) -> None:
    """An interrupt is never retried, not even when everything is."""
    world = World(failures=1, error=error)
    with pytest.raises(error):
        sync(world, PLAIN.replace(retry_on=lambda _: True))
    assert len(world.calls) == 1


def test_everybody_hears_of_it(execute: Execute, heard: list[RetryEvent]) -> None:
    """The hook of the config before each wait; the listeners of all retries also at the end."""
    hooked: list[tuple[int, str, float]] = []
    world = World(failures=9)
    config = PLAIN.replace(
        name="maps", on_retry=lambda n, error, delay: hooked.append((n, type(error).__name__, delay))
    )
    with pytest.raises(Down):
        execute(world, config)
    assert hooked == [(1, "Down", 1), (2, "Down", 2)]
    assert [(event.name, event.attempt, event.delay, event.end) for event in heard] == [
        ("maps", 1, 1.0, ""),
        ("maps", 2, 2.0, ""),
        ("maps", 3, None, "attempts"),
    ]


def test_a_hook_that_raises_changes_nothing(execute: Execute, caplog: pytest.LogCaptureFixture) -> None:
    """It is logged."""
    world = World(failures=1)
    assert execute(world, PLAIN.replace(name="maps", on_retry=lambda *said: 1 / 0)) == "served"
    assert "The on_retry of 'maps' raised" in caplog.text


def test_decorrelated_waits_know_the_one_before(execute: Execute) -> None:
    """Each is drawn from the last one, in every execution anew."""
    config = RetryConfig(max_attempts=4, initial_delay=1.0, jitter="decorrelated")
    for _ in range(2):
        world = World(failures=3)
        execute(world, config)
        assert world.waits == [2, 3.5, 5.75]


# Retry-After


@pytest.mark.parametrize(
    ("error", "wait"),
    [
        (Busy(20), 21),
        (Busy(Retry_After="20"), 21),
        (Busy(Retry_After="Sat, 21 Nov 2026 12:00:20 GMT"), 21),
        (Busy(Retry_After="Sat, 21 Nov 2026 11:00:00 GMT"), 0.5),
        (Busy(Retry_After="soon"), 0.5),
        (Busy(0), 0.5),
        (Busy(299), 300),
        (Busy(10**9), 300),
        (Down(), 0.5),
    ],
)
def test_the_wait_that_is_asked_for(execute: Execute, error: Exception, wait: float) -> None:
    """Seconds or a date, with a little jitter on top, at most retry_after_max; anything else leaves it to the backoff."""
    world = World(failures=1, error=lambda: error)
    execute(world, RetryConfig(initial_delay=1.0))
    assert world.waits == [wait]


def test_it_can_be_left_unheard(execute: Execute) -> None:
    """Then the backoff alone decides."""
    world = World(failures=1, error=lambda: Busy(20))
    execute(world, RetryConfig(initial_delay=1.0, respect_retry_after=False))
    assert world.waits == [0.5]


def test_the_rate_limits_of_apis(execute: Execute) -> None:
    """Their own headers are read, the most exact one first."""

    class Limited(Busy):
        code = "RATE_LIMIT"

    error = Limited(Retry_After="40", retry_after_ms="2000")
    world = World(failures=1, error=lambda: error)
    execute(world, RetryPolicies.api_rate_limit())
    assert world.waits == [2.1]


def test_a_reader_that_raises_is_passed_over(execute: Execute, caplog: pytest.LogCaptureFixture) -> None:
    """As is one that asks for less than nothing."""

    def broken(error: BaseException, now: datetime) -> float:
        raise LookupError

    config = RetryConfig(readers=(broken, lambda error, now: -3.0, retry_after_ms_of), name="maps")
    world = World(failures=1, error=lambda: Busy(**{"retry-after-ms": "1000"}))
    execute(world, config)
    assert world.waits == [1.05]
    assert "broken of 'maps' raised" in caplog.text


# Deadlines


def test_a_wait_beyond_the_deadline_is_not_begun(execute: Execute, heard: list[RetryEvent]) -> None:
    """Asked to come back in ten seconds with two left, it gives up at once, without sleeping."""
    world = World(failures=9, error=lambda: Busy(10))
    with pytest.raises(Busy) as caught:
        execute(world, PLAIN.replace(deadline=2.0))
    assert (len(world.calls), world.waits, world.clock.now) == (1, [], 1000.0)
    assert caught.value.__notes__ == ["Gave up after attempt 1 of 3: a wait of 10.5 s would not end in time."]
    assert [event.end for event in heard] == ["deadline"]


def test_the_deadline_is_for_everything_together(execute: Execute) -> None:
    """Waits of 1, 2, 4, …: the third would end after six seconds. A wait that ends exactly then is too late as well."""
    for deadline in (6.0, 7.0):
        world = World(failures=99)
        with pytest.raises(Down):
            execute(world, PLAIN.replace(max_attempts=99, deadline=deadline))
        assert world.waits == [1, 2]


def test_the_function_sees_the_deadline() -> None:
    """It can hand on what is left to its client."""
    world = World()
    seen: list[Deadline | None] = []
    config = PLAIN.replace(deadline=5.0, name="maps")
    Retry(config, world.ports).call(lambda: seen.append(current_deadline()))
    assert seen[0] is not None
    assert (seen[0].seconds, seen[0].name) == (5.0, "maps")
    assert current_deadline() is None


def test_a_deadline_around_it_counts_too(execute: Execute) -> None:
    """The earlier one holds, whoever set it."""
    world = World(failures=9)
    with within(2.5, clock=world.clock), pytest.raises(Down):
        execute(world, PLAIN.replace(deadline=100.0))
    assert world.waits == [1]


def test_a_slow_call_uses_up_the_time() -> None:
    """The clock runs during attempts, too."""
    world = World()

    def slow() -> None:
        world.clock.advance(3)
        raise Down

    with pytest.raises(Down):
        Retry(PLAIN.replace(deadline=4.0), world.ports).call(slow)
    assert world.waits == []


# Budgets


def test_the_budget_ends_the_retries(execute: Execute, heard: list[RetryEvent]) -> None:
    """Three are granted; then the call's own error is raised after its first attempt."""
    budget = RetryBudget(clock=Clock())
    config = PLAIN.replace(budget=budget)
    for _ in range(3):
        assert execute(World(failures=1), config) == "served"
    with pytest.raises(Down) as caught:
        execute(World(failures=1), config)
    assert caught.value.__notes__ == ["Gave up after attempt 1 of 3: the retry budget is used up."]
    assert heard[-1].end == "budget"
    assert budget.counts() == (4, 3)


def test_what_gives_up_for_time_takes_nothing_from_the_budget() -> None:
    """Only a retry that is going to happen is counted."""
    budget = RetryBudget(clock=Clock())
    with pytest.raises(Busy):
        sync(World(failures=1, error=lambda: Busy(10)), PLAIN.replace(budget=budget, deadline=1.0))
    assert budget.counts() == (1, 0)


# Async, threads, decorators


async def test_a_cancelled_task_is_cancelled() -> None:
    """In the call as well as in the wait: nothing swallows it, nothing tries again."""
    started = asyncio.Event()
    calls: list[int] = []

    async def hangs(*_: object) -> None:
        calls.append(1)
        started.set()
        await asyncio.Event().wait()

    async def fails() -> None:
        raise Down

    for retry, fn in ((Retry(), hangs), (Retry(PLAIN, Ports(asleep=hangs)), fails)):
        started.clear()
        task = asyncio.create_task(retry.acall(fn))
        await started.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    assert len(calls) == 2


async def test_one_config_serves_many_executions_at_once() -> None:
    """A second execution does not restart the waits of the first: the state belongs to the execution."""
    config = RetryConfig(max_attempts=5, initial_delay=1.0, max_delay=60, jitter="none")
    step = asyncio.Barrier(2)
    waits: dict[str, list[float]] = {"a": [], "b": []}

    async def go(who: str) -> None:
        async def asleep(seconds: float) -> None:
            waits[who].append(seconds)
            await step.wait()

        async def fails() -> None:
            raise Down

        with pytest.raises(Down):
            await Retry(config, Ports(asleep=asleep)).acall(fails)

    await asyncio.gather(go("a"), go("b"))
    assert waits == {"a": [1, 2, 4, 8], "b": [1, 2, 4, 8]}


def test_threads_share_one_decorated_function() -> None:
    """Each thread's call has its own attempts."""
    ports = Ports(sleep=lambda seconds: None)
    start = threading.Barrier(8)
    counts: list[int] = []
    local = threading.local()

    @with_retry(RetryConfig(max_attempts=4), ports=ports)
    def third_time() -> int:
        local.calls = getattr(local, "calls", 0) + 1
        if local.calls < 3:
            raise Down
        return int(local.calls)

    def work() -> None:
        start.wait()
        counts.append(third_time())

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert counts == [3] * 8


async def test_decorators_keep_what_a_function_is() -> None:
    """Its name, its docstring, and whether it is async; methods, partials and callable objects are told apart as well."""
    world = World(failures=1)

    class Service:
        @with_retry(PLAIN, ports=world.ports)
        async def ask(self, key: str) -> str:
            """Asks."""
            return await world.aserve(key)

        async def __call__(self) -> str:
            return await world.aserve()

    assert (Service.ask.__name__, Service.ask.__doc__) == ("ask", "Asks.")
    assert asyncio.iscoroutinefunction(Service.ask)
    assert await Service().ask("EUR") == "served"
    assert world.calls == [("EUR",), ("EUR",)]
    partial: Callable[[], Awaitable[str]] = functools.partial(world.aserve, "USD")
    for fn in (partial, Service()):
        assert await with_retry(PLAIN, ports=world.ports)(fn)() == "served"


def test_a_decorated_function_is_retried() -> None:
    """The sync one; also with nothing said at all."""
    world = World(failures=2)
    assert with_retry(PLAIN, ports=world.ports)(world.serve)(1, size=2) == "served"
    assert world.calls == [(1, 2)] * 3
    assert with_retry()(len)("abc") == 3


async def test_the_plain_functions() -> None:
    """With real time and chance; the config is optional."""
    assert execute_with_retry(max, RetryConfig(), 3, 7) == 7
    assert execute_with_retry(dict) == {}
    world = World(failures=1)
    assert await aexecute_with_retry(world.aserve, RetryPolicies.fixed(2, 0.0), 1) == "served"
    assert len(world.calls) == 2
    assert Ports().now().tzinfo is UTC


async def test_an_async_function_in_the_sync_way() -> None:
    """It is refused in words: its errors would come long after the retry was over."""
    world = World()
    with pytest.raises(ConfigError, match=r"aserve.*async|async.*aserve"):
        execute_with_retry(world.aserve)  # type: ignore[unused-coroutine]
    assert world.calls == []


def test_generators_cannot_be_retried() -> None:
    """They run nothing when they are called."""

    def rows() -> Iterator[int]:
        yield 1

    async def arows() -> Any:
        yield 1

    for fn in (rows, arows):
        with pytest.raises(ConfigError, match="not a generator"):
            with_retry()(fn)


def test_notes_of_one_error_do_not_grow_for_ever() -> None:
    """An error object that is raised again and again has its note once."""
    error = Down("the same")
    for _ in range(50):
        with pytest.raises(Down):
            sync(World(failures=9, error=lambda: error), PLAIN)
    assert error.__notes__ == ["Gave up after attempt 3 of 3."]


def test_by_hand() -> None:
    """Code with its own loop asks a Run after each failure."""
    run = Run(PLAIN, World().ports)
    assert (run.attempt, run.next_delay(Down()), run.attempt) == (1, 1.0, 2)
    assert (run.next_delay(Down()), run.next_delay(Down()), run.attempt) == (2.0, None, 3)


# In tests of programs that use it


def test_the_test_switch(execute: Execute) -> None:
    """One attempt and no waits, for the block; and nothing of it stays."""
    with set_testing():
        world = World(failures=9)
        with pytest.raises(Down):
            execute(world, PLAIN)
        assert (len(world.calls), world.waits) == (1, [])
        with set_testing(attempts=5):
            world = World(failures=4)
            assert execute(world, PLAIN) == "served"
            assert (len(world.calls), world.waits) == (5, [0, 0, 0, 0])
        with set_testing(attempts=5, cap=True):
            world = World(failures=9)
            with pytest.raises(Down):
                execute(world, PLAIN.replace(max_attempts=2))
            assert len(world.calls) == 2
        with set_testing(False):
            world = World(failures=1)
            execute(world, PLAIN)
            assert world.waits == [1]
    world = World(failures=1)
    execute(world, PLAIN)
    assert world.waits == [1]


def test_the_test_switch_without_a_block() -> None:
    """It holds until it is switched off."""
    try:
        set_testing(attempts=2)
        world = World(failures=9)
        with pytest.raises(Down):
            sync(world, PLAIN)
        assert len(world.calls) == 2
    finally:
        set_testing(False)
    for attempts in (0, True, 1.5):
        with pytest.raises(ConfigError, match="attempts"):
            set_testing(attempts=attempts)  # type: ignore[arg-type]

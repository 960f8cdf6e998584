"""The patterns of a policy together: their order, and what each does not do to the others. Every test runs sync and async."""

import asyncio
import contextvars
import threading
from collections.abc import Callable
from typing import Any

import pytest

from resilience.patterns.breaker import CircuitBreaker
from resilience.patterns.bulkhead import Bulkhead, BulkheadConfig, BulkheadEvent
from resilience.patterns.compiled import Chain
from resilience.patterns.config import BreakerConfig
from resilience.patterns.deadline import current_deadline, within
from resilience.patterns.errors import BulkheadFullError, CircuitOpenError, DeadlineExceeded
from resilience.patterns.fallback import Fallback
from resilience.patterns.policies import Policy
from resilience.patterns.retry import Ports, RetryEvent, retry_events
from resilience.patterns.retry_config import RetryConfig, RetryPolicies
from resilience.patterns.timeouts import CallAbandoned, TimeoutConfig
from resilience.patterns.typing import State
from tests.patterns.clock import Clock

pytestmark = pytest.mark.plain


class Bench:
    """A chain of one policy, whose time stands still unless it is told to go on, called in one of the two ways."""

    def __init__(self, way: str, policy: Policy) -> None:
        self.way = way
        self.clock = Clock()
        self.breaker = policy.breaker and CircuitBreaker("db", policy.breaker, clock=self.clock)
        self.bulkhead = policy.bulkhead and Bulkhead("db", policy.bulkhead)
        ports = Ports(sleep=self.clock.advance, asleep=self.asleep, clock=self.clock, rng=lambda: 0.5)
        self.chain = Chain("db", policy, self.breaker, self.bulkhead, ports)

    async def asleep(self, seconds: float) -> None:
        self.clock.advance(seconds)

    def __call__(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Any:
        if self.way == "sync":
            return self.chain.call(fn, *args, **kwargs)

        async def later(*args: Any, **kwargs: Any) -> Any:
            return fn(*args, **kwargs)

        return asyncio.run(self.chain.acall(later, *args, **kwargs))


@pytest.fixture(params=["sync", "async"])
def bench(request: pytest.FixtureRequest) -> Callable[..., Bench]:
    """Makes a chain out of the parts of a policy."""
    return lambda **parts: Bench(request.param, Policy(name="mine", **parts))


class Failing:
    """Fails so many times, then answers with its arguments."""

    def __init__(self, times: int, error: Exception | None = None) -> None:
        self.left = times
        self.calls = 0
        self.error = error or ConnectionError("away")

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        self.calls += 1
        if self.left:
            self.left -= 1
            raise self.error
        return args, kwargs


PARTS: dict[str, Any] = {
    "retry": RetryPolicies.fixed(3, 1.0),
    "breaker": BreakerConfig(failure_threshold=2, failure_rate_threshold=None),
    "bulkhead": BulkheadConfig(max_concurrent=1),
    "timeout": 5.0,
    "deadline": 60.0,
    "fallback": "cached",
}


@pytest.mark.parametrize(
    "parts", [[], *([part] for part in PARTS), ["breaker", "bulkhead"], ["retry", "timeout"], [*PARTS]]
)
def test_whatever_parts_there_are_the_call_goes_through(bench: Callable[..., Bench], parts: list[str]) -> None:
    """Arguments go in, the result comes out, and every place is given back."""
    run = bench(**{part: PARTS[part] for part in parts})
    assert run(Failing(0), 1, fn=2, error=3) == ((1,), {"fn": 2, "error": 3})
    if run.bulkhead:
        assert (run.bulkhead.metrics().active, run.bulkhead.metrics().completed) == (0, 1)
    if run.breaker:
        assert (run.breaker.snapshot().calls, run.breaker.snapshot().failures) == (1, 0)


@pytest.mark.parametrize(
    "parts", [[], ["breaker"], ["bulkhead"], ["breaker", "bulkhead"], ["timeout"], ["deadline", "timeout"]]
)
def test_an_error_comes_out_as_it_is(bench: Callable[..., Bench], parts: list[str]) -> None:
    """The very object, and every place is given back."""
    run = bench(**{part: PARTS[part] for part in parts})
    error = ConnectionError("away")
    with pytest.raises(ConnectionError) as caught:
        run(Failing(1, error))
    assert caught.value is error
    if run.bulkhead:
        assert run.bulkhead.metrics().active == 0
    if run.breaker:
        assert run.breaker.snapshot().consecutive_failures == 1


def test_each_attempt_counts_at_the_breaker_and_takes_a_place_of_its_own(bench: Callable[..., Bench]) -> None:
    """Retry stands outside of both."""
    run = bench(retry=RetryPolicies.fixed(3, 1.0), breaker=BreakerConfig(), bulkhead=BulkheadConfig(max_concurrent=1))
    assert run(Failing(2), 1) == ((1,), {})
    assert (run.breaker.snapshot().calls, run.breaker.snapshot().failures) == (3, 2)
    assert run.bulkhead.metrics().completed == 3
    assert run.clock() == pytest.approx(Clock()() + 2.0)


def test_an_open_breaker_is_not_retried(bench: Callable[..., Bench]) -> None:
    """The breaker trips at the second attempt; the third is refused, and that ends it: no further wait."""
    run = bench(**{part: PARTS[part] for part in ("retry", "breaker", "bulkhead")})
    failing = Failing(9)
    with pytest.raises(CircuitOpenError):
        run(failing)
    assert failing.calls == 2
    assert run.clock() == pytest.approx(Clock()() + 2.0)
    assert run.bulkhead.metrics().active == 0


def test_a_refusal_of_the_first_attempt_is_no_attempt(bench: Callable[..., Bench]) -> None:
    """The retry adds neither notes nor events to it; one that follows on failures ends them, and says so."""
    heard: list[RetryEvent] = []
    stop = retry_events.subscribe(heard.append)
    run = bench(**{part: PARTS[part] for part in ("retry", "breaker", "bulkhead")})
    try:
        with pytest.raises(CircuitOpenError) as late:
            run(Failing(9))
        with pytest.raises(CircuitOpenError) as early:
            run(Failing(0))
    finally:
        stop()
    assert [event.end for event in heard] == ["", "", "not-retryable"]
    assert (len(late.value.__notes__), hasattr(early.value, "__notes__")) == (1, False)


def test_a_full_bulkhead_is_neither_retried_nor_counted_against_the_other_side(bench: Callable[..., Bench]) -> None:
    """It says nothing about whoever is called: the breaker stays as it was, and no time passes."""
    run = bench(**{part: PARTS[part] for part in ("retry", "breaker", "bulkhead")})
    with run.bulkhead.guard():
        for _ in range(5):
            with pytest.raises(BulkheadFullError):
                run(Failing(0))
    assert (run.breaker.state, run.breaker.snapshot().failures, run.breaker.snapshot().calls) == (State.CLOSED, 0, 0)
    assert run.clock() == Clock()()


def test_an_open_breaker_does_not_wait_for_a_place(bench: Callable[..., Bench]) -> None:
    """The breaker stands outside of the bulkhead."""
    run = bench(breaker=BreakerConfig(), bulkhead=BulkheadConfig(max_concurrent=1, max_queue=1))
    run.breaker.force_open("repairs")
    with run.bulkhead.guard(), pytest.raises(CircuitOpenError):
        run(Failing(0))
    assert run.bulkhead.metrics().queued == 0


def test_half_open_calls_go_through_the_bulkhead_too(bench: Callable[..., Bench]) -> None:
    """They close the breaker as any others."""
    run = bench(
        breaker=BreakerConfig(failure_threshold=1, success_threshold=1, reset_timeout=10.0),
        bulkhead=BulkheadConfig(max_concurrent=1),
        timeout=5.0,
    )
    with pytest.raises(ConnectionError):
        run(Failing(1))
    run.clock.advance(10.0)
    with run.bulkhead.guard(), pytest.raises(BulkheadFullError):
        run(Failing(0))
    assert run.breaker.state is State.HALF_OPEN
    assert run(Failing(0), 1) == ((1,), {})
    assert run.breaker.state is State.CLOSED
    assert run.bulkhead.metrics().active == 0


def test_the_fallback_stands_outside_of_all(bench: Callable[..., Bench]) -> None:
    """It answers for refusals as well, gets the call's own arguments, and hides nothing from the breaker."""

    def cached(number: int, error: Exception) -> str:
        return f"{number} {type(error).__name__}"

    run = bench(breaker=BreakerConfig(failure_threshold=1), bulkhead=BulkheadConfig(), fallback=cached)
    assert run(Failing(9), 1) == "1 ConnectionError"
    assert run(Failing(9), 2) == "2 CircuitOpenError"
    assert run.breaker.snapshot().failures == 1


def test_a_fallback_of_none_answers_none_and_a_chain_is_taken_as_it_is(bench: Callable[..., Bench]) -> None:
    """None is a value; a Fallback that handles other errors lets this one through."""
    assert bench(fallback=None)(Failing(1)) is None
    with pytest.raises(ConnectionError):
        bench(fallback=Fallback("cached", handles=KeyError))(Failing(1))


def test_an_interrupt_goes_through_everything(bench: Callable[..., Bench]) -> None:
    """Neither retried nor replaced nor counted, and the place comes back."""

    class Interrupt(BaseException):
        pass

    def interrupt() -> None:
        raise Interrupt

    run = bench(**{**PARTS, "deadline": None})
    with pytest.raises(Interrupt):
        run(interrupt)
    assert run.bulkhead.metrics().active == 0
    assert run.breaker.snapshot().calls == 0


def test_the_deadline_holds_for_all_attempts_together(bench: Callable[..., Bench]) -> None:
    """A wait that would not end in time is not begun, and the error is the call's own."""
    run = bench(deadline=2.5, retry=RetryPolicies.fixed(9, 1.0))
    failing = Failing(9)
    with pytest.raises(ConnectionError) as caught:
        run(failing)
    assert failing.calls == 3
    assert "would not end in time" in caught.value.__notes__[0]


def test_what_is_called_sees_the_nearest_deadline(bench: Callable[..., Bench]) -> None:
    """The attempt's timeout, or what the total deadline leaves if that is less."""
    seen: list[float] = []

    def look() -> None:
        deadline = current_deadline()
        assert deadline is not None
        seen.append(deadline.remaining())

    bench(timeout=5.0, deadline=60.0)(look)
    bench(timeout=5.0, deadline=3.0)(look)
    bench(deadline=4.0)(look)
    assert seen == [5.0, 3.0, 4.0]


def test_a_client_that_kept_the_deadline_it_saw_ends_as_the_deadline_does(bench: Callable[..., Bench]) -> None:
    """Its own TimeoutError at that moment is the policy's; one that comes earlier is somebody else's, and stays itself."""
    for after, kind in ((5.0, DeadlineExceeded), (4.0, TimeoutError)):
        run = bench(timeout=5.0, breaker=BreakerConfig())

        def wait(run: Bench = run, after: float = after) -> None:
            run.clock.advance(after)
            raise TimeoutError("the socket's")

        with pytest.raises(TimeoutError) as caught:
            run(wait)
        assert type(caught.value) is kind
        assert run.breaker.snapshot().failures == 1


def test_a_deadline_that_is_over_already_begins_nothing(bench: Callable[..., Bench]) -> None:
    """Inside of somebody's deadline that has passed, nothing is called any more."""
    run = bench(deadline=60.0)
    with within(0.0, name="the outer one", clock=run.clock), pytest.raises(DeadlineExceeded, match="the outer one"):
        run(Failing(0))


@pytest.mark.parametrize("retry", [RetryConfig(deadline=1.5, initial_delay=1.0, strategy="fixed", jitter="none")])
def test_a_retry_with_a_deadline_of_its_own_keeps_it(bench: Callable[..., Bench], retry: RetryConfig) -> None:
    """Also where the policy has none."""
    failing = Failing(9)
    with pytest.raises(ConnectionError):
        bench(retry=retry)(failing)
    assert failing.calls == 2


def test_events_of_retries_carry_the_name_of_the_call(bench: Callable[..., Bench]) -> None:
    """Unless the retry has a name of its own."""
    heard: list[RetryEvent] = []
    stop = retry_events.subscribe(heard.append)
    try:
        bench(retry=RetryPolicies.fixed(2, 1.0))(Failing(1))
        bench(retry=RetryPolicies.fixed(2, 1.0).replace(name="own"))(Failing(1))
    finally:
        stop()
    assert [event.name for event in heard] == ["db", "own"]


def test_a_bulkhead_that_somebody_listens_to_tells_of_each_call(bench: Callable[..., Bench]) -> None:
    """The events are the same with a breaker around it as without."""
    for parts in ({"bulkhead": BulkheadConfig()}, {"bulkhead": BulkheadConfig(), "breaker": BreakerConfig()}):
        run = bench(**parts)
        heard: list[BulkheadEvent] = []
        run.bulkhead.on_event(heard.append)
        run(Failing(0))
        with pytest.raises(ConnectionError):
            run(Failing(1))
        assert [event.kind for event in heard] == ["started", "finished"] * 2


async def test_an_async_attempt_that_takes_too_long_is_a_failure_of_the_other_side() -> None:
    """It is cancelled, counted, and its place is free at once; a name of its own for the timeout is kept."""
    run = Bench("async", Policy(name="mine", **{part: PARTS[part] for part in ("breaker", "bulkhead")}, timeout=0.01))
    with pytest.raises(DeadlineExceeded) as caught:
        await run.chain.acall(asyncio.Event().wait)
    assert caught.value.name == "db"
    assert run.breaker is not None
    assert run.bulkhead is not None
    assert run.breaker.snapshot().failures == 1
    assert run.bulkhead.metrics().active == 0
    named = Bench("async", Policy(name="mine", timeout=TimeoutConfig(timeout=0.01, name="maps")))
    with pytest.raises(DeadlineExceeded) as caught:
        await named.chain.acall(asyncio.Event().wait)
    assert caught.value.name == "maps"


async def test_a_deadline_alone_ends_an_attempt_that_hangs() -> None:
    """Without a timeout of its own, an attempt has what the deadline leaves, and no longer."""
    run = Bench("async", Policy(name="mine", deadline=0.01))
    run.chain.build(run.chain.policy, None, None)  # by the real clock
    async with asyncio.timeout(20):
        with pytest.raises(DeadlineExceeded):
            await run.chain.acall(asyncio.Event().wait)


async def test_a_cancelled_call_counts_for_nothing() -> None:
    """Cancelling is the caller's decision: the place comes back, and the breaker learns nothing."""
    run = Bench("async", Policy(name="mine", **PARTS))
    started = asyncio.Event()

    async def hang() -> None:
        started.set()
        await asyncio.Event().wait()

    task = asyncio.create_task(run.chain.acall(hang))
    await started.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert run.breaker is not None
    assert run.bulkhead is not None
    assert (run.breaker.snapshot().calls, run.bulkhead.metrics().active) == (0, 0)


async def test_a_call_timeout_of_the_breaker_ends_async_calls_inside_a_policy() -> None:
    """Also where the policy's own timeout is longer."""
    parts = {"breaker": BreakerConfig(call_timeout=0.01), "bulkhead": BulkheadConfig()}
    run = Bench("async", Policy(name="mine", **parts))  # type: ignore[arg-type]
    with pytest.raises(DeadlineExceeded):
        await run.chain.acall(asyncio.Event().wait)
    assert run.bulkhead is not None
    assert run.bulkhead.metrics().active == 0


async def test_time_in_the_queue_is_not_taken_for_slowness() -> None:
    """A busy bulkhead does not open the breaker of a dependency that answers at once."""
    breaker = BreakerConfig(slow_call_duration=1.0, slow_call_rate_threshold=0.5, volume_threshold=1)
    policy = Policy(name="mine", breaker=breaker, bulkhead=BulkheadConfig(max_concurrent=1, max_queue=1))
    run = Bench("async", policy)
    assert run.breaker is not None
    assert run.bulkhead is not None

    async def quick() -> int:
        return 1

    lease = run.bulkhead.acquire()
    waiting = asyncio.create_task(run.chain.acall(quick))
    await asyncio.sleep(0)
    run.clock.advance(30.0)
    lease.release()
    assert await waiting == 1
    assert (run.breaker.state, run.breaker.snapshot().slow) == (State.CLOSED, 0)


def test_a_thread_waits_in_the_queue_of_a_policy() -> None:
    """The sync form of the same, with the place handed over."""
    policy = Policy(name="mine", breaker=BreakerConfig(), bulkhead=BulkheadConfig(max_concurrent=1, max_queue=1))
    run = Bench("sync", policy)
    assert run.bulkhead is not None
    queued = threading.Event()
    run.bulkhead.on_event(lambda event: queued.set() if event.kind == "queued" else None)
    lease = run.bulkhead.acquire()
    got: list[Any] = []
    thread = threading.Thread(target=lambda: got.append(run(Failing(0), 1)))
    thread.start()
    assert queued.wait(10)
    lease.release()
    thread.join(10)
    assert got == [((1,), {})]


@pytest.mark.parametrize("breaker", [None, BreakerConfig()])
def test_work_left_behind_in_a_thread_keeps_its_place(breaker: BreakerConfig | None) -> None:
    """With one place, real concurrency stays one: the place comes back when the abandoned work ends, not when its caller leaves."""
    timeout = TimeoutConfig(timeout=0.01, mode="thread")
    policy = Policy(name="mine", breaker=breaker, bulkhead=BulkheadConfig(max_concurrent=1), timeout=timeout)
    bulkhead = Bulkhead("db", policy.bulkhead)
    chain = Chain("db", policy, breaker and CircuitBreaker("db", breaker), bulkhead)
    go_on, ended = threading.Event(), threading.Event()
    bulkhead.on_event(lambda event: ended.set() if event.kind == "finished" else None)
    with pytest.raises(CallAbandoned):
        chain.call(go_on.wait, 10)
    assert (bulkhead.metrics().active, bulkhead.metrics().abandoned) == (1, 1)
    with pytest.raises(BulkheadFullError):
        chain.call(int)
    go_on.set()
    assert ended.wait(10)
    assert chain.call(contextvars.copy_context) is not None
    assert bulkhead.metrics().abandoned == 0


async def test_a_guard_keeps_the_place_of_work_left_behind() -> None:
    """The block form, sync and async; an error without a worker gives the place back at once."""
    bulkhead = Bulkhead("db", BulkheadConfig(max_concurrent=1))
    with pytest.raises(CallAbandoned), bulkhead.guard():
        raise CallAbandoned(1.0)
    with pytest.raises(CallAbandoned):
        async with bulkhead.guard():
            raise CallAbandoned(1.0)

    async def abandoned() -> None:
        raise CallAbandoned(1.0)

    with pytest.raises(CallAbandoned):
        await bulkhead.acall(abandoned)
    assert bulkhead.metrics().active == 0


def test_a_chain_that_is_built_anew_serves_whoever_holds_it() -> None:
    """In place: decorated functions follow."""
    chain = Chain("db", Policy(name="mine"), None, None)
    assert chain.call(int, "7") == 7
    chain.build(Policy(name="mine", fallback="other"), None, None)
    assert chain.call(int, "x") == "other"

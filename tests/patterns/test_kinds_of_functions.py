"""A sync way given an async function, and an async way given a sync one: said at once, and counted by nobody."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

import pytest

from resilience.patterns import (
    BreakerConfig,
    Bulkhead,
    BulkheadConfig,
    Fallback,
    Manager,
    Policy,
    RetryConfig,
    TimeoutConfig,
    aexecute_with_retry,
    with_timeout_async,
)
from resilience.patterns.compiled import Chain
from resilience.patterns.errors import ConfigError
from resilience.patterns.timeouts import Timeout
from resilience.patterns.typing import State
from tests.patterns.breakers import breaker, ended, half_open
from tests.patterns.clock import Clock

pytestmark = pytest.mark.plain

BREAKER, BULKHEAD, RETRY = BreakerConfig(failure_threshold=1), BulkheadConfig(max_concurrent=2), RetryConfig()

POLICIES = (
    Policy(name="bare"),
    Policy(name="fallback", fallback="instead"),
    Policy(name="retry", retry=RETRY),
    Policy(name="retry until", retry=RETRY, deadline=9.0),
    Policy(name="timeout", timeout=9.0),
    Policy(name="thread", timeout=TimeoutConfig(timeout=9.0, mode="thread")),
    Policy(name="breaker", breaker=BREAKER),
    Policy(name="breaker, timeout", breaker=BREAKER, timeout=9.0),
    Policy(name="bulkhead", bulkhead=BULKHEAD),
    Policy(name="both", breaker=BREAKER, bulkhead=BULKHEAD),
    Policy(name="limited", breaker=BREAKER.replace(call_timeout=9.0), bulkhead=BULKHEAD),
    Policy(name="all", breaker=BREAKER, bulkhead=BULKHEAD, retry=RETRY, timeout=9.0, deadline=9.0, fallback="instead"),
)


async def down() -> None:
    """Would fail, if it were awaited."""
    raise ConnectionError


def hidden() -> Coroutine[Any, Any, None]:
    """A sync function to look at."""
    return down()


class Sync:
    """A sync function that counts its runs."""

    def __init__(self) -> None:
        self.ran = 0

    def __call__(self) -> Any:
        self.ran += 1
        return 1


@pytest.fixture
def manager() -> Manager:
    """One without a past."""
    return Manager()


@pytest.mark.parametrize("fn", [down, hidden])
def test_call_refuses_a_coroutine_in_every_state(fn: Callable[[], object]) -> None:
    """It is closed, not left behind; the call is ignored, and a half-open place is free again."""
    for one in (breaker(failure_threshold=1), half_open(Clock(), success_threshold=2, half_open_max_calls=1)):
        heard, before = ended(one), one.state
        with pytest.raises(ConfigError, match=f"not async.*{fn.__name__}"):
            one.call(fn)
        assert (one.totals().ignored, one.totals().successes) == (1 + (before is State.HALF_OPEN), 0)
        assert [done.verdict for done in heard] == ["ignored"]
        assert (one.state, one.snapshot().half_open_in_use) == (before, 0)
        assert one.call(int) == 0


async def test_a_guard_refuses_to_record_a_coroutine() -> None:
    """In both kinds of block; the block is ignored, whatever happens in it."""
    one = breaker(failure_threshold=1)
    with pytest.raises(ConfigError, match=r"record\(\)"), one.guard() as call:
        call.record(down())  # type: ignore[unused-coroutine]
    with pytest.raises(ConfigError, match=r"record\(\)"):
        async with one.guard() as call:
            call.record(down())  # type: ignore[unused-coroutine]
    assert (one.totals().ignored, one.totals().successes) == (2, 0)


@pytest.mark.parametrize("fn", [down, hidden])
def test_a_bulkhead_refuses_a_coroutine(fn: Callable[[], object]) -> None:
    """And gives the place back."""
    one = Bulkhead("reports")
    with pytest.raises(ConfigError, match=fn.__name__):
        one.call(fn)
    assert one.metrics().active == 0


@pytest.mark.parametrize("policy", POLICIES, ids=lambda policy: policy.name)
def test_no_policy_counts_a_coroutine(manager: Manager, policy: Policy) -> None:
    """The error names the function itself, not a layer around it, and no coroutine is left behind."""
    for fn in (down, hidden):
        with pytest.raises(ConfigError, match=f"fn must be a function that is not async.*'{fn.__name__}'"):
            manager.execute("maps", fn, policy=policy)  # type: ignore[unused-coroutine]
    chain = manager.chain("maps", policy)
    with pytest.raises(ConfigError):
        chain.call(down)
    assert_untouched(chain)


@pytest.mark.parametrize("policy", POLICIES, ids=lambda policy: policy.name)
async def test_no_policy_repeats_or_counts_a_sync_function(manager: Manager, policy: Policy) -> None:
    """Its one run cannot be undone; the error names it, and there is no second one."""
    fn = Sync()
    with pytest.raises(ConfigError, match=r"fn must be an async function here.*Sync object") as caught:
        await manager.aexecute("maps", fn, policy=policy)
    assert fn.ran == 1
    assert caught.value.__suppress_context__ or caught.value.__context__ is None
    assert_untouched(manager.chain("maps", policy))


@pytest.mark.parametrize("policy", POLICIES, ids=lambda policy: policy.name)
async def test_a_type_error_of_the_functions_own_is_an_error_like_any_other(manager: Manager, policy: Policy) -> None:
    """Of a call with the wrong arguments, and of what happens inside."""

    async def wrong() -> int:
        await asyncio.sleep(0)
        return len(3)  # type: ignore[arg-type]

    instead: object = "instead"
    policy = policy.replace(retry=policy.retry and RetryConfig(max_attempts=1))
    for call in (manager.aexecute("maps", wrong, policy=policy), manager.aexecute("rates", wrong, 1, policy=policy)):
        if policy.fallback == instead:
            assert await call == instead
        else:
            with pytest.raises(TypeError):
                await call
    for name in ("maps", "rates"):
        if policy.breaker is not None:
            assert manager.breaker(name).state is State.OPEN


async def test_acall_refuses_what_cannot_be_awaited_in_every_state() -> None:
    """It is ignored, and a half-open place is free again."""
    limited = breaker(failure_threshold=1, call_timeout=9.0)
    for one in (breaker(failure_threshold=1), half_open(Clock(), half_open_max_calls=1), limited):
        heard, before, fn = ended(one), one.state, Sync()
        with pytest.raises(ConfigError, match="async function"):
            await one.acall(fn)
        assert [done.verdict for done in heard] == ["ignored"]
        assert (fn.ran, one.state, one.snapshot().half_open_in_use) == (1, before, 0)


async def test_each_pattern_by_itself_says_so() -> None:
    """A retry does not try it again, a fallback does not stand for it, a bulkhead gives the place back."""
    bulkhead = Bulkhead("reports")
    ways: tuple[Callable[[Sync], Awaitable[object]], ...] = (
        bulkhead.acall,
        aexecute_with_retry,
        Timeout(9.0).acall,
        lambda fn: with_timeout_async(fn, 9.0),
        Fallback("instead").acall,
    )
    for way in ways:
        fn = Sync()
        with pytest.raises(ConfigError, match="async function"):
            await way(fn)
        assert fn.ran == 1
    assert bulkhead.metrics().active == 0


async def test_whatever_can_be_awaited_is_welcome(manager: Manager) -> None:
    """A future, and an object that has `__await__`."""

    class Answer:
        def __await__(self) -> Any:
            yield from asyncio.sleep(0).__await__()
            return 42

    def future() -> asyncio.Future[int]:
        made = asyncio.get_running_loop().create_future()
        made.set_result(42)
        return made

    for policy in POLICIES:
        assert await manager.aexecute("maps", Answer, policy=policy) == 42
        assert await manager.aexecute("maps", future, policy=policy) == 42


def assert_untouched(chain: Chain) -> None:
    """Nothing was counted but what was ignored, and no place is taken."""
    if chain.breaker is not None:
        totals = chain.breaker.totals()
        assert (totals.successes, totals.failures, chain.breaker.state) == (0, 0, State.CLOSED)
    if chain.bulkhead is not None:
        assert chain.bulkhead.metrics().active == 0

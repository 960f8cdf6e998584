"""A user's program, for a type checker: each assert_type fails the check when a decorator loses a signature. Never run."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, assert_type

from resilience.patterns import (
    API,
    BreakerConfig,
    Bulkhead,
    CircuitBreaker,
    Policy,
    RetryConfig,
    manager,
    policy,
    with_bulkhead,
    with_circuit_breaker,
    with_resilience,
    with_retry,
    with_timeout,
)


@policy("ai", fallback="cached")
async def ask(prompt: str, *, size: int = 1) -> str:
    return prompt * size


@policy(API.replace(timeout=2.0))
def load(number: int) -> list[int]:
    return [number]


@with_resilience("fetch", "external")
@with_circuit_breaker("fetch", BreakerConfig(failure_threshold=3))
@with_retry(RetryConfig(max_attempts=2))
@with_timeout(5.0)
@with_bulkhead("fetch")
def fetch(page: int) -> bytes:
    return bytes(page)


@with_circuit_breaker("later")
@with_retry()
@with_timeout(5.0)
@with_bulkhead("later")
async def later(page: int) -> bytes:
    return bytes(page)


class Service:
    @policy("api")
    def times(self, number: int) -> float:
        return 1.0 * number


async def main() -> None:
    assert_type(await ask("a", size=2), str)
    assert_type(load(1), list[int])
    assert_type(fetch(1), bytes)
    assert_type(await later(1), bytes)
    assert_type(Service().times(1), float)
    assert_type(manager.execute("db", load, 1, policy="database"), list[int])
    assert_type(await manager.aexecute("db", ask, "a", policy=API), str)
    assert_type(CircuitBreaker("db").call(load, 1), list[int])
    assert_type(await CircuitBreaker("db").acall(ask, "a"), str)
    assert_type(Bulkhead("db").call(load, 1), list[int])
    assert_type(await Bulkhead("db").acall(ask, "a"), str)
    assert_type(with_timeout(load, 5.0, 1), list[int])
    assert_type(policy.get("ai"), Policy)
    assert_type(manager.health_status()["summary"]["healthy"], bool)
    as_callable: Callable[[int], bytes] = fetch
    as_async: Callable[[int], Coroutine[Any, Any, bytes]] = later
    print(as_callable, as_async)
    ask(1)  # type: ignore[arg-type, unused-coroutine]
    load("1")  # type: ignore[arg-type]
    fetch()  # type: ignore[call-arg]
    Bulkhead("db").call(load, "1")  # type: ignore[arg-type]


asyncio.run(main())

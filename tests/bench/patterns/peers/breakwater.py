"""Ours."""

import time
from collections.abc import Callable
from functools import partial
from typing import Any

from resilience.patterns import (
    BreakerConfig,
    Bulkhead,
    BulkheadConfig,
    BulkheadFullError,
    CircuitBreaker,
    CircuitOpenError,
    Manager,
    Policy,
    Ports,
    RetryConfig,
    TimeoutConfig,
    execute_with_retry,
    with_circuit_breaker,
    with_resilience,
    with_retry,
)

REFUSED = CircuitOpenError
FULL = BulkheadFullError
RICH = BreakerConfig(slow_call_duration=5.0, slow_call_rate_threshold=0.3)
"""Failures in a row, failure rate and rate of slow calls over the last hundred."""


def breaker(
    *,
    fails: int = 5,
    wait: float = 60.0,
    successes: int = 1,
    rich: bool = False,
    size: int = 0,
    seconds: float = 0.0,
    volume: int = 10,
    lease: float = 60.0,
    clock: Callable[[], float] = time.monotonic,
) -> CircuitBreaker:
    """Return a breaker that counts failures in a row; with `rich`, `size` or `seconds` also failure rate and slow calls in a window."""
    config = BreakerConfig(
        failure_threshold=fails,
        failure_rate_threshold=None,
        reset_timeout=wait,
        success_threshold=successes,
        half_open_max_calls=1,
        half_open_lease=lease,
    )
    if rich or size or seconds:
        config = config.replace(
            failure_rate_threshold=1.0,
            slow_call_duration=5.0,
            slow_call_rate_threshold=0.3,
            volume_threshold=volume,
            window="time" if seconds else "count",
            window_size=size or 100,
            window_seconds=seconds or 60.0,
        )
    return CircuitBreaker("bench", config, clock=clock)


def guard(**options: Any) -> Callable[[Any], Any]:
    """Return what puts a function behind a new breaker."""
    return lambda fn: partial(breaker(**options).call, fn)


def aguard(**options: Any) -> Callable[[Any], Any]:
    """Return what puts an async function behind a new breaker."""
    return lambda fn: partial(breaker(**options).acall, fn)


def decorated(**options: Any) -> Callable[[Any], Any]:
    """Return the decorator with a breaker that has everything."""
    return with_circuit_breaker("bench", RICH.replace(**options), manager=Manager())


def block(**options: Any) -> Callable[[Any], Any]:
    """Return the same as a block."""
    ours = breaker(**options)

    def decorate(fn: Any) -> Any:
        def call() -> Any:
            with ours.guard() as watched:
                return watched.record(fn())

        return call

    return decorate


def _config(attempts: int, **options: Any) -> RetryConfig:
    return RetryConfig(max_attempts=attempts, initial_delay=1.0, jitter="none", **options)


def _ports(sleep: Callable[[float], Any] | None) -> Ports:
    return Ports() if sleep is None else Ports(sleep=sleep)


def retry(attempts: int = 3, sleep: Callable[[float], Any] | None = None) -> Callable[[Any], Any]:
    """Return a retry with waits of 1, 2, 4 … seconds up to half a minute."""
    return with_retry(_config(attempts), ports=_ports(sleep))


def retry_call(attempts: int = 3) -> Callable[[Any], Any]:
    """Return the same as a call."""
    return lambda fn: partial(execute_with_retry, fn, _config(attempts))


aretry = retry


def asked(deadline: float, seconds: float) -> Callable[[Any], Any]:
    """Return a retry with a deadline for it all, that waits as long as it is asked to."""
    del seconds  # the error says it
    return with_retry(RetryConfig(max_attempts=10, deadline=deadline))


def bulkhead(limit: int = 10) -> Callable[[Any], Any]:
    """Return a bulkhead where nobody waits."""
    return lambda fn: partial(Bulkhead("bench", BulkheadConfig(max_concurrent=limit)).call, fn)


def abulkhead(limit: int = 10, queue: int = 0, patience: float | None = None) -> Callable[[Any], Any]:
    """Return one for async functions."""
    config = BulkheadConfig(max_concurrent=limit, max_queue=queue, queue_timeout=patience)
    return lambda fn: partial(Bulkhead("bench", config).acall, fn)


PLAIN = Policy(
    name="bench",
    retry=RetryConfig(),
    breaker=BreakerConfig(),
    bulkhead=BulkheadConfig(),
)


def stack() -> Callable[[Any], Any]:
    """Return retry, breaker and bulkhead as a decorator."""
    return with_resilience("bench", PLAIN.replace(breaker=RICH), manager=Manager())


def stack_execute() -> Callable[[Any], Any]:
    """Return the same as calls by name."""
    manager, policy = Manager(), PLAIN.replace(breaker=RICH)
    manager.policies.register(policy)
    return lambda fn: partial(manager.execute, "bench", fn, policy="bench")


def astack() -> Callable[[Any], Any]:
    """Return retry, breaker, bulkhead and a timeout for each attempt."""
    return with_resilience("bench", PLAIN.replace(breaker=RICH, timeout=30.0), manager=Manager())


def zombies(timeout: float) -> Callable[[Any], Any]:
    """Return a bulkhead of one around a timeout that leaves the work behind."""
    policy = Policy(
        name="bench",
        bulkhead=BulkheadConfig(max_concurrent=1),
        timeout=TimeoutConfig(timeout=timeout, mode="thread"),
    )
    return with_resilience("bench", policy, manager=Manager())


def listened(listener: Callable[..., Any], **options: Any) -> Callable[[Any], Any]:
    """Return a breaker with a listener at all that can be heard."""
    ours = breaker(**options)
    ours.on_call(listener)
    ours.on_state_change(listener)
    return lambda fn: partial(ours.call, fn)

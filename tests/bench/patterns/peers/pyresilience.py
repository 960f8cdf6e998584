"""pyresilience: one decorator for everything."""

from collections.abc import Callable
from typing import Any

from pyresilience import (
    BulkheadConfig,
    BulkheadFullError,
    CircuitBreakerConfig,
    CircuitOpenError,
    RetryConfig,
    TimeoutConfig,
    resilient,
)

REFUSED = CircuitOpenError
FULL = BulkheadFullError


def _config(
    fails: int = 5,
    wait: float = 60.0,
    successes: int = 1,
    size: int = 0,
    volume: int = 10,
) -> CircuitBreakerConfig:
    window: dict[str, Any] = {}
    if size:
        window = {
            "sliding_window_size": size,
            "failure_rate_threshold": 1.0,
            "minimum_calls": volume,
            "slow_call_duration": 5.0,
            "slow_call_rate_threshold": 0.3,
        }
    return CircuitBreakerConfig(failure_threshold=fails, recovery_timeout=wait, success_threshold=successes, **window)


def guard(**options: Any) -> Callable[[Any], Any]:
    """Return its decorator, with failures in a row or with a window."""
    made: Callable[[Any], Any] = resilient(circuit_breaker=_config(**options))
    return made


aguard = guard


def retry(attempts: int = 3, sleep: Callable[[float], Any] | None = None) -> Callable[[Any], Any]:
    """Return its decorator with waits of 1, 2, 4 … seconds up to half a minute; it sleeps by time.sleep only."""
    del sleep
    made: Callable[[Any], Any] = resilient(
        retry=RetryConfig(max_attempts=attempts, delay=1.0, max_delay=30.0, jitter=False)
    )
    return made


aretry = retry


def asked(deadline: float, seconds: float) -> Callable[[Any], Any]:
    """Return a retry within a total timeout, that waits as long as it is asked to."""
    made: Callable[[Any], Any] = resilient(
        retry=RetryConfig(max_attempts=10, delay_func=lambda attempt, trigger: seconds),
        timeout=TimeoutConfig(seconds=deadline, per_attempt=False),
    )
    return made


def bulkhead(limit: int = 10) -> Callable[[Any], Any]:
    """Return its decorator."""
    made: Callable[[Any], Any] = resilient(bulkhead=BulkheadConfig(max_concurrent=limit))
    return made


def abulkhead(limit: int = 10, queue: int = 0, patience: float | None = None) -> Callable[[Any], Any]:
    """Return its decorator; its queue has no limit but patience."""
    del queue
    made: Callable[[Any], Any] = resilient(bulkhead=BulkheadConfig(max_concurrent=limit, max_wait=patience or 0.0))
    return made


def stack() -> Callable[[Any], Any]:
    """Return retry, breaker and bulkhead."""
    made: Callable[[Any], Any] = resilient(
        retry=RetryConfig(), circuit_breaker=CircuitBreakerConfig(), bulkhead=BulkheadConfig()
    )
    return made


def stack_rich() -> Callable[[Any], Any]:
    """Return the same with a breaker that has a window."""
    made: Callable[[Any], Any] = resilient(
        retry=RetryConfig(), circuit_breaker=_config(size=100), bulkhead=BulkheadConfig()
    )
    return made


def astack() -> Callable[[Any], Any]:
    """Return retry, breaker, bulkhead and a timeout for each attempt."""
    made: Callable[[Any], Any] = resilient(
        retry=RetryConfig(),
        circuit_breaker=CircuitBreakerConfig(),
        bulkhead=BulkheadConfig(),
        timeout=TimeoutConfig(seconds=30.0),
    )
    return made


def zombies(timeout: float) -> Callable[[Any], Any]:
    """Return a bulkhead of one around a timeout that leaves the work behind."""
    made: Callable[[Any], Any] = resilient(
        bulkhead=BulkheadConfig(max_concurrent=1), timeout=TimeoutConfig(seconds=timeout)
    )
    return made


def listened(listener: Callable[..., Any], **options: Any) -> Callable[[Any], Any]:
    """Return a breaker with a listener."""
    made: Callable[[Any], Any] = resilient(circuit_breaker=_config(**options), listeners=[listener])
    return made

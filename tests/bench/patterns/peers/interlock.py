"""interlock: failure rate and slow calls over a window, and pipelines."""

from collections.abc import Callable
from functools import partial
from typing import Any

from interlock import CircuitBreaker, CircuitOpenError, Config, Pipeline, WindowType
from interlock.errors import BulkheadFullError
from tenacity import wait_exponential, wait_fixed

from tests.bench.patterns.peers import NEVER

REFUSED = CircuitOpenError
FULL = BulkheadFullError


def breaker(
    *,
    fails: int = 5,
    wait: float = 60.0,
    successes: int = 1,
    size: int = 100,
    seconds: float = 0.0,
    volume: int = 0,
    **more: Any,
) -> CircuitBreaker:
    """Return a breaker. It knows rates only: so many failures, where nothing else was counted, are more than its half."""
    config = Config(
        failure_rate_threshold=0.5,
        minimum_number_of_calls=volume or fails,
        wait_duration_in_open=wait,
        slow_call_duration_threshold=5.0,
        slow_call_rate_threshold=0.3 if fails < NEVER else 1.0,
        permitted_calls_in_half_open=successes,
        window_type=WindowType.TIME_BASED if seconds else WindowType.COUNT_BASED,
        window_size=int(seconds) or size,
    )
    return CircuitBreaker(name="bench", config=config, **more)


def guard(**options: Any) -> Callable[[Any], Any]:
    """Return its decorator."""
    return breaker(**options)


aguard = guard


def guard_call(**options: Any) -> Callable[[Any], Any]:
    """Return the same as a call."""
    return lambda fn: partial(breaker(**options).call_sync, fn)


def bulkhead(limit: int = 10) -> Callable[[Any], Any]:
    """Return a pipeline of a bulkhead."""
    return Pipeline.builder().bulkhead(limit).build()


def abulkhead(limit: int = 10, queue: int = 0, patience: float | None = None) -> Callable[[Any], Any]:
    """Return the same for async functions; its queue has no limit but patience."""
    del queue
    return Pipeline.builder().bulkhead(limit, max_wait=patience or 0.001).build()


def retry(attempts: int = 3, sleep: Callable[[float], Any] | None = None) -> Callable[[Any], Any]:
    """Return a pipeline of a retry, which is tenacity's."""
    return Pipeline.builder().retry(attempts=attempts, wait=wait_exponential(max=30), sleep=sleep).build()


def stack() -> Callable[[Any], Any]:
    """Return retry, breaker and bulkhead."""
    return Pipeline.builder().retry(wait=wait_fixed(1)).circuit_breaker(breaker()).bulkhead(10).build()


def astack() -> Callable[[Any], Any]:
    """Return retry, breaker, bulkhead and a timeout for each attempt."""
    steps = Pipeline.builder().retry(wait=wait_fixed(1)).circuit_breaker(breaker()).bulkhead(10, max_wait=1.0)
    return steps.timeout(30.0).build()


def zombies(timeout: float) -> Callable[[Any], Any]:
    """Return a bulkhead of one around a timeout that leaves the work behind."""
    return Pipeline.builder().bulkhead(1).timeout(timeout).build()


def listened(listener: Callable[..., Any], **options: Any) -> Callable[[Any], Any]:
    """Return a breaker with a listener at all that can be heard."""

    class Listener:
        on_state_change = on_call = on_rejected = on_reset = staticmethod(listener)

    return breaker(listener=Listener(), **options)

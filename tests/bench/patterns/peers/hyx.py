"""hyx: async only; failures in a row, retries and a bulkhead."""

from collections.abc import Callable
from typing import Any

from hyx.bulkhead import bulkhead
from hyx.bulkhead.exceptions import BulkheadFull
from hyx.circuitbreaker import consecutive_breaker
from hyx.circuitbreaker.exceptions import BreakerFailing
from hyx.retry import retry as hyx_retry
from hyx.retry.backoffs import expo

REFUSED = BreakerFailing
FULL = BulkheadFull


def aguard(*, fails: int = 5, wait: float = 60.0, successes: int = 1) -> Callable[[Any], Any]:
    """Return its decorator."""
    return consecutive_breaker(failure_threshold=fails, recovery_time_secs=wait, recovery_threshold=successes)


def aretry(attempts: int = 3, sleep: Callable[[float], Any] | None = None) -> Callable[[Any], Any]:
    """Return its decorator with waits of 1, 2, 4 … seconds up to half a minute; it sleeps by asyncio.sleep only."""
    del sleep
    return hyx_retry(attempts=attempts, backoff=expo(min_delay_secs=1, base=2, max_delay_secs=30))


def abulkhead(limit: int = 10, queue: int = 0, patience: float | None = None) -> Callable[[Any], Any]:
    """Return its decorator; who waits there has no time limit."""
    del patience
    return bulkhead(max_concurrency=limit, max_capacity=limit + queue)

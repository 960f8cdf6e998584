"""backoff: retries as decorators."""

from collections.abc import Callable
from typing import Any

import backoff

from tests.bench.patterns.peers import Boom


def retry(attempts: int = 3, sleep: Callable[[float], Any] | None = None) -> Callable[[Any], Any]:
    """Return its decorator with waits of 1, 2, 4 … seconds up to half a minute; it sleeps by time.sleep only."""
    del sleep
    made: Callable[[Any], Any] = backoff.on_exception(
        backoff.expo, Boom, max_tries=attempts, max_value=30, jitter=None, logger=None
    )
    return made


aretry = retry


def asked(deadline: float, seconds: float) -> Callable[[Any], Any]:
    """Return a retry that waits as long as the error says, as `runtime` does."""
    made: Callable[[Any], Any] = backoff.on_exception(
        backoff.runtime, Boom, max_time=deadline, value=lambda error: seconds, jitter=None, logger=None
    )
    return made

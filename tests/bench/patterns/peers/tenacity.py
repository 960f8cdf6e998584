"""tenacity: retries from parts."""

import time
from collections.abc import Callable
from functools import partial
from typing import Any

import tenacity


def retry(attempts: int = 3, sleep: Callable[[float], Any] | None = None) -> Callable[[Any], Any]:
    """Return its decorator with waits of 1, 2, 4 … seconds up to half a minute."""
    stop, wait = tenacity.stop_after_attempt(attempts), tenacity.wait_exponential(max=30)
    return tenacity.retry(stop=stop, wait=wait, sleep=sleep or time.sleep, reraise=True)


def aretry(attempts: int = 3) -> Callable[[Any], Any]:
    """Return the same for async functions."""
    stop, wait = tenacity.stop_after_attempt(attempts), tenacity.wait_exponential(max=30)
    return tenacity.retry(stop=stop, wait=wait, reraise=True)


def retry_call(attempts: int = 3) -> Callable[[Any], Any]:
    """Return the same as a call, which copies nothing."""
    stop, wait = tenacity.stop_after_attempt(attempts), tenacity.wait_exponential(max=30)
    retrying = tenacity.Retrying(stop=stop, wait=wait, reraise=True)
    return lambda fn: partial(retrying, fn)


def asked(deadline: float, seconds: float) -> Callable[[Any], Any]:
    """Return a retry that looks ahead, as `stop_before_delay` does."""
    return tenacity.retry(stop=tenacity.stop_before_delay(deadline), wait=tenacity.wait_fixed(seconds), reraise=True)

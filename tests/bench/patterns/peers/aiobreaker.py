"""aiobreaker: pybreaker's states for asyncio."""

from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import Any

import aiobreaker

REFUSED = aiobreaker.CircuitBreakerError


def _breaker(fails: int, wait: float) -> Any:
    return aiobreaker.CircuitBreaker(fail_max=fails, timeout_duration=timedelta(seconds=wait))


def guard(*, fails: int = 5, wait: float = 60.0) -> Callable[[Any], Any]:
    """Return what calls through a new breaker."""
    breaker = _breaker(fails, wait)
    return lambda fn: partial(breaker.call, fn)


def aguard(*, fails: int = 5, wait: float = 60.0) -> Callable[[Any], Any]:
    """Return the same for async functions."""
    breaker = _breaker(fails, wait)
    return lambda fn: partial(breaker.call_async, fn)


def listened(listener: Callable[..., Any], *, fails: int = 5) -> Callable[[Any], Any]:
    """Return a breaker with a listener at all that can be heard."""

    class Listener(aiobreaker.CircuitBreakerListener):  # type: ignore[misc]
        before_call = failure = success = state_change = staticmethod(listener)

    breaker = aiobreaker.CircuitBreaker(fail_max=fails, listeners=[Listener()])
    return lambda fn: partial(breaker.call, fn)

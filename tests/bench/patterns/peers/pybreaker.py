"""pybreaker: failures in a row, a threshold of successes; one lock around everything."""

from collections.abc import Callable
from functools import partial
from typing import Any

import pybreaker

REFUSED = pybreaker.CircuitBreakerError


def guard(*, fails: int = 5, wait: float = 60.0, successes: int = 1) -> Callable[[Any], Any]:
    """Return what calls through a new breaker."""
    breaker = pybreaker.CircuitBreaker(fail_max=fails, reset_timeout=wait, success_threshold=successes)
    return lambda fn: partial(breaker.call, fn)


def listened(listener: Callable[..., Any], *, fails: int = 5) -> Callable[[Any], Any]:
    """Return a breaker with a listener at all that can be heard, which keeps the call's own error where it trips."""

    class Listener(pybreaker.CircuitBreakerListener):
        before_call = failure = success = state_change = staticmethod(listener)

    breaker = pybreaker.CircuitBreaker(fail_max=fails, listeners=[Listener()], throw_new_error_on_trip=False)
    return lambda fn: partial(breaker.call, fn)

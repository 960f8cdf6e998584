"""purgatory: failures in a row, as an event-sourced model."""

from collections.abc import Callable
from typing import Any

from purgatory import AsyncCircuitBreakerFactory, SyncCircuitBreakerFactory
from purgatory.domain.model import OpenedState

REFUSED = OpenedState


def guard(*, fails: int = 5, wait: float = 60.0) -> Callable[[Any], Any]:
    """Return its decorator."""
    made: Callable[[Any], Any] = SyncCircuitBreakerFactory(default_threshold=fails, default_ttl=wait)("bench")
    return made


def guard_kept() -> Callable[[Any], Any]:
    """Return blocks of one breaker that is looked up once; its documentation looks it up for each call."""
    breaker = SyncCircuitBreakerFactory().get_breaker("bench")

    def decorate(fn: Any) -> Any:
        def call() -> Any:
            with breaker:
                return fn()

        return call

    return decorate


def aguard(*, fails: int = 5, wait: float = 60.0) -> Callable[[Any], Any]:
    """Return its decorator for async functions."""
    made: Callable[[Any], Any] = AsyncCircuitBreakerFactory(default_threshold=fails, default_ttl=wait)("bench")
    return made


def listened(listener: Callable[..., Any], *, fails: int = 5) -> Callable[[Any], Any]:
    """Return a breaker with a listener."""
    factory = SyncCircuitBreakerFactory(default_threshold=fails)
    factory.add_listener(listener)
    made: Callable[[Any], Any] = factory("bench")
    return made

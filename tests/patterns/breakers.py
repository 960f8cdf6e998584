"""Short words for tests of the breaker."""

from typing import Any

from resilience.patterns.breaker import BreakerConfig, CircuitBreaker
from resilience.patterns.events import CallDone, StateChange
from resilience.patterns.typing import Verdict
from tests.patterns.clock import Clock


class Down(Exception):
    """The other side failed."""


def breaker(clock: Clock | None = None, **settings: Any) -> CircuitBreaker:
    """A breaker called maps, on a clock that stands still."""
    return CircuitBreaker("maps", BreakerConfig(**settings), clock=clock or Clock())


def fail(one: CircuitBreaker, times: int = 1) -> None:
    """Has so many calls fail."""
    for _ in range(times):
        one.admit().done(Verdict.FAILURE, 0.0, Down("no"))


def succeed(one: CircuitBreaker, times: int = 1) -> None:
    """Has so many calls succeed."""
    for _ in range(times):
        assert one.call(int) == 0


def opened(clock: Clock, **settings: Any) -> CircuitBreaker:
    """A breaker that has just opened."""
    one = breaker(clock, **settings)
    fail(one, one.config.failure_threshold or 5)
    assert one.state == "open"
    return one


def half_open(clock: Clock, **settings: Any) -> CircuitBreaker:
    """A breaker that is half open, with no call under way."""
    one = opened(clock, **settings)
    clock.advance(one.config.reset_timeout)
    one.admit().done(Verdict.IGNORED)
    assert one.state == "half_open"
    return one


def changes(one: CircuitBreaker) -> list[StateChange]:
    """The list to which every change from now on is added."""
    heard: list[StateChange] = []
    one.on_state_change(heard.append)
    return heard


def ended(one: CircuitBreaker) -> list[CallDone]:
    """The list to which the end of every call from now on is added."""
    heard: list[CallDone] = []
    one.on_call(heard.append)
    return heard

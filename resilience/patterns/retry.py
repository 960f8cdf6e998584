"""Retries: a function that is called again after a failure, with waits in between, until it works or it is time to give up.

    execute_with_retry(fetch, RetryPolicies.network(), url)
    await aexecute_with_retry(fetch, RetryPolicies.network(), url)

    @with_retry(RetryConfig(max_attempts=5, deadline=20.0))
    def fetch(url): ...

When it gives up, the last error itself is raised, with a note that says after how many attempts and why. Only
`Exception` is ever caught: an interrupt, an exit and the cancellation of a task go straight through. Every execution has
its own state, and a call that works at once pays for one `try`.
"""

import asyncio
import functools
import logging
import random
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from types import CoroutineType, TracebackType
from typing import Any, Final, Literal, TypeAlias, TypeVar

from resilience.patterns.budget import RetryBudget
from resilience.patterns.callables import is_async, is_generator, must_await, name_of, no_coroutine
from resilience.patterns.deadline import current_deadline, within
from resilience.patterns.errors import ConfigError
from resilience.patterns.listeners import Listeners
from resilience.patterns.matching import note
from resilience.patterns.retry_config import DEFAULT, RetryConfig, RetryPolicies
from resilience.patterns.typing import Clock, P, Rng, T

__all__ = [
    "REAL",
    "Ports",
    "Retry",
    "RetryBudget",
    "RetryConfig",
    "RetryEvent",
    "RetryPolicies",
    "Run",
    "aexecute_with_retry",
    "execute_with_retry",
    "retry_events",
    "set_testing",
    "with_retry",
]

_log = logging.getLogger("resilience.patterns")

F = TypeVar("F", bound=Callable[..., Any])
End: TypeAlias = Literal["", "attempts", "not-retryable", "deadline", "budget"]

_HERD = 0.1
"""The share of an asked wait that is added at random: all who were told the same moment must not come back at once."""


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ports:
    """Time and chance, as retries use them."""

    sleep: Callable[[float], object] = time.sleep
    asleep: Callable[[float], Awaitable[object]] = asyncio.sleep
    clock: Clock = time.monotonic
    rng: Rng = random.random
    now: Callable[[], datetime] = _now
    """For the dates that Retry-After may hold."""


REAL: Final = Ports()


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryEvent:
    """An attempt failed. `delay` is the wait before the next one; None when there is none, and then `end` says why."""

    name: str
    attempt: int
    error: Exception
    delay: float | None
    end: End


retry_events: Final[Listeners[RetryEvent]] = Listeners("retries")
"""Hears about every failed attempt of every retry. A call that works at once tells nothing."""


class Run:
    """The state of one execution: ask `next_delay` after each failure, and raise the error when it says None."""

    __slots__ = ("_config", "_ports", "_previous", "attempt")

    def __init__(self, config: RetryConfig, ports: Ports = REAL) -> None:
        self.attempt = 1
        """The number of the attempt that is under way, or just failed."""
        self._config = config
        self._ports = ports
        self._previous = 0.0

    def next_delay(self, error: Exception) -> float | None:
        """Seconds to wait before the next attempt, or None to give up; then the error has a note that says why."""
        config, attempt = self._config, self.attempt
        delay, end = self._decide(error)
        if end:
            self._note(error, end, delay)
            if retry_events:
                retry_events(RetryEvent(name=config.name, attempt=attempt, error=error, delay=None, end=end))
            return None
        self.attempt += 1
        self._previous = delay
        if config.on_retry is not None:
            try:
                config.on_retry(attempt, error, delay)
            except Exception:  # noqa: BLE001 - a hook's own error is logged and goes no further
                _log.exception("The on_retry of %r raised.", config.name)
        if retry_events:
            retry_events(RetryEvent(name=config.name, attempt=attempt, error=error, delay=delay, end=""))
        return delay

    def _decide(self, error: Exception) -> tuple[float, End]:
        config = self._config
        if not config.is_retryable(error):
            return 0.0, "not-retryable"
        if self.attempt >= _attempts_of(config):
            return 0.0, "attempts"
        delay = self._wait(error) if _testing is None else 0.0
        deadline = current_deadline()
        if deadline is not None and delay >= deadline.remaining():
            return delay, "deadline"
        if config.budget is not None and not config.budget.try_take():
            return delay, "budget"
        return delay, ""

    def _wait(self, error: Exception) -> float:
        config, rng = self._config, self._ports.rng
        asked = config.asked_wait(error, self._ports.now) if config.respect_retry_after else None
        if asked is None:
            return config.delay(self.attempt, self._previous, rng)
        return min(config.retry_after_max, asked + asked * _HERD * rng())

    def _note(self, error: Exception, end: End, delay: float) -> None:
        if self.attempt == 1 and end in ("attempts", "not-retryable"):
            return  # there was nothing to retry, and nothing to say
        why = {
            "deadline": f": a wait of {delay:.3g} s would not end in time",
            "budget": ": the retry budget is used up",
            "not-retryable": ": this error is not retried",
        }.get(end, "")
        note(error, f"Gave up after attempt {self.attempt} of {_attempts_of(self._config)}{why}.")


def execute_with_retry(fn: Callable[P, T], config: RetryConfig = DEFAULT, /, *args: P.args, **kwargs: P.kwargs) -> T:
    """What `fn(*args, **kwargs)` returns, tried again as `config` says. Raises the last error itself."""
    return _call(config, REAL, fn, args, kwargs)


async def aexecute_with_retry(
    fn: Callable[P, Awaitable[T]], config: RetryConfig = DEFAULT, /, *args: P.args, **kwargs: P.kwargs
) -> T:
    """What `await fn(*args, **kwargs)` returns, tried again as `config` says. Raises the last error itself."""
    return await _acall(config, REAL, fn, args, kwargs)


class Retry:
    """A config together with its ports, to call functions with: `Retry(config, Ports(sleep=…)).call(fn, …)`."""

    __slots__ = ("config", "ports")

    def __init__(self, config: RetryConfig = DEFAULT, ports: Ports = REAL) -> None:
        self.config = config
        self.ports = ports

    def call(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """As `execute_with_retry`."""
        return _call(self.config, self.ports, fn, args, kwargs)

    async def acall(self, fn: Callable[P, Awaitable[T]], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """As `aexecute_with_retry`."""
        return await _acall(self.config, self.ports, fn, args, kwargs)


def with_retry(config: RetryConfig = DEFAULT, *, ports: Ports = REAL) -> Callable[[F], F]:
    """A decorator that retries a function, async or not, as `config` says. Its signature stays as it is."""

    def decorate(fn: F) -> F:
        if is_generator(fn):
            raise ConfigError("with_retry", name_of(fn), "on a function that runs when it is called, not a generator")
        if is_async(fn):

            @functools.wraps(fn)
            async def acall(*args: Any, **kwargs: Any) -> Any:
                return await _acall(config, ports, fn, args, kwargs)

            return acall  # type: ignore[return-value]

        @functools.wraps(fn)
        def call(*args: Any, **kwargs: Any) -> Any:
            return _call(config, ports, fn, args, kwargs)

        return call  # type: ignore[return-value]

    return decorate


def _call(config: RetryConfig, ports: Ports, fn: Callable[..., T], args: Any, kwargs: Any) -> T:
    if config.budget is not None:
        config.budget.count()
    if config.deadline is not None:
        with within(config.deadline, name=config.name, clock=ports.clock):
            return _attempts(config, ports, fn, args, kwargs)
    return _attempts(config, ports, fn, args, kwargs)


def _attempts(config: RetryConfig, ports: Ports, fn: Callable[..., T], args: Any, kwargs: Any) -> T:
    run = None
    while True:
        try:
            result = fn(*args, **kwargs)
            if type(result) is CoroutineType:
                no_coroutine(result, fn)
            return result
        except Exception as error:
            run = run or Run(config, ports)
            delay = run.next_delay(error)
            if delay is None:
                raise
        ports.sleep(delay)


async def _acall(config: RetryConfig, ports: Ports, fn: Callable[..., Awaitable[T]], args: Any, kwargs: Any) -> T:
    if config.budget is not None:
        config.budget.count()
    if config.deadline is not None:
        with within(config.deadline, name=config.name, clock=ports.clock):
            return await _aattempts(config, ports, fn, args, kwargs)
    return await _aattempts(config, ports, fn, args, kwargs)


async def _aattempts(config: RetryConfig, ports: Ports, fn: Callable[..., Awaitable[T]], args: Any, kwargs: Any) -> T:
    run = None
    while True:
        try:
            running = fn(*args, **kwargs)
            try:
                return await running
            except TypeError:
                must_await(running, fn)
                raise
        except Exception as error:
            run = run or Run(config, ports)
            delay = run.next_delay(error)
            if delay is None:
                raise
        await ports.asleep(delay)


class set_testing:  # noqa: N801 - reads as the statement that it is
    """Ends all waits and makes `attempts` of each retry, for tests: at once and until `set_testing(False)`, or for a block.

    With `cap`, a config that has fewer attempts keeps them. It holds for the whole process.
    """

    __slots__ = ("_before", "attempts", "cap")

    def __init__(self, active: bool = True, *, attempts: int = 1, cap: bool = False) -> None:
        global _testing  # noqa: PLW0603 - a switch of the process, read only after a failure
        if isinstance(attempts, bool) or not isinstance(attempts, int) or attempts < 1:
            raise ConfigError("attempts", attempts, "a whole number of at least 1")
        self.attempts = attempts
        self.cap = cap
        self._before = _testing
        _testing = self if active else None

    def __enter__(self) -> None:
        pass

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        global _testing  # noqa: PLW0603
        _testing = self._before


_testing: set_testing | None = None


def _attempts_of(config: RetryConfig) -> int:
    if _testing is None:
        return config.max_attempts
    return min(config.max_attempts, _testing.attempts) if _testing.cap else _testing.attempts

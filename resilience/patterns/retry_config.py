"""What to retry, how often, and how long to wait in between."""

import dataclasses
import inspect
import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, Self

from resilience.patterns.backoff import Backoff, Jitter, Strategy, backoff_of, check_seconds
from resilience.patterns.budget import RetryBudget
from resilience.patterns.callables import name_of
from resilience.patterns.errors import (
    BulkheadFullError,
    CircuitOpenError,
    ConfigError,
    RetryBudgetExhausted,
    UnknownPolicy,
)
from resilience.patterns.matching import Errors, Matcher, is_error_type
from resilience.patterns.retry_after import Reader, rate_limit_reset_of, retry_after_ms_of, retry_after_of

_NEVER = (CircuitOpenError, BulkheadFullError, RetryBudgetExhausted, ConfigError, UnknownPolicy)
"""Their answer would be the same, or a retry is just what they were raised to prevent."""

_log = logging.getLogger("resilience.patterns")


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryConfig:
    """When a failed call is tried again. Durations are seconds. Raises ConfigError."""

    max_attempts: int = 3
    """All attempts, the first one included."""
    initial_delay: float = 0.1
    max_delay: float = 30.0
    multiplier: float = 2.0
    """Of the exponential strategy."""
    strategy: Strategy = "exponential"
    jitter: Jitter = "full"
    backoff: Backoff | None = None
    """Gives the waits in place of the five settings above."""
    retry_on: Errors | None = None
    """What is retried; None: any Exception. A refusal by a breaker, a bulkhead or a budget is never retried."""
    ignored_errors: tuple[type[Exception], ...] = ()
    """What is not retried, whatever `retry_on` says."""
    deadline: float | None = None
    """For all attempts and waits together. A wait that would not end in time is not begun."""
    respect_retry_after: bool = True
    """Waits as long as the error asks for (`readers`), with a tenth of jitter on top, in place of the backoff."""
    retry_after_max: float = 300.0
    """Nobody is waited for longer than that, whatever is asked for."""
    readers: tuple[Reader, ...] = (retry_after_of,)
    """Where to read what an error asks for; the first that finds something counts."""
    budget: RetryBudget | None = None
    on_retry: Callable[[int, Exception, float], object] | None = None
    """Called with the failed attempt's number, its error and the wait to come. What it raises is logged."""
    name: str = ""
    """For events, notes and metrics."""

    _waits: Backoff = field(init=False, repr=False, compare=False)
    _matches: Matcher = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if not _is_whole(self.max_attempts) or self.max_attempts < 1:
            raise ConfigError("max_attempts", self.max_attempts, "a whole number of at least 1")
        for one in ("initial_delay", "max_delay", "retry_after_max"):
            check_seconds(one, getattr(self, one))
        if self.backoff is None and self.max_delay < self.initial_delay:
            raise ConfigError("max_delay", self.max_delay, f"at least initial_delay ({self.initial_delay!r})")
        if self.backoff is not None and not callable(getattr(self.backoff, "delay", None)):
            raise ConfigError("backoff", self.backoff, "an object with a method delay(attempt, previous, rng)")
        if self.deadline is not None:
            check_seconds("deadline", self.deadline)
        if not (isinstance(self.ignored_errors, tuple) and all(map(is_error_type, self.ignored_errors))):
            raise ConfigError("ignored_errors", self.ignored_errors, "a tuple of subclasses of Exception")
        if not all(map(callable, self.readers)):
            raise ConfigError("readers", self.readers, "callables of an error and a moment")
        if self.on_retry is not None and (not callable(self.on_retry) or inspect.iscoroutinefunction(self.on_retry)):
            raise ConfigError("on_retry", self.on_retry, "a callable that is not async")
        self._set("_waits", self.backoff or self._own_backoff())
        self._set("_matches", Matcher(self.retry_on, "retry_on"))
        if isinstance(self.retry_on, list | set):  # frozen, as the rest
            self._set("retry_on", frozenset(self.retry_on))

    def replace(self, **changes: Any) -> Self:
        """The same settings but for `changes`, checked again."""
        return dataclasses.replace(self, **changes)

    def delay(self, attempt: int, previous: float, rng: Callable[[], float]) -> float:
        """Seconds that the backoff waits after the failed attempt with this number (from 1)."""
        return self._waits.delay(attempt, previous, rng)

    def asked_wait(self, error: Exception, now: Callable[[], datetime]) -> float | None:
        """Seconds that the error asks to wait, as the readers find it; None when it asks for nothing. One that raises is logged."""
        for reader in self.readers:
            try:
                asked = reader(error, now())
            except Exception:  # noqa: BLE001 - it must not take the place of the error that it was asked about
                _log.exception("The reader %s of %r raised.", name_of(reader), self.name)
                continue
            if asked is not None and asked > 0:
                return asked
        return None

    def is_retryable(self, error: Exception) -> bool:
        """Whether this error is worth another attempt."""
        return not isinstance(error, (*_NEVER, *self.ignored_errors)) and self._matches(error)

    def _own_backoff(self) -> Backoff:
        return backoff_of(self.strategy, self.initial_delay, self.max_delay, self.multiplier, self.jitter)

    def _set(self, name: str, value: object) -> None:
        object.__setattr__(self, name, value)


class RetryPolicies:
    """Settings for the usual cases."""

    @staticmethod
    def fixed(attempts: int = 3, delay: float = 1.0) -> RetryConfig:
        """So many attempts with the same wait in between."""
        return RetryConfig(
            max_attempts=attempts, initial_delay=delay, max_delay=max(delay, 0), strategy="fixed", jitter="none"
        )

    @staticmethod
    def linear(attempts: int = 3, initial: float = 1.0, maximum: float = 30.0) -> RetryConfig:
        """Waits of 1, 2, 3, … times `initial`, with equal jitter."""
        return RetryConfig(
            max_attempts=attempts, initial_delay=initial, max_delay=maximum, strategy="linear", jitter="equal"
        )

    @staticmethod
    def exponential(attempts: int = 3, initial: float = 0.1, maximum: float = 30.0) -> RetryConfig:
        """Waits that double, with full jitter."""
        return RetryConfig(max_attempts=attempts, initial_delay=initial, max_delay=maximum)

    @staticmethod
    def api_rate_limit(attempts: int = 3) -> RetryConfig:
        """Only for "ask less often": waits as long as the other side asks for, in whichever header, else a second and more."""
        return RetryConfig(
            max_attempts=attempts,
            initial_delay=1.0,
            max_delay=60.0,
            jitter="equal",
            retry_on=frozenset({"429", "503", "529", "RATE_LIMIT", "RATE_LIMITED", "RATE_LIMIT_EXCEEDED"}),
            readers=(retry_after_ms_of, retry_after_of, rate_limit_reset_of),
        )

    @staticmethod
    def network(attempts: int = 3) -> RetryConfig:
        """Only for connections that failed, what took too long, and gateways that could not reach the service."""
        return RetryConfig(
            max_attempts=attempts,
            initial_delay=0.5,
            max_delay=10.0,
            retry_on=frozenset({"NETWORK_ERROR", "TIMEOUT", "502", "503", "504"}),
        )


def _is_whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


DEFAULT: Final = RetryConfig()

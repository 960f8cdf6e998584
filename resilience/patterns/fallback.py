"""Fallbacks: what to answer when the call failed, and always with word of what was replaced.

    prices = Fallback(cached_prices, DEFAULT_PRICES, name="prices")
    outcome = prices.execute(fetch_prices, "EUR")
    outcome.value, outcome.replaced        # the prices; the error that they stand for, or None

An error never disappears: it is in the Outcome, every listener hears of it, it is logged, and when all steps fail it is
the one that is raised.
"""

import inspect
import logging
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Final, Generic

from resilience.patterns.callables import is_generator, must_await, name_of, no_coroutine
from resilience.patterns.errors import ConfigError, UnknownPolicy
from resilience.patterns.listeners import QUIET, Listeners
from resilience.patterns.matching import Errors, Matcher, note
from resilience.patterns.typing import Clock, P, T

__all__ = ["Fallback", "FallbackEvent", "Outcome", "Value", "fallback_events"]

_NEVER = (ConfigError, UnknownPolicy)
"""Mistakes in the program. An answer in their place would hide them for ever."""

_log = logging.getLogger("resilience.patterns")


@dataclass(frozen=True, slots=True)
class Value:
    """A step that answers exactly this, even where it is a callable, None or a chain."""

    value: Any


@dataclass(frozen=True, slots=True)
class Outcome(Generic[T]):
    """An answer, and what it stands for: `replaced` is the call's own error (None: the call worked), `step` the fallback's
    name, `failed` what the steps before it raised."""

    value: T
    replaced: Exception | None = None
    step: str = ""
    failed: tuple[Exception, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class FallbackEvent:
    """A call failed and the chain went to work. `step` answered; None: every one failed, and `error` is raised."""

    name: str
    error: Exception
    step: str | None
    failed: tuple[Exception, ...]


fallback_events: Final[Listeners[FallbackEvent]] = Listeners("fallbacks")
"""Hears of every error that any chain replaced, or could not replace."""


class Fallback:
    """A chain of steps for calls that fail: values, functions, or other chains, tried in turn.

    A function gets the arguments of the call, none when it takes none (nor does a class), and the error when it has a
    parameter `error`. `handles` says which errors are replaced (codes, types, a predicate; None: any Exception).
    """

    __slots__ = ("_clock", "_handles", "_logged_at", "_steps", "_unlogged", "name", "on_fallback")

    def __init__(
        self, *steps: object, handles: Errors | None = None, name: str = "", clock: Clock = time.monotonic
    ) -> None:
        if not steps:
            raise ConfigError("steps", steps, "one value or function, or more")
        self.name = name
        self.on_fallback: Listeners[FallbackEvent] = Listeners(f"the fallback {name!r}")
        self._handles = Matcher(handles, "handles")
        self._steps: tuple[_Step, ...] = tuple(
            part for step in steps for part in (step._steps if isinstance(step, Fallback) else (_Step(step),))
        )
        self._clock = clock
        self._logged_at: float | None = None
        self._unlogged = 0

    def call(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """What `fn` returns, or else what a step answers."""
        return self.execute(fn, *args, **kwargs).value

    async def acall(self, fn: Callable[P, Awaitable[T]], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """What `await fn` returns, or else what a step answers."""
        return (await self.aexecute(fn, *args, **kwargs)).value

    def execute(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Outcome[T]:
        """As `call`, together with what was replaced."""
        try:
            return Outcome(no_coroutine(fn(*args, **kwargs), fn))
        except Exception as error:
            outcome = self.instead(error, args, kwargs)
            if outcome is None:
                raise
        return outcome

    async def aexecute(self, fn: Callable[P, Awaitable[T]], /, *args: P.args, **kwargs: P.kwargs) -> Outcome[T]:
        """As `acall`, together with what was replaced."""
        try:
            running = fn(*args, **kwargs)
            must_await(running, fn)
            return Outcome(await running)
        except Exception as error:
            outcome = await self.ainstead(error, args, kwargs)
            if outcome is None:
                raise
        return outcome

    def instead(self, error: Exception, args: tuple[Any, ...] = (), kwargs: Any = None) -> Outcome[Any] | None:
        """What the chain answers in place of an error; None when that error has to be raised."""
        if not self._may_replace(error):
            return None
        failed: list[Exception] = []
        for step in self._steps:
            try:
                value = no_coroutine(step.answer(error, args, kwargs or {}), step.label)
            except Exception as failure:  # noqa: BLE001 - it is noted on the error, and the next step is tried
                _keep(error, step.label, failure, failed)
            else:
                return self._replaced(error, step.label, value, failed)
        self._tell(error, None, tuple(failed))
        return None

    async def ainstead(self, error: Exception, args: tuple[Any, ...] = (), kwargs: Any = None) -> Outcome[Any] | None:
        """As `instead`, with steps that may be async."""
        if not self._may_replace(error):
            return None
        failed: list[Exception] = []
        for step in self._steps:
            try:
                value = step.answer(error, args, kwargs or {})
                if inspect.isawaitable(value) and step.called:
                    value = await value
            except Exception as failure:  # noqa: BLE001 - it is noted on the error, and the next step is tried
                _keep(error, step.label, failure, failed)
            else:
                return self._replaced(error, step.label, value, failed)
        self._tell(error, None, tuple(failed))
        return None

    def _may_replace(self, error: Exception) -> bool:
        return not isinstance(error, _NEVER) and self._handles(error)

    def _replaced(self, error: Exception, step: str, value: Any, failed: list[Exception]) -> Outcome[Any]:
        self._log(error, step)
        self._tell(error, step, tuple(failed))
        return Outcome(value, error, step, tuple(failed))

    def _tell(self, error: Exception, step: str | None, failed: tuple[Exception, ...]) -> None:
        if self.on_fallback or fallback_events:
            event = FallbackEvent(name=self.name, error=error, step=step, failed=failed)
            self.on_fallback(event)
            fallback_events(event)

    def _log(self, error: Exception, step: str) -> None:
        """At most once in QUIET seconds: an outage that is bridged must be seen, and must not fill the disk."""
        now = self._clock()
        if self._logged_at is not None and 0 <= now - self._logged_at < QUIET:
            self._unlogged += 1
            return
        unlogged, self._unlogged, self._logged_at = self._unlogged, 0, now
        _log.warning(
            "The fallback %s of %r took the place of %s: %s (unlogged before: %d).",
            step,
            self.name,
            type(error).__name__,
            error,
            unlogged,
        )


class _Step:
    __slots__ = ("_fn", "_value", "_wants_arguments", "_wants_error", "called", "label")

    def __init__(self, step: object) -> None:
        self.called = callable(step)
        self._fn: Any = step
        self._value = step.value if isinstance(step, Value) else step
        self.label = name_of(step) if callable(step) else repr(self._value)[:60]
        if callable(step) and is_generator(step):
            raise ConfigError("steps", step, "functions that run when they are called, not generators")
        names = _parameters(step) if callable(step) else frozenset()
        self._wants_error = "error" in names
        self._wants_arguments = bool(names - {"error"})

    def answer(self, error: Exception, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        if not self.called:
            return self._value
        if not self._wants_arguments:
            args, kwargs = (), {}
        return self._fn(*args, **kwargs, error=error) if self._wants_error else self._fn(*args, **kwargs)


def _parameters(fn: Callable[..., Any]) -> frozenset[str]:
    """The names of what a function takes. A class takes nothing; what has no signature to read takes whatever it is given."""
    if isinstance(fn, type):
        return frozenset()
    try:
        return frozenset(inspect.signature(fn).parameters)
    except (TypeError, ValueError):
        return frozenset({"*"})


def _keep(error: Exception, step: str, failure: Exception, failed: list[Exception]) -> None:
    failed.append(failure)
    note(error, f"The fallback {step} failed as well: {type(failure).__name__}: {str(failure)[:200]}")

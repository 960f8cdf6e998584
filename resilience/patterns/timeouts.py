"""Timeouts that are honest about what they can do.

    with_timeout(load, 5.0, key)                  # cooperative: code and clients below read the deadline
    await with_timeout(fetch, 5.0, url)           # async: the task is cancelled where it waits
    with_timeout(parse, TimeoutConfig(timeout=5.0, mode="thread"), page)

A thread cannot be stopped. So the default for sync code ends nothing: it hands down a deadline (`current_deadline()`,
`time_left()`) for whatever takes a timeout, turns the TimeoutError that comes of it into DeadlineExceeded, and returns a
result that comes late, for it is a result. Mode "thread" frees the caller: the work goes on in its thread, counts in
`abandoned_calls()`, and beyond `max_abandoned` of them new calls are refused. What runs there sees the caller's context
variables, but no transaction and no connection that belongs to the caller's thread.
"""

import asyncio
import contextvars
import logging
import math
import threading
import time
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass, field, replace
from types import CoroutineType
from typing import Any, Final, Literal, Self, cast

from resilience.patterns.alarm import Alarm
from resilience.patterns.backoff import check_seconds
from resilience.patterns.callables import is_async, must_await, no_coroutine
from resilience.patterns.deadline import Deadline, within
from resilience.patterns.errors import BulkheadFullError, ConfigError, DeadlineExceeded, UnknownPolicy
from resilience.patterns.fallback import Fallback
from resilience.patterns.forks import renew_after_fork
from resilience.patterns.listeners import Listeners
from resilience.patterns.typing import Clock, P, T

__all__ = [
    "CallAbandoned",
    "Timeout",
    "TimeoutConfig",
    "TimeoutEvent",
    "TimeoutManager",
    "TooManyAbandoned",
    "Worker",
    "abandoned_calls",
    "timeout_events",
    "timeouts",
    "with_timeout",
    "with_timeout_async",
]

Mode = Literal["cooperative", "thread"]

_log = logging.getLogger("resilience.patterns")


class CallAbandoned(DeadlineExceeded):
    """The call did not end in time, and goes on in its thread: `worker` tells when it ends."""

    def __init__(self, duration: float, name: str = "", worker: "Worker | None" = None) -> None:
        super().__init__(duration, name)
        self.worker = worker


class TooManyAbandoned(BulkheadFullError):
    """Too many calls of this name were given up on and still run, so no further thread is spent on them."""

    def __init__(self, name: str, reason: str = "abandoned") -> None:
        super().__init__(name, reason)

    def __str__(self) -> str:
        return f"Too many calls of {self.name!r} did not end in time and still run."


@dataclass(frozen=True, slots=True, kw_only=True)
class TimeoutConfig:
    """How long a call may take, in seconds, and what happens then. Raises ConfigError."""

    timeout: float
    mode: Mode = "cooperative"
    """For sync functions; "thread" frees the caller and leaves the work behind. Async functions are always cancelled."""
    fallback: object = None
    """Answers when the time is over: a value, a function, or a Fallback chain. None raises DeadlineExceeded."""
    on_timeout: Callable[[float], object] | None = None
    """Called with the seconds that were not enough. What it raises is logged."""
    max_abandoned: int = 16
    """In mode "thread": so many calls of this name may go on after they were given up on."""
    name: str = ""
    """For errors, events and metrics."""
    _chain: Fallback | None = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if self.timeout != math.inf:
            check_seconds("timeout", self.timeout)
        if self.timeout <= 0:
            raise ConfigError("timeout", self.timeout, "a number of seconds above 0, or infinity")
        if self.mode not in ("cooperative", "thread"):
            raise ConfigError("mode", self.mode, 'either "cooperative" or "thread"')
        if isinstance(self.max_abandoned, bool) or not isinstance(self.max_abandoned, int) or self.max_abandoned < 1:
            raise ConfigError("max_abandoned", self.max_abandoned, "a whole number of at least 1")
        if self.on_timeout is not None and not callable(self.on_timeout):
            raise ConfigError("on_timeout", self.on_timeout, "callable")
        chain = None if self.fallback is None else Fallback(self.fallback, name=self.name)
        object.__setattr__(self, "_chain", chain)
        object.__setattr__(self, "timeout", float(self.timeout))

    def replace(self, **changes: Any) -> Self:
        """The same settings but for `changes`, checked again."""
        return replace(self, **changes)

    def instead(self, error: DeadlineExceeded, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """What the fallback answers. Raises the error when there is none, or it failed too."""
        outcome = None if self._chain is None else self._chain.instead(error, args, kwargs)
        if outcome is None:
            raise error
        return outcome.value

    async def ainstead(self, error: DeadlineExceeded, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """As `instead`, with a fallback that may be async."""
        outcome = None if self._chain is None else await self._chain.ainstead(error, args, kwargs)
        if outcome is None:
            raise error
        return outcome.value


@dataclass(frozen=True, slots=True, kw_only=True)
class TimeoutEvent:
    """A call took too long. `duration` is the limit that it did not keep, `abandoned` whether it goes on in a thread."""

    name: str
    duration: float
    abandoned: bool


timeout_events: Final[Listeners[TimeoutEvent]] = Listeners("timeouts")
"""Hears of every call that took too long."""


def with_timeout(fn: Callable[P, T], limit: float | TimeoutConfig, /, *args: P.args, **kwargs: P.kwargs) -> T:
    """What `fn(*args, **kwargs)` returns, if it ends in time; for an async function a coroutine to await.

    Raises DeadlineExceeded, or answers with the fallback; `limit` is in seconds.
    """
    return Timeout(limit).call(fn, *args, **kwargs)


async def with_timeout_async(
    fn: Callable[P, Awaitable[T]], limit: float | TimeoutConfig, /, *args: P.args, **kwargs: P.kwargs
) -> T:
    """As `with_timeout`, for functions whose result is awaited."""
    return await Timeout(limit).acall(fn, *args, **kwargs)


class Timeout:
    """A limit to call functions with, again and again: `Timeout(5.0).call(fn, …)`."""

    __slots__ = ("_clock", "config")

    def __init__(self, limit: float | TimeoutConfig, *, clock: Clock = time.monotonic) -> None:
        self.config = limit if isinstance(limit, TimeoutConfig) else TimeoutConfig(timeout=limit)
        self._clock = clock

    def call(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """As `with_timeout`."""
        result: Any = self._called(fn, args, kwargs)
        if hasattr(type(result), "__await__") and isinstance(result, Coroutine):  # perhaps of a lambda
            return cast(T, self._await(lambda: result, (), {}))
        return cast(T, result)

    def run(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """As `call`, where nobody would await what comes back: an async function raises ConfigError."""
        result: T = self._called(fn, args, kwargs)
        if type(result) is CoroutineType:
            no_coroutine(result, fn)
        return result

    def acall(self, fn: Callable[P, Awaitable[T]], /, *args: P.args, **kwargs: P.kwargs) -> Coroutine[Any, Any, T]:
        """As `with_timeout_async`."""
        return self._await(fn, args, kwargs)

    def _called(self, fn: Callable[..., Any], args: Any, kwargs: Any) -> Any:
        threaded = self.config.mode == "thread" and not is_async(fn)
        scope = self._scope()
        try:
            with scope as deadline:
                return self._in_thread(deadline, fn, args, kwargs) if threaded else fn(*args, **kwargs)
        except TimeoutError as error:
            if not scope.deadline.expired:
                raise  # somebody else's limit
            return self.config.instead(self._tell(scope.deadline, error), args, kwargs)

    async def _await(self, fn: Callable[..., Awaitable[T]], args: Any, kwargs: Any) -> T:
        with self._scope() as deadline:
            alarm = Alarm(deadline.remaining())
            late: BaseException
            try:
                running = fn(*args, **kwargs)
                try:
                    result = await running
                except TypeError:
                    must_await(running, fn)
                    raise
            except asyncio.CancelledError as error:
                if not alarm.off():
                    raise
                late = error
            except BaseException as error:
                alarm.off()
                if not isinstance(error, TimeoutError) or not (alarm.rang or deadline.expired):
                    raise  # of the call, or of somebody else's limit
                late = error
            else:
                alarm.off()
                return result
        return cast(T, await self.config.ainstead(self._tell(deadline, late), args, kwargs))

    def _scope(self) -> within:
        return within(self.config.timeout, name=self.config.name, clock=self._clock)

    def _in_thread(self, deadline: Deadline, fn: Callable[..., Any], args: Any, kwargs: Any) -> Any:
        config = self.config
        if _abandoned.count(config.name) >= config.max_abandoned:
            raise TooManyAbandoned(config.name)
        context = contextvars.copy_context()
        worker = Worker(config.name)
        if worker.run(lambda: context.run(fn, *args, **kwargs), deadline.remaining()):
            return worker.result()
        raise CallAbandoned(deadline.seconds, deadline.name or config.name, worker)

    def _tell(self, deadline: Deadline, error: BaseException) -> DeadlineExceeded:
        """The error to raise, once everybody has heard of it."""
        config = self.config
        if isinstance(error, DeadlineExceeded):
            exceeded = error
        else:
            exceeded = deadline.exceeded(deadline.name or config.name)
            exceeded.__cause__ = error
        if config.on_timeout is not None:
            try:
                config.on_timeout(exceeded.duration)
            except Exception:  # noqa: BLE001 - a hook's own error is logged and goes no further
                _log.exception("The on_timeout of %r raised.", config.name)
        if timeout_events:
            abandoned = isinstance(error, CallAbandoned)
            timeout_events(TimeoutEvent(name=config.name, duration=exceeded.duration, abandoned=abandoned))
        return exceeded


class Worker:
    """A call in a thread of its own. Whoever waits for it may give up; then it counts as abandoned until it ends."""

    __slots__ = ("_callbacks", "_ended", "_error", "_gate", "_lock", "_name", "_result", "abandoned")

    def __init__(self, name: str) -> None:
        self.abandoned = False
        self._name = name
        self._lock = threading.Lock()
        self._gate = threading.Event()
        self._ended = False
        self._result: Any = None
        self._error: BaseException | None = None
        self._callbacks: list[Callable[[], object]] = []

    def run(self, work: Callable[[], Any], seconds: float) -> bool:
        """Whether the work ended within so many seconds; if not, it is abandoned. Python's exit does not wait for its thread."""
        thread = threading.Thread(target=self._work, args=(work,), name=f"timeout-{self._name}", daemon=True)
        try:
            thread.start()
            if self._gate.wait(min(seconds, threading.TIMEOUT_MAX)):
                return True
        except RuntimeError:  # no thread is to be had
            raise
        except BaseException:  # an interrupt
            self._abandon()
            raise
        return not self._abandon()  # it may end in this very moment

    def result(self) -> Any:
        """What the call returned. Raises what it raised."""
        error, self._error = self._error, None
        if error is None:
            return self._result
        try:
            raise error
        finally:
            del error  # its traceback leads back here

    def when_done(self, callback: Callable[[], object]) -> None:
        """Has `callback` called when the work ends, in its thread; at once when it has ended already. For what it holds."""
        with self._lock:
            if not self._ended:
                self._callbacks.append(callback)
                return
        callback()

    def _work(self, work: Callable[[], Any]) -> None:
        try:
            self._result = work()
        except BaseException as error:  # noqa: BLE001 - it is raised where somebody waits for it
            self._error = error
        del work
        with self._lock:
            self._ended = True
            callbacks, self._callbacks = self._callbacks, []
        if self.abandoned:
            _abandoned.leave(self._name)
            if self._error is not None:
                _log.warning("An abandoned call of %r ended with an error.", self._name, exc_info=self._error)
        try:
            for callback in callbacks:
                callback()
        finally:
            self._gate.set()

    def _abandon(self) -> bool:
        with self._lock:
            if self._ended:
                return False
            self.abandoned = True
            _abandoned.enter(self._name)
            return True


class _Abandoned:
    """How many abandoned calls of each name still run."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._counts: dict[str, int] = {}
        renew_after_fork(self)

    def enter(self, name: str) -> None:
        with self._lock:
            self._counts[name] = self._counts.get(name, 0) + 1

    def leave(self, name: str) -> None:
        with self._lock:
            self._counts[name] = self._counts.get(name, 0) - 1
            if self._counts[name] <= 0:
                del self._counts[name]

    def count(self, name: str | None) -> int:
        with self._lock:
            return sum(self._counts.values()) if name is None else self._counts.get(name, 0)

    def _after_fork(self) -> None:
        self._lock = threading.RLock()
        self._counts = {}  # their threads stayed with the parent


_abandoned = _Abandoned()


def abandoned_calls(name: str | None = None) -> int:
    """How many calls go on in threads after their callers gave up: of one name, or of all."""
    return _abandoned.count(name)


class TimeoutManager:
    """Limits by name, for calls whose limit is set somewhere else."""

    def __init__(self, *, clock: Clock = time.monotonic) -> None:
        self._clock = clock
        self._timeouts: dict[str, Timeout] = {}

    def register(self, name: str, limit: float | TimeoutConfig) -> TimeoutConfig:
        """The limit as it now stands under that name, in place of one that stood there."""
        config = limit if isinstance(limit, TimeoutConfig) else TimeoutConfig(timeout=limit)
        config = config.replace(name=name)
        self._timeouts[name] = Timeout(config, clock=self._clock)
        return config

    def get(self, name: str) -> TimeoutConfig:
        """The limit of that name. Raises UnknownPolicy with the names there are."""
        return self._named(name).config

    @property
    def names(self) -> list[str]:
        """All names, sorted."""
        return sorted(self._timeouts)

    def execute(self, name: str, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """As `with_timeout`, with the limit of that name. Raises UnknownPolicy with the names there are."""
        return self._named(name).call(fn, *args, **kwargs)

    async def aexecute(self, name: str, fn: Callable[P, Awaitable[T]], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """As `with_timeout_async`, with the limit of that name. Raises UnknownPolicy with the names there are."""
        return await self._named(name).acall(fn, *args, **kwargs)

    def _named(self, name: str) -> Timeout:
        try:
            return self._timeouts[name]
        except KeyError:
            raise UnknownPolicy(name, self._timeouts) from None


timeouts: Final = TimeoutManager()
"""The limits of this process."""

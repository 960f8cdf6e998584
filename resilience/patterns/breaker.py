"""A circuit breaker for sync and async calls alike.

    CLOSED ──(1)──▶ OPEN ──(2)──▶ HALF_OPEN ──(3)──▶ CLOSED
                     ▲                │
                     └──────(4)───────┘

1. A call that ends makes a count or a rate reach its threshold (`BreakerConfig`). That call raises its own error.
2. The reset timeout is over, and a call asks to be let in. Nothing happens by itself: until then the state reads OPEN.
3. `success_threshold` half-open calls succeeded.
4. One half-open call failed (or was slow, where slow calls can open the breaker).

Each change begins a new generation. A call belongs to the generation that admitted it; one that ends in a later
generation is counted in the totals and decides nothing. A half-open call holds a place until it ends, or until
somebody needs the place after `half_open_lease`; what it says in the end counts nonetheless, while the breaker is half open.

A call ends as a success, as a failure or ignored (`Verdict`). What is no `Exception` (a cancellation, a signal) and
what the patterns themselves refuse (another breaker, a full bulkhead) is always ignored: it gives its place back.

One lock guards the counting, for less than a microsecond. No code of the caller runs under it: no call, no listener, no
predicate. It may be taken again by its own thread, so that a signal handler or a finalizer cannot lock itself out.
"""

import asyncio
import logging
import math
import time
from collections.abc import Awaitable, Callable
from types import CoroutineType
from typing import Any

from resilience.patterns.callables import must_await, no_coroutine
from resilience.patterns.config import BreakerConfig
from resilience.patterns.errors import CircuitOpenError, DeadlineExceeded, ResilienceError
from resilience.patterns.events import CallDone, Reason
from resilience.patterns.guard import Guard
from resilience.patterns.ledger import sample_of
from resilience.patterns.listeners import Listeners
from resilience.patterns.machine import Machine, Permit
from resilience.patterns.typing import Clock, P, T, Verdict

__all__ = ["BreakerConfig", "CircuitBreaker", "Permit"]

_log = logging.getLogger("resilience.patterns")
_SUCCESS, _FAILURE, _IGNORED = Verdict.SUCCESS, Verdict.FAILURE, Verdict.IGNORED
_refusal = CircuitOpenError.__new__  # as cheap as an error gets: its only state is its args


class CircuitBreaker(Machine):
    """Lets calls through while they fare well, and refuses them for a while when they do not.

    `call`, `acall` and `guard` for code; `admit` for hosts that start and end a call in different places. All of it is
    safe to use from any number of threads and event loops at once. `clock` may jump: back is taken for no step, and
    ahead only ends waits early.
    """

    __slots__ = ("_look", "_on_call")

    def __init__(self, name: str, config: BreakerConfig | None = None, *, clock: Clock = time.monotonic) -> None:
        super().__init__(name, config, clock=clock)
        self._on_call: Listeners[CallDone] = Listeners(f"the breaker {name}")
        self._look = self._attention()

    def call(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """The result of `fn(*args, **kwargs)`; whatever it raises goes through as it is. Raises CircuitOpenError when refused."""
        generation = self._admitting
        if not generation:
            now, until = self._clock(), self._until
            if now < until:
                raise self._refused(until - now)
            return self._call_with(self._enter(now), fn, *args, **kwargs)
        clock = self._clock
        started = clock()
        try:
            result = fn(*args, **kwargs)
            if type(result) is CoroutineType:
                no_coroutine(result, fn)
        except BaseException as error:
            self._raised(generation, started, error)
            raise
        self._returned(generation, started, result)
        return result

    async def acall(self, fn: Callable[P, Awaitable[T]], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """What awaiting `fn(*args, **kwargs)` gives. Raises CircuitOpenError when refused, DeadlineExceeded after `call_timeout`."""
        generation = self._admitting
        if not generation or self._config.call_timeout is not None:
            now, until = self._clock(), self._until
            if now < until:
                raise self._refused(until - now)
            return await self._acall_with(self._enter(now), fn, *args, **kwargs)
        started = self._clock()
        try:
            running = fn(*args, **kwargs)
            try:
                result = await running
            except TypeError:
                must_await(running, fn)
                raise
        except BaseException as error:
            self._raised(generation, started, error)
            raise
        self._returned(generation, started, result)
        return result

    def guard(self) -> Guard:
        """A block to run under the breaker: `with breaker.guard() as call: call.record(work())`, or `async with`."""
        return Guard(self)

    def admit(self) -> Permit:
        """A permit for one call, to be ended with `done`. Raises CircuitOpenError when refused."""
        now, until = self._clock(), self._until
        if now < until:
            raise self._refused(until - now)
        return self._enter(now)

    def record_success(self, duration: float = 0.0) -> None:
        """Counts a success of a call that was not run through the breaker."""
        self._outcome(_SUCCESS, None, duration)

    def record_failure(self, error: BaseException | None = None, duration: float = 0.0) -> None:
        """Counts a failure of a call that was not run through the breaker, whatever `error` is."""
        self._outcome(_FAILURE, error, duration)

    def judge(self, error: BaseException) -> Verdict:
        """What an error says about the other side."""
        config = self._config
        if not isinstance(error, Exception) or isinstance(error, config.ignored_errors):
            return _IGNORED
        if isinstance(error, ResilienceError) and not isinstance(error, DeadlineExceeded):
            return _IGNORED
        return _FAILURE if config.is_failure is None else self._ask(config.is_failure, error, _FAILURE)

    def judge_result(self, result: Any) -> Verdict:
        """What a result says about the other side."""
        predicate = self._config.is_failure_result
        return _SUCCESS if predicate is None else self._ask(predicate, result, _IGNORED)

    def on_call(self, listener: Callable[[CallDone], object]) -> Callable[[], None]:
        """Has `listener` called after each call that was let through; the callable that comes back ends it."""
        leave = self._on_call.subscribe(listener)

        def unsubscribe() -> None:
            leave()
            self._look_anew()

        self._look_anew()
        return unsubscribe

    def reconfigure(self, config: BreakerConfig) -> None:
        """Puts other settings in force. The window is kept unless its shape is another one; a wait that runs is measured anew."""
        with self._lock:
            super().reconfigure(config)
            self._look = self._attention()

    # -- inside --------------------------------------------------------------------------------------------------

    def _refused(self, wait: float) -> CircuitOpenError:
        """The error to raise while OPEN. Whoever raises it keeps no name for it: that would tie it to its own traceback."""
        next(self._refusals)
        return _refusal(CircuitOpenError, self.name, wait if wait < math.inf else None, self._why)

    def _enter(self, now: float) -> Permit:
        generation = self._admitting
        if generation:
            return Permit(self, generation, now)
        permit = self._place(now)
        if permit is None:
            next(self._refusals)
            raise CircuitOpenError(self.name, self.retry_after, Reason.HALF_OPEN_FULL)
        return permit

    def _place(self, now: float) -> Permit | None:
        """A permit where nothing stands in the way but, perhaps, that no half-open place is free."""
        return Permit(self, 0, now) if self._forced == "disabled" else self._try_half_open()

    def _call_with(self, permit: Permit, fn: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        try:
            result = fn(*args, **kwargs)
            if type(result) is CoroutineType:
                no_coroutine(result, fn)
        except BaseException as error:
            permit.done(self.judge(error), None, error)
            raise
        permit.done(self.judge_result(result))
        return result

    async def _acall_with(self, permit: Permit, fn: Callable[P, Awaitable[T]], *args: P.args, **kwargs: P.kwargs) -> T:
        limit = self._config.call_timeout
        timeout = asyncio.timeout(limit)
        try:
            async with timeout:
                running = fn(*args, **kwargs)
                try:
                    result = await running
                except TypeError:
                    must_await(running, fn)
                    raise
        except TimeoutError as error:
            if limit is None or not timeout.expired():
                permit.done(self.judge(error), None, error)
                raise
            late = DeadlineExceeded(limit, self.name)
            permit.done(_FAILURE, None, late)
            raise late from error
        except BaseException as error:
            permit.done(self.judge(error), None, error)
            raise
        permit.done(self.judge_result(result))
        return result

    def _returned(self, generation: int, started: float, result: Any) -> None:
        """The end of a call that was let through while closed and gave a result: the path that has to be short."""
        now = self._clock()
        duration = now - started
        if duration >= self._look:
            self._record(generation, self.judge_result(result), duration, None, now)
            return
        ledger = self._ledger
        reason = None
        with self._lock:
            if self._admitting == generation:
                ledger.consecutive = 0
                window = ledger.window
                window.push(0, now)
                if window.failures or window.slow:
                    reason = ledger.rate_reached()
            else:
                ledger.outside += 1
                ledger.late += 1
            ledger.recent.append((now, duration, _SUCCESS))
        if reason is not None:
            self._trip(reason, generation)

    def _raised(self, generation: int, started: float, error: BaseException) -> None:
        now = self._clock()
        self._record(generation, self.judge(error), now - started, error, now)

    def _record(
        self, generation: int, verdict: Verdict, duration: float, error: BaseException | None, now: float
    ) -> None:
        """The end of any call that was let through while closed."""
        if self._config.call_timeout is not None:
            verdict, error = self._in_time(verdict, duration, error)
        sample = sample_of(error, now) if verdict is _FAILURE else None
        ledger = self._ledger
        reason = None
        with self._lock:
            slow = ledger.note(verdict, duration, now, sample)
            if not generation or generation != self._admitting:
                ledger.late += 1
                ledger.outside += verdict is not _IGNORED
            elif verdict is not _IGNORED:
                reason = ledger.count(verdict is _FAILURE, slow, now)
        if reason is not None:
            self._trip(reason, generation)
        if self._on_call:
            self._tell(verdict, duration, error)

    def _finish(self, permit: Permit, verdict: Verdict, duration: float | None, error: BaseException | None) -> None:
        """The end of a call that has a permit."""
        now = self._clock()
        with self._lock:
            if not permit.end():
                return
        if duration is None:
            duration = now - permit.started
        if permit.deadline is None:
            self._record(permit.generation, verdict, duration, error, now)
            return
        verdict, error = self._in_time(verdict, duration, error)
        sample = sample_of(error, now) if verdict is _FAILURE else None
        with self._lock:
            slow = self._ledger.note(verdict, duration, now, sample)
            self._ledger.outside += verdict is not _IGNORED
            counts_slow = slow and self._config.slow_call_rate_threshold is not None
        self._half_open_done(permit, _FAILURE if counts_slow and verdict is _SUCCESS else verdict)
        if self._on_call:
            self._tell(verdict, duration, error)

    def _outcome(self, verdict: Verdict, error: BaseException | None, duration: float) -> None:
        now, generation = self._clock(), self._admitting
        permit = self._place(now) if not generation and now >= self._until else None
        if permit is None:
            self._record(generation, verdict, duration, error, now)
        else:
            permit.done(verdict, duration, error)

    def _in_time(
        self, verdict: Verdict, duration: float, error: BaseException | None
    ) -> tuple[Verdict, BaseException | None]:
        limit = self._config.call_timeout
        if limit is not None and duration >= limit and verdict is _SUCCESS:
            return _FAILURE, DeadlineExceeded(limit, self.name)
        return verdict, error

    def _tell(self, verdict: Verdict, duration: float, error: BaseException | None) -> None:
        success = verdict is _SUCCESS
        self._on_call(CallDone(name=self.name, verdict=verdict, success=success, duration=duration, error=error))

    def _ask(self, predicate: Callable[[Any], bool | Verdict], about: object, otherwise: Verdict) -> Verdict:
        try:
            said = predicate(about)
        except Exception:  # noqa: BLE001 - whatever it is, it is logged, and the call has its own outcome
            _log.exception("The predicate %r of the breaker %s raised.", predicate, self.name)
            return otherwise
        if isinstance(said, Verdict):
            return said
        return _FAILURE if said else _SUCCESS

    def _attention(self) -> float:
        """The duration from which a good result needs a closer look than the short path has; -inf: each does."""
        config = self._config
        if config.is_failure_result is not None or self._on_call:
            return -math.inf
        return min(config.slow_call_duration or math.inf, config.call_timeout or math.inf)

    def _look_anew(self) -> None:
        with self._lock:
            self._look = self._attention()

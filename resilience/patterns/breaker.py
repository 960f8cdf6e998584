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
somebody needs the place after `half_open_lease`.

A call ends as a success, as a failure or ignored (`Verdict`). What is no `Exception` (a cancellation, a signal) and
what the patterns themselves refuse (another breaker, a full bulkhead) is always ignored: it gives its place back.

One lock guards the counting, for less than a microsecond. No code of the caller runs under it: no call, no listener, no
predicate. It may be taken again by its own thread, so that a signal handler or a finalizer cannot lock itself out.
"""

import asyncio
import logging
import math
import threading
import time
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Any

from resilience.patterns.config import BreakerConfig
from resilience.patterns.errors import CircuitOpenError, ConfigError, DeadlineExceeded, ResilienceError, code_of
from resilience.patterns.events import CallDone, Reason, StateChange
from resilience.patterns.forks import renew_after_fork
from resilience.patterns.guard import Guard
from resilience.patterns.listeners import Listeners
from resilience.patterns.snapshot import HEALTH_SPAN, RecentCall, RecentError, Snapshot, Totals, health_score
from resilience.patterns.steady import steady
from resilience.patterns.typing import Clock, P, State, T, Verdict
from resilience.patterns.windows import FAILED, SLOW, CountWindow, TimeWindow, Window

__all__ = ["BreakerConfig", "CircuitBreaker", "Permit"]

RECENT_CALLS = 60
RECENT_ERRORS = 5
LONGEST_TEXT = 500

_log = logging.getLogger("resilience.patterns")
_CLOSED, _OPEN, _HALF_OPEN = State.CLOSED, State.OPEN, State.HALF_OPEN
_SUCCESS, _FAILURE, _IGNORED = Verdict.SUCCESS, Verdict.FAILURE, Verdict.IGNORED
_BREAKS_KEPT = 64


class Permit:
    """A call that a breaker has admitted; whoever holds it says once how it ended.

    `generation` is the breaker's when it was admitted (0: admitted while the breaker is disabled), `deadline` the end
    of its lease on a half-open place, or None.
    """

    __slots__ = ("_ended", "breaker", "deadline", "generation", "started")

    def __init__(
        self, breaker: "CircuitBreaker", generation: int, started: float, deadline: float | None = None
    ) -> None:
        self.breaker = breaker
        self.generation = generation
        self.started = started
        self.deadline = deadline
        self._ended = False

    def done(self, verdict: Verdict, duration: float | None = None, error: BaseException | None = None) -> None:
        """Says how the call ended, and after how many seconds (default: since it was admitted). A second time is not heard."""
        self.breaker._finish(self, verdict, duration, error)


class CircuitBreaker:
    """Lets calls through while they fare well, and refuses them for a while when they do not.

    `call`, `acall` and `guard` for code; `admit` for hosts that start and end a call in different places. All of it is
    safe to use from any number of threads and event loops at once. `clock` may jump: back is taken for no step, and
    ahead only ends waits early.
    """

    __slots__ = (
        "__weakref__",
        "_admitting",
        "_breaks",
        "_clock",
        "_config",
        "_consecutive",
        "_counted",
        "_delivering",
        "_detail",
        "_errors",
        "_events",
        "_failed_at",
        "_forced",
        "_forced_until",
        "_generation",
        "_ignored",
        "_late",
        "_leases",
        "_left_at",
        "_lock",
        "_look",
        "_on_call",
        "_on_state_change",
        "_openings",
        "_outside",
        "_reason",
        "_recent",
        "_rejected",
        "_rejected_before",
        "_reopenings",
        "_since",
        "_slow",
        "_state",
        "_successes",
        "_total_failures",
        "_until",
        "_window",
        "name",
    )

    def __init__(self, name: str, config: BreakerConfig | None = None, *, clock: Clock = time.monotonic) -> None:
        self.name = name
        self._clock = steady(clock)
        self._lock = threading.RLock()
        self._delivering = threading.Lock()
        self._events: deque[StateChange] = deque()
        self._on_state_change: Listeners[StateChange] = Listeners(f"the breaker {name}")
        self._on_call: Listeners[CallDone] = Listeners(f"the breaker {name}")

        self._config = config = BreakerConfig() if config is None else config
        self._window: Window = _build_window(config)
        self._failed_at: deque[float] | None = _build_failed_at(config, ())
        self._consecutive = 0
        self._recent: deque[tuple[float, float, Verdict]] = deque(maxlen=RECENT_CALLS)
        self._errors: deque[RecentError] = deque(maxlen=RECENT_ERRORS)

        self._state = _CLOSED
        self._generation = 1
        self._since = self._clock()
        self._reason: str = Reason.NEW
        self._detail = ""
        self._until = -math.inf  # when OPEN ends; -inf in every other state
        self._forced: str | None = None
        self._forced_until = math.inf
        self._leases: list[Permit] = []
        self._successes = 0
        self._reopenings = 0
        self._openings = 0

        self._counted = 0  # calls seen by the windows before this one
        self._outside = 0  # successes and failures that no window saw
        self._total_failures = 0
        self._slow = 0
        self._ignored = 0
        self._late = 0
        self._rejected = 0
        self._rejected_before = 0
        self._left_at = self._since
        self._breaks: deque[tuple[float, float, int]] = deque(maxlen=_BREAKS_KEPT)

        self._admitting = 1  # the generation while calls are let through and counted, else 0
        self._look = self._attention()
        renew_after_fork(self)

    # -- calls ---------------------------------------------------------------------------------------------------

    def call(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """The result of `fn(*args, **kwargs)`; whatever it raises goes through as it is. Raises CircuitOpenError when refused."""
        generation = self._admitting
        if not generation:
            return self._call_with(self.admit(), fn, *args, **kwargs)
        clock = self._clock
        started = clock()
        try:
            result = fn(*args, **kwargs)
        except BaseException as error:
            self._raised(generation, started, error)
            raise
        self._returned(generation, started, result)
        return result

    async def acall(self, fn: Callable[P, Awaitable[T]], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """What awaiting `fn(*args, **kwargs)` gives. Raises CircuitOpenError when refused, DeadlineExceeded after `call_timeout`."""
        generation = self._admitting
        if not generation or self._config.call_timeout is not None:
            return await self._acall_with(self.admit(), fn, *args, **kwargs)
        started = self._clock()
        try:
            result = await fn(*args, **kwargs)
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
        now = self._clock()
        generation = self._admitting
        if generation:
            return Permit(self, generation, now)
        if now >= self._until:
            permit = self._place(now)
            if permit is not None:
                return permit
        with self._lock:
            self._rejected += 1
        raise CircuitOpenError(self.name, self._wait(now), self._refusal())

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

    # -- reading -------------------------------------------------------------------------------------------------

    @property
    def config(self) -> BreakerConfig:
        """The settings now in force."""
        return self._config

    @property
    def state(self) -> State:
        """The state. Reading changes nothing: OPEN stays OPEN until a call is admitted, even when its time is over."""
        return self._state

    @property
    def generation(self) -> int:
        """Goes up with every change."""
        return self._generation

    @property
    def forced(self) -> str | None:
        """ "open", "closed" or "disabled" while somebody's word overrides the figures, else None."""
        return self._forced if self._clock() < self._forced_until else None

    @property
    def is_open(self) -> bool:
        """Whether a call would be refused now."""
        return self.retry_after != 0.0

    @property
    def retry_after(self) -> float | None:
        """Seconds until a call may be admitted: 0.0 when it would be now, None when nobody knows (forced open without an end)."""
        now = self._clock()
        with self._lock:
            return self._wait(now)

    @property
    def health_score(self) -> float:
        """0 to 100; the formula is that of `snapshot.health_score`."""
        return self.snapshot().health_score

    def snapshot(self) -> Snapshot:
        """How it stands now, all of it of one moment."""
        now = self._clock()
        with self._lock:
            return self._snapshot(now)

    def totals(self) -> Totals:
        """Calls ever, for counters that only grow."""
        with self._lock:
            return Totals(
                successes=self._counted + self._window.seen + self._outside - self._total_failures,
                failures=self._total_failures,
                ignored=self._ignored,
                slow=self._slow,
                rejected=self._rejected,
                late=self._late,
            )

    def recent(self) -> list[RecentCall]:
        """The last 60 calls, the oldest first."""
        with self._lock:
            return [RecentCall(*call) for call in self._recent]

    def recent_errors(self) -> list[RecentError]:
        """The last 5 failures that had an error, the oldest first."""
        with self._lock:
            return list(self._errors)

    # -- the operator's word -------------------------------------------------------------------------------------

    def reset(self) -> None:
        """Closes it with an empty window, and takes back whatever was forced."""
        self._decree(_CLOSED, Reason.RESET, fresh=True)

    def force_open(self, reason: str = "", until: float | None = None) -> None:
        """Refuses every call, for `until` seconds (None: until further notice). After that a call is tried as after any opening."""
        self._decree(_OPEN, Reason.FORCED_OPEN, detail=reason, forced="open", seconds=until)

    def force_closed(self, reason: str = "", until: float | None = None) -> None:
        """Lets every call through and never opens, for `until` seconds (None: until further notice); goes on counting."""
        self._decree(_CLOSED, Reason.FORCED_CLOSED, detail=reason, forced="closed", seconds=until)

    def disable(self, reason: str = "") -> None:
        """Lets every call through and keeps them out of the window until `reset`; the totals go on."""
        self._decree(_CLOSED, Reason.DISABLED, detail=reason, forced="disabled")

    def reconfigure(self, config: BreakerConfig) -> None:
        """Puts other settings in force. The window is kept unless its shape is another one; a wait that runs is measured anew."""
        with self._lock:
            old, self._config = self._config, config
            if _shape(old) != _shape(config):
                self._renew_window()
            if old.failures_in_window != config.failures_in_window:
                self._failed_at = _build_failed_at(config, self._failed_at or ())
            waits = [(one.reset_timeout, one.reset_timeout_factor, one.reset_timeout_max) for one in (old, config)]
            if self._state is _OPEN and self._forced is None and waits[0] != waits[1]:
                self._until = self._since + config.open_seconds(self._reopenings)
            self._look = self._attention()

    def on_state_change(self, listener: Callable[[StateChange], object]) -> Callable[[], None]:
        """Has `listener` called after each change, in order; the callable that comes back ends it."""
        return self._on_state_change.subscribe(listener)

    def on_call(self, listener: Callable[[CallDone], object]) -> Callable[[], None]:
        """Has `listener` called after each call that was let through; the callable that comes back ends it."""
        leave = self._on_call.subscribe(listener)

        def unsubscribe() -> None:
            leave()
            self._look_anew()

        self._look_anew()
        return unsubscribe

    # -- the places that change the state; for subclasses, and never called with the lock held ---------------------

    def _trip(self, reason: str, generation: int | None = None) -> bool:
        """Opens it, if `generation` is still the present one (None: any). Whether it did."""
        now = self._clock()
        with self._lock:
            if self._state is _OPEN or generation not in (None, self._generation) or self._is_held_closed(now):
                return False
            if self._state is _HALF_OPEN:
                self._reopenings += 1
            self._change(_OPEN, reason, now, until=now + self._config.open_seconds(self._reopenings))
        self._deliver()
        return True

    def _close(self, reason: str, generation: int | None = None) -> bool:
        """Closes it, if `generation` is still the present one (None: any). Whether it did."""
        now = self._clock()
        with self._lock:
            if self._state is _CLOSED or generation not in (None, self._generation):
                return False
            self._change(_CLOSED, reason, now)
        self._deliver()
        return True

    def _try_half_open(self) -> Permit | None:
        """A place among the half-open calls, where the reset timeout is over and one is free."""
        now = self._clock()
        with self._lock:
            if self._state is _CLOSED:  # closed in the meantime
                return Permit(self, self._admitting, now)
            if self._state is _OPEN:
                if now < self._until:  # opened again in the meantime
                    return None
                self._change(_HALF_OPEN, Reason.RESET_TIMEOUT, now)
            permit = self._lease(now)
        self._deliver()
        return permit

    def _half_open_done(self, permit: Permit, verdict: Verdict) -> None:
        """Gives back the place of a half-open call, and lets its verdict decide."""
        with self._lock:
            if permit not in self._leases:  # of an earlier generation, or another took its place
                self._late += 1
                return
            self._leases.remove(permit)
            if verdict is _SUCCESS:
                self._successes += 1
            enough = self._successes >= self._config.success_threshold
        if verdict is _FAILURE:
            self._trip(Reason.HALF_OPEN_FAILED, permit.generation)
        elif enough:
            self._close(Reason.HALF_OPEN_SUCCEEDED, permit.generation)

    def _adopt(
        self,
        state: State,
        *,
        generation: int = 0,
        reason: str = Reason.ADOPTED,
        remaining: float | None = None,
        forced: str | None = None,
        detail: str = "",
    ) -> None:
        """Takes over a state that was decided elsewhere, in a generation of its own, of at least `generation`.

        `remaining` is how many seconds OPEN or the force lasts (None: without an end).
        """
        self._decree(state, reason, detail=detail, forced=forced, seconds=remaining, generation=generation)

    # -- inside --------------------------------------------------------------------------------------------------

    def _call_with(self, permit: Permit, fn: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        try:
            result = fn(*args, **kwargs)
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
                result = await fn(*args, **kwargs)
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
        reason = None
        with self._lock:
            if self._admitting == generation:
                self._consecutive = 0
                window = self._window
                window.push(0, now)
                if window.failures or window.slow:
                    reason = self._why_trip(now)
            else:
                self._outside += 1
                self._late += 1
            self._recent.append((now, duration, _SUCCESS))
        if reason is not None:
            self._trip(reason, generation)

    def _raised(self, generation: int, started: float, error: BaseException) -> None:
        now = self._clock()
        self._record(generation, self.judge(error), now - started, error, now)

    def _record(
        self, generation: int, verdict: Verdict, duration: float, error: BaseException | None, now: float
    ) -> None:
        """The end of any call that was let through while closed."""
        verdict, error = self._in_time(verdict, duration, error)
        sample = _sample(error, now) if verdict is _FAILURE else None
        reason = None
        with self._lock:
            slow = self._note(verdict, duration, now, sample)
            if generation != self._admitting:
                self._late += 1
                self._outside += verdict is not _IGNORED
            elif verdict is not _IGNORED:
                failed = verdict is _FAILURE
                self._window.push(FAILED * failed + SLOW * slow, now)
                self._consecutive = self._consecutive + 1 if failed else 0
                if failed and self._failed_at is not None:
                    self._failed_at.append(now)
                reason = self._why_trip(now)
        if reason is not None:
            self._trip(reason, generation)
        self._tell(verdict, duration, error)

    def _finish(self, permit: Permit, verdict: Verdict, duration: float | None, error: BaseException | None) -> None:
        """The end of a call that has a permit."""
        now = self._clock()
        with self._lock:
            if permit._ended:
                return
            permit._ended = True
        if duration is None:
            duration = now - permit.started
        if permit.deadline is None:
            self._record(permit.generation, verdict, duration, error, now)
            return
        verdict, error = self._in_time(verdict, duration, error)
        sample = _sample(error, now) if verdict is _FAILURE else None
        with self._lock:
            slow = self._note(verdict, duration, now, sample)
            self._outside += verdict is not _IGNORED
            counts_slow = slow and self._config.slow_call_rate_threshold is not None
        self._half_open_done(permit, _FAILURE if counts_slow and verdict is _SUCCESS else verdict)
        self._tell(verdict, duration, error)

    def _outcome(self, verdict: Verdict, error: BaseException | None, duration: float) -> None:
        now = self._clock()
        if self._admitting:
            self._record(self._admitting, verdict, duration, error, now)
            return
        permit = self._place(now) if now >= self._until else None
        (permit or Permit(self, -1, now)).done(verdict, duration, error)

    def _place(self, now: float) -> Permit | None:
        """A permit where nothing stands in the way but, perhaps, that no half-open place is free."""
        return Permit(self, 0, now) if self._forced == "disabled" else self._try_half_open()

    def _lease(self, now: float) -> Permit | None:
        leases = self._leases
        if len(leases) >= self._config.half_open_max_calls:
            oldest = min(leases, key=_deadline)
            if now < _deadline(oldest):
                return None
            leases.remove(oldest)
        permit = Permit(self, self._generation, now, now + self._config.lease_seconds)
        leases.append(permit)
        return permit

    def _in_time(
        self, verdict: Verdict, duration: float, error: BaseException | None
    ) -> tuple[Verdict, BaseException | None]:
        limit = self._config.call_timeout
        if limit is not None and duration >= limit and verdict is _SUCCESS:
            return _FAILURE, DeadlineExceeded(limit, self.name)
        return verdict, error

    def _note(self, verdict: Verdict, duration: float, now: float, sample: RecentError | None) -> bool:
        """Keeps a call in what is read later. Whether it was slow."""
        self._recent.append((now, duration, verdict))
        if verdict is _IGNORED:
            self._ignored += 1
            return False
        if verdict is _FAILURE:
            self._total_failures += 1
        if sample is not None:
            self._errors.append(sample)
        limit = self._config.slow_call_duration
        slow = limit is not None and duration >= limit
        self._slow += slow
        return slow

    def _tell(self, verdict: Verdict, duration: float, error: BaseException | None) -> None:
        if self._on_call:
            self._on_call(
                CallDone(name=self.name, verdict=verdict, success=verdict is _SUCCESS, duration=duration, error=error)
            )

    def _why_trip(self, now: float) -> str | None:
        """The threshold that is reached, or None."""
        config = self._config
        if config.failure_threshold is not None and self._consecutive >= config.failure_threshold:
            return Reason.CONSECUTIVE_FAILURES
        times = self._failed_at
        if times is not None and len(times) == times.maxlen and now - times[0] < config.window_seconds:
            return Reason.FAILURES_IN_WINDOW
        window = self._window
        calls = window.calls
        if calls >= config.volume_threshold:
            if config.failure_rate_threshold is not None and window.failures / calls >= config.failure_rate_threshold:
                return Reason.FAILURE_RATE
            if config.slow_call_rate_threshold is not None and window.slow / calls >= config.slow_call_rate_threshold:
                return Reason.SLOW_CALL_RATE
        return None

    def _is_held_closed(self, now: float) -> bool:
        if self._forced is not None and now >= self._forced_until:
            self._forced = None
        return self._forced is not None

    def _decree(
        self,
        state: State,
        reason: str,
        *,
        detail: str = "",
        forced: str | None = None,
        seconds: float | None = None,
        fresh: bool = False,
        generation: int = 0,
    ) -> None:
        if seconds is not None and not 0 <= seconds < math.inf:
            raise ConfigError("until", seconds, "a number of seconds of at least 0, or None")
        now = self._clock()
        end = math.inf if seconds is None else now + seconds
        with self._lock:
            self._generation = max(self._generation, generation - 1)
            self._reopenings = 0 if state is _CLOSED else self._reopenings
            self._change(state, reason, now, until=end, detail=detail, forced=forced, fresh=fresh)
        self._deliver()

    def _change(
        self,
        state: State,
        reason: str,
        now: float,
        *,
        until: float = math.inf,
        detail: str = "",
        forced: str | None = None,
        fresh: bool = False,
    ) -> None:
        """Every change of the state or of what is forced goes through here, with the lock held."""
        previous, before = self._state, self._snapshot(now)
        if previous is not state:
            self._since = now
            if state is _OPEN:
                self._openings += 1
            if previous is _CLOSED:
                self._left_at = now
                self._rejected_before = self._rejected
            elif state is _CLOSED:
                self._breaks.append((self._left_at, now, self._rejected - self._rejected_before))
                self._reopenings = 0
                fresh = True
        if fresh:
            self._renew_window()
            self._consecutive = 0
            if self._failed_at is not None:
                self._failed_at.clear()
        changed = previous is not state or before.forced != forced
        self._state = state
        self._generation += 1
        self._leases = []
        self._successes = 0
        self._reason = reason
        self._detail = detail
        self._forced = forced
        self._forced_until = until if forced is not None else math.inf
        self._until = until if state is _OPEN else -math.inf
        self._admitting = self._generation if state is _CLOSED and forced != "disabled" else 0
        if changed:
            self._events.append(
                StateChange(
                    name=self.name,
                    previous=previous,
                    current=state,
                    reason=reason,
                    detail=detail,
                    at=now,
                    forced=forced,
                    snapshot=before,
                )
            )

    def _deliver(self) -> None:
        """Tells the listeners what happened, in order, each once, whichever thread comes to it, and with no lock held that a call needs."""
        while self._events:
            if not self._delivering.acquire(blocking=False):
                return  # whoever is at it tells these as well
            try:
                while self._events:
                    self._on_state_change(self._events.popleft())
            finally:
                self._delivering.release()

    def _snapshot(self, now: float) -> Snapshot:
        window = self._window
        window.settle(now)
        calls = window.calls
        among = max(calls, self._config.volume_threshold)
        refused, away = self._away(now)
        return Snapshot(
            name=self.name,
            state=self._state,
            since=self._since,
            generation=self._generation,
            calls=calls,
            failures=window.failures,
            slow=window.slow,
            failure_rate=window.failures / calls if calls else 0.0,
            slow_rate=window.slow / calls if calls else 0.0,
            consecutive_failures=self._consecutive,
            successes=self._successes,
            half_open_in_use=sum(now < _deadline(permit) for permit in self._leases),
            rejected=self._rejected,
            rejected_since_trip=self._rejected - self._rejected_before if self._state is not _CLOSED else 0,
            openings=self._openings,
            retry_after=self._wait(now),
            forced=self._forced if now < self._forced_until else None,
            reason=self._reason,
            detail=self._detail,
            health_score=health_score(
                state=self._state,
                failure_rate=window.failures / among,
                slow_rate=window.slow / among,
                rejected_share=refused / (refused + calls) if refused else 0.0,
                away_share=min(1.0, away / HEALTH_SPAN),
            ),
        )

    def _away(self, now: float) -> tuple[int, float]:
        """Calls refused in the breaks that reach into the last HEALTH_SPAN seconds, and how many of those seconds were breaks."""
        breaks = list(self._breaks)
        if self._state is not _CLOSED:
            breaks.append((self._left_at, now, self._rejected - self._rejected_before))
        start = now - HEALTH_SPAN
        late = [(max(left, start), back, refused) for left, back, refused in breaks if back > start]
        return sum(refused for _, _, refused in late), sum(back - left for left, back, _ in late)

    def _wait(self, now: float) -> float | None:
        if self._state is _OPEN:
            return None if self._until == math.inf else max(0.0, self._until - now)
        leases = self._leases
        if self._state is _HALF_OPEN and len(leases) >= self._config.half_open_max_calls:
            return max(0.0, min(map(_deadline, leases)) - now)
        return 0.0

    def _refusal(self) -> str:
        return Reason.HALF_OPEN_FULL if self._state is _HALF_OPEN else self._detail or self._reason

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

    def _renew_window(self) -> None:
        self._counted += self._window.seen
        self._window = _build_window(self._config)

    def _after_fork(self) -> None:
        self._lock = threading.RLock()
        self._delivering = threading.Lock()


def _shape(config: BreakerConfig) -> tuple[str, float]:
    return config.window, config.window_size if config.window == "count" else config.window_seconds


def _build_window(config: BreakerConfig) -> Window:
    return CountWindow(config.window_size) if config.window == "count" else TimeWindow(config.window_seconds)


def _build_failed_at(config: BreakerConfig, times: "deque[float] | tuple[()]") -> deque[float] | None:
    return None if config.failures_in_window is None else deque(times, maxlen=config.failures_in_window)


def _deadline(permit: Permit) -> float:
    return permit.deadline or -math.inf


def _sample(error: BaseException | None, now: float) -> RecentError | None:
    if error is None:
        return None
    try:
        text, code = str(error)[:LONGEST_TEXT], code_of(error)
    except Exception:  # noqa: BLE001 - foreign errors may do anything here, and the call must go on
        text, code = "", ""
    return RecentError(now, type(error).__qualname__, code, text)

"""The states of a breaker and every way between them; `breaker.CircuitBreaker` runs calls through them."""

import itertools
import math
import threading
import time
from abc import ABC, abstractmethod
from collections import Counter, deque
from collections.abc import Callable

from resilience.patterns.config import BreakerConfig
from resilience.patterns.errors import ConfigError
from resilience.patterns.events import Reason, StateChange
from resilience.patterns.forks import renew_after_fork
from resilience.patterns.ledger import Ledger
from resilience.patterns.listeners import Listeners
from resilience.patterns.snapshot import HEALTH_SPAN, RecentCall, RecentError, Snapshot, Totals, health_score
from resilience.patterns.steady import steady
from resilience.patterns.typing import Clock, State, Verdict

BREAKS_KEPT = 64


class Permit:
    """A call that a breaker has admitted; whoever holds it says once how it ended.

    `generation` is the breaker's when it was admitted (0: whatever comes of it decides nothing), `deadline` the end
    of its lease on a half-open place, or None.
    """

    __slots__ = ("_ended", "breaker", "deadline", "generation", "started")

    def __init__(self, breaker: "Machine", generation: int, started: float, deadline: float | None = None) -> None:
        self.breaker = breaker
        self.generation = generation
        self.started = started
        self.deadline = deadline
        self._ended = False

    @property
    def half_open(self) -> bool:
        """Whether it holds a half-open place."""
        return self.deadline is not None

    def done(self, verdict: Verdict, duration: float | None = None, error: BaseException | None = None) -> None:
        """Says how the call ended, and after how many seconds (default: since it was admitted). A second time is not heard."""
        self.breaker._finish(self, verdict, duration, error)

    def end(self) -> bool:
        """Whether it has not ended before; ends it. With the breaker's lock held."""
        ended, self._ended = self._ended, True
        return not ended


class Machine(ABC):
    """The state, who may change it, and what can be read of it."""

    __slots__ = (
        "__weakref__",
        "_admitting",
        "_breaks",
        "_changes",
        "_clock",
        "_config",
        "_delivering",
        "_detail",
        "_events",
        "_forced",
        "_forced_until",
        "_generation",
        "_leases",
        "_ledger",
        "_left_at",
        "_lock",
        "_on_state_change",
        "_openings",
        "_reason",
        "_refusals",
        "_refusals_before",
        "_refusals_read",
        "_reopenings",
        "_since",
        "_state",
        "_successes",
        "_until",
        "_why",
        "name",
    )

    def __init__(self, name: str, config: BreakerConfig | None = None, *, clock: Clock = time.monotonic) -> None:
        if not isinstance(name, str):
            raise ConfigError("name", name, "a string")
        self.name = name
        self._clock = steady(clock)
        self._config = config = BreakerConfig() if config is None else _checked(config)
        self._lock = threading.RLock()
        self._delivering = threading.Lock()
        self._events: deque[StateChange] = deque()
        self._on_state_change: Listeners[StateChange] = Listeners(f"the breaker {name}")
        self._ledger = Ledger(config)

        self._state = State.CLOSED
        self._generation = 1
        self._admitting = 1  # the generation while calls are let through and counted, else 0
        self._since = self._clock()
        self._until = -math.inf  # when OPEN ends; in every other state it has
        self._reason: str = Reason.NEW
        self._detail = ""
        self._why = ""  # what a refused call is told
        self._forced: str | None = None
        self._forced_until = math.inf
        self._leases: list[Permit] = []
        self._successes = 0
        self._reopenings = 0

        self._openings = 0
        self._changes: Counter[tuple[State, State, str]] = Counter()
        self._refusals = itertools.count()  # counts without the lock
        self._refusals_read = 0
        self._refusals_before = 0
        self._left_at = self._since
        self._breaks: deque[tuple[float, float, int]] = deque(maxlen=BREAKS_KEPT)
        renew_after_fork(self)

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
        """0 to 100; the formula is that of `resilience.patterns.snapshot.health_score`."""
        return self.snapshot().health_score

    def snapshot(self) -> Snapshot:
        """How it stands now, all of it of one moment."""
        now = self._clock()
        with self._lock:
            return self._snapshot(now)

    def totals(self) -> Totals:
        """Calls ever, for counters that only grow."""
        with self._lock:
            return self._ledger.totals(self._rejected())

    def changes(self) -> dict[tuple[State, State, str], int]:
        """How often it went from one state to another, ever, by both and the reason."""
        with self._lock:
            return dict(self._changes)

    def recent(self) -> list[RecentCall]:
        """The last 60 calls, the oldest first."""
        with self._lock:
            return [RecentCall(*call) for call in self._ledger.recent]

    def recent_errors(self) -> list[RecentError]:
        """The last 5 failures that had an error, the oldest first."""
        with self._lock:
            return [RecentError(*sample) for sample in self._ledger.errors]

    # -- the operator's word -------------------------------------------------------------------------------------

    def reset(self) -> None:
        """Closes it with an empty window, and takes back whatever was forced."""
        self._decree(State.CLOSED, Reason.RESET, fresh=True)

    def force_open(self, reason: str = "", until: float | None = None) -> None:
        """Refuses every call, for `until` seconds (None: until further notice). After that a call is tried as after any opening."""
        self._decree(State.OPEN, Reason.FORCED_OPEN, detail=reason, forced="open", seconds=until)

    def force_closed(self, reason: str = "", until: float | None = None) -> None:
        """Lets every call through and never opens, for `until` seconds (None: until further notice); goes on counting."""
        self._decree(State.CLOSED, Reason.FORCED_CLOSED, detail=reason, forced="closed", seconds=until)

    def disable(self, reason: str = "") -> None:
        """Lets every call through and keeps them out of the window until `reset`; the totals go on."""
        self._decree(State.CLOSED, Reason.DISABLED, detail=reason, forced="disabled")

    def reconfigure(self, config: BreakerConfig) -> None:
        """Puts other settings in force. The window is kept unless its shape is another one; a wait that runs is measured anew."""
        with self._lock:
            old, self._config = self._config, _checked(config)
            self._ledger.configure(config)
            waits = [(one.reset_timeout, one.reset_timeout_factor, one.reset_timeout_max) for one in (old, config)]
            if self._state is State.OPEN and self._forced is None and waits[0] != waits[1]:
                self._until = self._since + config.open_seconds(self._reopenings)

    def on_state_change(self, listener: Callable[[StateChange], object]) -> Callable[[], None]:
        """Has `listener` called after each change, in order; the callable that comes back ends it."""
        return self._on_state_change.subscribe(listener)

    # -- the places that change the state: for subclasses, and never called with the lock held ---------------------

    def _trip(self, reason: str, generation: int | None = None) -> bool:
        """Opens it, if `generation` is still the present one (None: any) and nobody holds it closed. Whether it did."""
        now = self._clock()
        with self._lock:
            if self._state is State.OPEN or not self._is_present(generation) or self._is_held_closed(now):
                return False
            if self._state is State.HALF_OPEN:
                self._reopenings += 1
            self._change(State.OPEN, reason, now, until=now + self._config.open_seconds(self._reopenings))
        self._deliver()
        return True

    def _close(self, reason: str, generation: int | None = None) -> bool:
        """Closes it with an empty window, if `generation` is still the present one (None: any). Whether it did."""
        now = self._clock()
        with self._lock:
            if self._state is State.CLOSED or not self._is_present(generation):
                return False
            self._change(State.CLOSED, reason, now)
        self._deliver()
        return True

    def _try_half_open(self) -> Permit | None:
        """A lease on a half-open place, where the reset timeout is over and one is free."""
        now = self._clock()
        with self._lock:
            if self._state is State.CLOSED:  # closed in the meantime
                return Permit(self, self._admitting, now)
            if self._state is State.OPEN:
                if now < self._until:  # opened again in the meantime
                    return None
                self._change(State.HALF_OPEN, Reason.RESET_TIMEOUT, now)
            permit = self._lease(now)
        self._deliver()
        return permit

    def _half_open_done(self, permit: Permit, verdict: Verdict) -> None:
        """Gives the place of a half-open call back, and lets its verdict decide, also where another call took the place meanwhile."""
        with self._lock:
            if permit.generation != self._generation:
                self._ledger.late += 1
                return
            if permit in self._leases:
                self._leases.remove(permit)
            if verdict is Verdict.SUCCESS:
                self._successes += 1
            enough = self._successes >= self._config.success_threshold
        if verdict is Verdict.FAILURE:
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
        """Takes over a state that was decided elsewhere, in a generation of its own, which is at least `generation`.

        `remaining` is how many seconds OPEN, or what is forced, still lasts (None: without an end).
        """
        self._decree(state, reason, detail=detail, forced=forced, seconds=remaining, generation=generation)

    # -- inside --------------------------------------------------------------------------------------------------

    @abstractmethod
    def _finish(self, permit: Permit, verdict: Verdict, duration: float | None, error: BaseException | None) -> None:
        """Hears how a call with a permit ended."""

    def _is_present(self, generation: int | None) -> bool:
        return generation is None or generation == self._generation

    def _is_held_closed(self, now: float) -> bool:
        if self._forced is not None and now >= self._forced_until:
            self._forced = None
        return self._forced is not None

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

    def _wait(self, now: float) -> float | None:
        if self._state is State.OPEN:
            return None if self._until == math.inf else max(0.0, self._until - now)
        leases = self._leases
        if self._state is State.HALF_OPEN and len(leases) >= self._config.half_open_max_calls:
            return max(0.0, min(map(_deadline, leases)) - now)
        return 0.0

    def _rejected(self) -> int:
        """Calls refused ever. A counter is only read by taking one from it, so the readings are counted as well."""
        self._refusals_read += 1
        return next(self._refusals) - self._refusals_read + 1

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
        """A state by somebody's word, not by the figures."""
        if seconds is not None and not (isinstance(seconds, int | float) and 0 <= seconds < math.inf):
            raise ConfigError("until", seconds, "a number of seconds of at least 0, or None")
        now = self._clock()
        end = math.inf if seconds is None else now + seconds
        with self._lock:
            self._generation = max(self._generation, generation - 1)
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
        """Every change of the state and of what is forced, with the lock held."""
        previous, before = self._state, self._snapshot(now)
        if previous is not state:
            self._changes[previous, state, reason] += 1
            self._move(state, now)
        if fresh or (previous is not State.CLOSED and state is State.CLOSED):
            self._ledger.renew()
        self._state = state
        self._generation += 1
        self._leases = []
        self._successes = 0
        self._reason = reason
        self._detail = detail
        self._why = detail or reason
        self._forced = forced
        self._forced_until = math.inf if forced is None else until
        self._until = until if state is State.OPEN else -math.inf
        self._admitting = self._generation if state is State.CLOSED and forced != "disabled" else 0
        if previous is not state or before.forced != forced:
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

    def _move(self, state: State, now: float) -> None:
        """The bookkeeping of a change from one state to another."""
        self._since = now
        if state is State.OPEN:
            self._openings += 1
        if self._state is State.CLOSED:
            self._left_at = now
            self._refusals_before = self._rejected()
        elif state is State.CLOSED:
            self._breaks.append((self._left_at, now, self._rejected() - self._refusals_before))
            self._reopenings = 0

    def _deliver(self) -> None:
        """Tells the listeners what happened: in order, each once, with no lock held that a call needs."""
        while self._events:
            if not self._delivering.acquire(blocking=False):
                return  # whoever is at it tells these as well
            try:
                while self._events:
                    self._on_state_change(self._events.popleft())
            finally:
                self._delivering.release()

    def _snapshot(self, now: float) -> Snapshot:
        window = self._ledger.window
        window.settle(now)
        calls = window.calls
        among = max(calls, self._config.volume_threshold)
        rejected = self._rejected()
        since_trip = 0 if self._state is State.CLOSED else rejected - self._refusals_before
        refused, away = self._away(now, since_trip)
        return Snapshot(
            name=self.name,
            state=self._state,
            since=self._since,
            generation=self._generation,
            calls=calls,
            failures=window.failures,
            slow=window.slow,
            failures_lately=self._ledger.failures_lately(now),
            failure_rate=window.failures / calls if calls else 0.0,
            slow_rate=window.slow / calls if calls else 0.0,
            consecutive_failures=self._ledger.consecutive,
            successes=self._successes,
            half_open_in_use=sum(now < _deadline(permit) for permit in self._leases),
            rejected=rejected,
            rejected_since_trip=since_trip,
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
                away_share=away / HEALTH_SPAN,
            ),
        )

    def _away(self, now: float, since_trip: int) -> tuple[int, float]:
        """Calls refused in the breaks that reach into the last HEALTH_SPAN seconds, and how many of those seconds were breaks."""
        breaks = list(self._breaks)
        if self._state is not State.CLOSED:
            breaks.append((self._left_at, now, since_trip))
        start = now - HEALTH_SPAN
        late = [(max(left, start), back, refused) for left, back, refused in breaks if back > start]
        return sum(refused for _, _, refused in late), sum(back - left for left, back, _ in late)

    def _after_fork(self) -> None:
        self._lock = threading.RLock()
        self._delivering = threading.Lock()


def _checked(config: object) -> BreakerConfig:
    if not isinstance(config, BreakerConfig):
        raise ConfigError("config", config, "a BreakerConfig")
    return config


def _deadline(permit: Permit) -> float:
    return math.inf if permit.deadline is None else permit.deadline

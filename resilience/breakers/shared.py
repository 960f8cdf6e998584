"""A breaker whose window is this process's and whose state is everybody's.

Calls that are let through while it is closed, and calls that are refused while it is open, touch memory only. What costs a query:

- it trips: this process refuses at once, then the row is opened by compare-and-set; the others learn it within a second;
- the cool-down is over: whoever asks first makes it half-open, and each half-open call takes one of the places in the database, with a
  lease, so that all processes together make no more of them than the figures say, and a killed one blocks nothing for longer;
- a half-open call ends: its place is given back, and its result counts for all.

The database decides, and a read of an older version is never taken over. While the database is away it is an ordinary breaker.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from functools import partial
from math import inf
from typing import Any, Protocol

from django.db import transaction

from portal.kit import clock as wall
from portal.kit.masking import mask_text
from resilience.breakers.core import shared as moves
from resilience.breakers.core.shared import Shared
from resilience.breakers.figures import Figures
from resilience.breakers.models import Breaker
from resilience.breakers.store import PASSING, Step, Store, Why
from resilience.patterns.breaker import CircuitBreaker, Permit
from resilience.patterns.events import Reason
from resilience.patterns.typing import Clock, State, Verdict

THE_LAST = ", the last: "
"""What stands in a reason between the rule that opened the breaker and the last failure that it saw."""
BUSY = 0.25
"""Seconds after which a process that found no free place for a half-open call may ask again."""
SHORTEST_REST = 0.05


class Host(Protocol):
    """What keeps the breakers of a process in line with the database; see runtime.py."""

    owner: str
    store: Store
    storage_degraded: bool

    def submit(self, job: Any, lost: Any) -> None: ...
    def ask(self, question: Any, unwanted: Any) -> Any: ...


class Place(Permit):
    """A half-open call's place in the database."""

    __slots__ = ("lease", "of")

    def __init__(self, breaker: "SharedBreaker", started: float, lease: int, of: int) -> None:
        super().__init__(breaker, breaker.generation, started, started + breaker.config.lease_seconds)
        self.lease = lease
        self.of = of


class SharedBreaker(CircuitBreaker):
    """The breaker of an upstream in this process; get it from a Runtime."""

    __slots__ = (
        "_ask_again",
        "_closed_at",
        "_counted_told",
        "_host",
        "_pending",
        "_rest_until",
        "_told",
        "known",
        "upstream_id",
    )

    def __init__(self, upstream_id: int, name: str, figures: Figures, *, host: Host, clock: Clock) -> None:
        super().__init__(name, figures.config, clock=clock)
        self.upstream_id = upstream_id
        self.known = Shared()
        self._host = host
        self._pending = 0
        self._ask_again = -inf
        self._closed_at = -inf
        self._rest_until = -inf
        self._told: tuple[int, ...] = ()
        self._counted_told: dict[str, int] = {}

    # -- what the queue asks --------------------------------------------------------------------------------------

    def pass_closed(self) -> Permit | None:
        """A permit if calls are let through freely now, else None. Looks at memory only."""
        now, admitting = self._clock(), self._admitting
        if admitting:
            return Permit(self, admitting, now)
        return Permit(self, 0, now) if self._state is State.CLOSED else None

    def try_admit(self) -> Permit | None:
        """A permit if there is one now, else None; nobody was refused by it. Asks the database for a half-open place."""
        now = self._clock()
        if self._admitting:
            return self.pass_closed()
        return self._place(now) if now >= self._until else None

    @property
    def rests(self) -> float:
        """Seconds for which the upstream asked to be left alone; 0.0 when it did not."""
        return max(0.0, self._rest_until - self._clock())

    @property
    def closed_for(self) -> float:
        """Seconds since it closed after having been open; infinite when it never was."""
        return self._clock() - self._closed_at

    def spare(self, seconds: float, reason: str) -> None:
        """Has everybody leave the upstream alone for so long, since it asked for it."""
        until = self._clock() + seconds
        if until <= self._rest_until + SHORTEST_REST:
            return
        self._rest_until = until
        self._later(partial(self._share, lambda known, now: self._spared(known, now, until, reason), Why("spared")))

    # -- what changes the state -----------------------------------------------------------------------------------

    def _trip(self, reason: str, generation: int | None = None) -> bool:
        if self._state is not State.CLOSED:
            return super()._trip(reason, generation)
        counted, before = self.figures(), self.known.generation
        with self._lock:
            self._pending += 1  # before it opens, so that no read of the closed row can close it again
        if not super()._trip(reason, generation):
            self._job_done()
            return False
        step = partial(self._tripped, self._in_words(reason, counted), before)
        self._submit(partial(self._share, step, Why("trip", process=self._host.owner, window=counted)))
        return True

    def _try_half_open(self) -> Permit | None:
        if self._clock() < self._ask_again:
            return None
        permit: Permit | None = self._host.ask(self._ask_place, _unused)
        if permit is None and self._host.storage_degraded:
            return super()._try_half_open()
        return permit

    def _half_open_done(self, permit: Permit, verdict: Verdict) -> None:
        if isinstance(permit, Place):
            self._later(partial(self._place_ended, permit, verdict, self._last_error()))
        else:
            super()._half_open_done(permit, verdict)

    def _wait(self, now: float) -> float | None:
        wait = super()._wait(now)
        if self._state is State.CLOSED or wait is None:
            return wait
        return max(wait, self._ask_again - now, 0.0)

    def take_over(self, shared: Shared, now: datetime) -> None:
        """Goes by what the database says, `now` by its clock, unless something newer is known."""
        with self._lock:
            if shared.version < self.known.version or self._pending:
                return
            moved = shared.generation != self.known.generation or shared.state is not self._state
            self.known = shared
            self._rest_until = self._clock() + _seconds(shared.spared_until, now)
            if moved:
                self._go_by(shared, now)
        self._deliver()

    def _go_by(self, shared: Shared, now: datetime) -> None:
        """The state of the row, in a generation that begins with nothing counted. With the lock held, so that no trip comes between."""
        here = self._clock()
        ends = shared.open_until if shared.state is State.OPEN else shared.forced_until
        forced = shared.forced if ends is None or ends > now or shared.state is State.OPEN else ""
        self._ask_again = -inf
        if shared.state is State.CLOSED:
            ago = _seconds(now, shared.since) if shared.since else 0.0
            self._closed_at = here - ago if shared.generation else -inf
        self._change(
            shared.state,
            Reason.ADOPTED,
            here,
            until=inf if ends is None else here + _seconds(ends, now),
            detail=shared.reason,
            forced=forced or None,
            fresh=shared.state is State.CLOSED,
        )

    def force_is_over(self, now: datetime) -> bool:
        """Whether the time for which a person took it out of its own hands has passed, and the row does not say so yet."""
        until = self.known.forced_until
        return self.known.forced != "" and until is not None and until <= now

    def end_force(self) -> None:
        """An ordinary breaker again; costs queries."""
        if found := self._share(moves.expire, Why("force-over")):
            self.take_over(*found)

    # -- what is published ----------------------------------------------------------------------------------------

    def figures(self) -> dict[str, Any]:
        """What this process counts, as Window.figures holds it. Error texts are masked."""
        seen, at = self.snapshot(), wall.now().timestamp() - self._clock()
        return {
            "calls": seen.calls,
            "failures": seen.failures,
            "slow": seen.slow,
            "consecutive": seen.consecutive_failures,
            "in_window": None if self._config.failures_in_window is None else seen.failures_lately,
            "score": seen.health_score,
            "recent": [[round(call.at + at, 3), round(call.duration, 4), call.verdict.value] for call in self.recent()],
            "errors": [
                {
                    "at": round(error.at + at, 3),
                    "type": error.type,
                    "code": error.code,
                    "text": mask_text(error.text)[:200],
                }
                for error in self.recent_errors()
            ],
        }

    def news(self) -> Mapping[str, Any] | None:
        """The figures, if something was counted since the last time."""
        totals = self.totals()
        told = (totals.successes, totals.failures, totals.ignored, totals.late, self.generation)
        if told == self._told:
            return None
        first, self._told = not self._told, told
        return None if first and not any(told[:4]) else self.figures()

    def newly_counted(self) -> dict[str, int]:
        """How many calls ended how, or were rejected, since the last time; {} when there was none."""
        totals, before = self.totals(), self._counted_told
        self._counted_told = {
            "success": totals.successes,
            "failure": totals.failures,
            "ignored": totals.ignored,
            "slow": totals.slow,
            "rejected": totals.rejected,
        }
        return {name: more for name, count in self._counted_told.items() if (more := count - before.get(name, 0))}

    def untell(self, counted: Mapping[str, int]) -> None:
        """What was to be published was not: it is news again."""
        self._told = ()
        self._counted_told = {name: count - counted.get(name, 0) for name, count in self._counted_told.items()}

    # -- inside: writing; by the host's thread --------------------------------------------------------------------

    def _later(self, job: Any) -> None:
        with self._lock:
            self._pending += 1
        self._submit(job)

    def _submit(self, job: Any) -> None:
        self._host.submit(partial(self._run_job, job), self._job_done)

    def _run_job(self, job: Any) -> None:
        """Runs a job that was submitted. One that the database did not take is still pending: it is tried again."""
        try:
            found = job()
        except PASSING:
            raise
        except BaseException:
            self._job_done()
            raise
        self._job_done()
        if found is not None:
            self.take_over(*found)

    def _job_done(self) -> None:
        with self._lock:
            self._pending -= 1

    def _after_fork(self) -> None:
        super()._after_fork()
        self._pending = 0  # what waits to be written is the parent's to write

    def _share(self, step: Step, why: Why) -> tuple[Shared, datetime] | None:
        """The row after a step, or as it is when the step wants nothing, with the database's time."""
        store = self._host.store
        try:
            store.move(self.upstream_id, step, why)
        except Breaker.DoesNotExist:  # it was made in a transaction that was rolled back
            store.ensure([self.upstream_id])
            store.move(self.upstream_id, step, why)
        return self._look_up()

    def _look_up(self) -> tuple[Shared, datetime] | None:
        now, rows = self._host.store.read([self.upstream_id])
        return next(((shared, now) for _, shared in rows), None)

    def _tripped(self, reason: str, before: int, known: Shared, now: datetime) -> Shared | None:
        """A trip that waited counts for nothing once this process is closed again, or others have moved the breaker on."""
        moved_on = self._state is State.CLOSED or known.generation != before
        return None if moved_on else moves.trip(known, now, self._config, reason)

    def _spared(self, known: Shared, now: datetime, until: float, reason: str) -> Shared | None:
        """`until` is by this process's clock: a rest that waited to be written is as much shorter, or over."""
        left = until - self._clock()
        said = mask_text(reason)[:500]
        return moves.spare(known, until=now + timedelta(seconds=left), reason=said) if left > 0 else None

    def _place_ended(self, place: Place, verdict: Verdict, error: str) -> tuple[Shared, datetime] | None:
        """Gives the place back and counts the result, also of a call that outlasted its lease: only the generation decides."""

        def step(known: Shared, now: datetime) -> Shared | None:
            if known.generation != place.of:
                return None
            if verdict is Verdict.SUCCESS:
                return moves.passed(known, now, self._config)
            return moves.failed(known, now, self._config, error)

        with transaction.atomic():
            self._host.store.give_back(place.lease)
            if verdict is Verdict.IGNORED:
                return None
            return self._share(step, Why("test", process=self._host.owner, window=self.figures()))

    def _ask_place(self) -> Permit | None:
        """A place for one half-open call; makes the breaker half-open when its cool-down is over. By the host's thread."""
        store = self._host.store
        found = self._look_up()
        if found is not None and found[0].state is State.OPEN:
            store.move(self.upstream_id, moves.half_open, Why("cool-down", process=self._host.owner))
            found = self._look_up()
        if found is None:
            return None
        self.take_over(*found)
        shared, now = found
        if shared.state is State.CLOSED:
            return self.pass_closed()
        if shared.state is State.OPEN:
            self._ask_again = self._clock() + max(_seconds(shared.open_until, now), BUSY)
            return None
        most, seconds = self._config.half_open_max_calls, self._config.lease_seconds
        lease = store.lease(
            self.upstream_id, generation=shared.generation, places=most, seconds=seconds, owner=self._host.owner
        )
        if lease is None:
            self._ask_again = self._clock() + BUSY
            return None
        return Place(self, self._clock(), lease, shared.generation)

    def _last_error(self) -> str:
        errors = self.recent_errors()
        return mask_text(errors[-1].text)[:200] if errors else "a test failed"

    def _in_words(self, reason: str, counted: Mapping[str, Any]) -> str:
        config, calls = self._config, counted["calls"]
        said = {
            Reason.CONSECUTIVE_FAILURES: f"{counted['consecutive']} failures in a row",
            Reason.FAILURES_IN_WINDOW: f"{counted['in_window']} failures in {config.window_seconds:g} s",
            Reason.FAILURE_RATE: f"{counted['failures']} of {calls} calls failed",
            Reason.SLOW_CALL_RATE: f"{counted['slow']} of {calls} calls took {config.slow_call_duration or 0:g} s or longer",
        }
        why = said.get(Reason(reason), reason)
        return why if reason == Reason.SLOW_CALL_RATE else f"{why}{THE_LAST}{self._last_error()}"


def _unused(permit: Permit) -> None:
    """A place that came too late for whoever had asked for it."""
    permit.done(Verdict.IGNORED)


def _seconds(later: datetime | None, earlier: datetime) -> float:
    return max(0.0, (later - earlier).total_seconds()) if later is not None else 0.0

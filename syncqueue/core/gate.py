"""The gate of an upstream: it keeps an outage from using up the attempts of the items that wait behind it.

One pure step for each answer. Open: transport failures in a row, over all lanes, are collected in `run`; the fifth closes the
gate and gives back the attempts of that run. Closed: one lane at a time tries, at the backoff's pace; any answer that shows the
upstream alive opens the gate. An upstream that asks for a pause (429, or Backoff beside a success) is left alone until `delay_until`, which
costs no attempt.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import Enum, auto
from random import Random

from syncqueue.core.backoff import Backoff


class Sign(Enum):
    """What an answer says about the upstream as a whole."""

    ALIVE = auto()
    OUT = auto()
    THROTTLED = auto()


@dataclass(frozen=True, slots=True)
class GateRules:
    """`failures` in a row close the gate; then `backoff` paces the tries; one try may take `trial` seconds before another may start."""

    failures: int = 5
    backoff: Backoff = Backoff(0.5, 10.0)
    trial: float = 60.0
    longest_delay: float = 3600.0


@dataclass(frozen=True, slots=True)
class GateState:
    """What is known about an upstream's reachability. `run` holds item ids, one for each failure of the present run."""

    run: tuple[str, ...] = ()
    closed_since: datetime | None = None
    closings: int = 0
    next_try_at: datetime | None = None
    trial_until: datetime | None = None
    delay_until: datetime | None = None
    reason: str = ""

    @property
    def closed(self) -> bool:
        """Whether the upstream counts as out."""
        return self.closed_since is not None

    @property
    def quiet(self) -> bool:
        """Whether a good answer would leave it as it is."""
        return not self.run and self.closed_since is None


@dataclass(frozen=True, slots=True)
class GateStep:
    """The gate afterwards; whether the failure is the item's own; whose attempts are given back; what changed for people."""

    state: GateState
    counts: bool = False
    give_back: tuple[str, ...] = ()
    closed: bool = False
    opened: bool = False


@dataclass(frozen=True, slots=True)
class Admission:
    """How many lanes may be leased now; `trial` when it is the one that tests a closed gate; `wake` when to ask again."""

    lanes: int
    trial: bool = False
    wake: datetime | None = None


def admits(gate: GateState, free: int, now: datetime) -> Admission:
    """How many of `free` slots the gate lets through."""
    if gate.delay_until is not None and gate.delay_until > now:
        return Admission(0, wake=gate.delay_until)
    if not gate.closed:
        return Admission(max(free, 0))
    if gate.trial_until is not None and gate.trial_until > now:
        return Admission(0, wake=gate.trial_until)
    if gate.next_try_at is not None and gate.next_try_at > now:
        return Admission(0, wake=gate.next_try_at)
    return Admission(min(1, max(free, 0)), trial=True)


def begin_trial(gate: GateState, now: datetime, rules: GateRules) -> GateState:
    """The gate while one lane tests it."""
    return replace(gate, trial_until=now + timedelta(seconds=rules.trial))


def step(  # noqa: PLR0911 - one return for each row of the docstring's table reads best
    gate: GateState,
    sign: Sign,
    *,
    item: str,
    now: datetime,
    rules: GateRules,
    rng: Random,
    retry_after: float | None = None,
    reason: str = "",
    trial: bool = False,
    own: bool = False,
) -> GateStep:
    """The gate after one answer for `item`.

    `own`: an alive upstream's failure that is the item's own counts. `trial`: this was the call that tested a closed gate.
    """
    wait = min(retry_after or 0.0, rules.longest_delay)
    if sign is Sign.ALIVE:
        if gate.quiet and not wait:
            return GateStep(gate, counts=own)
        alive = GateState(delay_until=_later(gate.delay_until, now, wait))
        return GateStep(alive, counts=own, opened=gate.closed)
    if sign is Sign.THROTTLED:
        until = _later(gate.delay_until, now, wait or rules.backoff.delay(1, rng))
        return GateStep(GateState(delay_until=until, reason=reason), opened=gate.closed)
    if gate.closed:
        if not trial:
            return GateStep(gate)
        closings = gate.closings + 1
        pause = max(wait, rules.backoff.delay(closings, rng))
        return GateStep(
            replace(
                gate, closings=closings, next_try_at=now + timedelta(seconds=pause), trial_until=None, reason=reason
            )
        )
    run = (*gate.run, item)
    if len(run) < rules.failures:
        return GateStep(replace(gate, run=run), counts=True)
    pause = max(wait, rules.backoff.delay(1, rng))
    closed = replace(
        gate, run=(), closed_since=now, closings=1, next_try_at=now + timedelta(seconds=pause), reason=reason
    )
    return GateStep(closed, give_back=run[:-1], closed=True)


def _later(until: datetime | None, now: datetime, wait: float) -> datetime | None:
    """The later of a delay that is known already and one of `wait` seconds from now."""
    asked = now + timedelta(seconds=wait) if wait else None
    return max((moment for moment in (until, asked) if moment is not None), default=None)

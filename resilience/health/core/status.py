"""How a component stands, made of its probes, its breaker and what is planned. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from resilience.health.core.states import Importance, Severity, State

MISSED = 3
GRACE = timedelta(seconds=5)
_WORST = {State.UP: 1, State.SLOW: 2, State.DOWN: 3}

SEVERITY = {
    Importance.NORMAL: Severity.MINOR,
    Importance.HIGH: Severity.MAJOR,
    Importance.CRITICAL: Severity.CRITICAL,
}
"""How bad an outage is that opens by itself, by how much its component weighs."""

RECORDED = {Severity.MINOR: State.SLOW, Severity.MAJOR: State.DOWN, Severity.CRITICAL: State.DOWN}
"""How a component stands while an outage goes on that a person recorded."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of a component. `breaker_out`: open or half-open, and not held so by a person; None without a breaker.

    `delivers`: changes were ever delivered to it, which says something where there is no probe. `recorded`: what a person says by an
    outage that goes on; nobody knows better. `outage`: one goes on that opened by itself.
    """

    probes: Sequence[State] = ()
    breaker_out: bool | None = None
    delivers: bool = False
    maintenance: bool = False
    recorded: State = State.NONE
    outage: bool = False


def component_state(facts: Facts) -> State:
    """What is shown: maintenance while it is planned, else how it answers."""
    return State.MAINTENANCE if facts.maintenance else answering_state(facts)


def answering_state(facts: Facts) -> State:
    """How it answers, whatever is planned: the worst that its probes and people say, and down while its breaker is out.

    In an outage a probe of which nothing is known (the prober has just begun again) may be the one that failed: the others do not end it.
    """
    if facts.breaker_out:
        return State.DOWN
    known = [state for state in (*facts.probes, facts.recorded) if state.known]
    if facts.outage and State.DOWN not in known and State.NONE in facts.probes:
        return State.NONE
    if known:
        return max(known, key=_WORST.__getitem__)
    if not facts.probes and facts.breaker_out is False and facts.delivers:
        return State.UP
    return State.NONE


def stale_after(interval: float) -> timedelta:
    """How old the last result of a probe may be until it says nothing about now: three intervals and five seconds."""
    return timedelta(seconds=MISSED * interval) + GRACE


def is_stale(interval: float, last_at: datetime | None, now: datetime) -> bool:
    """Whether a probe of this interval that was last asked at `last_at` says nothing about now."""
    return last_at is None or now - last_at > stale_after(interval)


def read_state(state: State, probes: Iterable[tuple[float, datetime | None]], now: datetime) -> State:
    """What a page may say of a component that is kept as `state`: none when all its enabled probes, as (interval, last result), are stale.

    The prober writes states; when it is dead nobody writes that nothing is known any more, so whoever reads has to see it.
    """
    asked = list(probes)
    if asked and all(is_stale(interval, last_at, now) for interval, last_at in asked):
        return State.NONE
    return state

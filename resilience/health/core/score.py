"""How well everything is, as numbers from 0 to 100, with every lost point named. docs/reference/health.md publishes these formulas.

No data is None, never 100, and 100 is given only when nothing is down, slow or open. Losses are exact (they add up to what is missing
from a part); a score is rounded only in the end.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from math import floor

from resilience.health.core.states import Importance, State

BASE = {State.UP: 100.0, State.SLOW: 60.0, State.DOWN: 0.0}
WEIGHTS = {Importance.CRITICAL: 5.0, Importance.HIGH: 3.0, Importance.NORMAL: 1.0}
PARTS = {"upstreams": 0.40, "queue": 0.30, "breakers": 0.15, "conflicts": 0.15}
CAP_DOWN, CAP_OPEN = 40.0, 60.0
FLAWED_AT_MOST = 99
"""What is left at the most where anything is down, slow, open or half-open."""
MINUTE = 60.0


@dataclass(frozen=True, slots=True)
class Scale:
    """Points that are lost for a value: none up to `free`, all `points` from `full` on, in proportion between."""

    points: float
    free: float
    full: float

    def lost(self, value: float) -> float:
        """The points lost for this value."""
        return self.points * min(max((value - self.free) / (self.full - self.free), 0.0), 1.0)


BACKLOG, AGE = Scale(10, 10, 110), Scale(10, MINUTE, 31 * MINUTE)
OPEN, HALF_OPEN = 40.0, 20.0
QUEUE_DEPTH, QUEUE_AGE = Scale(50, 10, 510), Scale(50, MINUTE, 61 * MINUTE)
CONFLICTS, CONFLICT_AGE = Scale(50, 0, 20), Scale(50, MINUTE, 121 * MINUTE)


class Why(StrEnum):
    """What points were lost for."""

    DOWN = "down"
    SLOW = "slow"
    BREAKER_OPEN = "breaker-open"
    BREAKER_HALF_OPEN = "breaker-half-open"
    BACKLOG = "backlog"
    AGE = "age"
    CONFLICTS = "conflicts"
    CONFLICT_AGE = "conflict-age"
    CAPPED_DOWN = "critical-down"
    CAPPED_OPEN = "critical-breaker-open"
    ANY_DOWN = "any-down"
    ANY_OUTAGE = "any-outage"
    ANY_DUTY = "any-duty"


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of one component. `breaker` is "" where there is none; ages in seconds, None where nothing waits.

    `queue` says whether anything is sent to it at all, `own` that it is Breakwater itself.
    """

    id: int
    state: State
    importance: Importance = Importance.NORMAL
    queue: bool = False
    breaker: str = ""
    waiting: int = 0
    age: float | None = None
    conflicts: int = 0
    conflict_age: float | None = None
    own: bool = False

    @property
    def planned(self) -> bool:
        """Whether it is in maintenance: it counts as one that loses nothing."""
        return self.state is State.MAINTENANCE


@dataclass(frozen=True, slots=True)
class Lost:
    """Points lost, with what it takes to say why: the component (0: none in particular), how many, and how old (seconds).

    `planned` is how many more there are that do not count, for they are of components in maintenance. `also` are the other components
    for which the same holds.
    """

    why: Why
    points: float
    component: int = 0
    n: int = 0
    seconds: float = 0.0
    planned: int = 0
    also: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Score:
    """0 to 100, or None without data; and what was lost, the most first."""

    value: int | None
    lost: tuple[Lost, ...] = ()
    exact: float | None = None


@dataclass(frozen=True, slots=True)
class PartScore:
    """One part of the system's score. `weight` is its share as published; `unknown` counts what there is no data of."""

    name: str
    weight: float
    score: Score
    unknown: int = 0


@dataclass(frozen=True, slots=True)
class SystemScore:
    """The system's score, its parts, and what caps it (their `points` are what the cap took off)."""

    value: int | None
    parts: tuple[PartScore, ...]
    caps: tuple[Lost, ...] = ()
    weight: float = 0.0


def component_score(facts: Facts) -> Score:
    """The score of one component: by its state, less what its breaker, its backlog and the age of what waits take. None without data."""
    if not facts.state.known:
        return Score(None)
    lost = [Lost(Why(facts.state.value), 100.0 - BASE[facts.state], facts.id)] if facts.state is not State.UP else []
    for state, why, points in (("open", Why.BREAKER_OPEN, OPEN), ("half_open", Why.BREAKER_HALF_OPEN, HALF_OPEN)):
        if facts.breaker == state:
            lost.append(Lost(why, points, facts.id))
    lost.append(Lost(Why.BACKLOG, BACKLOG.lost(facts.waiting), facts.id, n=facts.waiting))
    if facts.age is not None:
        lost.append(Lost(Why.AGE, AGE.lost(facts.age), facts.id, seconds=facts.age))
    return _score(lost)


def system_score(components: Sequence[Facts]) -> SystemScore:
    """The score of everything together. What is in maintenance loses nothing, for what waits then is expected to; a person's decision
    that is missing counts all the same. Of Breakwater alone there is no score: it would say that what nobody watches is well.
    """
    counted = [facts for facts in components if not facts.planned]
    made: dict[str, Callable[[Sequence[Facts]], Score]] = {
        "upstreams": upstreams,
        "queue": queue,
        "breakers": breakers,
        "conflicts": conflicts,
    }
    unknown = sum(1 for facts in counted if facts.state is State.NONE)
    parts = tuple(
        PartScore(name, weight, made[name](components), unknown if name == "upstreams" else 0)
        for name, weight in PARTS.items()
    )
    weight = sum(WEIGHTS[facts.importance] for facts in components if facts.state.known or facts.planned)
    if parts[0].score.value is None:
        return SystemScore(None, parts)
    known = [(part.weight, part.score.exact) for part in parts if part.score.exact is not None]
    exact = sum(share * value for share, value in known) / sum(share for share, _ in known)
    caps = tuple(_caps(counted, exact))
    flawed = any(one.why in FLAWS for part in parts for one in part.score.lost)
    value = _whole(exact - sum(cap.points for cap in caps), flawed=flawed)
    return SystemScore(value, parts, caps, weight)


def upstreams(components: Sequence[Facts]) -> Score:
    """The mean of what the states say, weighted by importance; without data where nothing is known of any but Breakwater itself."""
    known = [facts for facts in components if facts.state.known]
    total = sum(WEIGHTS[facts.importance] for facts in components if facts.state.known or facts.planned)
    if all(facts.own for facts in known):
        return Score(None)
    return _score(
        [
            Lost(Why(facts.state.value), WEIGHTS[facts.importance] / total * (100.0 - BASE[facts.state]), facts.id)
            for facts in known
            if facts.state is not State.UP
        ],
    )


def queue(components: Sequence[Facts]) -> Score:
    """100, less the backlog of all upstreams together and the age of the oldest item that waits."""
    sending = [facts for facts in components if facts.queue]
    if not sending:
        return Score(None)
    late = [facts for facts in sending if not facts.planned]
    waiting, planned = (
        sum(facts.waiting for facts in some) for some in (late, [one for one in sending if one.planned])
    )
    age, oldest = max(((facts.age or 0.0, facts.id) for facts in late), default=(0.0, 0))
    return _score(
        [
            Lost(Why.AGE, QUEUE_AGE.lost(age), oldest, seconds=age),
            Lost(Why.BACKLOG, QUEUE_DEPTH.lost(waiting), n=waiting, planned=planned),
        ]
    )


def breakers(components: Sequence[Facts]) -> Score:
    """The share of breakers that are closed; a half-open one counts half."""
    known = [facts for facts in components if facts.breaker]
    if not known:
        return Score(None)
    each = 100.0 / len(known)
    found = []
    for state, why, points in (("open", Why.BREAKER_OPEN, each), ("half_open", Why.BREAKER_HALF_OPEN, each / 2)):
        these = [facts for facts in known if facts.breaker == state and not facts.planned]
        found.append(Lost(why, points * len(these), these[0].id if len(these) == 1 else 0, n=len(these)))
    return _score(found)


def conflicts(components: Sequence[Facts]) -> Score:
    """100, less the number of open conflicts and the age of the oldest."""
    sending = [facts for facts in components if facts.queue]
    if not sending:
        return Score(None)
    n = sum(facts.conflicts for facts in sending)
    age = max(facts.conflict_age or 0.0 for facts in sending)
    return _score(
        [
            Lost(Why.CONFLICT_AGE, CONFLICT_AGE.lost(age), seconds=age),
            Lost(Why.CONFLICTS, CONFLICTS.lost(n), n=n),
        ]
    )


def network_score(answered: int, unanswered: int) -> int | None:
    """The share of requests that anything answered at all, whatever it said, as 0 to 100. None when none was made."""
    asked = answered + unanswered
    return _whole(100.0 * answered / asked, flawed=unanswered > 0) if asked else None


def status(value: int | None, healthy_from: int, degraded_from: int) -> str:
    """ "healthy", "degraded", "unhealthy", or "unknown" without a score."""
    if value is None:
        return "unknown"
    return "healthy" if value >= healthy_from else "degraded" if value >= degraded_from else "unhealthy"


def _caps(components: Sequence[Facts], exact: float) -> list[Lost]:
    """The lowest cap that holds with all components that make it hold, as points off the score; none when it is below it anyway."""
    critical = [facts for facts in components if facts.importance is Importance.CRITICAL]
    down = [facts.id for facts in critical if facts.state is State.DOWN]
    stopped = [facts.id for facts in critical if facts.breaker == "open"]
    why, cap, ids = (Why.CAPPED_DOWN, CAP_DOWN, down) if down else (Why.CAPPED_OPEN, CAP_OPEN, stopped)
    return [Lost(why, exact - cap, ids[0], n=int(cap), also=tuple(ids[1:]))] if ids and exact > cap else []


def _score(lost: Sequence[Lost]) -> Score:
    some = tuple(sorted((one for one in lost if one.points > 0), key=lambda one: (-one.points, one.why, one.component)))
    exact = max(100.0 - sum(one.points for one in some), 0.0)
    return Score(_whole(exact, flawed=any(one.why in FLAWS for one in some)), some, exact)


FLAWS = frozenset({Why.DOWN, Why.SLOW, Why.BREAKER_OPEN, Why.BREAKER_HALF_OPEN})
"""With one of these nothing is 100, however little it weighs."""


def _whole(exact: float, *, flawed: bool) -> int:
    return min(floor(exact + 0.5), FLAWED_AT_MOST if flawed else 100)

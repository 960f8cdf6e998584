"""What is drawn of a component: a card's sparkline, percentiles and 90 days, the charts, and the timeline. From buckets and uptimes."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from portal.kit import clock
from resilience.health.core.availability import Seconds
from resilience.health.core.states import State
from resilience.health.models import Component, Probe

DAYS = 90
MINUTES = 60


@dataclass(frozen=True, slots=True)
class Day:
    """One day (UTC) of a component: the seconds in each state, and the state that it is drawn in (`none` without data)."""

    at: datetime
    seconds: Seconds

    @property
    def state(self) -> State:
        """Down when it was down at all, else slow, else up; maintenance when there was nothing else."""
        for state in (State.DOWN, State.SLOW, State.UP, State.MAINTENANCE):
            if getattr(self.seconds, state.value) > 0:
                return state
        return State.NONE


@dataclass(frozen=True, slots=True)
class Availability:
    """The shares of time, 0 to 1, in which a component answered; None without data."""

    day: float | None = None
    week: float | None = None
    month: float | None = None
    quarter: float | None = None

    def as_dict(self) -> dict[str, float | None]:
        """As REST says it."""
        return {"24h": self.day, "7d": self.week, "30d": self.month, "90d": self.quarter}


@dataclass(frozen=True, slots=True)
class Details:
    """What a card shows. Milliseconds: percentiles of the last hour, `usual` the p95 of the week before. `spark` is the mean of each of the
    last 60 minutes, the oldest first, None without a run; `days` 90 of them, today last."""

    p50: float | None = None
    p95: float | None = None
    p99: float | None = None
    usual: float | None = None
    spark: tuple[tuple[datetime, float | None], ...] = ()
    days: tuple[Day, ...] = ()
    availability: Availability = Availability()


class Range(StrEnum):
    """How far back a chart goes."""

    HOUR = "hour"
    DAY = "day"
    WEEK = "week"
    MONTH = "month"
    QUARTER = "quarter"
    YEAR = "year"


@dataclass(frozen=True, slots=True)
class Point:
    """One step of a chart: how many runs, how many failed, and the latencies (ms) of the good ones; None without any."""

    at: datetime
    runs: int = 0
    failed: int = 0
    p50: float | None = None
    p95: float | None = None
    most: float | None = None


@dataclass(frozen=True, slots=True)
class Span:
    """A shaded stretch of a chart: an outage ("down") or maintenance. `end` None goes on."""

    start: datetime
    end: datetime | None
    word: str
    tone: str
    href: str = ""


@dataclass(frozen=True, slots=True)
class Series:
    """The history of one probe: at most 300 steps of `step` each from `since` until `until`, with what is shaded."""

    range: Range
    since: datetime
    until: datetime
    step: timedelta
    points: tuple[Point, ...] = ()
    spans: tuple[Span, ...] = ()


@dataclass(frozen=True, slots=True)
class Track:
    """One line of the timeline: the stretches follow each other."""

    name: str
    word: str
    stretches: tuple[Span, ...] = ()


@dataclass(frozen=True, slots=True)
class Mark:
    """One thing that happened, for the list under the timeline. `icon` as templates name them."""

    at: datetime
    word: str
    tone: str
    icon: str
    href: str = ""


@dataclass(frozen=True, slots=True)
class Timeline:
    """Everything that happened to a component on one axis; `marks` the newest first, `depths` how much waited."""

    since: datetime
    until: datetime
    tracks: tuple[Track, ...] = ()
    depths: tuple[tuple[datetime, int], ...] = ()
    marks: tuple[Mark, ...] = ()


def details(components: Sequence[Component]) -> dict[int, Details]:
    """What the cards of these components show, by component id; at most five queries. Who asks has checked that they may be seen."""
    return {component.pk: Details() for component in components}


def series(component: Component, probe: Probe | None, over: Range) -> Series:
    """The history of a probe (None: the component has none) with the component's outages and maintenance."""
    now = clock.now()
    return Series(over, now - timedelta(hours=1), now, timedelta(minutes=1))


def timeline(component: Component, since: datetime, until: datetime) -> Timeline:
    """What happened to a component between two moments: probes, breaker, outages, maintenance, and what others registered."""
    return Timeline(since, until)

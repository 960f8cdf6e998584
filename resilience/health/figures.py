"""What a component's card shows: percentiles, the last hour as a sparkline, 90 days, and how much of the time it answered.

From buckets and uptimes only, and for the components that are shown: five queries, however many there are. Days are UTC.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol

from django.db.models import Max, Q, Sum

from portal.kit import clock
from resilience.health.core.availability import Seconds, Stretch, added, floor, seconds, stretches
from resilience.health.core.histogram import merged
from resilience.health.core.states import State
from resilience.health.core.status import stale_after
from resilience.health.marks import Mark
from resilience.health.models import DAY, HOUR, MINUTE, Bucket, Component, Flip, Probe, Uptime
from resilience.health.series import Point, Range, Series, Span, series
from resilience.health.timelines import Timeline, Track, timeline
from resilience.health.uptimes import WRITTEN

__all__ = [
    "Availability",
    "Day",
    "Details",
    "Mark",
    "Point",
    "Range",
    "Series",
    "Span",
    "Timeline",
    "Track",
    "details",
    "series",
    "timeline",
]
DAYS = 90
MINUTES = 60
USUAL_DAYS = 7
ONE_MINUTE, ONE_HOUR, ONE_DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


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
    """The shares of time, 0 to 1, in which a component answered; None without data.

    `short` has of each how many seconds of data that is of, where they are less than the span; 0 where they are all of it.
    """

    day: float | None = None
    week: float | None = None
    month: float | None = None
    quarter: float | None = None
    short: tuple[float, ...] = (0.0, 0.0, 0.0, 0.0)

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
    availability: Availability = field(default_factory=Availability)


class Asked(Protocol):
    """What is needed of an enabled probe."""

    @property
    def id(self) -> int: ...
    @property
    def component_id(self) -> int: ...
    @property
    def interval(self) -> float: ...
    @property
    def last_at(self) -> datetime | None: ...


def details(components: Sequence[Component], asked: Iterable[Asked] | None = None) -> dict[int, Details]:
    """What the cards of these components show, by component id. Who asks has checked that they may be seen.

    Three queries, and one more where the caller has not read the enabled probes (`asked`, in their order) already.
    """
    now = clock.now()
    probes = _of_each(_probes(components) if asked is None else asked)
    first = {probe.id: component.pk for component in components for probe in probes.get(component.pk, ())[:1]}
    minutes, usual = _latencies(list(first), now)
    uptimes = _uptimes(components, now)
    written = _written_until(uptimes, now)
    present = _present(components, probes, written, now)
    latest = {component_id: probe_id for probe_id, component_id in first.items()}
    return {
        component.pk: Details(
            *_percentiles(minutes.get(latest.get(component.pk, 0), ())),
            usual=merged(usual.get(latest.get(component.pk, 0), ())).percentiles(0.95)[0],
            spark=_spark(minutes.get(latest.get(component.pk, 0), ()), now),
            days=_days(uptimes.get((component.pk, DAY), {}), present[component.pk], written, now),
            availability=_availability(component.pk, uptimes, present[component.pk], now),
        )
        for component in components
    }


def available(components: Sequence[Component], asked: Iterable[Asked]) -> dict[int, float | None]:
    """The share of the last 24 hours in which each of these answered, as its card says it, by component id; None without data.

    Two queries. `asked` are the enabled probes. Who asks has checked that the components may be seen.
    """
    now = clock.now()
    since = floor(now, HOUR) - 24 * ONE_HOUR
    rows = Uptime.objects.unscoped().filter(component__in=[one.pk for one in components], size=HOUR, at__gte=since)
    spent: dict[int, Seconds] = {}
    last: list[datetime] = []
    sums = [Sum(name) for name in ("up", "slow", "down", "maintenance")]
    for component_id, at, *whole in rows.values_list("component_id").annotate(Max("at"), *sums):
        spent[component_id] = Seconds(*whole)
        last.append(at)
    written = max(last) + ONE_HOUR if last else floor(now - WRITTEN, HOUR)
    present = _present(components, _of_each(asked), written, now)
    return {one.pk: (spent.get(one.pk, Seconds()) + present[one.pk]).share for one in components}


_Row = tuple[datetime, int, int, float, float, str]
"""A bucket: at, runs, failed, sum_ms, max_ms, histogram."""


def _probes(components: Sequence[Component]) -> Iterable[Probe]:
    rows = Probe.objects.unscoped().filter(component__in=[one.pk for one in components], enabled=True).order_by("pk")
    return rows.only("pk", "component_id", "interval", "last_at")


def _of_each(probes: Iterable[Asked]) -> dict[int, list[Asked]]:
    found: dict[int, list[Asked]] = defaultdict(list)
    for probe in probes:
        found[probe.component_id].append(probe)
    return found


def _latencies(probe_ids: Sequence[int], now: datetime) -> tuple[dict[int, list[_Row]], dict[int, list[str]]]:
    """The minutes of the last hour, and the histograms of the days before, by probe."""
    minutes: dict[int, list[_Row]] = defaultdict(list)
    usual: dict[int, list[str]] = defaultdict(list)
    today = floor(now, DAY)
    hour = Q(size=MINUTE, at__gte=floor(now, MINUTE) - MINUTES * ONE_MINUTE)
    week = Q(size=DAY, at__gte=today - USUAL_DAYS * ONE_DAY) | Q(size=HOUR, at__gte=today)
    rows = Bucket.objects.unscoped().filter(probe__in=probe_ids)
    names = ("probe_id", "size", "at", "runs", "failed", "sum_ms", "max_ms", "histogram")
    parts = (rows.filter(part).values_list(*names) for part in (hour, week))
    for probe_id, size, at, runs, failed, sum_ms, max_ms, text in next(parts).union(*parts, all=True):
        if size == MINUTE:
            minutes[probe_id].append((at, runs, failed, sum_ms, max_ms, text))
        else:
            usual[probe_id].append(text)
    return minutes, usual


def _percentiles(minutes: Sequence[_Row]) -> tuple[float | None, float | None, float | None]:
    most = max((row[4] for row in minutes), default=0.0)
    p50, p95, p99 = merged(row[5] for row in minutes).percentiles(0.5, 0.95, 0.99, most=most or None)
    return p50, p95, p99


def _spark(minutes: Sequence[_Row], now: datetime) -> tuple[tuple[datetime, float | None], ...]:
    known = {at: sum_ms / (runs - failed) for at, runs, failed, sum_ms, _most, _text in minutes if runs > failed}
    start = floor(now, MINUTE) - MINUTES * ONE_MINUTE
    return tuple((at, known.get(at)) for at in (start + n * ONE_MINUTE for n in range(MINUTES)))


def _present(
    components: Sequence[Component], probes: Mapping[int, Sequence[Asked]], start: datetime, now: datetime
) -> dict[int, Seconds]:
    """The seconds since the last hour that is an uptime: by flips, and no data from when the probes should have run again."""
    flips: dict[int, list[tuple[datetime, State, State]]] = defaultdict(list)
    rows = Flip.objects.unscoped().of_components().filter(component__in=[one.pk for one in components], at__gte=start)
    for component_id, at, before, after in rows.order_by("pk").values_list("component_id", "at", "before", "after"):
        flips[component_id].append((at, State(before), State(after)))
    return {
        one.pk: seconds(_stretches(one, flips.get(one.pk, ()), _known_until(probes.get(one.pk, ()), now), start, now))
        for one in components
    }


def _stretches(
    component: Component,
    flips: Sequence[tuple[datetime, State, State]],
    known_until: datetime,
    start: datetime,
    now: datetime,
) -> Iterable[Stretch]:
    first = flips[0][1] if flips else State(component.state)
    turns = [(at, after) for at, _before, after in flips]
    if not flips and component.since is not None and component.since > start:
        first, turns = State.NONE, [(component.since, State(component.state))]
    return stretches(start, max(min(now, known_until), start), first, turns)


def _known_until(probes: Sequence[Asked], now: datetime) -> datetime:
    ran = [probe.last_at + stale_after(probe.interval) for probe in probes if probe.last_at is not None]
    return max(ran, default=now) if probes and ran else now


def _written_until(uptimes: Mapping[tuple[int, int], Mapping[datetime, Seconds]], now: datetime) -> datetime:
    """Up to where hours are uptimes: a moment later is counted from flips, and none twice."""
    hours = [max(found) for (_component, size), found in uptimes.items() if size == HOUR]
    return max(hours) + ONE_HOUR if hours else floor(now - WRITTEN, HOUR)


def _uptimes(components: Sequence[Component], now: datetime) -> dict[tuple[int, int], dict[datetime, Seconds]]:
    """The days of 90, and the hours of the last 24, by component and size."""
    days = Q(size=DAY, at__gte=floor(now, DAY) - (DAYS - 1) * ONE_DAY)
    hours = Q(size=HOUR, at__gte=floor(now, HOUR) - 24 * ONE_HOUR)
    rows = Uptime.objects.unscoped().filter(days | hours, component__in=[one.pk for one in components])
    found: dict[tuple[int, int], dict[datetime, Seconds]] = defaultdict(dict)
    for component_id, size, at, *spent in rows.values_list(
        "component_id", "size", "at", "up", "slow", "down", "maintenance"
    ):
        found[component_id, size][at] = Seconds(*spent)
    return found


def _days(days: Mapping[datetime, Seconds], present: Seconds, written: datetime, now: datetime) -> tuple[Day, ...]:
    """90 days, today last; what is not yet an uptime belongs to the day in which its hour began."""
    today, open_day = floor(now, DAY), floor(written, DAY)
    all_days = (today - n * ONE_DAY for n in range(DAYS - 1, -1, -1))
    return tuple(Day(at, days.get(at, Seconds()) + (present if at == open_day else Seconds())) for at in all_days)


def _availability(
    component_id: int,
    uptimes: Mapping[tuple[int, int], Mapping[datetime, Seconds]],
    present: Seconds,
    now: datetime,
) -> Availability:
    """Over the last 24 whole hours and what came since; over 7, 30 and 90 days, today among them."""
    hours, days = uptimes.get((component_id, HOUR), {}), uptimes.get((component_id, DAY), {})
    today = floor(now, DAY)

    def over(n: int) -> tuple[Seconds, datetime]:
        start = today - (n - 1) * ONE_DAY
        return added(spent for at, spent in days.items() if at >= start) + present, start

    spans = (
        (added(hours.values()) + present, floor(now, HOUR) - 24 * ONE_HOUR),
        over(USUAL_DAYS),
        over(30),
        over(DAYS),
    )
    day, week, month, quarter = (spent.share for spent, _start in spans)
    return Availability(day, week, month, quarter, tuple(_short(spent, now - start) for spent, start in spans))


def _short(spent: Seconds, span: timedelta) -> float:
    """The seconds of data where more than a hundredth of the span is without; maintenance is none that is missing."""
    return spent.known if spent.known + spent.maintenance < 0.99 * span.total_seconds() else 0.0

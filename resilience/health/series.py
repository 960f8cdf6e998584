"""The history of a probe for charts: at most 300 steps, from buckets only, with outages and maintenance as spans.

    hour      60 minutes                       month      3 hours each
    day       5 minutes each                   quarter    90 days
    week      168 hours                        year       2 days each

What is not rolled up yet comes from the next smaller buckets, so that a chart ends now.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from django.db.models import Q
from django.utils.translation import gettext as _

from portal.kit import clock
from resilience.health.core.availability import floor
from resilience.health.core.histogram import merged
from resilience.health.core.occurrences import windows_between
from resilience.health.models import DAY, HOUR, MINUTE, Bucket, Component, Maintenance, Outage, Probe
from resilience.health.partly import partly
from resilience.health.uptimes import WRITTEN


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
    p99: float | None = None


@dataclass(frozen=True, slots=True)
class Span:
    """A shaded stretch of a chart: an outage ("bad", or "warn" where little was missing) or maintenance ("idle"). `end` None goes on."""

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


ONE_DAY = timedelta(days=1)
STEPS = {
    Range.HOUR: (MINUTE, timedelta(minutes=1), 60),
    Range.DAY: (MINUTE, timedelta(minutes=5), 288),
    Range.WEEK: (HOUR, timedelta(hours=1), 168),
    Range.MONTH: (HOUR, timedelta(hours=3), 240),
    Range.QUARTER: (DAY, ONE_DAY, 90),
    Range.YEAR: (DAY, 2 * ONE_DAY, 183),
}
"""Of each range: the buckets that it is made of, a step, and how many there are."""


@dataclass(frozen=True, slots=True)
class Shade:
    """The outages and the maintenance of a component from some moment on."""

    outages: tuple[Outage, ...] = ()
    plans: tuple[Maintenance, ...] = ()

    def within(self, since: datetime, until: datetime) -> list[Outage]:
        """The outages that share a moment with this time."""
        return [one for one in self.outages if one.began_at < until and (one.ended_at is None or one.ended_at > since)]

    def spans(self, since: datetime, until: datetime) -> list[Span]:
        """All of them that share a moment with this time, in order."""
        found = []
        for one in self.within(since, until):
            little, href = partly(one.severity, one.opened_by), f"/settings/health/outages/{one.pk}"
            word = one.cause or (_("partly out") if little else _("out"))
            found.append(Span(one.began_at, one.ended_at, word, "warn" if little else "bad", href))
        for plan in self.plans:
            windows = windows_between(plan, since, until)
            found += [Span(window.starts_at, window.ends_at, plan.title, "idle") for window in windows]
        return sorted(found, key=lambda span: span.start)


def shade(component: Component, since: datetime) -> Shade:
    """The outages of a component that went on after `since`, and all its maintenance; two queries. Who asks has checked."""
    outages = Outage.objects.unscoped().filter(Q(ended_at__isnull=True) | Q(ended_at__gt=since), component=component)
    if component.organization_id is None:
        return Shade(tuple(outages))
    plans = Maintenance.objects.unscoped().filter(Q(component=component) | Q(component=None))
    return Shade(tuple(outages), tuple(plans.filter(organization=component.organization_id).order_by("starts_at")))


def begin(over: Range, now: datetime) -> datetime:
    """Where a chart of this range begins."""
    size, step, n = STEPS[over]
    return floor(now, size) - (n - 1) * step


def series(component: Component, probe: Probe | None, over: Range, known: Shade | None = None) -> Series:
    """The history of a probe (None: the component has none) with the component's outages and maintenance. Who asks has checked.

    `known` is what is shaded, where it was read already.
    """
    now = clock.now()
    size, step, n = STEPS[over]
    since = begin(over, now)
    rows = _buckets(probe, size, since, now) if probe is not None else ()
    points = tuple(_points(rows, since, step, n))
    shaded = shade(component, since) if known is None else known
    return Series(over, since, now, step, points, tuple(shaded.spans(since, now)))


_Row = tuple[datetime, int, int, float, str]
"""A bucket: at, runs, failed, max_ms, histogram."""


def _buckets(probe: Probe, size: int, since: datetime, now: datetime) -> Iterable[_Row]:
    """Buckets of this size, and of smaller ones from where those of this size end."""
    wanted, begin = Q(), since
    for each in (DAY, HOUR, MINUTE):
        if each <= size:
            until = max(floor(now - WRITTEN, each), begin) if each != MINUTE else now
            wanted |= Q(size=each, at__gte=begin, at__lt=until)
            begin = until
    rows = Bucket.objects.unscoped().filter(wanted, probe=probe)
    return rows.values_list("at", "runs", "failed", "max_ms", "histogram").iterator(2_000)


def _points(rows: Iterable[_Row], since: datetime, step: timedelta, n: int) -> Iterable[Point]:
    parts: dict[int, list[_Row]] = defaultdict(list)
    for row in rows:
        parts[(row[0] - since) // step].append(row)
    for place in range(n):
        yield _point(since + place * step, parts.get(place, ()))


def _point(at: datetime, rows: Sequence[_Row]) -> Point:
    most = max((row[3] for row in rows), default=0.0) or None
    p50, p95, p99 = merged(row[4] for row in rows).percentiles(0.5, 0.95, 0.99, most=most)
    return Point(at, sum(row[1] for row in rows), sum(row[2] for row in rows), p50, p95, most, p99)

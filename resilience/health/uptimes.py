"""Uptimes: the seconds that each component was in each state, by hour and day (UTC), made of its flips.

A time in which none of its probes ran is no data, whatever the flips say: a prober that died could not write that down. A flip may be
noticed late (after as many failures as it takes), with a beginning in an hour that is written already; those hours are written again.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Max, Min, OuterRef, QuerySet, Subquery, Sum

from resilience.health.core.availability import Seconds, Stretch, floor, seconds, stretches, without
from resilience.health.core.states import State
from resilience.health.core.status import stale_after
from resilience.health.models import DAY, HOUR, MINUTE, Bucket, Component, Flip, Probe, Uptime

SETTLED = timedelta(minutes=3)
"""A run is written when it has ended, with the time at which it began: a minute, hour or day is done for good so much later."""
WRITTEN = SETTLED + timedelta(minutes=2)
"""And the keeper has written it so much later, as it works each minute: until then it is read from what it is made of."""
ONE_MINUTE, ONE_HOUR, ONE_DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
LATE = timedelta(days=2)
"""So far back a flip that is noticed now may have begun."""
FIELDS = ("up", "slow", "down", "maintenance")


def roll(now: datetime) -> int:
    """How many uptimes were written: of the hours that are over for good and were not there, and of their days."""
    end = floor(now - SETTLED, HOUR)
    start = _first(end)
    if start is None or start >= end:
        return 0
    written, first = 0, start
    while start < end:
        written += _write(HOUR, start, _hour(start, now))
        start += ONE_HOUR
    day = floor(first, DAY)
    while day < end:
        written += _write(DAY, day, _day(day))
        day += ONE_DAY
    return written


def between(components: Sequence[Component], start: datetime, end: datetime) -> dict[int, list[Stretch]]:
    """The states of these components between two moments, by what their flips say; two queries."""
    ids = [component.pk for component in components]
    since: dict[int, list[tuple[datetime, State]]] = defaultdict(list)
    before: dict[int, State] = {}
    flips = Flip.objects.unscoped().of_components().filter(component__in=ids, at__gte=start).order_by("pk")
    for component_id, at, said_before, after in flips.values_list("component_id", "at", "before", "after"):
        before.setdefault(component_id, State(said_before))
        since[component_id].append((at, State(after)))
    last = _last_before(ids, start)
    return {
        component.pk: stretches(
            start,
            end,
            last.get(component.pk) or before.get(component.pk) or State.NONE,
            since.get(component.pk) or _never_flipped(component, last),
        )
        for component in components
    }


def _first(end: datetime) -> datetime | None:
    """The first hour that has to be written."""
    done = Uptime.objects.unscoped().filter(size=HOUR).aggregate(at=Max("at"))["at"]
    if done is None:
        found = Component.objects.unscoped().aggregate(at=Min("created_at"))["at"]
        return max(floor(found, HOUR), end - 31 * ONE_DAY) if found else None
    start: datetime = done + ONE_HOUR
    flips = Flip.objects.unscoped().of_components().filter(at__gte=start - LATE, at__lt=start, noticed_at__gte=start)
    late = flips.aggregate(at=Min("at"))["at"] if start < end else None
    return floor(late, HOUR) if late else start


def _last_before(ids: Sequence[int], start: datetime) -> dict[int, State]:
    mine = Flip.objects.unscoped().of_components().filter(component=OuterRef("pk"), at__lt=start).order_by("-at", "-pk")
    rows = Component.objects.unscoped().filter(pk__in=ids).annotate(last=Subquery(mine.values("after")[:1]))
    return {component_id: State(last) for component_id, last in rows.values_list("pk", "last") if last}


def _never_flipped(component: Component, last: Mapping[int, State]) -> list[tuple[datetime, State]]:
    """A component whose flips are all too old to be kept, or that never had one, is since then what it is now."""
    if component.pk in last or component.since is None:
        return []
    return [(component.since, State(component.state))]


def _hour(start: datetime, now: datetime) -> dict[int, Seconds]:
    end = start + ONE_HOUR
    components = list(Component.objects.unscoped().filter(created_at__lt=end))
    seen = between(components, start, end)
    silent = _gaps(start, end, now)
    return {pk: seconds(without(found, silent.get(pk, ()))) for pk, found in seen.items()}


def _gaps(start: datetime, end: datetime, now: datetime) -> dict[int, list[tuple[datetime, datetime]]]:
    """The times between `start` and `end` in which no probe of a component ran that should have; to the minute."""
    waits = _waits()
    lookback = start - ONE_HOUR
    rows = Bucket.objects.unscoped().filter(size=MINUTE, at__gte=lookback, at__lt=end, runs__gt=0)
    ran: dict[int, set[datetime]] = defaultdict(set)
    for component_id, at in rows.values_list("probe__component_id", "at").iterator(5_000):
        ran[component_id].add(at)
    found = {}
    for component_id, wait in waits.items():
        if wait < ONE_HOUR:
            minutes = sorted(ran.get(component_id, ()))
            found[component_id] = _silences(minutes, start, min(end, now), wait)
    return found


def _silences(
    minutes: Iterable[datetime], start: datetime, end: datetime, wait: timedelta
) -> list[tuple[datetime, datetime]]:
    """The stretches between `start` and `end` that are more than `wait` after a minute with a run, until the next one."""
    known_until, gaps = start - ONE_HOUR, []
    for at in minutes:
        gaps.append((known_until, at))
        known_until = max(known_until, at + wait)
    gaps.append((known_until, end))
    return [(max(low, start), high) for low, high in gaps if high > max(low, start)]


def _waits() -> dict[int, timedelta]:
    """How long after a run each component with probes is still known, by its slowest one."""
    waits: dict[int, timedelta] = {}
    rows = Probe.objects.unscoped().filter(enabled=True).values_list("component_id", "interval")
    for component_id, interval in rows:
        waits[component_id] = max(waits.get(component_id, timedelta(0)), stale_after(interval) + ONE_MINUTE)
    return waits


def _day(day: datetime) -> dict[int, Seconds]:
    """The sums of the day's hours, as far as they are written."""
    hours: QuerySet[Uptime] = Uptime.objects.unscoped().filter(size=HOUR, at__gte=day, at__lt=day + ONE_DAY)
    rows = hours.order_by().values_list("component_id").annotate(*(Sum(name) for name in FIELDS))
    return {row[0]: Seconds(*row[1:]) for row in rows}


def _write(size: int, at: datetime, found: Mapping[int, Seconds]) -> int:
    """Zeros too: what is not there is written again."""
    rows = [
        Uptime(component_id=pk, size=size, at=at, **{name: getattr(one, name) for name in FIELDS})
        for pk, one in sorted(found.items())
    ]
    with transaction.atomic():
        there = set(Component.objects.unscoped().values_list("pk", flat=True))
        kept = [row for row in rows if row.component_id in there]
        unique = ["component", "size", "at"]
        Uptime.objects.bulk_create(kept, update_conflicts=True, unique_fields=unique, update_fields=FIELDS)
    return len(kept)

"""Thinning: what the probes found becomes minutes, hours and days; what the components stood at becomes uptimes; what is too old goes.

The keeper calls `keep()` several times a minute. Each step looks for what is not there yet, so that it catches up after a stop, and can
run twice: a step writes whole rows over what stood there. Each minute, hour or day is one short transaction.

    results ──▶ minutes ──▶ hours ──▶ days          a bucket each of a probe (an unfinished one is never written)
    flips   ──▶ hours   ──▶ days                    an uptime each of a component (today's grows by the hour)
    what is read of everything ──▶ a snapshot each minute of each organization, and of all
"""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Max, Min

from portal.kit import clock
from resilience.health import removal, snapshots, uptimes
from resilience.health.core.availability import floor
from resilience.health.core.histogram import Histogram, merged
from resilience.health.models import DAY, HOUR, MINUTE, Bucket, Probe, Result
from resilience.health.uptimes import SETTLED

STEP = {size: timedelta(seconds=size) for size in (MINUTE, HOUR, DAY)}
COUNTS = ("runs", "failed", "slow", "unanswered", "blind", "sum_ms", "max_ms")
FIELDS = (*COUNTS, "histogram")
BATCH_MINUTES = 10
THOROUGH = 7


def keep() -> bool:
    """Whether a minute's work was done now; False when it was done already."""
    now = clock.now()
    if snapshots.stands(now):
        return False
    roll_minutes(now)
    rolled = roll_hours(now)
    if rolled:
        roll_days(now)
    uptimes.roll(now)
    snapshots.write(now)
    removal.remove(now, thorough=bool(rolled) or now.minute == THOROUGH)
    return True


def roll_minutes(now: datetime) -> int:
    """How many buckets of minutes were written: of all that are over, the last three again, for their runs may have ended only now."""
    done = Bucket.objects.unscoped().filter(size=MINUTE).aggregate(at=Max("at"))["at"]
    first = Result.objects.unscoped().aggregate(at=Min("at"))["at"] if done is None else done - SETTLED
    if first is None:
        return 0
    start, end, written = floor(first, MINUTE), floor(now, MINUTE), 0
    while start < end:
        until = min(start + BATCH_MINUTES * STEP[MINUTE], end)
        written += _write(MINUTE, _minutes(start, until))
        start = until
    return written


def roll_hours(now: datetime) -> int:
    """How many buckets of hours were written, of all that are over for good."""
    return _roll(HOUR, MINUTE, now - SETTLED)


def roll_days(now: datetime) -> int:
    """How many buckets of days were written, of all that are over for good."""
    return _roll(DAY, HOUR, now - SETTLED)


@dataclass(slots=True)
class _Sum:
    """Results or smaller buckets added up."""

    runs: int = 0
    failed: int = 0
    slow: int = 0
    unanswered: int = 0
    blind: int = 0
    sum_ms: float = 0.0
    max_ms: float = 0.0
    good: list[float] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)

    def bucket(self, probe_id: int, size: int, at: datetime) -> Bucket:
        counted = Histogram.of(self.good) if self.good else merged(self.texts)
        plain = {name: getattr(self, name) for name in COUNTS}
        return Bucket(probe_id=probe_id, size=size, at=at, histogram=str(counted), **plain)


_Sums = Mapping[tuple[int, datetime], _Sum]


def _minutes(start: datetime, end: datetime) -> _Sums:
    """A blind run says nothing about its target: it is counted as that alone."""
    sums: dict[tuple[int, datetime], _Sum] = defaultdict(_Sum)
    rows = Result.objects.unscoped().filter(at__gte=start, at__lt=end)
    names = ("probe_id", "at", "ok", "slow", "unanswered", "blind", "ms")
    for probe_id, at, ok, slow, unanswered, blind, ms in rows.values_list(*names).iterator(5_000):
        one = sums[probe_id, at.replace(second=0, microsecond=0)]
        if blind:
            one.blind += 1
            continue
        one.runs += 1
        one.slow += slow
        one.unanswered += unanswered
        if ok:
            one.good.append(ms)
            one.sum_ms += ms
            one.max_ms = max(one.max_ms, ms)
        else:
            one.failed += 1
    return sums


def _roll(size: int, smaller: int, over: datetime) -> int:
    end, written = floor(over, size), 0
    done = Bucket.objects.unscoped().filter(size=size).aggregate(at=Max("at"))["at"]
    below = Bucket.objects.unscoped().filter(size=smaller, at__lt=end)
    if done is not None:
        below = below.filter(at__gte=done + STEP[size])
    first = below.aggregate(at=Min("at"))["at"]
    while first is not None:
        start = floor(first, size)
        written += _write(size, _added(smaller, start, start + STEP[size]))
        first = below.filter(at__gte=start + STEP[size]).aggregate(at=Min("at"))["at"]
    return written


def _added(smaller: int, start: datetime, end: datetime) -> _Sums:
    sums: dict[tuple[int, datetime], _Sum] = defaultdict(_Sum)
    rows = Bucket.objects.unscoped().filter(size=smaller, at__gte=start, at__lt=end)
    for probe_id, runs, failed, slow, unanswered, blind, sum_ms, max_ms, text in rows.values_list(
        "probe_id", *FIELDS
    ).iterator(5_000):
        one = sums[probe_id, start]
        one.runs += runs
        one.failed += failed
        one.slow += slow
        one.unanswered += unanswered
        one.blind += blind
        one.sum_ms += sum_ms
        one.max_ms = max(one.max_ms, max_ms)
        one.texts.append(text)
    return sums


def _write(size: int, sums: _Sums) -> int:
    """How many buckets were written, whole, over those that stood there; those of probes that are gone by now are left out."""
    if not sums:
        return 0
    rows = [one.bucket(probe_id, size, at) for (probe_id, at), one in sorted(sums.items())]
    with transaction.atomic():
        there = set(Probe.objects.unscoped().values_list("pk", flat=True))
        kept = [row for row in rows if row.probe_id in there]
        unique = ["probe", "size", "at"]
        Bucket.objects.bulk_create(kept, update_conflicts=True, unique_fields=unique, update_fields=FIELDS)
    return len(kept)

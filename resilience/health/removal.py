"""Removing what is too old, in small transactions; how long each thing is kept stands in settings.HEALTH."""

from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db.models import Q, QuerySet

from resilience.health.models import DAY, HOUR, MINUTE, Bucket, Flip, Outage, Result, SystemSnapshot, Uptime

BATCH = 2_000
ONE_HOUR = timedelta(hours=1)


def remove(now: datetime, *, thorough: bool = True) -> int:
    """How many rows were removed. Unless `thorough`, only good results of the hour that has just become too old: there are most of them."""
    kept = settings.HEALTH
    hours = now - timedelta(hours=kept["keep_results_hours"])
    results = Result.objects.unscoped()
    good = results.filter(ok=True, at__lt=hours)
    removed = _all(good if thorough else good.filter(at__gte=hours - ONE_HOUR))
    if not thorough:
        return removed
    minutes = now - timedelta(hours=kept["keep_minutes_hours"])
    days, years = now - timedelta(days=kept["keep_hours_days"]), now - timedelta(days=kept["keep_days_days"])
    removed += _all(results.filter(at__lt=now - timedelta(hours=kept["keep_failures_hours"])))
    for size, oldest in ((MINUTE, minutes), (HOUR, days), (DAY, years)):
        removed += _all(Bucket.objects.unscoped().filter(size=size, at__lt=oldest))
        removed += _all(Uptime.objects.unscoped().filter(size=size, at__lt=oldest))
    removed += _all(Flip.objects.unscoped().filter(at__lt=years))
    removed += _all(Outage.objects.unscoped().filter(began_at__lt=years, ended_at__lt=years))
    return removed + _snapshots(minutes, days, years)


def _snapshots(minutes: datetime, days: datetime, years: datetime) -> int:
    """After a day one an hour is left, after a month one a day, after a year none."""
    rows = SystemSnapshot.objects.unscoped()
    hourly = rows.filter(at__lt=minutes, at__gte=minutes - 3 * 24 * ONE_HOUR).exclude(at__minute=0)
    daily = rows.filter(at__lt=days).exclude(Q(at__minute=0, at__hour=0))
    return _all(hourly) + _all(daily) + _all(rows.filter(at__lt=years))


def _all(rows: QuerySet[Any]) -> int:
    removed = 0
    while batch := list(rows.order_by().values_list("pk", flat=True)[:BATCH]):
        removed += rows.model._default_manager.filter(pk__in=batch).delete()[0]
    return removed

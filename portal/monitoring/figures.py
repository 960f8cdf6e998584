"""The figures that monitoring reads: counters and one row an upstream or probe, never a count of items."""

import os
import shutil
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import orjson
from django.conf import settings
from django.db import connection
from django.db.models import Count, Min
from django_q.models import OrmQ

from portal.kit.viewer import Role, Viewer
from portal.tenancy.models import Organization
from resilience.breakers.models import Breaker, Total
from resilience.health.core.occurrences import over_at
from resilience.health.models import Component, Maintenance, Probe
from resilience.health.providers import Load
from resilience.health.system import System
from resilience.upstreams.models import Upstream
from syncqueue.core.states import ItemState
from syncqueue.figures import WAITING, by_upstream
from syncqueue.models import Item

MOST = 2_000
"""So many upstreams, and so many probes, have figures of their own in /metrics; the oldest ones. A gauge tells how many are left out."""


def operator() -> Viewer:
    """Who reads everything: the owner of the key of /metrics."""
    everywhere = dict.fromkeys(Organization.objects.unscoped().values_list("pk", flat=True), Role.VIEWER)
    return Viewer(user_id=None, name="metrics", roles=everywhere)


def slugs(viewer: Viewer) -> dict[int, str]:
    """The viewer's organizations."""
    return dict(Organization.objects.for_org(viewer).order_by("pk").values_list("pk", "slug"))


@dataclass(frozen=True, slots=True)
class OfUpstream:
    """One upstream. `counters` are the queue's (syncqueue.models.Counter), `totals` its breaker's (resilience.breakers.models.Total)."""

    id: int
    organization_id: int
    slug: str
    critical: bool
    paused: bool
    limit: int
    counters: Mapping[str, int]
    totals: Mapping[str, int]
    load: Load
    breaker: Breaker | None

    @property
    def in_use(self) -> int:
        """How many of its places are taken by requests under way."""
        return max(self.counters.get(ItemState.IN_FLIGHT.slug, 0), 0)

    @property
    def utilization(self) -> float:
        """The share of its places that is taken."""
        return round(min(self.in_use / self.limit, 1.0), 3) if self.limit else 0.0

    @property
    def waiting(self) -> int:
        """How many items wait for it."""
        return sum(max(self.counters.get(slug, 0), 0) for slug in WAITING)

    @property
    def sent(self) -> int:
        """How many deliveries ended, however they did."""
        ended = sum(self.counters.get(name, 0) for name in ("delivered", "retried", "merged", "refused"))
        return ended - self.counters.get("unsent", 0)

    def counted(self, name: str) -> int:
        """A counter, 0 where nothing was counted yet."""
        return max(self.counters.get(name, 0), 0)


def upstreams(viewer: Viewer, system: System) -> list[OfUpstream]:
    """The viewer's upstreams, the oldest first. What the system has read of them is not read again."""
    known = {one.component.upstream_id: one for one in system.components if one.component.upstream_id is not None}
    counters, totals = by_upstream(viewer), _totals(viewer)
    columns = ("pk", "organization_id", "slug", "critical", "paused_at", "in_flight_limit")
    rows = list(Upstream.objects.for_org(viewer).order_by("pk").values_list(*columns))
    found = []
    for pk, organization_id, slug, critical, paused_at, limit in rows:
        seen = known.get(pk)
        load, breaker = (seen.load, seen.breaker) if seen else (Load(), None)
        found.append(
            OfUpstream(
                pk,
                organization_id,
                slug,
                critical,
                paused_at is not None,
                limit,
                counters.get(pk, {}),
                totals.get(pk, {}),
                load,
                breaker,
            )
        )
    return found


def _totals(viewer: Viewer) -> dict[int, dict[str, int]]:
    found: dict[int, dict[str, int]] = defaultdict(dict)
    for upstream_id, name, value in Total.objects.for_org(viewer).values_list("breaker_id", "name", "value"):
        found[upstream_id][name] = value
    return found


@dataclass(frozen=True, slots=True)
class OfProbe:
    """One probe, with the words that name its component. `expires_at` is the end of the certificate that it saw, in epoch seconds."""

    id: int
    organization: str
    component: str
    name: str
    enabled: bool
    interval: float
    runs: int
    failed: int
    ms: float
    skipped: int
    last_at: datetime | None
    last_ms: float | None
    created_at: datetime
    expires_at: float | None

    def overdue(self, now: datetime) -> float:
        """Seconds since it should have run; 0.0 while it need not."""
        if not self.enabled:
            return 0.0
        return max((now - (self.last_at or self.created_at)).total_seconds() - self.interval, 0.0)


def probes(viewer: Viewer) -> list[OfProbe]:
    """The viewer's probes, the oldest first."""
    columns = ("pk", "component__organization__slug", "component__slug", "name", "enabled", "interval")
    counted = ("runs", "runs_failed", "runs_ms", "skipped", "last_at", "last_ms", "created_at", "last_metadata")
    rows = Probe.objects.for_org(viewer).order_by("pk").values_list(*columns, *counted)
    found = []
    for pk, organization, component, name, enabled, interval, *counts, last_at, last_ms, created_at, said in rows:
        runs, failed, ms, skipped = counts
        told = (component, name, enabled, interval, runs, failed, ms, skipped, last_at, last_ms, created_at)
        found.append(OfProbe(pk, organization or "", *told, _expiry(said)))
    return found


def _expiry(metadata: str) -> float | None:
    """When the certificate ends of which the metadata of the last run tell."""
    if '"tls_until"' not in metadata:
        return None
    try:
        until = datetime.fromisoformat(orjson.loads(metadata)["tls_until"].removesuffix(" UTC"))
        return until.replace(tzinfo=UTC).timestamp()
    except (ValueError, KeyError, TypeError, AttributeError):
        return None


def tasks_waiting() -> int:
    """How many tasks wait for a worker process."""
    return int(OrmQ.objects.count())


@dataclass(slots=True)
class Followed:
    """Of one organization: how long analytics events wait, how many assignments do, and how many only a person can move on."""

    lag: float = 0.0
    pending: int = 0
    stuck: int = 0


def followed(viewer: Viewer, now: datetime) -> dict[int, Followed]:
    """By organization; an index of their own serves these kinds."""
    found: dict[int, Followed] = defaultdict(Followed)
    rows = Item.objects.for_org(viewer).followed().order_by().values_list("kind", "organization_id", "state")
    for kind, organization_id, state, number, oldest in rows.annotate(number=Count("*"), oldest=Min("created_at")):
        mine, waits = found[organization_id], ItemState(state).slug in WAITING
        if kind == "assignment":
            mine.pending += number if waits else 0
            mine.stuck += 0 if waits else number
        elif waits:
            mine.lag = max(mine.lag, (now - oldest).total_seconds())
    return dict(found)


@dataclass(frozen=True, slots=True)
class Storage:
    """The database and the disk that BREAKWATER_HOME is on, in bytes. `free` is what is left on that disk, of `whole`."""

    database: str
    size: int
    free: int
    whole: int
    log: int = field(default=0)

    @property
    def free_share(self) -> float:
        """How much of the disk is free, 0 to 1."""
        return self.free / self.whole if self.whole else 0.0


def storage() -> Storage:
    """How much there is, and how much is left. For SQLite `log` is its write-ahead log, which is no part of `size`."""
    disk = shutil.disk_usage(settings.BREAKWATER_HOME)
    if connection.vendor == "sqlite":
        path = Path(str(connection.settings_dict["NAME"]))
        return Storage("sqlite", _size(path), disk.free, disk.total, _size(path.with_name(f"{path.name}-wal")))
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_database_size(current_database())")
        (size,) = cursor.fetchone()
    return Storage(connection.vendor, int(size), disk.free, disk.total)


def _size(path: Path) -> int:
    try:
        return os.stat(path).st_size
    except OSError:
        return 0


def maintenance(viewer: Viewer, system: System) -> list[tuple[Component, datetime | None]]:
    """What is in planned maintenance now, and until when."""
    planned = [one.component for one in system.components if one.planned]
    plans = list(Maintenance.objects.for_org(viewer).standing()) if planned else []
    return [(one, over_at(_plans_of(one, plans), system.at)) for one in planned]


def _plans_of(component: Component, plans: Sequence[Maintenance]) -> list[Maintenance]:
    mine = [plan for plan in plans if plan.organization_id == component.organization_id]
    return [plan for plan in mine if plan.component_id in (None, component.pk)]


def oldest_due(found: Sequence[OfProbe], now: datetime) -> float:
    """Seconds by which the most belated probe is late."""
    return max((probe.overdue(now) for probe in found), default=0.0)

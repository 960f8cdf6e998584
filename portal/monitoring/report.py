"""What /api/health and /api/diagnostics/metrics say to one viewer, as JSON has it."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings

from portal.duties.health import standings
from portal.kit import clock
from portal.kit.viewer import Viewer
from portal.monitoring import figures
from portal.monitoring.figures import Followed, OfProbe, OfUpstream, Storage
from portal.monitoring.issues import issues
from resilience.health.core.histogram import merged
from resilience.health.models import MINUTE, Bucket
from resilience.health.system import system, system_of
from resilience.patterns.typing import State as BreakerState
from syncqueue.core.states import ItemState
from syncqueue.figures import SINCE_EVER, totals

LATELY = timedelta(minutes=15)
"""Latency percentiles are of so much time."""


def status() -> str:
    """How the whole portal is, in the one word that everybody may have."""
    return system_of(None, past=False).status


def health(viewer: Viewer) -> dict[str, Any]:
    """How everything is that the viewer may see."""
    now, seen = clock.now(), system(viewer)
    slugs, every = figures.slugs(viewer), figures.upstreams(viewer, seen)
    followed, storage = figures.followed(viewer, now), figures.storage()
    states = [one.breaker.state for one in every if one.breaker]
    return {
        **seen.as_dict(components=False),
        "circuitBreakers": {
            "total": len(every),
            "open": states.count(BreakerState.OPEN.value),
            "halfOpen": states.count(BreakerState.HALF_OPEN.value),
        },
        "bulkheads": [_bulkhead(one, slugs) for one in every],
        "issues": issues(seen, followed, storage, several=len(slugs) > 1),
        "maintenance": [
            {"component": one.slug, "organization": slugs[one.organization_id or 0], "until": _iso(until)}
            for one, until in figures.maintenance(viewer, seen)
        ],
        "orgEnforcement": {
            "enforced": settings.FORCE_ORG_ENFORCEMENT,
            "stuck": sum(one.stuck for one in followed.values()),
            "byOrganization": {slug: followed[pk].stuck if pk in followed else 0 for pk, slug in slugs.items()},
        },
        "analyticsIngestLagMs": _lag_ms(followed),
        "offlineQueue": _offline_queue(every, followed, slugs, now),
        "storage": _storage(storage),
    }


def diagnostics(viewer: Viewer) -> dict[str, Any]:
    """All figures of what the viewer may see, as /metrics has them for the whole portal."""
    now, seen = clock.now(), system(viewer)
    slugs, every, probes = figures.slugs(viewer), figures.upstreams(viewer, seen), figures.probes(viewer)
    followed = figures.followed(viewer, now)
    sums = totals({one.id: one.counters for one in every})
    return {
        "at": _iso(now),
        "queue": {
            "states": {state.slug: sums[state.slug] for state in ItemState},
            **{name: sums[name] for name in ("open", "waiting", *SINCE_EVER)},
            "oldestSeconds": _age(min((one.load.oldest_at for one in every if one.load.oldest_at), default=None), now),
            "upstreams": [_of_queue(one, slugs, now) for one in every],
        },
        "breakers": [_breaker(one, slugs) for one in every],
        "bulkheads": [_bulkhead(one, slugs) for one in every],
        "retries": {"attempts": sums["retried"], "giveUps": sums.get("failed_ever", 0)},
        "timeouts": {"operations": sums.get("timed_out", 0)},
        "probes": _probes(viewer, probes, now),
        "conflicts": {
            "open": sums[ItemState.CONFLICT.slug],
            "total": sums.get("conflicts_ever", 0),
            "merged": sums["merged"],
            "oldestSeconds": _age(
                min((one.load.conflict_at for one in every if one.load.conflict_at), default=None), now
            ),
        },
        "assignments": {
            "pending": sum(one.pending for one in followed.values()),
            "stuck": sum(one.stuck for one in followed.values()),
        },
        "analyticsIngestLagMs": _lag_ms(followed),
        "workers": {
            "duties": [
                {"name": duty.name, "running": not duty.fault, "heartbeatAgeSeconds": _rounded(duty.age)}
                for duty in standings()
            ],
            "tasksWaiting": figures.tasks_waiting(),
        },
        "storage": _storage(figures.storage()),
    }


def _bulkhead(one: OfUpstream, slugs: Mapping[int, str]) -> dict[str, Any]:
    return {
        "name": one.slug,
        "organization": slugs[one.organization_id],
        "utilization": one.utilization,
        "active": one.in_use,
        "limit": one.limit,
        "executions": one.sent,
    }


def _breaker(one: OfUpstream, slugs: Mapping[int, str]) -> dict[str, Any]:
    calls = {name: one.totals.get(name, 0) for name in ("success", "failure", "ignored", "slow", "rejected")}
    return {
        "upstream": one.slug,
        "organization": slugs[one.organization_id],
        "state": one.breaker.state if one.breaker else BreakerState.CLOSED.value,
        "forced": (one.breaker.force if one.breaker else "") or None,
        "since": _iso(one.breaker.since) if one.breaker else None,
        "calls": calls,
        "changes": {name: count for name, count in sorted(one.totals.items()) if ">" in name},
    }


def _of_queue(one: OfUpstream, slugs: Mapping[int, str], now: datetime) -> dict[str, Any]:
    return {
        "upstream": one.slug,
        "organization": slugs[one.organization_id],
        "waiting": one.waiting,
        "failed": one.counted(ItemState.FAILED.slug),
        "conflict": one.counted(ItemState.CONFLICT.slug),
        "enqueued": one.counted("enqueued"),
        "delivered": one.counted("delivered"),
        "retried": one.counted("retried"),
        "timedOut": one.counted("timed_out"),
        "oldestSeconds": _age(one.load.oldest_at, now),
    }


def _probes(viewer: Viewer, probes: Sequence[OfProbe], now: datetime) -> dict[str, Any]:
    texts = _latencies(viewer, now)
    return {
        "runs": sum(one.runs for one in probes),
        "failures": sum(one.failed for one in probes),
        "skipped": sum(one.skipped for one in probes),
        "overdueSeconds": _rounded(figures.oldest_due(probes, now)),
        "latencyMs": _percentiles(text for mine in texts.values() for text in mine),
        "each": [
            {
                "component": one.component,
                "organization": one.organization or None,
                "probe": one.name,
                "enabled": one.enabled,
                "runs": one.runs,
                "failures": one.failed,
                "skipped": one.skipped,
                "lastAt": _iso(one.last_at),
                "lastMs": _rounded(one.last_ms),
                "overdueSeconds": _rounded(one.overdue(now)),
                "latencyMs": _percentiles(texts.get(one.id, ())),
            }
            for one in probes
        ],
    }


def _latencies(viewer: Viewer, now: datetime) -> dict[int, list[str]]:
    """The histograms of the last minutes, as texts by probe."""
    rows = Bucket.objects.for_org(viewer).filter(size=MINUTE, at__gte=now - LATELY).exclude(histogram="")
    found: dict[int, list[str]] = {}
    for probe_id, text in rows.values_list("probe_id", "histogram"):
        found.setdefault(probe_id, []).append(text)
    return found


def _percentiles(texts: Iterable[str]) -> dict[str, float | None]:
    found = merged(texts).percentiles(0.5, 0.95, 0.99)
    return {name: _rounded(ms) for name, ms in zip(("p50", "p95", "p99"), found, strict=True)}


def _offline_queue(
    every: Sequence[OfUpstream], followed: Mapping[int, Followed], slugs: Mapping[int, str], now: datetime
) -> dict[str, Any]:
    backlog = dict.fromkeys(slugs, 0)
    for one in every:
        backlog[one.organization_id] += one.load.waiting
    pending = {pk: followed[pk].pending if pk in followed else 0 for pk in slugs}
    return {
        "backlog": sum(backlog.values()),
        "pendingAssignments": sum(pending.values()),
        "oldestSeconds": _age(min((one.load.oldest_at for one in every if one.load.oldest_at), default=None), now),
        "byOrganization": {
            slug: {"backlog": backlog[pk], "pendingAssignments": pending[pk]} for pk, slug in slugs.items()
        },
    }


def _storage(found: Storage) -> dict[str, Any]:
    """What members may know of the machine that they share; its sizes are in /metrics, behind the key."""
    return {"database": found.database, "freePercent": round(found.free_share * 100, 1)}


def _lag_ms(followed: Mapping[int, Followed]) -> int:
    return round(max((one.lag for one in followed.values()), default=0.0) * 1_000)


def _age(since: datetime | None, now: datetime) -> float | None:
    return None if since is None else _rounded(max((now - since).total_seconds(), 0.0))


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 3)


def _iso(at: datetime | None) -> str | None:
    return None if at is None else at.isoformat().replace("+00:00", "Z")

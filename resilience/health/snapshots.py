"""A snapshot of the score each minute, of each organization and of all together, read once."""

import json
from collections.abc import Mapping
from datetime import datetime, timedelta

from django.db.models import F, Sum

from resilience.health.core.availability import floor
from resilience.health.core.score import network_score
from resilience.health.core.states import State
from resilience.health.models import MINUTE, Bucket, Component, Outage, SystemSnapshot
from resilience.health.providers import calls
from resilience.health.standing import Reading, read
from resilience.health.system import Network, System, made

NETWORK_OVER = timedelta(minutes=15)
Counts = Mapping[int | None, tuple[int, int]]


def stands(now: datetime) -> bool:
    """Whether this minute's snapshot of all is written."""
    at = floor(now, MINUTE)
    return SystemSnapshot.objects.unscoped().filter(organization__isnull=True, at=at).exists()


def write(now: datetime) -> int:
    """How many snapshots of this minute were written now: of each organization that has a component, and of all."""
    everything, at = read(None, now), floor(now, MINUTE)
    asked = _network(now)
    all_asked = [sum(one) for one in zip(*asked.values(), strict=True)] or [0, 0]
    rows = [_row(None, at, made(everything), (all_asked[0], all_asked[1]))]
    owners = {one.component.organization_id for one in everything.components} - {None}
    for owner in sorted(pk for pk in owners if pk is not None):
        rows.append(_row(owner, at, made(everything.of(owner)), asked.get(owner, (0, 0))))
    SystemSnapshot.objects.bulk_create(rows, ignore_conflicts=True)
    _peaks(everything)
    return len(rows)


def _peaks(everything: Reading) -> None:
    """How much waited at the most in an outage that goes on."""
    for one in everything.components:
        if one.outage is not None and one.load.waiting > (one.outage.most_waiting or 0):
            active = Outage.objects.unscoped().active().filter(pk=one.outage.pk)
            active.update(most_waiting=one.load.waiting)


def _row(organization_id: int | None, at: datetime, system: System, asked: tuple[int, int]) -> SystemSnapshot:
    answered, unanswered = asked
    network = Network(network_score(answered, unanswered), answered, unanswered)
    said = {"parts": [part.as_dict() for part in system.parts], "caps": [cap.as_dict() for cap in system.caps]}
    return SystemSnapshot(
        organization_id=organization_id,
        at=at,
        score=system.score,
        status=system.status,
        weight=system.weight,
        parts=json.dumps({**said, "network": network.as_dict()}, separators=(",", ":")),
        waiting=system.backlog,
        down=system.count(State.DOWN),
        open_breakers=sum(1 for one in system.components if one.breaker is not None and one.breaker.out),
    )


def _network(now: datetime) -> Counts:
    """How many requests of the last minutes were answered and how many by nobody, by organization: of probes, and of deliveries."""
    since = now - NETWORK_OVER
    found: dict[int | None, tuple[int, int]] = {}
    owner = "probe__component__organization_id"
    rows = Bucket.objects.unscoped().filter(size=MINUTE, at__gte=since).order_by().values_list(owner)
    for organization_id, answered, unanswered in rows.annotate(
        answered=Sum(F("runs") - F("unanswered")), nobody=Sum("unanswered")
    ):
        found[organization_id] = (answered, unanswered)
    delivered = calls(since)
    owners = (
        Component.objects.unscoped().filter(upstream__in=list(delivered)).values_list("upstream_id", "organization_id")
    )
    for upstream_id, organization_id in owners if delivered else ():
        good, bad = found.get(organization_id, (0, 0))
        more_good, more_bad = delivered[upstream_id or 0]
        found[organization_id] = (good + more_good, bad + more_bad)
    return found

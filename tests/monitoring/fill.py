"""A portal with many upstreams, each with everything that monitoring reads: counters in every slot, totals, a breaker, a probe."""

import json
from datetime import timedelta

from portal.kit import clock
from portal.tenancy.models import Organization
from resilience.breakers.models import Breaker, Total
from resilience.health.models import MINUTE, Bucket, Component, Probe
from resilience.upstreams.models import Upstream
from syncqueue.models import Counter

SLOTS = 16
NAMES = (
    *("queued", "retrying", "in_flight", "failed", "conflict", "synced", "enqueued", "delivered", "refused", "retried"),
    *("merged", "coalesced", "failed_ever", "conflicts_ever", "timed_out"),
)
TOTALS = ("success", "failure", "ignored", "slow", "rejected", "closed>open", "open>half_open", "half_open>closed")
METADATA = json.dumps({"status": 200, "tls_days": 41.5, "tls_until": "2027-01-02 03:04 UTC"})


def fill(organizations: int, upstreams: int, *, minutes: int = 0) -> None:
    """So many organizations with so many upstreams between them, and so many minutes of buckets for each probe."""
    now = clock.now()
    first = Upstream.objects.unscoped().count()
    of = [Organization.objects.create(slug=f"org-{first}-{n}", name=f"Organization {n}") for n in range(organizations)]
    made = Upstream.objects.bulk_create(
        Upstream(
            organization=of[n % organizations],
            slug=f"service-{first + n}",
            name=f"Service {n}",
            address="http://127.0.0.1:9/v1",
            routes={"plan": {"path": "/plans/{id}"}},
        )
        for n in range(upstreams)
    )
    Breaker.objects.bulk_create(Breaker(upstream=one, touched=now, since=now) for one in made)
    Counter.objects.bulk_create(
        (
            Counter(upstream=one, name=name, slot=slot, value=slot + 1)
            for one in made
            for name in NAMES
            for slot in range(SLOTS)
        ),
        batch_size=5_000,
    )
    Total.objects.bulk_create(
        (Total(breaker_id=one.pk, name=name, value=7) for one in made for name in TOTALS), batch_size=5_000
    )
    components = Component.objects.bulk_create(
        Component(organization=one.organization, upstream=one, slug=one.slug, name=one.name, state="up", since=now)
        for one in made
    )
    probes = Probe.objects.bulk_create(
        Probe(
            component=one,
            name="answers",
            kind="http",
            state="up",
            since=now,
            last_at=now,
            last_ok=True,
            last_ms=21.5,
            last_metadata=METADATA,
            runs=2_880,
            runs_failed=3,
            runs_ms=61_920.0,
        )
        for one in components
    )
    Bucket.objects.bulk_create(
        (
            Bucket(probe=one, size=MINUTE, at=now - timedelta(minutes=minute), runs=2, histogram="9:12,30,1,4")
            for one in probes
            for minute in range(minutes)
        ),
        batch_size=5_000,
    )

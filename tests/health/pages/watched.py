"""Five upstreams that are watched, each in another state, with an hour of results and 90 days of uptimes."""

import math
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from portal.kit import clock
from portal.kit.viewer import Role
from portal.tenancy.models import Membership, Organization
from resilience.breakers.models import Transition
from resilience.health import own
from resilience.health.core.eta import Source
from resilience.health.core.histogram import Histogram
from resilience.health.core.states import Importance, Severity, State
from resilience.health.models import (
    DAY,
    HOUR,
    MINUTE,
    Bucket,
    Component,
    Flip,
    Outage,
    Probe,
    Result,
    SystemSnapshot,
    Uptime,
)
from resilience.upstreams.models import Upstream
from syncqueue.models import Sample
from tests.support.breakers import stop
from tests.web.world import PASSWORD, World

BAD = "It answered 503 Service Unavailable"
MINUTES_OUT = 24


@dataclass
class Watched:
    """alice is an admin of Tidewater, ivan an operator, bob a viewer; charlie belongs to Northlight."""

    world: World
    components: dict[str, Component] = field(default_factory=dict)

    def component(self, slug: str) -> Component:
        """As it is now."""
        return Component.objects.unscoped().get(slug=slug, organization__isnull=False)

    def watch(
        self, slug: str, *, ms: float = 200.0, organization: Organization | None = None, importance: str = "normal"
    ) -> Component:
        """A new upstream with its component and its probe, which answered for an hour and is up."""
        upstream = self.world.upstream(slug, organization)
        component = Component.objects.unscoped().get(upstream=upstream)
        now = clock.now()
        Component.objects.filter(pk=component.pk).update(
            state=State.UP.value, since=now - timedelta(days=3), importance=importance
        )
        probe = component.probes.get()
        answered(probe, now, ms)
        component.refresh_from_db()
        self.components[slug] = component
        return component

    def set(self, slug: str, state: State, since: timedelta, reason: str = "") -> None:
        """Puts a component and its probes into a state that began so long ago."""
        at = clock.now() - since
        Component.objects.filter(pk=self.component(slug).pk).update(state=state.value, since=at, reason=reason)
        kept = State.UP if state is State.MAINTENANCE else state
        Probe.objects.filter(component=self.component(slug)).update(state=kept.value, since=at)
        Flip.objects.create(
            component=self.component(slug),
            at=at,
            noticed_at=at + timedelta(seconds=40),
            before=State.UP.value,
            after=state.value,
            reason=reason[:300],
        )


def wave(n: int, ms: float) -> list[float]:
    """Latencies that look like calls."""
    return [
        ms * (1 + 0.12 * math.sin(i * 1.7) + 0.06 * math.sin(i * 0.6) + (0.5 if i % 17 == 5 else 0)) for i in range(n)
    ]


def answered(probe: Probe, now: datetime, ms: float, *, failing: int = 0) -> None:
    """An hour of results and minutes, a week of hours and 90 days; the last `failing` minutes failed."""
    minute = now.replace(second=0, microsecond=0)
    taken = wave(120, ms)
    results = []
    for i, one in enumerate(taken):
        at = now - timedelta(seconds=30 * (119 - i) + 4)
        ok = at < now - timedelta(minutes=failing)
        error = "" if ok else BAD
        results.append(
            Result(probe=probe, at=at, ok=ok, ms=one if ok else 10_000, state="up" if ok else "down", error=error)
        )
    Result.objects.bulk_create(results)
    buckets = []
    for ago in range(60):
        these = [r for r in results if r.at.replace(second=0, microsecond=0) == minute - timedelta(minutes=ago)]
        good = [r.ms for r in these if r.ok]
        if these:
            buckets.append(
                bucket(probe, MINUTE, these[0].at.replace(second=0, microsecond=0), good, len(these) - len(good))
            )
    hour = minute.replace(minute=0)
    buckets += [bucket(probe, HOUR, hour - timedelta(hours=ago), wave(60, ms * 0.9)) for ago in range(1, 24 * 8)]
    day = hour.replace(hour=0)
    buckets += [bucket(probe, DAY, day - timedelta(days=ago), wave(60, ms)) for ago in range(1, 90)]
    Bucket.objects.bulk_create(buckets)
    Uptime.objects.bulk_create(
        Uptime(component_id=probe.component_id, size=DAY, at=day - timedelta(days=ago), up=86_400)
        for ago in range(1, 90)
    )
    Uptime.objects.bulk_create(
        Uptime(component_id=probe.component_id, size=HOUR, at=hour - timedelta(hours=ago), up=3_600)
        for ago in range(1, 48)
    )
    last = results[-1]
    Probe.objects.filter(pk=probe.pk).update(
        state="down" if failing else "up",
        since=now - timedelta(days=3),
        last_at=last.at,
        last_ok=last.ok,
        last_ms=last.ms,
        last_error=last.error,
        last_metadata='{"status": 200}' if last.ok else '{"status": 503}',
    )


def bucket(probe: Probe, size: int, at: datetime, taken: list[float], failed: int = 0) -> Bucket:
    """What these runs are as a bucket."""
    return Bucket(
        probe=probe,
        size=size,
        at=at,
        runs=len(taken) + failed,
        failed=failed,
        sum_ms=sum(taken),
        max_ms=max(taken, default=0),
        histogram=str(Histogram.of(taken)),
    )


def day_was(component: Component, ago: int, **seconds: float) -> None:
    """What a day so long ago was like."""
    day = clock.now().replace(hour=0, minute=0, second=0, microsecond=0)
    rows = Uptime.objects.filter(component=component, size=DAY, at=day - timedelta(days=ago))
    up = 86_400 - sum(seconds.values())
    rows.update(**{"up": max(up, 0), **seconds})


def make_watched(world: World) -> Watched:
    """plans-api is down, openai slow, github and billing up, figma young; northern is Northlight's."""
    ivan = type(world.people["alice"]).objects.create_user("ivan", password=PASSWORD)
    Membership.objects.create(organization=world.tidewater, user=ivan, role=Role.OPERATOR)
    seen = Watched(world)
    for slug, ms in (("plans-api", 140), ("openai", 2100), ("github", 200), ("billing", 90), ("figma", 320)):
        seen.watch(slug, ms=ms, importance=Importance.HIGH.value if slug == "plans-api" else Importance.NORMAL.value)
    seen.watch("northern", organization=world.northlight)
    go_down(seen, "plans-api")
    openai = seen.components["openai"]
    seen.set("openai", State.SLOW, timedelta(hours=1, minutes=52), "3 answers in a row took more than 5 s")
    Probe.objects.filter(component=openai).update(slow_after_ms=5000)
    for bit in Bucket.objects.filter(probe__component=openai, size=MINUTE).order_by("at")[30:]:
        taken = [2100.0 + 6000 * (bit.at.minute % 30) / 30] * 2
        Bucket.objects.filter(pk=bit.pk).update(
            sum_ms=sum(taken), max_ms=max(taken), histogram=str(Histogram.of(taken))
        )
    day_was(seen.components["plans-api"], 66, down=7_200.0)
    day_was(seen.components["plans-api"], 28, down=900.0)
    day_was(openai, 77, slow=5_000.0)
    day_was(openai, 45, down=12_000.0)
    day_was(openai, 1, slow=9_000.0)
    day_was(seen.components["github"], 58, slow=4_000.0)
    Uptime.objects.filter(component=seen.components["figma"], at__lt=clock.now() - timedelta(days=84)).delete()
    add_itself()
    for slug, n in (("plans-api", 12), ("openai", 3), ("github", 2)):
        for k in range(n):
            world.item(slug, f"{slug}-{k}", age=1440 - 60 * k)
    minute = clock.now().replace(second=0, microsecond=0)
    SystemSnapshot.objects.bulk_create(
        SystemSnapshot(
            organization=world.tidewater,
            at=minute - timedelta(minutes=ago),
            score=77 + ago * 3 // 4,
            status="degraded",
            weight=7,
        )
        for ago in range(1, 30)
    )
    return seen


def go_down(seen: Watched, slug: str, *, minutes: int = MINUTES_OUT) -> Outage:
    """It has not answered for so many minutes: probes, breaker, flip, outage, and what waits."""
    component, now = seen.components[slug], clock.now()
    probe = component.probes.get()
    Result.objects.filter(probe=probe).delete()
    Bucket.objects.filter(probe=probe).delete()
    Uptime.objects.filter(component=component).delete()
    answered(probe, now, 140, failing=minutes)
    seen.set(slug, State.DOWN, timedelta(minutes=minutes), BAD)
    upstream: Upstream = seen.world.upstreams[slug]
    stop(upstream, since=timedelta(minutes=minutes - 1), wait=timedelta(seconds=38), openings=3)
    Transition.objects.create(
        breaker_id=upstream.pk,
        at=now - timedelta(minutes=minutes - 1),
        before="closed",
        after="open",
        cause="trip",
        reason=f"5 failures in a row, the last: {BAD}",
    )
    Transition.objects.create(
        breaker_id=upstream.pk,
        at=now - timedelta(minutes=4),
        before="open",
        after="half_open",
        cause="cool-down",
        reason="cool-down over",
    )
    Transition.objects.create(
        breaker_id=upstream.pk,
        at=now - timedelta(minutes=3),
        before="half_open",
        after="open",
        cause="test",
        reason=BAD,
    )
    minute = now.replace(second=0, microsecond=0)
    Sample.objects.bulk_create(
        Sample(
            upstream=upstream,
            at=minute - timedelta(minutes=ago),
            waiting=max(5 * (minutes - ago), 0),
            delivered=100,
            refused=0,
        )
        for ago in range(60)
    )
    return Outage.objects.create(
        component=component,
        began_at=now - timedelta(minutes=minutes),
        noticed_at=now - timedelta(minutes=minutes - 1),
        severity=Severity.MAJOR.value,
        cause=f"{BAD}. Three probes in a row failed.",
        expected_at=now + timedelta(minutes=19),
        expected_source=Source.PAST.value,
        expected_low=1_800,
        expected_high=3_300,
        expected_of=6,
    )


def add_itself() -> Component:
    """Breakwater itself, whose probes have just run."""
    own.ensure()
    itself = Component.objects.unscoped().get(organization__isnull=True)
    now = clock.now()
    said = {
        "workers": '{"duties": 4, "running": 4}',
        "disk": '{"free_percent": 71.3}',
        "memory": '{"free_percent": 52.0}',
    }
    for probe in itself.probes.all():
        Probe.objects.filter(pk=probe.pk).update(
            state="up", since=now, last_at=now, last_ok=True, last_ms=2.1, last_metadata=said.get(probe.name, "{}")
        )
    Component.objects.filter(pk=itself.pk).update(state="up", since=now - timedelta(days=2))
    return itself

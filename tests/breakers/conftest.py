"""A harbour of upstreams whose breakers stand in different ways, and the browsers to look at them."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import pytest

from portal.kit import clock
from portal.kit.viewer import Role
from portal.tenancy.models import Membership
from resilience.breakers.models import Breaker, Transition, Window
from resilience.upstreams.models import Upstream
from syncqueue.models import Sample
from tests.support.breakers import stop
from tests.support.people import PLANS
from tests.web.conftest import browser_type_launch_args, visit, world  # noqa: F401 - fixtures
from tests.web.world import PASSWORD, World

BAD = "It answered 503 Service Unavailable"


def calls(now: datetime, seconds: Sequence[float], *, failed: int = 0, apart: float = 6.0) -> list[list[Any]]:
    """Calls that ended one after the other, the last just now; the last `failed` of them failed."""
    last = len(seconds) - 1
    verdicts = ["success"] * (len(seconds) - failed) + ["failure"] * failed
    return [
        [now.timestamp() - (last - index) * apart, took, verdict]
        for index, (took, verdict) in enumerate(zip(seconds, verdicts, strict=True))
    ]


def figures(now: datetime, recent: list[list[Any]], **said: Any) -> dict[str, Any]:
    """What a process publishes."""
    failed = [call for call in recent if call[2] == "failure"]
    errors = [{"at": call[0], "type": "Told", "code": "503", "text": BAD} for call in failed[-5:]]
    consecutive = len(failed) if recent and recent[-1][2] == "failure" else 0
    counted = {"calls": len(recent), "failures": len(failed), "slow": 0, "consecutive": consecutive, "in_window": None}
    return {**counted, "score": 96.0, "recent": recent, "errors": errors, **said}


def window(upstream: Upstream, said: dict[str, Any], *, process: str = "pump-0#1") -> Window:
    """What one process has published just now."""
    return Window.objects.create(
        breaker_id=upstream.pk, process=process, at=clock.now(), generation=1, figures=json.dumps(said)
    )


def transition(
    upstream: Upstream, ago: timedelta, before: str, after: str, cause: str, reason: str, **said: Any
) -> Transition:
    """A change of state so long ago."""
    return Transition.objects.create(
        breaker_id=upstream.pk, at=clock.now() - ago, before=before, after=after, cause=cause, reason=reason, **said
    )


@dataclass
class Harbour:
    """plans-api is open, openai is slow, github and billing are well, figma was never called; northern is Northlight's."""

    world: World

    def upstream(self, slug: str) -> Upstream:
        """One of them."""
        return self.world.upstreams[slug]

    def breaker(self, slug: str) -> Breaker:
        """Its breaker as it is now."""
        return Breaker.objects.unscoped().get(upstream__slug=slug)


def wave(n: int) -> list[float]:
    """Durations that look like calls."""
    return [0.05 + 0.03 * ((index * 7) % 5) + 0.02 * (index % 3) for index in range(n)]


@pytest.fixture
def harbour(world: World) -> Harbour:  # noqa: F811
    """The upstreams with their breakers, windows and transitions; ivan is an operator of Tidewater."""
    ivan = type(world.people["alice"]).objects.create_user("ivan", password=PASSWORD)
    Membership.objects.create(organization=world.tidewater, user=ivan, role=Role.OPERATOR)
    for slug in ("figma", "github", "billing", "openai", "plans-api"):
        world.upstream(slug)
    world.upstream("northern", world.northlight)
    Upstream.objects.unscoped().update(routes=PLANS)
    for made in world.upstreams.values():
        made.refresh_from_db()
    now, plans, openai = clock.now(), world.upstreams["plans-api"], world.upstreams["openai"]
    openai.figures = {"circuit_breaker.slow_call_ms": 2000, "circuit_breaker.slow_call_rate": 0.5}
    openai.policy = "ai"
    openai.save()
    stop(plans, since=timedelta(minutes=24), wait=timedelta(seconds=38), openings=4)
    Breaker.objects.filter(pk=plans.pk).update(rejected=412)
    tripped = figures(now, calls(now - timedelta(minutes=24), [*wave(47), *([1.1] * 8)], failed=8), consecutive=5)
    window(plans, {**tripped, "consecutive": 0, "calls": 0, "failures": 0})
    window(openai, figures(now, calls(now, [*wave(20), 2.4, 0.2, 3.1, 2.6]), slow=13, calls=38))
    window(world.upstreams["github"], figures(now, calls(now, wave(60)), calls=100))
    window(world.upstreams["github"], figures(now, calls(now, wave(50)), calls=88), process="pump-1#1")
    window(world.upstreams["billing"], figures(now, calls(now, wave(32)), calls=96, failures=1))
    transition(plans, timedelta(days=7), "half_open", "closed", "reset", "deploy done", actor="june")
    reason = f"5 failures in a row, the last: {BAD}"
    transition(
        plans,
        timedelta(minutes=24),
        "closed",
        "open",
        "trip",
        reason,
        window=json.dumps(tripped),
        lasted=604_000.0,
        process="pump-0#1",
        actor="system",
    )
    for minutes in (19, 11, 1):
        transition(
            plans,
            timedelta(minutes=minutes, seconds=10),
            "open",
            "half_open",
            "cool-down",
            "cool-down over",
            lasted=60.0,
            rejected=120,
        )
        transition(
            plans, timedelta(minutes=minutes), "half_open", "open", "test", BAD, window=json.dumps(tripped), lasted=10.0
        )
    minute = now.replace(second=0, microsecond=0)
    Sample.objects.bulk_create(
        Sample(upstream=plans, at=minute - timedelta(minutes=ago), waiting=125 - 6 * ago, delivered=900, refused=3)
        for ago in range(20)
    )
    return Harbour(world)

"""Breakers for tests that hold the clock."""

from datetime import timedelta

from portal.kit import clock
from resilience.breakers.models import Breaker
from resilience.breakers.runtime import Runtime
from resilience.breakers.store import Store
from resilience.patterns.typing import State
from resilience.upstreams.models import Upstream


def still_breakers(owner: str = "pump-0#1") -> Runtime:
    """A process's breakers that go by the clock that tests hold, the database's included, and write at once."""
    return Runtime(owner=owner, store=Store(now=clock.now), clock=lambda: clock.now().timestamp())


def stop(
    upstream: Upstream,
    *,
    since: timedelta = timedelta(minutes=1),
    wait: timedelta | None = timedelta(minutes=1),
    openings: int = 1,
    reason: str = "5 failures in a row, the last: It answered 503",
) -> Breaker:
    """The upstream's breaker, open since then and for so long (None: half-open)."""
    now = clock.now()
    row, _ = Breaker.objects.update_or_create(
        upstream=upstream,
        defaults={
            "state": State.OPEN.value if wait else State.HALF_OPEN.value,
            "version": 2,
            "generation": 1,
            "touched": now,
            "since": now - since,
            "opened_at": now - since,
            "open_until": now + wait if wait else None,
            "openings": openings,
            "reason": reason,
        },
    )
    return row

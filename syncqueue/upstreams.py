"""Upstreams as a pump needs them, read again when their revision changes."""

from dataclasses import dataclass, replace

from django.db.backends.utils import CursorWrapper

from portal.policy import current
from resilience.breakers.figures import Figures, figures_of
from resilience.breakers.runtime import Runtime
from resilience.breakers.shared import SharedBreaker
from resilience.upstreams.models import Upstream
from syncqueue.adapters import registry
from syncqueue.adapters.base import Adapter, Target
from syncqueue.core.backoff import Backoff
from syncqueue.core.outcome import DeliveryRules


@dataclass(frozen=True, slots=True)
class Destination:
    """How to deliver to one upstream."""

    id: int
    revision: int
    slug: str
    organization_id: int
    adapter: Adapter
    target: Target
    in_flight_limit: int
    step_over: bool
    breaker: SharedBreaker
    slow_start: float
    delivery: DeliveryRules


class Destinations:
    """The upstreams that may be sent to now. `refresh` costs one small query; a row is read whole only when it changed."""

    def __init__(self, breakers: Runtime) -> None:
        self._breakers = breakers
        self._policy = current()
        self._known: dict[int, Destination] = {}
        self.active: dict[int, Destination] = {}
        self._doubted = False

    def doubt(self) -> None:
        """The transaction of the last `refresh` failed: what it has made is not there, so the next one reads and makes all anew."""
        self._doubted = True

    def get(self, upstream_id: int) -> Destination:
        """The upstream with this id; it was in `active` when the assignment was made."""
        return self._known[upstream_id]

    def refresh(self, cursor: CursorWrapper) -> None:
        """Looks for changed, new, paused and resumed upstreams, and for another policy; each gets its breaker and its streak."""
        if (policy := current()) is not self._policy:
            self._policy, self._known = policy, {}
        cursor.execute("SELECT id, revision, paused_at IS NOT NULL FROM upstreams_upstream ORDER BY id")
        rows = cursor.fetchall()
        known = {} if self._doubted else self._known
        stale = [pk for pk, revision, _ in rows if pk not in known or known[pk].revision != revision]
        self._doubted = False
        for upstream in Upstream.objects.unscoped().filter(pk__in=stale) if stale else ():
            self._known[upstream.pk] = destination(upstream, self._breakers)
            cursor.execute(
                "INSERT INTO syncqueue_streak (upstream_id, items) VALUES (%s, '[]') ON CONFLICT (upstream_id) DO NOTHING",
                [upstream.pk],
            )
        self.active = {pk: self._known[pk] for pk, _, paused in rows if not paused and pk in self._known}


def reach(upstream: Upstream) -> tuple[Adapter, Target]:
    """Who speaks with this upstream, and where it is."""
    return registry.get(upstream.adapter), Target(
        address=upstream.address,
        routes=upstream.routes,
        headers=upstream.headers,
        credentials=upstream.read_credentials(),
        timeout=upstream.timeout,
        version_mode=upstream.version,
    )


def destination(upstream: Upstream, breakers: Runtime) -> Destination:
    """How to deliver to this upstream."""
    figures = figures_of(upstream)
    adapter, target = reach(upstream)
    return Destination(
        id=upstream.pk,
        revision=upstream.revision,
        slug=upstream.slug,
        organization_id=upstream.organization_id,
        adapter=adapter,
        target=target,
        in_flight_limit=upstream.in_flight_limit,
        step_over=upstream.failed_head == Upstream.FailedHead.STEP_OVER,
        breaker=breakers.of(upstream.pk, upstream.slug, figures),
        slow_start=figures.slow_start,
        delivery=DeliveryRules(figures.max_attempts, _backoff(figures)),
    )


def _backoff(figures: Figures) -> Backoff:
    plain = Backoff(figures.minimum, figures.maximum, figures.factor)
    return plain if figures.jitter else replace(plain, jitter=0.0)

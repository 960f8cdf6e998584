"""Upstreams as a pump needs them, read again when their revision changes."""

from dataclasses import dataclass

from django.db.backends.utils import CursorWrapper

from resilience.upstreams.models import Upstream
from syncqueue.adapters import registry
from syncqueue.adapters.base import Adapter, Target


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


class Destinations:
    """The upstreams that may be sent to now. `refresh` costs one small query; a row is read whole only when it changed."""

    def __init__(self) -> None:
        self._known: dict[int, Destination] = {}
        self.active: dict[int, Destination] = {}

    def get(self, upstream_id: int) -> Destination:
        """The upstream with this id; it was in `active` when the assignment was made."""
        return self._known[upstream_id]

    def refresh(self, cursor: CursorWrapper) -> None:
        """Looks for changed, new, paused and resumed upstreams, and makes sure that each has its gate."""
        cursor.execute("SELECT id, revision, paused_at IS NOT NULL FROM upstreams_upstream ORDER BY id")
        rows = cursor.fetchall()
        stale = [pk for pk, revision, _ in rows if pk not in self._known or self._known[pk].revision != revision]
        for upstream in Upstream.objects.unscoped().filter(pk__in=stale) if stale else ():
            self._known[upstream.pk] = destination(upstream)
            cursor.execute(
                "INSERT INTO syncqueue_gate (upstream_id, run, closings, reason) VALUES (%s, '[]', 0, '')"
                " ON CONFLICT (upstream_id) DO NOTHING",
                [upstream.pk],
            )
        self.active = {pk: self._known[pk] for pk, _, paused in rows if not paused and pk in self._known}


def destination(upstream: Upstream) -> Destination:
    """How to deliver to this upstream."""
    return Destination(
        id=upstream.pk,
        revision=upstream.revision,
        slug=upstream.slug,
        organization_id=upstream.organization_id,
        adapter=registry.get(upstream.adapter),
        target=Target(
            address=upstream.address,
            routes=upstream.routes,
            headers=upstream.headers,
            credentials=upstream.read_credentials(),
            timeout=upstream.timeout,
            version_mode=upstream.version,
        ),
        in_flight_limit=upstream.in_flight_limit,
        step_over=upstream.failed_head == Upstream.FailedHead.STEP_OVER,
    )

"""Resuming a paused upstream: what waited is sent, in order."""

from django.db import transaction

from portal.events.record import record
from portal.kit.viewer import Permission, Viewer
from resilience.upstreams.actions.check import checked_reason, locked
from resilience.upstreams.models import Upstream


def resume(*, viewer: Viewer, upstream_id: int, reason: str = "") -> Upstream:
    """The upstream, sent to again; one that is not paused stays as it is."""
    with transaction.atomic():
        upstream = locked(viewer=viewer, upstream_id=upstream_id, permission=Permission.OPERATE)
        why = checked_reason(reason, needed=False)
        if upstream.paused_at is None:
            return upstream
        since = upstream.paused_at
        upstream.paused_at = None
        upstream.paused_by = upstream.paused_reason = ""
        upstream.revision += 1
        upstream.save()
        record(
            verb="upstream.resumed",
            subject=f"upstream:{upstream.pk}",
            actor=viewer.name,
            organization_id=upstream.organization_id,
            organization_name=upstream.organization.name,
            data={"reason": why, "paused_since": since.isoformat(), "revision": upstream.revision},
            request_id=viewer.request_id,
        )
    return upstream

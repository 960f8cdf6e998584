"""Pausing an upstream: nothing more is sent to it, and what comes in waits."""

from django.db import transaction

from portal.events.record import record
from portal.kit import clock
from portal.kit.viewer import Permission, Viewer
from resilience.upstreams.actions.check import checked_reason, locked
from resilience.upstreams.models import Upstream


def pause(*, viewer: Viewer, upstream_id: int, reason: str) -> Upstream:
    """The paused upstream. What is in flight ends as it would; one that is paused already stays as it is."""
    with transaction.atomic():
        upstream = locked(viewer=viewer, upstream_id=upstream_id, permission=Permission.OPERATE)
        why = checked_reason(reason, needed=True)
        if upstream.paused_at is not None:
            return upstream
        upstream.paused_at = clock.now()
        upstream.paused_by = viewer.name
        upstream.paused_reason = why
        upstream.revision += 1
        upstream.save()
        record(
            verb="upstream.paused",
            subject=f"upstream:{upstream.pk}",
            actor=viewer.name,
            organization_id=upstream.organization_id,
            organization_name=upstream.organization.name,
            data={"reason": why, "revision": upstream.revision},
            request_id=viewer.request_id,
        )
    return upstream

"""Resetting a breaker: closed, with nothing counted and nothing forced."""

from django.utils.translation import gettext as _

from portal.kit.viewer import Permission, Viewer
from resilience.breakers.actions.moving import move
from resilience.breakers.core import shared
from resilience.breakers.models import Breaker
from resilience.upstreams.actions.check import checked_reason


def reset(*, viewer: Viewer, upstream_id: int, reason: str = "") -> Breaker:
    """The closed breaker. What waits goes out at the rate of the slow start; if the upstream is still down, it opens again."""
    why = checked_reason(reason, needed=False) or _("reset")
    return move(
        viewer=viewer,
        upstream_id=upstream_id,
        permission=Permission.OPERATE,
        step=lambda known, now: shared.reset(known, now, reason=why),
        cause="reset",
    )


def reset_all(*, viewer: Viewer, reason: str = "") -> list[Breaker]:
    """Those that were not closed, or were forced, now closed; of all organizations in which the viewer may do it.

    Raises Forbidden when the viewer may do it nowhere.
    """
    viewer.require_anywhere(Permission.OPERATE)
    changed = Breaker.objects.for_org(viewer).moved().select_related("upstream").order_by("pk")
    mine = [row.pk for row in changed if viewer.can(Permission.OPERATE, row.upstream.organization_id)]
    return [reset(viewer=viewer, upstream_id=pk, reason=reason) for pk in mine]

"""Resetting a breaker: closed, with nothing counted and nothing forced."""

from datetime import datetime

from django.utils.translation import gettext as _

from portal.kit.errors import Conflicting
from portal.kit.viewer import Permission, Viewer
from resilience.breakers.actions.moving import move
from resilience.breakers.core import shared
from resilience.breakers.core.shared import Shared
from resilience.breakers.models import Breaker
from resilience.upstreams.actions.check import checked_reason
from resilience.upstreams.models import Upstream


def reset(*, viewer: Viewer, upstream_id: int, reason: str = "") -> Breaker:
    """The closed breaker. What waits goes out at the rate of the slow start; if the upstream is still down, it opens again.

    What an admin forced only an admin ends (Conflicting, with who forced it and why).
    """
    why = checked_reason(reason, needed=False) or _("reset")
    upstream = Upstream.objects.for_org(viewer).filter(pk=upstream_id).first()
    may_end = upstream is not None and viewer.can(Permission.ADMINISTER, upstream.organization_id)

    def step(known: Shared, now: datetime) -> Shared:
        if known.forced and not may_end and (known.forced_until is None or known.forced_until > now):
            said = {"who": known.forced_by, "why": known.forced_reason}
            raise Conflicting(_("%(who)s forced the breaker: %(why)s. Only an admin ends that before its time.") % said)
        return shared.reset(known, now, reason=why)

    return move(viewer=viewer, upstream_id=upstream_id, permission=Permission.OPERATE, step=step, cause="reset")


def reset_all(*, viewer: Viewer, reason: str = "") -> list[Breaker]:
    """Those that were not closed, now closed; of all organizations in which the viewer may do it. What a person forced stays as it is.

    Raises Forbidden when the viewer may do it nowhere.
    """
    viewer.require_anywhere(Permission.OPERATE)
    out = Breaker.objects.for_org(viewer).out().select_related("upstream").order_by("pk")
    mine = [row for row in out if viewer.can(Permission.OPERATE, row.upstream.organization_id) and not row.force]
    return [reset(viewer=viewer, upstream_id=row.pk, reason=reason) for row in mine]

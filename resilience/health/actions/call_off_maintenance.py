"""Calling maintenance off: what goes on ends now, and nothing more comes."""

from django.db import transaction
from django.utils.translation import gettext as _

from portal.kit import clock
from portal.kit.errors import Conflicting, NotFound
from portal.kit.viewer import Permission, Viewer
from resilience.health.actions.outages import one_line, text_faults
from resilience.health.actions.plan_maintenance import tell_maintenance
from resilience.health.actions.steering import refuse, shown
from resilience.health.core.occurrences import is_over, window_at
from resilience.health.models import Maintenance


def call_off_maintenance(*, viewer: Viewer, maintenance_id: int, reason: str = "") -> Maintenance:
    """The maintenance, called off. From now on its components are judged as ever; what was before stays as it was.

    One that is over, or that somebody called off already, stays as it is (Conflicting).
    """
    reason = one_line(reason)
    refuse(text_faults(reason, "/reason"))
    with transaction.atomic():
        rows = Maintenance.objects.for_org(viewer).select_related("organization", "component")
        row = rows.select_for_update(of=("self",)).filter(pk=maintenance_id).first()
        if row is None:
            raise NotFound
        viewer.require(Permission.ADMINISTER, row.organization_id)
        now = clock.now()
        if row.called_off_at is not None:
            raise Conflicting(_("%s called it off meanwhile. Nothing was changed.") % row.called_off_by)
        if is_over(row, now):
            raise Conflicting(_("%s is over. There is nothing left to call off.") % row.title)
        active = window_at(row, now) is not None
        row.called_off_at, row.called_off_by = now, viewer.name
        row.save(update_fields=["called_off_at", "called_off_by"])
        tell_maintenance("maintenance.called_off", viewer, row, {"reason": shown(reason), "was_active": active})
    return row

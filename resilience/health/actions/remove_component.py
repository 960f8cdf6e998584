"""Removing a component that nothing is sent to, with everything that was found of it."""

from django.db import transaction
from django.utils.translation import gettext as _

from portal.kit import clock
from portal.kit.errors import Conflicting
from portal.kit.viewer import Permission, Viewer
from resilience.health.actions.outages import iso, tell_outage
from resilience.health.actions.steering import component_of, tell
from resilience.health.models import Component, Outage


def remove_component(*, viewer: Viewer, component_id: int) -> None:
    """Its probes, history and outages go with it; its children have no parent then. An upstream's component stays (Conflicting).

    An outage that goes on is closed first, so that the audit log tells its end.
    """
    with transaction.atomic():
        component = component_of(viewer, component_id, Permission.ADMINISTER)
        if component.upstream_id is not None:
            detail = _("%s is an upstream and is watched as long as it exists. Pause or remove its probes instead.")
            raise Conflicting(detail % component.name)
        _close_outage(viewer, component)
        tell("component.removed", viewer, component, {"name": component.name, "probes": component.probes.count()})
        list(component.probes.select_for_update().order_by("pk"))  # the prober adds results to what it can lock
        component.delete()


def _close_outage(viewer: Viewer, component: Component) -> None:
    outage = Outage.objects.for_org(viewer).active().filter(component=component).select_for_update(of=("self",)).first()
    if outage is None:
        return
    outage.ended_at, outage.closed_by = clock.now(), viewer.name
    outage.save(update_fields=["ended_at", "closed_by"])
    seconds = round((outage.ended_at - outage.began_at).total_seconds())
    said = {"reason": _("%s was removed.") % component.name, "ended_at": iso(outage.ended_at), "seconds": seconds}
    tell_outage("outage.closed", viewer, outage, {**said, "still_down": False})

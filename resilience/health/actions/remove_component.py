"""Removing a component that nothing is sent to, with everything that was found of it."""

from django.db import transaction
from django.utils.translation import gettext as _

from portal.kit import clock
from portal.kit.errors import Conflicting
from portal.kit.viewer import Permission, Viewer
from resilience.health.actions.outages import end
from resilience.health.actions.steering import component_of, tell
from resilience.health.models import Outage


def remove_component(*, viewer: Viewer, component_id: int) -> None:
    """Its probes, history and outages go with it; its children have no parent then. An upstream's component stays (Conflicting).

    An outage that goes on is closed first, so that the audit log tells its end.
    """
    with transaction.atomic():
        component = component_of(viewer, component_id, Permission.ADMINISTER)
        if component.upstream_id is not None:
            detail = _("%s is an upstream and is watched as long as it exists. Pause or remove its probes instead.")
            raise Conflicting(detail % component.name)
        active = Outage.objects.for_org(viewer).active().filter(component=component)
        for outage in active.select_for_update(of=("self",)):
            end(outage, viewer, clock.now(), reason=_("%s was removed.") % component.name, still_down=False)
        tell("component.removed", viewer, component, {"name": component.name, "probes": component.probes.count()})
        list(component.probes.select_for_update().order_by("pk"))  # the prober adds results to what it can lock
        component.delete()

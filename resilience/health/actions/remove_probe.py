"""Removing a probe, with everything that it found."""

from django.db import transaction

from portal.kit.viewer import Permission, Viewer
from resilience.health.actions.steering import probe_of, shown, tell


def remove_probe(*, viewer: Viewer, probe_id: int) -> None:
    """Its results and its history go with it; the component's own history (flips, outages, availability) stays."""
    with transaction.atomic():
        probe = probe_of(viewer, probe_id, Permission.ADMINISTER)
        tell("probe.removed", viewer, probe.component, {"address": shown(probe.address)}, probe=probe)
        probe.delete()

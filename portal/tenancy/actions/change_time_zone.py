"""Changing the time zone of an organization, in which its maintenance is planned."""

from zoneinfo import available_timezones

from django.db import transaction
from django.utils.translation import gettext as _

from portal.kit.errors import Invalid
from portal.kit.viewer import Viewer
from portal.tenancy.actions.check import administered, tell
from portal.tenancy.models import Organization


def change_time_zone(*, viewer: Viewer, organization_id: int, time_zone: str) -> Organization:
    """The organization with its zone, an IANA name such as Europe/Berlin. What is planned already keeps the zone it was planned in."""
    with transaction.atomic():
        organization = administered(viewer, organization_id)
        if time_zone not in available_timezones():
            raise Invalid.at("/time_zone", _("There is no such time zone. One reads Europe/Berlin."))
        before = organization.time_zone
        if before != time_zone:
            organization.time_zone = time_zone
            organization.save(update_fields=["time_zone"])
            said = {"time_zone": [before, time_zone]}
            tell("organization.updated", f"organization:{organization.pk}", organization, viewer, said)
    return organization

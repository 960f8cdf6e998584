"""Lists of maintenance, for pages and REST: what an address asks for, and which plans those are."""

from collections.abc import Mapping
from dataclasses import dataclass

from django.db.models import Q
from django.utils.translation import gettext as _

from portal.kit import clock
from portal.kit.errors import Invalid
from portal.kit.viewer import Viewer
from resilience.health.models import Maintenance, MaintenanceQuerySet

LONGEST = 120


@dataclass(frozen=True, slots=True)
class Asked:
    """The filters of an address; "" is any. `standing` is "true" for what can still come."""

    standing: str = ""
    component: str = ""
    organization: str = ""

    @classmethod
    def read(cls, query: Mapping[str, str]) -> "Asked":
        """What the address asks for. Raises Invalid for a value that there is not."""
        said = {name: query.get(name, "").strip() for name in cls.__slots__}
        for name, value in said.items():
            if "\x00" in value or len(value) > LONGEST:
                raise Invalid.at(f"?{name}", _("A filter is a short text without control characters."))
        if said["standing"] not in ("", "true", "false"):
            raise Invalid.at("?standing", _("This is true or false."))
        return cls(**said)

    def plans(self, viewer: Viewer) -> MaintenanceQuerySet:
        """The plans that fit, with their organization and component."""
        found = Maintenance.objects.for_org(viewer).select_related("organization", "component")
        if self.standing == "true":
            found = found.standing().filter(Q(ends_at__isnull=True) | Q(ends_at__gt=clock.now()))
        if self.component:
            of_it = Q(component__slug=self.component)
            of_all = Q(component__isnull=True, organization__components__slug=self.component)
            found = found.filter(of_it | of_all).distinct()
        if self.organization:
            found = found.filter(organization__slug=self.organization)
        return found

"""Lists of outages, for pages and REST: what an address asks for, and which outages that is."""

from collections.abc import Mapping
from dataclasses import dataclass

from django.utils.translation import gettext as _

from portal.kit.errors import Invalid
from portal.kit.viewer import Viewer
from resilience.health.core.states import Severity
from resilience.health.models import Outage, OutageQuerySet

STATES = ["active", "over"]
BY = ["person", "itself"]
LONGEST = 120
_KNOWN: Mapping[str, list[str]] = {"state": STATES, "by": BY, "severity": [one.value for one in Severity]}


@dataclass(frozen=True, slots=True)
class Asked:
    """The filters of an address; "" is any."""

    state: str = ""
    component: str = ""
    organization: str = ""
    severity: str = ""
    by: str = ""

    @classmethod
    def read(cls, query: Mapping[str, str]) -> "Asked":
        """What the address asks for. Raises Invalid for a value that there is not."""
        said = {name: query.get(name, "").strip() for name in cls.__slots__}
        for name, value in said.items():
            if "\x00" in value or len(value) > LONGEST:
                raise Invalid.at(f"?{name}", _("A filter is a short text without control characters."))
            if value and name in _KNOWN and value not in _KNOWN[name]:
                raise Invalid.at(f"?{name}", _("This is one of: %s.") % ", ".join(_KNOWN[name]))
        return cls(**said)

    @property
    def narrow(self) -> bool:
        """Whether anything is filtered."""
        return self != Asked()

    def outages(self, viewer: Viewer) -> OutageQuerySet:
        """The outages that fit, with what is told of them."""
        found = Outage.objects.for_org(viewer).told()
        if self.state:
            found = found.filter(ended_at__isnull=self.state == "active")
        if self.component:
            found = found.filter(component__slug=self.component)
        if self.organization:
            found = found.filter(component__organization__slug=self.organization)
        if self.severity:
            found = found.filter(severity=self.severity)
        if self.by == "person":
            found = found.exclude(opened_by="")
        elif self.by == "itself":
            found = found.filter(opened_by="")
        return found

"""Health for Python code that runs in the portal's process: what `from resilience.health import check_health, record_outage` gives."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _

from portal.kit.errors import Invalid, NotFound
from portal.kit.viewer import SYSTEM, Role, Viewer
from portal.tenancy.models import Organization
from resilience.health.actions import record_outage as recording
from resilience.health.actions.check_now import MOST, Checked, check
from resilience.health.models import Component, Probe


@dataclass(frozen=True, slots=True)
class HealthResult:
    """What a check found. `latency_ms` is that of the slowest probe; `error` is empty when all is well."""

    ok: bool
    latency_ms: float
    target: str
    error: str = ""
    metadata: Mapping[str, Any] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        """As a document, in the names that JavaScript uses."""
        said: dict[str, Any] = {"ok": self.ok, "latencyMs": self.latency_ms, "target": self.target}
        if self.error:
            said["errorMessage"] = self.error
        if self.metadata:
            said["metadata"] = dict(self.metadata)
        return said


def check_health(target: str, *, actor: str = SYSTEM) -> HealthResult:
    """How a component answers now: its enabled probes are asked at once, and what they find is recorded and judged.

    `target` is its slug ("plans-api", "breakwater"), or "organization/slug" where several organizations have one of that name. The code
    that calls is trusted: it may ask for any organization. Raises NotFound, Invalid when the slug alone is not enough or there is no
    probe, and Conflicting while another check is under way.
    """
    component = _component(target)
    probes = Probe.objects.unscoped().select_related("component__upstream", "component__organization")
    asked = list(probes.filter(component=component, enabled=True).order_by("pk")[:MOST])
    if not asked:
        raise Invalid(_("%s has no probe that could be asked.") % component.name)
    found = check(asked, actor=actor)
    failed = [one for one in found if not one.ok]
    return HealthResult(
        ok=not failed,
        latency_ms=max(one.ms for one in found),
        target=target,
        error=_said(failed[0], alone=len(found) == 1) if failed else "",
        metadata=found[0].metadata if len(found) == 1 else {"probes": {one.name: _of(one) for one in found}},
    )


def record_outage(
    target: str,
    severity: str,
    *,
    cause: str = "",
    began_at: datetime | None = None,
    expected_at: datetime | None = None,
    expected_text: str = "",
    actor: str = SYSTEM,
) -> int:
    """The id of an outage of `target` (as in `check_health`), which goes on until a person closes it.

    `severity` is minor, major or critical; it began now unless said. Raises NotFound, Invalid with a pointer for each fault, Forbidden
    for Breakwater itself, and Conflicting when an outage of it goes on already (`extra["outage"]` is its id).
    """
    everywhere = dict.fromkeys(Organization.objects.unscoped().values_list("pk", flat=True), Role.ADMIN)
    outage = recording.record_outage(
        viewer=Viewer(user_id=None, name=actor, roles=everywhere),
        component_id=_component(target).pk,
        severity=severity,
        cause=cause,
        began_at=began_at,
        expected_at=expected_at,
        expected_text=expected_text,
    )
    return outage.pk


def _component(target: str) -> Component:
    organization, slash, slug = target.rpartition("/")
    rows = Component.objects.unscoped().filter(slug=slug)
    if slash:
        rows = rows.filter(organization__slug=organization)
    found = list(rows[:2])
    if not found:
        raise NotFound
    if len(found) > 1:
        raise Invalid(_("Several organizations have %(slug)s. Say which one: organization/%(slug)s.") % {"slug": slug})
    return found[0]


def _said(checked: Checked, *, alone: bool) -> str:
    return checked.error if alone else f"{checked.name}: {checked.error}"


def _of(checked: Checked) -> dict[str, Any]:
    error = {"errorMessage": checked.error} if checked.error else {}
    return {"ok": checked.ok, "latencyMs": checked.ms, **error, **checked.metadata}

"""What every action on a probe or a component needs first: the right one, under lock, and a draft that holds."""

from collections.abc import Mapping, Sequence
from typing import Any

from django.utils.translation import gettext as _

from portal.events.record import record
from portal.kit.errors import Conflicting, Fault, Forbidden, Invalid, NotFound
from portal.kit.masking import mask_text
from portal.kit.viewer import Permission, Viewer
from portal.tenancy.models import Organization
from resilience.health.core.draft import would_cycle
from resilience.health.models import Component, Probe

OURS = "Breakwater watches itself with checks that are built in. Nobody changes them."


def component_of(viewer: Viewer, component_id: int, permission: Permission) -> Component:
    """The component, locked until the transaction ends; NotFound for a stranger, Forbidden without the right."""
    rows = Component.objects.for_org(viewer).select_related("organization", "upstream", "parent")
    component = rows.select_for_update(of=("self",)).filter(pk=component_id).first()
    if component is None:
        raise NotFound
    _require(viewer, component, permission)
    return component


def probe_of(viewer: Viewer, probe_id: int, permission: Permission) -> Probe:
    """The probe with its component, both locked until the transaction ends; NotFound for a stranger, Forbidden without the right."""
    rows = Probe.objects.for_org(viewer).filter(pk=probe_id)
    component_id = rows.values_list("component_id", flat=True).first()
    if component_id is None:
        raise NotFound
    component = component_of(viewer, component_id, permission)
    probe = rows.select_for_update(of=("self",)).first()
    if probe is None:
        raise NotFound
    probe.component = component
    return probe


def _require(viewer: Viewer, component: Component, permission: Permission) -> None:
    if component.organization_id is None:
        raise Forbidden(OURS)
    viewer.require(permission, component.organization_id)


def parent_of(
    viewer: Viewer, organization: Organization, slug: str | None, component_id: int | None
) -> Component | None:
    """The component of the same organization that `slug` names; raises Invalid at /parent when there is none, or when it
    stands below `component_id` itself. The organization is locked, so that two changes never close a circle together."""
    if not slug:
        return None
    Organization.objects.for_org(viewer).select_for_update().filter(pk=organization.pk).first()
    known = Component.objects.for_org(viewer).filter(organization=organization)
    parent = known.filter(slug=slug).first()
    if parent is None:
        raise Invalid.at("/parent", _("%s has no component of this name.") % organization.name)
    if component_id is not None and would_cycle(component_id, parent.pk, dict(known.values_list("pk", "parent_id"))):
        raise Invalid.at(
            "/parent", _("%s stands below this component already. A chain of parents has an end.") % parent.name
        )
    return parent


def refuse(found: Sequence[Fault]) -> None:
    """Raises Invalid with these faults, if there are any."""
    if found:
        raise Invalid(found[0].detail, faults=found)


def refuse_stale(row: Component | Probe, revision: object) -> None:
    """Raises Conflicting when `revision` is said and is not the present one: somebody changed it meanwhile."""
    if revision is not None and revision != row.revision:
        detail = _("%s was changed meanwhile. Load it again, then make your change.") % row.name
        raise Conflicting(detail, faults=[Fault("/revision", detail)])


def tell(
    verb: str,
    viewer: Viewer,
    component: Component,
    data: Mapping[str, Any] | None = None,
    *,
    probe: Probe | None = None,
) -> None:
    """Writes the event of a change of a component, or of one of its probes."""
    organization = component.organization
    about = {"component": component.slug, "upstream": component.upstream_id}
    if probe is not None:
        about |= {"probe": probe.name, "kind": probe.kind}
    record(
        verb=verb,
        subject=f"probe:{probe.pk}" if probe is not None else f"component:{component.pk}",
        actor=viewer.name,
        organization_id=component.organization_id,
        organization_name=organization.name if organization else "",
        data={**about, **(data or {})},
        request_id=viewer.request_id,
    )


def shown(value: Any) -> Any:
    """A setting as an event may keep it: masked and short."""
    return mask_text(value)[:200] if isinstance(value, str) else value

"""What every action on a probe or a component needs first: the right one, under lock, and a draft that holds."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.utils.translation import gettext as _

from portal.events.record import record
from portal.kit.errors import Conflicting, Fault, Forbidden, Invalid, NotFound
from portal.kit.masking import mask_headers, mask_text
from portal.kit.secrets import SecretUnreadable
from portal.kit.viewer import Permission, Viewer
from portal.tenancy.models import Organization
from resilience.health.core.draft import ProbeDraft, literal_of, probe_faults, would_cycle
from resilience.health.models import Component, Probe
from resilience.health.targets import registry
from resilience.health.targets.base import Question
from resilience.health.targets.reach import place
from resilience.outbound.guard import Guard
from resilience.upstreams.advice import how_to_allow

_AT_A_PLACE = frozenset(("tcp", "tls", "postgresql", "redis"))
OWN = "breakwater-"
"""How the functions are called with which Breakwater watches itself."""
OURS = "Breakwater watches itself with checks that are built in. Nobody changes them."


def component_of(viewer: Viewer, component_id: int, permission: Permission) -> Component:
    """The component, locked until the transaction ends; NotFound for a stranger, Forbidden without the right."""
    rows = Component.objects.for_org(viewer).select_related("organization", "upstream", "parent")
    component = rows.select_for_update(of=("self",), no_key=True).filter(pk=component_id).first()
    if component is None:
        raise NotFound
    _require(viewer, component, permission)
    return component


def probe_of(viewer: Viewer, probe_id: int, permission: Permission) -> Probe:
    """The probe with its component, both locked until the transaction ends (the component first, as the prober does); NotFound for a
    stranger, Forbidden without the right."""
    rows = Probe.objects.for_org(viewer).filter(pk=probe_id)
    component_id = rows.values_list("component_id", flat=True).first()
    if component_id is None:
        raise NotFound
    component = component_of(viewer, component_id, permission)
    probe = rows.select_for_update(of=("self",), no_key=True).first()
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
    Organization.objects.for_org(viewer).select_for_update(no_key=True).filter(pk=organization.pk).first()
    known = Component.objects.for_org(viewer).filter(organization=organization)
    parent = known.filter(slug=slug).first()
    if parent is None:
        raise Invalid.at("/parent", _("%s has no component of this name.") % organization.name)
    if component_id is not None and would_cycle(component_id, parent.pk, dict(known.values_list("pk", "parent_id"))):
        raise Invalid.at(
            "/parent", _("%s stands below this component already. A chain of parents has an end.") % parent.name
        )
    return parent


def draft_faults(component: Component, draft: ProbeDraft) -> list[Fault]:
    """Everything that is wrong with a probe of this component, under the portal's settings."""
    faults = list(probe_faults(draft, kinds=registry.kinds(), target_faults=partial(_target_faults, component)))
    if draft.kind == "function" and isinstance(draft.address, str) and draft.address.startswith(OWN):
        faults.append(Fault("/address", _("This function is for Breakwater's own watch over itself.")))
    wrong = {fault.pointer.split("/")[1] for fault in faults}
    return faults if wrong & {"kind", "address", "options"} else [*faults, *_reach_faults(draft)]


def _target_faults(
    component: Component, kind: str, address: str, options: Mapping[str, Any], secret: Mapping[str, Any]
) -> Sequence[Fault]:
    if address or kind != "http":
        return registry.faults(kind, address, options, secret)
    if component.upstream is None:
        return [Fault("/address", _("Nothing is sent to %s, so the probe needs an address.") % component.name)]
    return registry.faults(kind, component.upstream.address, options, secret)


def _reach_faults(draft: ProbeDraft) -> list[Fault]:
    """The fault of an address that is refused as it is written. What a name stands for is judged at each run, and so is this."""
    literal = literal_of(host_of(draft))
    allowed = [str(network) for network in settings.BREAKWATER_ALLOWED_NETWORKS]
    guard = Guard(allowed)
    refusal = guard.refusal(literal) if literal else ""
    if not refusal:
        return []
    detail = _("%(address)s is refused: %(why)s.") % {"address": literal, "why": refusal}
    detail = f"{detail} {how_to_allow(guard.opening(literal))}".rstrip()
    return [Fault("/options/server" if draft.kind == "dns" else "/address", detail)]


def host_of(draft: ProbeDraft) -> str:
    """The host that a probe connects to, as it is written; "" for this machine itself and for the upstream's own address."""
    try:
        if draft.kind == "http":
            return urlsplit(draft.address).hostname or ""
        if draft.kind == "dns":
            return place(draft.options.get("server", ""), 53)[0]
        if draft.kind in _AT_A_PLACE:
            return place(draft.address.partition("://")[2].split("/")[0] or draft.address.split("/")[0], 1)[0]
    except ValueError:
        return ""
    return ""


def goes_to(draft: ProbeDraft) -> tuple[str, str, str]:
    """What secrets are for: the kind, the scheme of a URL, and the host with its port."""
    try:
        known = registry.target(draft.kind)
        host = known.host(Question(draft.kind, draft.address, draft.options)) if known and draft.address else ""
        return draft.kind, draft.address.partition("://")[0] if "://" in draft.address else "", host
    except (AttributeError, TypeError, ValueError):
        return "", "", ""  # such a draft is refused anyway


def shown_address(probe: Probe) -> str:
    """The address with what looks like a secret masked."""
    return mask_text(probe.address)


def shown_options(options: Any) -> Any:
    """Options as they may be shown: values of secret headers, and secrets within texts, are masked."""
    if isinstance(options, str):
        return mask_text(options)
    if isinstance(options, list):
        return [shown_options(one) for one in options]
    if not isinstance(options, dict):
        return options
    shown = {name: shown_options(value) for name, value in options.items()}
    headers = options.get("headers")
    if isinstance(headers, dict) and all(isinstance(value, str) for value in headers.values()):
        shown["headers"] = mask_headers(headers)
    return shown


def behind_masks(said: Any, kept: Any) -> Any:
    """What was said, with what was sent back as it was shown (masked) as it is kept."""
    if said == shown_options(kept):
        return kept
    if isinstance(said, dict) and isinstance(kept, dict):
        masked = shown_options(kept)
        return {
            name: kept[name] if name in kept and value == masked[name] else behind_masks(value, kept.get(name))
            for name, value in said.items()
        }
    return said


def readable(probe: Probe) -> tuple[dict[str, Any], dict[str, Any]]:
    """The secret, and what of it was filled in a template; {} also where the key is gone that it was encrypted with, so that a
    person can enter it anew."""
    try:
        return probe.read_secret(), probe.read_filled()
    except SecretUnreadable:
        return {}, {}


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

"""Adding a probe to a component."""

from collections.abc import Mapping
from typing import Any

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from portal.kit.errors import Conflicting, Fault, NotFound
from portal.kit.viewer import Permission, Viewer
from portal.tenancy.models import Organization
from resilience.health.actions.filling import at_fields, fill
from resilience.health.actions.steering import component_of, draft_faults, refuse, shown, tell
from resilience.health.core.draft import (
    MOST_OF_COMPONENT,
    MOST_OF_ORGANIZATION,
    PROBE_FIELDS,
    ProbeDraft,
    unknown_faults,
)
from resilience.health.models import Component, Probe


def add_probe(*, viewer: Viewer, component_id: int, fields: Mapping[str, Any]) -> Probe:
    """The new probe; it runs for the first time within its interval. `fields` are those of a ProbeDraft, with `template` and `values`
    in the place of what a template makes.

    Raises Invalid with every fault, or Conflicting when the component has one of this name, or has as many as there may be.
    """
    with transaction.atomic():
        component = component_of(viewer, component_id, Permission.ADMINISTER)
        unknown = unknown_faults(fields, PROBE_FIELDS, "A probe")
        filled = fill(fields)
        draft = ProbeDraft(**{name: value for name, value in filled.said.items() if name in PROBE_FIELDS})
        refuse([*unknown, *at_fields(draft.template, draft_faults(component, draft))])
        _refuse_too_many(viewer, component)
        plain = {name: getattr(draft, name) for name in PROBE_FIELDS - {"secret"}}
        probe = Probe(component=component, **plain)
        probe.keep_secret(draft.secret or {}, filled.secrets)
        try:
            with transaction.atomic():
                probe.save(force_insert=True)
        except IntegrityError:
            detail = _("%(component)s has a probe %(name)s already. Choose another name.")
            detail %= {"component": component.name, "name": probe.name}
            raise Conflicting(detail, faults=[Fault("/name", detail)]) from None
        data = {"template": probe.template, "address": shown(probe.address), "interval": probe.interval}
        tell("probe.added", viewer, component, data, probe=probe)
    return probe


def _refuse_too_many(viewer: Viewer, component: Component) -> None:
    """The organization is locked first, so that two who add at once do not pass the bound together."""
    if component.organization is None:
        raise NotFound
    organization = component.organization
    Organization.objects.for_org(viewer).select_for_update(no_key=True).filter(pk=organization.pk).first()
    known = Probe.objects.for_org(viewer).filter(component__organization=organization)
    if known.filter(component=component).count() >= MOST_OF_COMPONENT:
        raise Conflicting(_("A component has at most %d probes. Remove one first.") % MOST_OF_COMPONENT)
    if known.count() >= MOST_OF_ORGANIZATION:
        raise Conflicting(_("An organization has at most %d probes. Remove one first.") % MOST_OF_ORGANIZATION)

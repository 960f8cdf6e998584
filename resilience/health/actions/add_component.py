"""Adding a service that nothing is sent to, so that its health is watched too."""

from collections.abc import Mapping
from typing import Any

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from portal.kit.errors import Conflicting, Fault, Invalid
from portal.kit.viewer import Permission, Viewer
from portal.tenancy.actions.check import organization_named
from resilience.health.actions.steering import parent_of, refuse, tell
from resilience.health.core.draft import COMPONENT_FIELDS, ComponentDraft, component_faults, unknown_faults
from resilience.health.models import Component


def add_component(*, viewer: Viewer, fields: Mapping[str, Any]) -> Component:
    """The new component. `fields` are those of a ComponentDraft, and `organization` (a slug) for a viewer of several.

    Raises Invalid with every fault, Forbidden, or Conflicting when the organization has one of this slug.
    """
    said = dict(fields)
    slug = said.pop("organization", "")
    if not isinstance(slug, str):
        raise Invalid.at("/organization", _("An organization is named by its slug."))
    organization = organization_named(viewer, slug)
    viewer.require(Permission.ADMINISTER, organization.pk)
    unknown = unknown_faults(said, COMPONENT_FIELDS, "A component")
    draft = ComponentDraft(**{name: value for name, value in said.items() if name in COMPONENT_FIELDS})
    refuse([*unknown, *component_faults(draft, upstream=False)])
    with transaction.atomic():
        component = Component(
            organization=organization,
            slug=draft.slug,
            name=draft.name,
            importance=draft.importance,
            parent=parent_of(viewer, organization, draft.parent, None),
            run_book=draft.run_book,
        )
        try:
            with transaction.atomic():
                component.save(force_insert=True)
        except IntegrityError:
            known = {"organization": organization.name, "slug": draft.slug}
            detail = _("%(organization)s has a component %(slug)s already. Choose another slug.") % known
            raise Conflicting(detail, faults=[Fault("/slug", detail)]) from None
        tell("component.added", viewer, component, {"importance": component.importance, "parent": draft.parent})
    return component

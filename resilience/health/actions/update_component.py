"""Changing what people set of a component."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from portal.kit.errors import Fault, Forbidden
from portal.kit.viewer import Permission, Viewer
from resilience.health.actions.steering import OURS, component_of, parent_of, refuse, refuse_stale, shown, tell
from resilience.health.core.draft import COMPONENT_FIELDS, ComponentDraft, component_faults, unknown_faults
from resilience.health.models import Component

_PLAIN = ("name", "importance", "run_book", "feeds_breaker")


@dataclass(frozen=True, slots=True)
class Updated:
    """The component as it is now, and the names of what changed."""

    component: Component
    changed: tuple[str, ...]


def update_component(*, viewer: Viewer, component_id: int, changes: Mapping[str, Any]) -> Updated:
    """The component with `changes` (fields of a ComponentDraft); what is not named stays.

    1. Slugs stay: addresses name a component by them. The name of an upstream's component is the upstream's.
    2. `revision`, if it is sent, must be the present one: else somebody changed the component meanwhile (Conflicting).
    """
    with transaction.atomic():
        component = component_of(viewer, component_id, Permission.ADMINISTER)
        said = dict(changes)
        refuse_stale(component, said.pop("revision", None))
        kept = _kept(component)
        draft = replace(kept, **{name: value for name, value in said.items() if name in COMPONENT_FIELDS})
        unknown = unknown_faults(said, COMPONENT_FIELDS, "A component")
        found = component_faults(draft, upstream=component.upstream_id is not None)
        refuse([*unknown, *_fixed(component, draft), *found])
        changed = _apply(viewer, component, kept, draft)
        if changed:
            component.revision += 1
            component.save(update_fields=[*changed, "revision"])
            moves = {name: [shown(getattr(kept, name)), shown(getattr(draft, name))] for name in changed}
            tell("component.updated", viewer, component, {"changed": list(changed), "moves": moves})
    return Updated(component, changed)


def _kept(component: Component) -> ComponentDraft:
    parent = component.parent.slug if component.parent else None
    return ComponentDraft(slug=component.slug, parent=parent, **{name: getattr(component, name) for name in _PLAIN})


def _fixed(component: Component, draft: ComponentDraft) -> list[Fault]:
    faults = []
    if draft.slug != component.slug:
        faults.append(Fault("/slug", _("The slug is part of addresses and cannot change.")))
    if component.upstream_id is not None and draft.name != component.name:
        faults.append(Fault("/name", _("It is named as its upstream. Change the name there.")))
    return faults


def _apply(viewer: Viewer, component: Component, kept: ComponentDraft, draft: ComponentDraft) -> tuple[str, ...]:
    changed = [name for name in _PLAIN if getattr(draft, name) != getattr(kept, name)]
    for name in changed:
        setattr(component, name, getattr(draft, name))
    if (draft.parent or None) != kept.parent:
        if component.organization is None:
            raise Forbidden(OURS)
        component.parent = parent_of(viewer, component.organization, draft.parent, component.pk)
        changed.append("parent")
    return tuple(changed)

"""Watching an upstream: its component, and the probe that every upstream has from the start."""

from typing import Any

from django.db import transaction

from resilience.health.core.draft import free_slug
from resilience.health.models import Component, Probe
from resilience.upstreams.models import Upstream

ANSWERS: dict[str, Any] = {
    "name": "answers",
    "kind": "http",
    "template": "upstream",
    "values": {"status": "100-499"},
    "address": "",
    "options": {"status": "100-499"},
    "interval": 30.0,
    "timeout": 10.0,
}
"""GET of the upstream's own address (an empty one stands for it), with its headers and credentials; below 500 is good."""


def adopt_upstream(upstream: Upstream) -> Component:
    """The upstream's component, made with its first probe if there is none yet, and named as the upstream is now.

    It can be called any number of times. A probe that somebody removed does not come back. No event is written: the upstream's own
    tells of it.
    """
    with transaction.atomic():
        component = Component.objects.unscoped().filter(upstream=upstream).first()
        if component is None:
            return _adopt(upstream)
        if component.name != upstream.name:
            component.name = upstream.name
            component.save(update_fields=["name"])
    return component


def adopt_missing() -> int:
    """How many upstreams without a component (made in bulk, past the signal) have one now."""
    missing = list(Upstream.objects.unscoped().filter(component__isnull=True).order_by("pk"))
    for upstream in missing:
        adopt_upstream(upstream)
    return len(missing)


def _adopt(upstream: Upstream) -> Component:
    others = Component.objects.unscoped().filter(organization_id=upstream.organization_id)
    taken = set(others.filter(slug__startswith=upstream.slug).values_list("slug", flat=True))
    component, made = Component.objects.get_or_create(
        upstream=upstream,
        defaults={
            "organization_id": upstream.organization_id,
            "slug": free_slug(upstream.slug, taken),
            "name": upstream.name,
        },
    )
    if made:
        Probe.objects.create(component=component, **ANSWERS)
    return component


def on_save(sender: type[Upstream], instance: Upstream, *, raw: bool = False, **_said: Any) -> None:
    """What the signal of a saved upstream calls; fixtures (`raw`) bring their own components."""
    if not raw:
        adopt_upstream(instance)

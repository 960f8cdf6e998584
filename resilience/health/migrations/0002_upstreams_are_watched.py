"""Every upstream that is there already gets its component and its first probe, as a new one does (actions/adopt_upstream.py)."""

from typing import Any

from django.db import migrations

ANSWERS = {
    "name": "answers",
    "kind": "http",
    "template": "upstream",
    "values": {"status": "100-499"},
    "address": "",
    "options": {"status": "100-499"},
    "interval": 30.0,
    "timeout": 10.0,
}


def adopt(apps: Any, _editor: Any) -> None:
    """Upstreams that have a component are left alone."""
    upstream_model, component_model, probe_model = (
        apps.get_model(*name) for name in (("upstreams", "Upstream"), ("health", "Component"), ("health", "Probe"))
    )
    known = component_model.objects.exclude(upstream=None).values("upstream_id")
    missing = upstream_model.objects.exclude(pk__in=known).order_by("pk")
    for upstream in list(missing.only("pk", "organization_id", "slug", "name")):
        others = component_model.objects.filter(
            organization_id=upstream.organization_id, slug__startswith=upstream.slug
        )
        taken = set(others.values_list("slug", flat=True))
        slug, n = upstream.slug, 2
        while slug in taken:
            slug, n = f"{upstream.slug}-{n}", n + 1
        component = component_model.objects.create(
            organization_id=upstream.organization_id, upstream_id=upstream.pk, slug=slug, name=upstream.name
        )
        probe_model.objects.create(component=component, **ANSWERS)


class Migration(migrations.Migration):
    dependencies = [
        ("health", "0001_initial"),
        ("upstreams", "0002_figures"),
    ]

    operations = [migrations.RunPython(adopt, migrations.RunPython.noop)]

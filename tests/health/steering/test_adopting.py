"""Every upstream is watched, from the moment that it exists."""

from importlib import import_module

from django.apps import apps

from portal.events.models import Event
from resilience.health.actions.adopt_upstream import ANSWERS, adopt_missing, adopt_upstream
from resilience.health.models import Component, Probe
from resilience.upstreams.models import Upstream
from tests.support.people import People, make_upstream

migration = import_module("resilience.health.migrations.0002_upstreams_are_watched")


def test_a_new_upstream_is_watched(people: People) -> None:
    """A component of its name, and one probe that asks its own address; the log tells of the upstream alone."""
    upstream = make_upstream(people.tidewater)
    component = Component.objects.get()
    assert (component.upstream, component.organization) == (upstream, people.tidewater)
    assert (component.slug, component.name) == ("plans-api", "Plans API")
    probe = Probe.objects.get()
    assert (probe.component, probe.name, probe.kind, probe.address) == (component, "answers", "http", "")
    assert (probe.interval, probe.enabled, probe.state) == (30.0, True, "none")
    assert not Event.objects.unscoped().filter(verb__startswith="component").exists()


def test_it_is_named_as_its_upstream(people: People) -> None:
    """Also when that gets another name; a probe that was removed does not come back by that."""
    upstream = make_upstream(people.tidewater)
    Probe.objects.all().delete()
    upstream.name = "Plans"
    upstream.save()
    assert Component.objects.get().name == "Plans"
    assert not Probe.objects.exists()


def test_a_slug_that_is_taken_gets_a_number(people: People) -> None:
    """Within the organization only."""
    for organization, slug in ((people.tidewater, "plans-api"), (people.tidewater, "plans-api-2")):
        Component.objects.create(organization=organization, slug=slug, name="Store")
    component = adopt_upstream(make_upstream(people.tidewater))
    assert component.slug == "plans-api-3"
    assert adopt_upstream(make_upstream(people.northlight)).slug == "plans-api"


def test_upstreams_made_in_bulk_are_found(people: People) -> None:
    """Once each, however often it is looked."""
    Upstream.objects.bulk_create(
        Upstream(organization=people.tidewater, slug=f"u-{n}", name=f"U {n}", address="http://127.0.0.1:9")
        for n in "ab"
    )
    assert (adopt_missing(), adopt_missing()) == (2, 0)
    assert Probe.objects.filter(name="answers").count() == 2


def test_the_migration_does_the_same(people: People) -> None:
    """For what there was before, with the same probe, without touching what is watched already."""
    make_upstream(people.tidewater)
    Component.objects.create(organization=people.tidewater, slug="old", name="Store")
    Upstream.objects.bulk_create(
        [Upstream(organization=people.tidewater, slug="old", name="Old", address="http://[::1]")]
    )
    assert migration.ANSWERS == ANSWERS
    migration.adopt(apps, None)
    migration.adopt(apps, None)
    assert sorted(Component.objects.values_list("slug", flat=True)) == ["old", "old-2", "plans-api"]
    assert Probe.objects.count() == 2


def test_a_component_goes_with_its_upstream(people: People) -> None:
    """And its probes with it."""
    make_upstream(people.tidewater).delete()
    assert not Component.objects.exists()
    assert not Probe.objects.exists()

"""What a person records counts: the component stands as the person says, until the person says otherwise."""

from datetime import timedelta

import pytest

from portal.events.models import Event
from portal.kit import clock
from portal.kit.errors import Conflicting
from portal.kit.viewer import Viewer
from resilience.health.actions.close_outage import close_outage
from resilience.health.actions.record_outage import record_outage
from resilience.health.models import Component, Flip, Maintenance, Outage, Probe
from tests.support.people import People, make_upstream

HOUR = timedelta(hours=1)


@pytest.fixture
def component(people: People) -> Component:
    """Tidewater's plans-api, which its probe finds well."""
    component = Component.objects.get(upstream=make_upstream(people.tidewater))
    component.probes.update(state="up", last_at=clock.now())
    Component.objects.update(state="up", since=clock.now() - 3 * HOUR)
    return component


@pytest.fixture
def alice(people: People) -> Viewer:
    """The admin."""
    return people.viewer(people.alice)


def stands(component: Component) -> tuple[str, str]:
    """Its state, and why."""
    component.refresh_from_db()
    return component.state, component.reason


@pytest.mark.parametrize(
    ("severity", "state"), [("minor", "slow"), ("major", "down"), ("critical", "down")], ids=lambda said: said
)
def test_it_stands_as_the_person_says(alice: Viewer, component: Component, severity: str, state: str) -> None:
    """From the moment that the outage began: availability is made of the flip."""
    began = clock.now() - HOUR
    record_outage(viewer=alice, component_id=component.pk, severity=severity, cause="Half of it", began_at=began)
    assert stands(component) == (state, "alice says: Half of it")
    assert Flip.objects.of_components().values_list("before", "after", "at").get() == ("up", state, began)
    assert Event.objects.filter(verb=f"health.{state}").count() == 1


def test_closing_it_gives_the_probes_their_say_again(alice: Viewer, component: Component) -> None:
    """Nothing opens by itself where they find it well, and nobody is asked whether it is meant."""
    outage = record_outage(viewer=alice, component_id=component.pk, severity="major")
    assert stands(component) == ("down", "Recorded by alice.")
    close_outage(viewer=alice, outage_id=outage.pk, reason="Back")
    assert stands(component) == ("up", "")
    assert not Outage.objects.active().exists()


def test_closing_one_whose_probes_fail_opens_another_at_once(alice: Viewer, component: Component) -> None:
    """Which has to be meant: it is the prober's then."""
    outage = record_outage(viewer=alice, component_id=component.pk, severity="major")
    Probe.objects.update(state="down", last_error="timed out")
    with pytest.raises(Conflicting, match="opens again"):
        close_outage(viewer=alice, outage_id=outage.pk, reason="Back")
    close_outage(viewer=alice, outage_id=outage.pk, reason="Back", although_failing=True)
    assert Outage.objects.active().values_list("opened_by", flat=True).get() == ""
    assert stands(component)[0] == "down"


def test_a_service_that_nothing_asks_is_down_too(alice: Viewer, people: People) -> None:
    """A person is the only one who knows; when it is over, nothing is known again."""
    figma = Component.objects.create(organization=people.tidewater, slug="figma", name="Figma")
    outage = record_outage(viewer=alice, component_id=figma.pk, severity="major", cause="Tokens are gone")
    assert stands(figma)[0] == "down"
    close_outage(viewer=alice, outage_id=outage.pk, reason="Back")
    assert stands(figma) == ("none", "")


def test_maintenance_is_shown_before_it(alice: Viewer, component: Component, people: People) -> None:
    """What was planned is no surprise, whoever notices it."""
    now = clock.now()
    Maintenance.objects.create(
        organization=people.tidewater, title="Disks", starts_at=now - HOUR, ends_at=now + HOUR, created_by="alice"
    )
    record_outage(viewer=alice, component_id=component.pk, severity="major")
    assert stands(component)[0] == "maintenance"

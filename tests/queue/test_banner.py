"""The line above every page while an upstream is down."""

from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.urls import resolve

from portal.web import navigation
from resilience.breakers.models import Breaker
from resilience.health.core.states import Severity
from resilience.health.models import Component, Outage
from resilience.upstreams.models import Upstream
from syncqueue.gauges import queue_banner
from syncqueue.models import Counter
from tests.support.people import People, make_people, make_upstream

NOW = datetime(2026, 11, 21, 3, 12, tzinfo=UTC)


@pytest.fixture
def people(db: None) -> People:
    """Alice and bob of Tidewater, charlie of Northlight, at night."""
    with time_machine.travel(NOW, tick=False):
        yield make_people()


def down(upstream: Upstream, minutes: float = 24, **forced: object) -> None:
    """Its breaker opened some minutes ago."""
    opened = NOW - timedelta(minutes=minutes)
    Breaker.objects.update_or_create(
        upstream=upstream, defaults={"state": "open", "touched": NOW, "opened_at": opened, **forced}
    )


def expected(upstream: Upstream, at: datetime | None) -> None:
    """Its outage, with when it is expected to end."""
    known = {"organization": upstream.organization, "slug": upstream.slug, "name": upstream.name}
    component, _made = Component.objects.get_or_create(upstream=upstream, defaults=known)
    began = NOW - timedelta(minutes=24)
    Outage.objects.create(
        component=component, began_at=began, noticed_at=began, severity=Severity.MAJOR, expected_at=at
    )


def sentence(people: People) -> str:
    """The line as alice reads it."""
    banner = queue_banner(people.viewer(people.alice))
    assert banner is not None
    return banner.sentence


def test_nothing_is_said_while_all_is_well(people: People) -> None:
    """Nor to a stranger while it is not."""
    upstream = make_upstream(people.tidewater)
    assert queue_banner(people.viewer(people.alice)) is None
    down(upstream)
    assert queue_banner(people.viewer(people.charlie)) is None


def test_it_says_since_when_how_much_waits_and_when_it_is_back(people: People) -> None:
    """In that order; one that nothing waits for does not say "0 waiting"."""
    upstream = make_upstream(people.tidewater)
    down(upstream)
    begin = "Plans API has been down for 24\u00a0min. Changes are taken in and kept; "
    assert sentence(people) == begin + "none waits yet. When it is back is not known yet."
    Counter.objects.create(upstream=upstream, name="queued", slot=0, value=148)
    expected(upstream, NOW + timedelta(minutes=18))
    assert sentence(people) == begin + "148 wait, none is lost. Expected back about 03:30."
    Outage.objects.unscoped().update(expected_at=NOW - timedelta(minutes=2))
    assert sentence(people).endswith("Overdue: expected back 03:10.")


def test_of_several_the_last_counts_and_only_when_all_are_known(people: People) -> None:
    """Half an estimate would promise too much."""
    one, other = make_upstream(people.tidewater), make_upstream(people.tidewater, "billing", name="Billing")
    down(one)
    down(other, minutes=3)
    expected(one, NOW + timedelta(minutes=5))
    assert sentence(people).startswith("Plans API and Billing are down, for 24\u00a0min at the longest.")
    assert sentence(people).endswith("When all are back is not known yet.")
    expected(other, NOW + timedelta(minutes=30))
    assert sentence(people).endswith("Expected back about 03:42.")


def test_what_a_person_stopped_is_not_called_down(people: People) -> None:
    """It says who."""
    down(make_upstream(people.tidewater), forced="open", forced_by="alice")
    assert sentence(people) == "Plans API: stopped by alice. Changes are taken in and kept; none waits yet."


def test_planned_maintenance_is_no_outage(people: People) -> None:
    """What is down as planned is not told above every page."""
    upstream = make_upstream(people.tidewater)
    down(upstream)
    expected(upstream, None)
    Component.objects.update(state="maintenance")
    assert queue_banner(people.viewer(people.alice)) is None


def test_a_critical_one_is_loud(people: People) -> None:
    """The sign is that of what is down, red where an upstream that counts most is."""
    upstream = make_upstream(people.tidewater)
    down(upstream)
    seen = []
    for critical in (False, True):
        Upstream.objects.unscoped().update(critical=critical)
        banner = queue_banner(people.viewer(people.alice))
        assert banner is not None
        seen.append((banner.tone, banner.icon, banner.href))
    href = "/resilience/queue?upstream=plans-api"
    assert seen == [("warn", "down", href), ("bad", "down", href)]


@pytest.mark.parametrize(
    ("path", "stands"),
    [("/settings/health/outages", False), ("/settings/maintenance", False), ("/projects", True), ("/", True)],
)
def test_pages_of_health_say_it_themselves(people: People, path: str, stands: bool) -> None:
    """No banner stands above what tells of the outage in full."""
    down(make_upstream(people.tidewater))
    resolve(path)  # banners come with the addresses
    assert bool(navigation.banner(people.viewer(people.alice), path)) is stands


def test_maintenance_belongs_to_health() -> None:
    """The navigation marks where one is."""
    assert navigation.current_page("/settings/maintenance/plan") == "health"
    assert navigation.current_page("/settings/upstreams") == "upstreams"

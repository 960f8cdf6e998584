"""The line above every page while an upstream is down."""

from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.urls import resolve
from pytest_django import DjangoAssertNumQueries

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


def outage_of(component: Component, minutes: float, by: str = "", severity: Severity = Severity.MAJOR) -> Outage:
    """An outage of it that goes on, and that `by` recorded if anybody did."""
    began = NOW - timedelta(minutes=minutes)
    return Outage.objects.create(
        component=component, began_at=began, noticed_at=NOW, severity=severity, opened_by=by, cause="It hangs."
    )


def test_what_only_its_probes_find_down_is_told(people: People) -> None:
    """An upstream whose breaker is closed, and a service that has none; of the latter nothing is said of changes."""
    upstream = make_upstream(people.tidewater)
    Component.objects.filter(upstream=upstream).update(state="down", since=NOW - timedelta(minutes=2))
    assert sentence(people).startswith("Plans API has been down for 2\u00a0min. Changes are taken in and kept; ")
    Component.objects.filter(upstream=upstream).update(state="up")
    service = Component.objects.create(
        organization=people.tidewater, slug="figma", name="Figma", state="down", since=NOW
    )
    outage_of(service, 7)
    assert sentence(people) == "Figma has been down for 7\u00a0min. When it is back is not known yet."
    banner = queue_banner(people.viewer(people.alice))
    assert banner is not None
    assert banner.href == "/settings/health/tidewater/figma"
    assert queue_banner(people.viewer(people.charlie)) is None


def test_what_a_person_recorded_is_told(people: People) -> None:
    """Also while everything answers; it is red where it is critical."""
    component = Component.objects.create(organization=people.tidewater, slug="figma", name="Figma", state="slow")
    row = outage_of(component, 31, by="mira", severity=Severity.MINOR)
    assert sentence(people) == "Figma has been partly out for 31\u00a0min. When it is back is not known yet."
    Component.objects.filter(pk=component.pk).update(state="down", since=NOW)
    Outage.objects.filter(pk=row.pk).update(severity=Severity.CRITICAL)
    banner = queue_banner(people.viewer(people.alice))
    assert banner is not None
    assert (banner.tone, banner.sentence.partition(".")[0]) == ("bad", "Figma has been down for 31\u00a0min")
    Outage.objects.filter(pk=row.pk).update(ended_at=NOW)
    Component.objects.filter(pk=component.pk).update(state="up")
    assert queue_banner(people.viewer(people.alice)) is None


def test_its_age_is_that_of_the_outage(people: People) -> None:
    """As the pages below it say; the breaker opened later."""
    upstream = make_upstream(people.tidewater)
    down(upstream, minutes=20)
    expected(upstream, None)
    assert sentence(people).startswith("Plans API has been down for 24\u00a0min.")


def test_breakwater_itself_is_not_told_above_pages(people: People) -> None:
    """Its page tells that; what waits above every page is what the organizations need."""
    Component.objects.create(slug="breakwater", name="Breakwater itself", state="down", since=NOW)
    assert queue_banner(people.viewer(people.alice)) is None


def test_it_takes_two_queries(people: People, django_assert_max_num_queries: DjangoAssertNumQueries) -> None:
    """However many are out, and one while nothing is: it stands above every page."""
    viewer = people.viewer(people.alice)
    for n in range(5):
        upstream = make_upstream(people.tidewater, f"u{n}", name=f"U{n}")
        with django_assert_max_num_queries(2 if n else 1):
            queue_banner(viewer)
        down(upstream)
        expected(upstream, None)
    stopped = make_upstream(people.tidewater, "held", name="Held")
    down(stopped, forced="open", forced_by="alice")
    with django_assert_max_num_queries(2):
        banner = queue_banner(viewer)
    assert banner is not None
    assert banner.sentence.startswith("U0, U1, U2 and 2 more are down, for 24\u00a0min at the longest.")


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

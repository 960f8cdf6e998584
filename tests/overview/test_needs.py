"""What needs a hand now: which rows there are, what each says, and where it leads."""

from datetime import UTC, datetime, timedelta

import pytest
import time_machine

from portal.overview.needs import Need, needs
from portal.tenancy.models import Organization
from resilience.breakers.models import Breaker
from resilience.health.core.states import Severity
from resilience.health.models import Component, Outage
from resilience.upstreams.models import Upstream
from resilience.upstreams.standing import standings
from syncqueue.models import Counter, Sample
from tests.support.people import People, make_upstream

NOW = datetime(2026, 11, 21, 3, 12, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _at_night() -> object:
    with time_machine.travel(NOW, tick=False):
        yield


def rows(people: People, **counts: int) -> list[Need]:
    """The rows as alice sees them."""
    viewer = people.viewer(people.alice)
    upstreams = list(Upstream.objects.for_org(viewer))
    known = standings([upstream.pk for upstream in upstreams])
    return needs(viewer, {"conflict": 0, "failed": 0, **counts}, upstreams, known)


def component(organization: Organization, upstream: Upstream | None = None, name: str = "Figma") -> Component:
    """What is watched of this upstream, or a service that nothing is sent to."""
    if upstream is None:
        return Component.objects.create(organization=organization, slug=name.lower(), name=name)
    known = {"organization": organization, "slug": upstream.slug, "name": upstream.name}
    return Component.objects.get_or_create(upstream=upstream, defaults=known)[0]


def outage(of: Component, *, minutes: float = 24, expected: timedelta | None = None) -> Outage:
    """An outage that goes on."""
    began = NOW - timedelta(minutes=minutes)
    return Outage.objects.create(
        component=of,
        began_at=began,
        noticed_at=began,
        severity=Severity.MAJOR,
        expected_at=NOW + expected if expected is not None else None,
    )


def waits(upstream: Upstream, now: int, *earlier: tuple[float, int]) -> None:
    """So many wait for it now, and so many waited some minutes ago."""
    Counter.objects.create(upstream=upstream, name="queued", slot=0, value=now)
    for minutes, waiting in earlier:
        at = NOW - timedelta(minutes=minutes)
        Sample.objects.create(upstream=upstream, at=at, waiting=waiting, delivered=0, refused=0)


def test_nothing_needs_a_hand(people: People) -> None:
    """An upstream that answers, with little waiting, is no row."""
    waits(make_upstream(people.tidewater), 99, (8, 10))
    assert rows(people) == []


def test_an_outage_says_how_much_waits_and_when_it_is_back(people: People) -> None:
    """The estimate stands as it was said, and is called overdue when it has passed."""
    upstream = make_upstream(people.tidewater)
    waits(upstream, 125)
    row = outage(component(people.tidewater, upstream), expected=timedelta(minutes=18))
    (need,) = rows(people)
    assert (need.sentence, need.since, need.href) == (
        "Plans API is down",
        NOW - timedelta(minutes=24),
        f"/settings/health/outages/{row.pk}",
    )
    assert need.consequence == "125 changes wait, none is lost. Expected back about 03:30."
    Outage.objects.unscoped().update(expected_at=NOW - timedelta(minutes=2))
    assert rows(people)[0].consequence == "125 changes wait, none is lost. Overdue: expected back 03:10."


def test_an_open_breaker_is_a_row_before_its_outage_is_written(people: People) -> None:
    """And one row only, once it is."""
    upstream = make_upstream(people.tidewater)
    Breaker.objects.update_or_create(
        upstream=upstream, defaults={"state": "open", "touched": NOW, "opened_at": NOW - timedelta(minutes=2)}
    )
    assert [(need.sentence, need.href) for need in rows(people)] == [("Plans API is down", "/resilience/breakers")]
    outage(component(people.tidewater, upstream))
    assert [need.button for need in rows(people)] == ["Show outage"]


def test_what_is_in_planned_maintenance_needs_no_hand(people: People) -> None:
    """Neither its breaker nor an outage that goes on meanwhile is a row."""
    upstream = make_upstream(people.tidewater)
    Breaker.objects.update_or_create(upstream=upstream, defaults={"state": "open", "touched": NOW, "opened_at": NOW})
    row = component(people.tidewater, upstream)
    outage(row)
    Component.objects.filter(pk=row.pk).update(state="maintenance")
    assert rows(people) == []


def test_a_service_that_nothing_is_sent_to_is_told_too(people: People) -> None:
    """It has nothing that waits."""
    outage(component(people.tidewater))
    assert [(need.sentence, need.consequence) for need in rows(people)] == [
        ("Figma is down", "It ends by itself when its probes find it up.")
    ]


def test_nothing_that_waits_is_not_told(people: People) -> None:
    """What has drained is not told as 0, and only what a breaker holds back is tried again."""
    upstream = make_upstream(people.tidewater)
    outage(component(people.tidewater, upstream))
    assert [need.consequence for need in rows(people)] == ["It ends by itself when its probes find it up."]
    Breaker.objects.update_or_create(upstream=upstream, defaults={"state": "open", "touched": NOW, "opened_at": NOW})
    assert [need.consequence for need in rows(people)] == ["It is tried again by itself."]
    waits(upstream, 1)
    assert [need.consequence for need in rows(people)] == ["1 change waits, none is lost. It is tried again by itself."]


def test_the_longest_outage_comes_first(people: People) -> None:
    """What is down longest is most urgent."""
    outage(component(people.tidewater, name="Figma"), minutes=5)
    outage(component(people.tidewater, name="GitHub"), minutes=50)
    assert [need.sentence for need in rows(people)] == ["GitHub is down", "Figma is down"]


def test_a_backlog_that_grows_at_an_upstream_that_answers_is_a_row(people: People) -> None:
    """From the policy's 100 on; one that shrinks heals by itself."""
    upstream = make_upstream(people.tidewater)
    waits(upstream, 148, (8, 68), (2, 200))
    (need,) = rows(people)
    assert need.sentence == "148 changes wait, and more are coming than go out"
    assert need.consequence == "80 more than 8\u00a0min ago, at upstreams that answer."
    Sample.objects.unscoped().update(waiting=148)
    assert rows(people) == []


def test_a_backlog_behind_an_outage_is_told_by_the_outage(people: People) -> None:
    """It grows because the upstream is out, which is one row and not two."""
    upstream = make_upstream(people.tidewater)
    waits(upstream, 148, (8, 68))
    Breaker.objects.update_or_create(
        upstream=upstream, defaults={"state": "open", "touched": NOW, "opened_at": NOW - timedelta(minutes=2)}
    )
    assert [need.sentence for need in rows(people)] == ["Plans API is down"]


def test_a_stranger_hears_nothing(people: People) -> None:
    """Charlie's overview is his own."""
    outage(component(people.tidewater))
    assert needs(people.viewer(people.charlie), {"conflict": 0, "failed": 0}, [], {}) == []

"""What charts shade: the times in which upstreams were down or slow."""

from datetime import UTC, datetime, timedelta

from resilience.breakers.models import Breaker
from resilience.health.core.states import Severity, State
from resilience.health.models import Component, Flip, Outage
from resilience.health.troubles import troubles
from resilience.upstreams.models import Upstream
from tests.support.people import People

NOW = datetime(2026, 11, 21, 3, 12, tzinfo=UTC)


def ago(minutes: float) -> datetime:
    """So many minutes before now."""
    return NOW - timedelta(minutes=minutes)


def component(people: People, slug: str) -> Component:
    """The component of a new upstream of Tidewater."""
    upstream = Upstream.objects.create(
        organization=people.tidewater, slug=slug, name=slug.capitalize(), address="http://127.0.0.1:1/"
    )
    return Component.objects.get_or_create(
        upstream=upstream, defaults={"organization": people.tidewater, "slug": slug, "name": slug}
    )[0]


def outage(of: Component, began: float, ended: float | None) -> Outage:
    """An outage from `began` to `ended` minutes ago."""
    return Outage.objects.create(
        component=of,
        began_at=ago(began),
        noticed_at=ago(began),
        ended_at=None if ended is None else ago(ended),
        severity=Severity.MAJOR,
    )


def seen(people: People, upstream: str = "") -> list[tuple[str, str, float, float]]:
    """Name, tone, start and end (minutes ago) of the last hour's troubles, as alice sees them."""
    found = troubles(people.viewer(people.alice), ago(60), NOW, upstream)
    return [
        (span.name, span.tone, (NOW - span.start).total_seconds() / 60, (NOW - span.end).total_seconds() / 60)
        for span in found
    ]


def test_an_outage_that_is_over_says_how_long_and_one_that_goes_on_since_when(people: People) -> None:
    """Both are shaded; one that ended before the chart begins is not."""
    plans, billing = component(people, "plans"), component(people, "billing")
    outage(plans, 200, 100)
    outage(plans, 50, 42)
    outage(billing, 25, None)
    assert seen(people) == [
        ("Plans down, 8\u00a0min", "bad", 50, 42),
        ("Billing down since 02:47", "bad", 25, 0),
    ]
    assert [name for name, *_rest in seen(people, "plans")] == ["Plans down, 8\u00a0min"]


def test_outages_that_overlap_are_one_stretch(people: People) -> None:
    """Two names in one place could not be read."""
    outage(component(people, "plans"), 50, 30)
    outage(component(people, "billing"), 40, 20)
    assert seen(people) == [("2 upstreams down", "bad", 50, 20)]


def test_slowness_goes_from_the_flip_to_the_next_one(people: People) -> None:
    """One that began before the chart is drawn from its edge, one that goes on to its end."""
    plans = component(people, "plans")
    for at, before, after in ((90, "up", "slow"), (52, "slow", "up"), (10, "up", "slow")):
        Flip.objects.create(component=plans, at=ago(at), noticed_at=ago(at), before=before, after=after)
    assert [(tone, start, end) for _name, tone, start, end in seen(people)] == [("warn", 60, 52), ("warn", 10, 0)]


def test_an_open_breaker_counts_before_its_outage_is_written(people: People) -> None:
    """A chart must not stay white for the second that the prober needs."""
    plans = component(people, "plans")
    Breaker.objects.update_or_create(
        upstream_id=plans.upstream_id, defaults={"state": "open", "touched": NOW, "opened_at": ago(5)}
    )
    assert seen(people) == [("Plans down since 03:07", "bad", 5, 0)]
    outage(plans, 6, None)
    assert seen(people) == [("Plans down since 03:06", "bad", 6, 0)]


def test_what_is_out_as_planned_is_not_shaded(people: People) -> None:
    """Neither its outage nor its breaker, while the maintenance goes on; what is over was one."""
    plans = component(people, "plans")
    Breaker.objects.update_or_create(
        upstream_id=plans.upstream_id, defaults={"state": "open", "touched": NOW, "opened_at": ago(5)}
    )
    Component.objects.filter(pk=plans.pk).update(state="maintenance")
    assert seen(people) == []
    row = outage(plans, 6, None)
    assert seen(people) == []
    Breaker.objects.unscoped().update(state="closed")
    Outage.objects.filter(pk=row.pk).update(ended_at=ago(1))
    assert [name for name, *_rest in seen(people)] == ["Plans down, 5\u00a0min"]


def test_a_stranger_sees_nothing_of_it(people: People) -> None:
    """The chart of another organization stays white."""
    outage(component(people, "plans"), 25, None)
    assert troubles(people.viewer(people.charlie), ago(60), NOW) == []
    assert Flip.objects.for_org(people.viewer(people.charlie)).filter(after=State.SLOW).count() == 0

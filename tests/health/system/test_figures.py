"""What cards, charts and the timeline show: from buckets and uptimes, in a handful of queries."""

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from pytest_django import DjangoAssertNumQueries

from resilience.breakers.models import Transition
from resilience.health import history, live
from resilience.health.core.states import State
from resilience.health.figures import Range, available, details, series, timeline
from resilience.health.models import HOUR, Flip, Maintenance, Note, Outage, Uptime
from tests.health.watching import NOON, Watched
from tests.support.breakers import stop
from tests.support.people import make_upstream

pytestmark = pytest.mark.django_db
ONE_MINUTE, ONE_HOUR, ONE_DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
ClockAt = Callable[[datetime], None]


def keep(clock_at: ClockAt, *moments: datetime) -> None:
    """The keeper's work at these moments; the clock stays at the last one."""
    for at in moments:
        clock_at(at)
        history.keep()


def test_a_card(watched: Watched, clock_at: ClockAt) -> None:
    """Percentiles are of the last hour, the sparkline has a mean for each of its minutes, and the present hour counts."""
    watched.flipped((NOON, State.UP))
    watched.ran(NOON, NOON + 30 * ONE_MINUTE, ms=100)
    watched.ran(NOON + 30 * ONE_MINUTE, NOON + 40 * ONE_MINUTE, ms=700)
    keep(clock_at, NOON + 40 * ONE_MINUTE)
    card = details([watched.component])[watched.component.pk]
    assert 80 < (card.p50 or 0) <= 120
    assert 500 < (card.p95 or 0) <= 700
    assert [ms for _at, ms in card.spark] == [None] * 20 + [100.0] * 30 + [700.0] * 10
    assert (card.days[-1].state, len(card.days)) == (State.UP, 90)
    assert {day.state for day in card.days[:-1]} == {State.NONE}
    assert card.availability.as_dict() == {"24h": 1.0, "7d": 1.0, "30d": 1.0, "90d": 1.0}


def test_half_an_hour_down(watched: Watched, clock_at: ClockAt) -> None:
    """What is written as an uptime and what is not yet add up, without a moment counted twice."""
    watched.flipped((NOON, State.UP), (NOON + 50 * ONE_MINUTE, State.DOWN), (NOON + 80 * ONE_MINUTE, State.UP))
    watched.ran(NOON, NOON + 2 * ONE_HOUR)
    keep(clock_at, *(NOON + n * ONE_HOUR + 10 * ONE_MINUTE for n in (1,)), NOON + 2 * ONE_HOUR)
    card = details([watched.component])[watched.component.pk]
    assert card.availability.day == pytest.approx(90 / 120)
    assert card.availability.quarter == pytest.approx(90 / 120)
    assert card.availability.short == (7_200.0,) * 4
    assert card.days[-1].seconds.down == 30 * 60
    assert card.days[-1].state is State.DOWN
    assert available([watched.component], [watched.probe]) == {watched.component.pk: card.availability.day}


def test_the_stream_tells_the_availability_of_the_day(
    watched: Watched,
    clock_at: ClockAt,
    django_assert_max_num_queries: DjangoAssertNumQueries,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """As the card has it, never rounded up, read once a minute; null without data."""
    monkeypatch.setattr(live, "_of_the_day", {})
    organizations = frozenset({watched.component.organization_id or 0})

    def told() -> float | None:
        (row,) = live.snapshot(organizations)["components"]
        share: float | None = row["availability"]
        return share

    clock_at(NOON)
    assert told() is None
    watched.flipped((NOON, State.UP), (NOON + 20 * ONE_MINUTE, State.DOWN), (NOON + 21 * ONE_MINUTE, State.UP))
    watched.ran(NOON, NOON + 80 * ONE_MINUTE)
    keep(clock_at, NOON + 70 * ONE_MINUTE, NOON + 80 * ONE_MINUTE)
    assert told() == 0.9875
    with CaptureQueriesContext(connection) as at_first:
        clock_at(NOON + 81 * ONE_MINUTE)
        live.snapshot(organizations)
    with django_assert_max_num_queries(len(at_first) - 2):
        clock_at(NOON + 81 * ONE_MINUTE + timedelta(seconds=59))
        live.snapshot(organizations)


def test_no_moment_counts_twice(watched: Watched, clock_at: ClockAt) -> None:
    """Just after an hour was written, and before, the day has as many seconds as have passed."""
    watched.flipped((NOON, State.UP))
    watched.ran(NOON, NOON + ONE_HOUR + 4 * ONE_MINUTE)
    for minutes in (62, 64):
        keep(clock_at, NOON + minutes * ONE_MINUTE)
        card = details([watched.component])[watched.component.pk]
        assert card.days[-1].seconds.up == minutes * 60


def test_a_whole_span_goes_without_saying(watched: Watched, clock_at: ClockAt) -> None:
    """A day with all its hours is not said to be of 24 hours; planned maintenance is not missing. A week with one day is."""
    watched.flipped((NOON, State.UP), (NOON + 20 * ONE_HOUR, State.MAINTENANCE), (NOON + 21 * ONE_HOUR, State.UP))
    watched.ran(NOON, NOON + 25 * ONE_HOUR, every=60)
    keep(clock_at, *(NOON + n * ONE_HOUR + 10 * ONE_MINUTE for n in range(1, 25)))
    card = details([watched.component])[watched.component.pk]
    assert card.availability.short[0] == 0
    assert card.availability.short[1] == pytest.approx(23 * 3_600 + 600, abs=120)


def test_after_midnight(watched: Watched, clock_at: ClockAt) -> None:
    """The hour that has just ended belongs to yesterday."""
    midnight = NOON + 12 * ONE_HOUR
    watched.flipped((midnight - 30 * ONE_MINUTE, State.UP))
    watched.ran(midnight - 30 * ONE_MINUTE, midnight + 2 * ONE_MINUTE)
    clock_at(midnight + 2 * ONE_MINUTE)
    card = details([watched.component])[watched.component.pk]
    assert card.days[-2].seconds.up == 32 * 60
    assert card.days[-1].state is State.NONE


def test_no_data_is_not_available(watched: Watched, clock_at: ClockAt) -> None:
    """A component that nobody has asked has no availability, not a whole one."""
    clock_at(NOON + ONE_HOUR)
    card = details([watched.component])[watched.component.pk]
    assert card.availability.as_dict() == {"24h": None, "7d": None, "30d": None, "90d": None}
    assert (card.p95, card.usual) == (None, None)


def test_a_dead_prober_is_no_data(watched: Watched, clock_at: ClockAt) -> None:
    """When the probes stopped without a word, the time since is in neither side, now and when it is written."""
    watched.flipped((NOON, State.UP))
    watched.ran(NOON, NOON + 20 * ONE_MINUTE)
    clock_at(NOON + 50 * ONE_MINUTE)
    before = details([watched.component])[watched.component.pk]
    keep(clock_at, NOON + 70 * ONE_MINUTE)
    after = Uptime.objects.unscoped().get(size=HOUR, at=NOON, component=watched.component)
    assert 20 * 60 <= before.days[-1].seconds.up <= 22 * 60
    assert 20 * 60 <= after.up <= 24 * 60
    assert after.down == 0


def test_queries_of_cards(
    watched: Watched,
    clock_at: ClockAt,
    django_assert_max_num_queries: DjangoAssertNumQueries,
) -> None:
    """Many cards cost as many queries as one."""
    clock_at(NOON + ONE_DAY)
    components = [
        watched.component,
        *(make_upstream(watched.component.upstream.organization, f"u{n}").component for n in range(5)),  # type: ignore[union-attr]
    ]
    with django_assert_max_num_queries(5):
        details(components)


@pytest.mark.parametrize("over", list(Range))
def test_charts(watched: Watched, clock_at: ClockAt, over: Range) -> None:
    """Each range has at most 300 steps, ends now, and has every run that it covers."""
    watched.ran(NOON, NOON + 3 * ONE_HOUR, every=600, ms=40)
    keep(clock_at, NOON + 3 * ONE_HOUR + 10 * ONE_MINUTE)
    chart = series(watched.component, watched.probe, over)
    assert len(chart.points) <= 300
    assert chart.points[-1].at <= chart.until < chart.points[-1].at + chart.step
    assert sum(point.runs for point in chart.points) == (4 if over is Range.HOUR else 18)
    assert {point.p50 is None for point in chart.points if point.runs} == {False}


def test_shaded(watched: Watched, clock_at: ClockAt) -> None:
    """Outages and maintenance are spans of the chart; those of others are not."""
    clock_at(NOON + ONE_HOUR)
    Outage.objects.create(
        component=watched.component, began_at=NOON, noticed_at=NOON, severity="major", cause="It answered 503"
    )
    organization = watched.component.organization
    Maintenance.objects.create(
        organization=organization,
        component=make_upstream(organization, "other").component,  # type: ignore[arg-type]
        title="Others",
        starts_at=NOON,
        ends_at=NOON + ONE_HOUR,
        created_by="alice",
    )
    Maintenance.objects.create(
        organization=organization,
        title="New disks",
        starts_at=NOON + 10 * ONE_MINUTE,
        ends_at=NOON + 20 * ONE_MINUTE,
        created_by="alice",
    )
    chart = series(watched.component, watched.probe, Range.DAY)
    assert [(span.word, span.tone, span.end) for span in chart.spans] == [
        ("It answered 503", "bad", None),
        ("New disks", "idle", NOON + 20 * ONE_MINUTE),
    ]


def test_one_axis(watched: Watched, clock_at: ClockAt) -> None:
    """The timeline joins the component's flips, its breaker, its outage and what was written about it, the newest first."""
    component, upstream = watched.component, watched.component.upstream
    watched.flipped((NOON, State.UP), (NOON + 10 * ONE_MINUTE, State.DOWN))
    Flip.objects.create(
        component=component,
        probe=watched.probe,
        at=NOON + 10 * ONE_MINUTE,
        noticed_at=NOON + 11 * ONE_MINUTE,
        before="up",
        after="down",
        reason="It answered 503",
    )
    assert upstream is not None
    stop(upstream)
    Transition.objects.unscoped().delete()
    Transition.objects.create(
        breaker_id=upstream.pk,
        at=NOON + 12 * ONE_MINUTE,
        before="closed",
        after="open",
        cause="rule",
        reason="5 in a row",
    )
    outage = Outage.objects.create(
        component=component,
        began_at=NOON + 10 * ONE_MINUTE,
        noticed_at=NOON + 13 * ONE_MINUTE,
        ended_at=NOON + 30 * ONE_MINUTE,
        severity="major",
    )
    Note.objects.create(outage=outage, at=NOON + 20 * ONE_MINUTE, author="alice", text="<b>They know.</b>")
    clock_at(NOON + ONE_HOUR)
    line = timeline(component, NOON - ONE_HOUR, NOON + ONE_HOUR)
    tracks = {track.name: track.stretches for track in line.tracks}
    assert [(one.start, one.end, one.tone) for one in tracks["state"]] == [
        (NOON, NOON + 10 * ONE_MINUTE, "ok"),
        (NOON + 10 * ONE_MINUTE, NOON + ONE_HOUR, "bad"),
    ]
    assert [(one.start, one.tone) for one in tracks["breaker"]] == [
        (NOON, "ok"),  # it was not there before
        (NOON + 12 * ONE_MINUTE, "bad"),
    ]
    assert [one.end for one in tracks["outages"]] == [NOON + 30 * ONE_MINUTE]
    said = [f"{mark.who}: {mark.word}".removeprefix(": ") for mark in line.marks]
    assert said[:4] == [
        "Outage closed.",
        "alice: <b>They know.</b>",
        "Outage opened.",
        "Breaker opened: 5 in a row.",
    ]
    assert f"{component.name} is down." in said

"""Flips become uptimes: every second of an hour is in one state, or nothing is known of it."""

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest

from resilience.health import history
from resilience.health.core.states import State
from resilience.health.models import DAY, HOUR, Component, Flip, Outage, SystemSnapshot, Uptime
from syncqueue.models import Counter
from tests.health.watching import NOON, Watched
from tests.support.people import People, make_upstream

pytestmark = pytest.mark.django_db
ONE_MINUTE, ONE_HOUR, ONE_DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
ClockAt = Callable[[datetime], None]


def spent(size: int, watched: Watched) -> list[tuple[datetime, float, float, float]]:
    """When, and the minutes up, down and in maintenance."""
    rows = Uptime.objects.unscoped().filter(size=size, component=watched.component).order_by("at")
    return [(row.at, row.up / 60, row.down / 60, row.maintenance / 60) for row in rows]


def test_an_hour(watched: Watched, clock_at: ClockAt) -> None:
    """The seconds of each state, from flip to flip."""
    watched.flipped(
        (NOON, State.UP),
        (NOON + 10 * ONE_MINUTE, State.DOWN),
        (NOON + 25 * ONE_MINUTE, State.UP),
        (NOON + 40 * ONE_MINUTE, State.MAINTENANCE),
        (NOON + 50 * ONE_MINUTE, State.UP),
    )
    watched.ran(NOON, NOON + 65 * ONE_MINUTE)
    clock_at(NOON + 65 * ONE_MINUTE)
    history.keep()
    assert spent(HOUR, watched) == [(NOON, 35, 15, 10)]
    assert spent(DAY, watched) == [(NOON.replace(hour=0), 35, 15, 10)]


def test_a_state_goes_on(watched: Watched, clock_at: ClockAt) -> None:
    """What it was before an hour is what it is in that hour, until it changes."""
    watched.flipped((NOON, State.DOWN))
    watched.ran(NOON, NOON + 3 * ONE_HOUR + 5 * ONE_MINUTE, ok=False)
    clock_at(NOON + 3 * ONE_HOUR + 5 * ONE_MINUTE)
    history.keep()
    assert spent(HOUR, watched) == [(NOON + n * ONE_HOUR, 0, 60, 0) for n in range(3)]


def test_an_hour_that_is_not_over_waits(watched: Watched, clock_at: ClockAt) -> None:
    """An hour is written when the runs that began in it have ended, not at once."""
    watched.flipped((NOON, State.UP))
    watched.ran(NOON, NOON + ONE_HOUR + ONE_MINUTE)
    clock_at(NOON + ONE_HOUR + 2 * ONE_MINUTE)
    history.keep()
    assert spent(HOUR, watched) == []


def test_today_grows(watched: Watched, clock_at: ClockAt) -> None:
    """The day's row is there from its first hour on."""
    watched.flipped((NOON, State.UP))
    watched.ran(NOON, NOON + 2 * ONE_HOUR + 5 * ONE_MINUTE)
    for hours in (1, 2):
        clock_at(NOON + hours * ONE_HOUR + 5 * ONE_MINUTE)
        history.keep()
        assert spent(DAY, watched) == [(NOON.replace(hour=0), 60 * hours, 0, 0)]


def test_a_flip_that_was_noticed_late(watched: Watched, clock_at: ClockAt) -> None:
    """A failure that began in an hour that is written already takes its minutes there."""
    watched.flipped((NOON, State.UP))
    watched.ran(NOON, NOON + 2 * ONE_HOUR + 5 * ONE_MINUTE)
    clock_at(NOON + ONE_HOUR + 5 * ONE_MINUTE)
    history.keep()
    Flip.objects.create(
        component=watched.component,
        at=NOON + 50 * ONE_MINUTE,
        noticed_at=NOON + ONE_HOUR + 10 * ONE_MINUTE,
        before="up",
        after="down",
    )
    clock_at(NOON + 2 * ONE_HOUR + 5 * ONE_MINUTE)
    history.keep()
    assert spent(HOUR, watched) == [(NOON, 50, 10, 0), (NOON + ONE_HOUR, 0, 60, 0)]
    assert spent(DAY, watched) == [(NOON.replace(hour=0), 50, 70, 0)]


def test_silence_is_no_data(watched: Watched, clock_at: ClockAt) -> None:
    """While none of its probes ran, nothing is known, though no flip says so."""
    watched.flipped((NOON, State.UP))
    watched.ran(NOON, NOON + 20 * ONE_MINUTE)
    watched.ran(NOON + 40 * ONE_MINUTE, NOON + 65 * ONE_MINUTE)
    clock_at(NOON + 65 * ONE_MINUTE)
    history.keep()
    [(_at, up, down, _maintenance)] = spent(HOUR, watched)
    assert up == pytest.approx(40, abs=3)
    assert down == 0


def test_never_asked(watched: Watched, clock_at: ClockAt) -> None:
    """A component of which nothing was ever known is in no state."""
    clock_at(NOON + 65 * ONE_MINUTE)
    history.keep()
    assert spent(HOUR, watched) == [(NOON, 0, 0, 0)]


def test_without_flips(watched: Watched, clock_at: ClockAt) -> None:
    """A component whose flips are too old to be kept is what it says it is, since then."""
    Component.objects.filter(pk=watched.component.pk).update(state="up", since=NOON + 15 * ONE_MINUTE)
    watched.ran(NOON, NOON + 65 * ONE_MINUTE)
    clock_at(NOON + 65 * ONE_MINUTE)
    history.keep()
    assert spent(HOUR, watched) == [(NOON, 45, 0, 0)]


def test_catching_up(watched: Watched, clock_at: ClockAt) -> None:
    """After a night without a keeper every hour is there, and the second time nothing is written."""
    watched.flipped((NOON, State.UP))
    watched.ran(NOON, NOON + ONE_DAY + 5 * ONE_MINUTE, every=120)
    clock_at(NOON + ONE_DAY + 5 * ONE_MINUTE)
    history.keep()
    assert [up for _at, up, _down, _maintenance in spent(HOUR, watched)] == [60] * 24
    assert [up for _at, up, _down, _maintenance in spent(DAY, watched)] == [720, 720]
    assert history.uptimes.roll(NOON + ONE_DAY + 5 * ONE_MINUTE) == 0


def test_snapshots(people: People, watched: Watched, clock_at: ClockAt) -> None:
    """Each minute one of each organization that has something, and one of all; nobody's figures are in another's."""
    theirs = make_upstream(people.northlight, "theirs").component
    Component.objects.filter(pk=theirs.pk).update(state="down", since=NOON)
    Component.objects.filter(pk=watched.component.pk).update(state="up", since=NOON)
    for component in (watched.component, theirs):
        component.probes.update(last_at=NOON)
    clock_at(NOON + ONE_MINUTE)
    history.keep()
    rows = SystemSnapshot.objects.unscoped().values_list("organization__slug", "score", "down")
    scores = {slug: (score, down) for slug, score, down in rows}
    assert scores["tidewater"] == (100, 0)
    assert scores["northlight"][1] == 1
    assert scores[None][1] == 1
    assert scores["northlight"][0] < scores[None][0] < scores["tidewater"][0]


def test_old_snapshots_are_thinned(watched: Watched, clock_at: ClockAt) -> None:
    """After a day one an hour is left."""
    SystemSnapshot.objects.bulk_create(
        SystemSnapshot(at=NOON + n * ONE_MINUTE, status="healthy", score=100) for n in range(120)
    )
    clock_at(NOON + ONE_DAY + 2 * ONE_HOUR + 7 * ONE_MINUTE)
    history.keep()
    left = SystemSnapshot.objects.unscoped().filter(at__lt=NOON + ONE_DAY).values_list("at", flat=True)
    assert sorted(left) == [NOON, NOON + ONE_HOUR]


def test_the_peak_of_an_outage(watched: Watched, clock_at: ClockAt) -> None:
    """What waited at the most while it went on stays with the outage."""
    outage = Outage.objects.create(
        component=watched.component, began_at=NOON, noticed_at=NOON, severity="major", most_waiting=2
    )
    counter = Counter.objects.create(upstream=watched.component.upstream, name="queued", slot=0, value=125)
    for minute, waiting in ((1, 125), (2, 7)):
        Counter.objects.filter(pk=counter.pk).update(value=waiting)
        clock_at(NOON + minute * ONE_MINUTE)
        history.keep()
    outage.refresh_from_db()
    assert outage.most_waiting == 125

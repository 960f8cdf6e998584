"""What happened to a component, as a list that stays readable."""

from datetime import UTC, datetime, timedelta

import pytest

from portal.kit import clock
from resilience.breakers.models import Transition
from resilience.health.marks import Mark, folded, marks_of
from resilience.health.minutes import Row, minutes
from resilience.health.models import Bucket, Component, Flip, Outage, Probe, Result
from resilience.health.standing import ComponentHealth
from resilience.health.system import system_of
from resilience.health.words import moment_of
from tests.health.pages.test_page import HEALTH, browser
from tests.health.pages.watched import Watched, make_watched
from tests.web.world import World

NOW = datetime(2026, 11, 21, 3, 12, tzinfo=UTC)


def marks(*words: str) -> list[Mark]:
    """One a minute, the newest first."""
    return [Mark(NOW - timedelta(minutes=ago), word, "idle", "info") for ago, word in enumerate(words)]


def test_failed_tests_of_an_outage_are_two_lines() -> None:
    """With how often and since when; what happened before and after stands by itself."""
    told = [mark.word for mark in folded(marks("closed", "tested", "open", "tested", "open", "tested", "open", "down"))]
    assert told[0] == "closed"
    assert told[-1] == "down"
    assert any(word.startswith("open 3 times since") for word in told)
    assert len(told) <= 5


def test_what_came_before_does_not_part_them() -> None:
    """A single thing before a row of pairs leaves the row whole."""
    told = [mark.word for mark in folded(marks("planned", *("open", "tested") * 3, "down"))]
    assert [word.split(" ")[0] for word in told] == ["planned", "open", "tested", "down"]


def test_what_happened_a_few_times_stays_as_it_was() -> None:
    """In its order, a line each, also when outages come back."""
    words = ("up", "down", "note", "up", "down", "up", "planned")
    assert [mark.word for mark in folded(marks(*words))] == list(words)


def standing(component: Component) -> ComponentHealth:
    """How it stands now."""
    [one] = [one for one in system_of(None).components if one.component.pk == component.pk]
    return one


def probed(component: Component) -> Row:
    """The row of its probes."""
    return minutes(standing(component)).rows[0]


@pytest.mark.django_db
def test_a_single_failed_run_is_not_drawn_as_an_outage(watched: Watched) -> None:
    """Red is for minutes in which it was down; a failed run that did not make it down is marked otherwise, in words too."""
    github = watched.component("github")
    assert {bars.kind for bars in probed(github).cells} == {"up"}
    late = Result.objects.filter(probe__component=github).latest("at")
    Result.objects.filter(pk=late.pk).update(ok=False)
    early = Bucket.objects.filter(probe__component=github, size=60, at__lt=clock.now() - timedelta(minutes=20))
    Bucket.objects.filter(pk=early.latest("at").pk).update(failed=1)
    row = probed(github)
    assert {bars.kind for bars in row.cells} == {"up", "failed"}
    assert "2 of them did not make it down." in row.says


@pytest.mark.django_db
def test_a_minute_with_blind_runs_is_what_its_other_runs_found(watched: Watched) -> None:
    """A bucket counts blind runs beside the others, not among them."""
    github = watched.component("github")
    Bucket.objects.filter(probe__component=github, size=60).update(blind=2)
    assert {bars.kind for bars in probed(github).cells} == {"up"}


@pytest.mark.django_db
def test_minutes_of_an_outage_are_red(watched: Watched) -> None:
    """From its first failed run on."""
    row = probed(watched.component("plans-api"))
    assert {bars.kind for bars in row.cells} == {"up", "down"}
    assert "did not make it down" not in row.says


@pytest.mark.django_db
@pytest.mark.parametrize("second", [0, 3, 31, 59])
def test_probes_that_never_stopped_show_no_gap(world: World, monkeypatch: pytest.MonkeyPatch, second: int) -> None:
    """At whichever second of a minute one looks: what is added up by minutes and what is not meet without one."""
    now = clock.now().replace(second=second, microsecond=0)
    monkeypatch.setattr(clock, "now", lambda: now)
    row = probed(make_watched(world).component("github"))
    assert {bars.kind for bars in row.cells} == {"up"}
    assert row.columns == 45


@pytest.mark.django_db
def test_the_worst_probes_have_a_row_and_the_others_are_told(watched: Watched) -> None:
    """What is down comes first, then what fails; how the rest stand is said, and none of them is forgotten in the row of all."""
    github = watched.component("github")
    now = clock.now()
    since = now - timedelta(days=3)
    made = [
        Probe(component=github, name=f"p{n}", kind="tcp", state="up", since=since, last_at=now) for n in range(1, 13)
    ]
    made[8].failures, made[9].state, made[11].enabled = 1, "down", False
    Probe.objects.bulk_create(made)
    rows = minutes(standing(github)).rows
    assert [row.word for row in rows][:7] == ["Probes", "State", "p10", "p9", "answers", "p1", ""]
    assert rows[6].says == "9 more probes: 8 up, 1 paused"
    Probe.objects.filter(name="p12").update(enabled=True)
    assert minutes(standing(github)).rows[6].says == "9 more probes, all up"
    Probe.objects.filter(name__in=[f"p{n}" for n in range(3, 13)]).delete()
    assert "" not in [row.word for row in minutes(standing(github)).rows]


@pytest.mark.django_db
def test_beginnings_and_silences_of_probes_do_not_fill_the_list(watched: Watched) -> None:
    """A dozen new probes, or a restart that silences them, push nothing out; that one of them goes down is told."""
    github, now = watched.component("github"), clock.now()
    probes = [Probe(component=github, name=f"p{n}", kind="tcp") for n in range(12)]
    for probe in Probe.objects.bulk_create(probes):
        Flip.objects.create(component=github, probe=probe, at=now, noticed_at=now, before="none", after="up")
        Flip.objects.create(component=github, probe=probe, at=now, noticed_at=now, before="up", after="none")
    Flip.objects.create(component=github, probe=probes[3], at=now, noticed_at=now, before="up", after="down")
    assert [mark.word for mark in minutes(standing(github)).marks] == ["Probe p3 is down."]


def moved(component: Component, *turns: tuple[float, str, str]) -> list[Transition]:
    """Moves of its breaker, so many seconds after NOW."""
    return [
        Transition(
            breaker_id=component.upstream_id,
            at=NOW + timedelta(seconds=seconds),
            before=before,
            after=after,
            cause="rule",
            reason="Connection refused",
        )
        for seconds, before, after in turns
    ]


def flip(component: Component, seconds: float, noticed: float, before: str, after: str) -> Flip:
    """A change of the component that began and was noticed so many seconds after NOW."""
    at, noticed_at = NOW + timedelta(seconds=seconds), NOW + timedelta(seconds=noticed)
    return Flip(component=component, at=at, noticed_at=noticed_at, before=before, after=after)


@pytest.mark.django_db
def test_tests_of_a_breaker_are_one_line(watched: Watched) -> None:
    """A test and its failure are one thing, and many of them one line; the one that goes on stands by itself."""
    plans = watched.component("plans-api")
    pairs = [
        pair for n in range(1, 18) for pair in ((10.0 * n, "open", "half_open"), (10.0 * n + 1, "half_open", "open"))
    ]
    turns = moved(plans, (0, "closed", "open"), *pairs, (200, "open", "half_open"))
    until = NOW + timedelta(hours=1)
    told = [mark.word for mark in marks_of(plans, [], [], turns, since=NOW, until=until)]
    assert told == [
        "Breaker is half-open: Connection refused.",
        f"Breaker tested 17 times since {moment_of(turns[2].at, seconds=True)}, and is open again: Connection refused.",
        "Breaker opened: Connection refused.",
    ]


@pytest.mark.django_db
def test_what_happened_at_once_stands_as_it_came(watched: Watched) -> None:
    """The newest first by the second that is shown; within it as it was noticed, and then by what comes of what."""
    plans = watched.component("plans-api")
    outage = Outage(
        pk=1,
        component=plans,
        began_at=NOW,
        noticed_at=NOW + timedelta(seconds=20),
        ended_at=NOW + timedelta(seconds=60),
    )
    flips = [
        flip(plans, 0, 0.2, "none", "up"),
        flip(plans, 0, 20, "up", "down"),
        flip(plans, 60, 70, "down", "up"),
    ]
    turns = moved(plans, (60.4, "open", "half_open"), (60.6, "half_open", "closed"))
    found = marks_of(plans, [outage], flips, turns, since=NOW, until=NOW + timedelta(hours=1))
    assert [mark.word for mark in found] == [
        "Outage closed.",
        f"{plans.name} is up again.",
        "Breaker closed: Connection refused.",
        "Breaker is half-open: Connection refused.",
        "Outage opened.",
        f"{plans.name} is down.",
        f"{plans.name} is up.",
    ]
    assert [mark.at for mark in found if mark.word.startswith("Outage")] == [outage.ended_at, outage.noticed_at]


@pytest.mark.django_db
def test_what_is_earlier_is_folded_and_counted(watched: Watched) -> None:
    """Nothing is left out without a word."""
    github, now = watched.component("github"), clock.now()
    Flip.objects.bulk_create(
        Flip(component=github, at=at, noticed_at=at, before="up", after="down", reason=f"cause {n}.")
        for n, at in enumerate(now - timedelta(minutes=1 + n) for n in range(20))
    )
    shown = minutes(standing(github))
    assert (len(shown.marks), len(shown.earlier)) == (12, 8)
    page = browser(watched.world).get(f"{HEALTH}/tidewater/github").content.decode()
    assert "8 earlier</summary>" in page
    assert "cause 19." in page

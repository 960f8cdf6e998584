"""What happened to a component, as a list that stays readable."""

from datetime import UTC, datetime, timedelta

import pytest

from portal.kit import clock
from resilience.health.minutes import Row, minutes
from resilience.health.models import Bucket, Component, Flip, Probe, Result
from resilience.health.standing import ComponentHealth
from resilience.health.system import system_of
from resilience.health.timelines import Mark, folded
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
    assert [mark.word for mark in minutes(standing(github)).marks] == ["Probe p3: down."]

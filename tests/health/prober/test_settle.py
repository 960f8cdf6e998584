"""What is written of results, without a prober: flips, states, outages, parents, maintenance, fences."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from math import nan

import pytest
from django.db import connection
from django.db.models import F

from portal.duties.models import ProcessingLock
from portal.events.models import Event
from resilience.breakers.runtime import Runtime
from resilience.health.actions.reassess import reassess
from resilience.health.actions.settle import NotOurs, forget, settle
from resilience.health.book import Book
from resilience.health.core.states import State
from resilience.health.expecting import earliest_of
from resilience.health.models import Component, Flip, Maintenance, Outage, Probe, Result
from resilience.health.store import Fence, Ran
from tests.health.prober.running import watched
from tests.support.breakers import stop
from tests.support.people import People

NOW = datetime(2026, 11, 21, 3, 12, tzinfo=UTC)


def at(seconds: float) -> datetime:
    """So many seconds after the beginning."""
    return NOW + timedelta(seconds=seconds)


def run(probe: Probe, seconds: float, *, ok: bool = True, **said: object) -> Ran:
    """A run of this probe."""
    error = "" if ok else "It answered 503, not 200-399."
    return Ran(probe.pk, probe.revision, at(seconds), ok=ok, ms=12.5, error=error, **said)  # type: ignore[arg-type]


def story(probe: Probe, letters: str, start: float = 0, **said: object) -> None:
    """Settles a run each ten seconds: g good, b bad."""
    for number, letter in enumerate(letters):
        seconds = start + 10 * number
        settle([run(probe, seconds, ok=letter == "g", **said)], now=at(seconds + 0.1))


@pytest.fixture
def probe(people: People) -> Probe:
    """The probe of plans-api."""
    return watched(people, "http://127.0.0.1:9/", interval=10.0)


def test_a_run_is_a_result_and_moves_its_probe_on(probe: Probe) -> None:
    """What was found is kept, and the probe counts it."""
    settle([run(probe, 0), run(probe, 10, ok=False)], now=at(11))
    assert list(Result.objects.values_list("ok", "state", "error")) == [
        (True, "up", ""),
        (False, "up", "It answered 503, not 200-399."),
    ]
    probe.refresh_from_db()
    assert (probe.state, probe.failures, probe.successes, probe.streak_at) == ("up", 1, 0, at(10))
    assert (probe.last_at, probe.last_ok, probe.runs, probe.runs_failed, probe.runs_ms) == (at(10), False, 2, 1, 25.0)


def test_three_failures_are_one_flip_one_event_and_one_outage(probe: Probe) -> None:
    """However often it fails after that, and the outage began with the first of them."""
    story(probe, "gbbbbbb")
    component = Component.objects.get()
    assert (component.state, component.since) == ("down", at(10))
    assert component.reason == "It answered 503, not 200-399."
    assert Flip.objects.of_components().filter(after="down").count() == 1
    assert Flip.objects.filter(probe=probe, after="down", at=at(10), noticed_at=at(30.1)).count() == 1
    outage = Outage.objects.get()
    assert (outage.began_at, outage.noticed_at, outage.ended_at, outage.severity) == (at(10), at(30.1), None, "minor")
    assert [Event.objects.filter(verb=verb).count() for verb in ("health.down", "outage.opened")] == [1, 1]


def test_two_good_answers_end_the_outage_with_the_first_of_them(probe: Probe) -> None:
    """It is closed in the same transaction, at the moment of the first good answer."""
    story(probe, "gbbbbgg")
    outage = Outage.objects.get()
    assert (outage.ended_at, outage.closed_by) == (at(50), "")
    assert Component.objects.get().since == at(50)
    assert json.loads(Event.objects.get(verb="outage.closed").data)["ended_at"] == at(50).isoformat(timespec="seconds")


@pytest.mark.parametrize(
    ("critical", "importance", "severity"),
    [(False, "normal", "minor"), (False, "high", "major"), (True, "normal", "critical")],
)
def test_the_severity_follows_the_importance(people: People, critical: bool, importance: str, severity: str) -> None:
    """A critical upstream's outage is critical whatever the component says."""
    probe = watched(people, "http://127.0.0.1:9/", upstream_critical=critical, component_importance=importance)
    story(probe, "bbb")
    assert Outage.objects.get().severity == severity


def test_what_a_person_recorded_only_a_person_ends(probe: Probe) -> None:
    """No second outage opens beside it, and good answers do not close it."""
    component = Component.objects.get()
    Outage.objects.create(
        component=component, began_at=at(-60), noticed_at=at(-60), severity="major", opened_by="alice"
    )
    story(probe, "bbbgg")
    assert Outage.objects.count() == 1
    assert Outage.objects.get().ended_at is None


def test_a_blind_result_is_kept_and_judges_nothing(probe: Probe) -> None:
    """However many there are, the probe stands as before, its counters too."""
    story(probe, "gb")
    story(probe, "bbbbb", start=20, blind=True)
    probe.refresh_from_db()
    assert (probe.state, probe.failures, Result.objects.filter(blind=True).count()) == ("up", 1, 5)
    story(probe, "bb", start=70)
    probe.refresh_from_db()
    assert (probe.state, probe.since) == ("down", at(10))


def test_a_result_of_old_settings_is_dropped(probe: Probe) -> None:
    """What was asked at the old address says nothing about the new one."""
    Probe.objects.update(revision=F("revision") + 1)
    settle([run(probe, 0)], now=at(1))
    assert not Result.objects.exists()
    assert Probe.objects.get().runs == 0


def test_a_probe_that_is_gone_takes_nothing_with_it(people: People, probe: Probe) -> None:
    """The other results of its batch are written."""
    other = watched(people, "http://127.0.0.1:9/", "mail-api")
    gone = run(probe, 0)
    probe.delete()
    settle([gone, run(other, 0)], now=at(1))
    assert list(Result.objects.values_list("probe_id", flat=True)) == [other.pk]


def test_maintenance_is_shown_and_opens_nothing(probe: Probe) -> None:
    """Results are kept and marked, and no outage opens; what is still down afterwards is an outage from then on."""
    component = Component.objects.get()
    settle([run(probe, 0)], now=at(1))
    reassess([component.pk], now=at(5), maintained={component.pk})
    for number in range(1, 5):
        settle([run(probe, 10 * number, ok=False)], maintained={component.pk}, now=at(10 * number + 1))
    component.refresh_from_db()
    assert (component.state, Outage.objects.count()) == ("maintenance", 0)
    assert Result.objects.filter(maintenance=True, ok=False).count() == 4
    reassess([component.pk], now=at(60))
    component.refresh_from_db()
    assert (component.state, component.since) == ("down", at(60))
    assert Outage.objects.get().began_at == at(60)


def test_what_broke_within_maintenance_is_an_outage_from_its_end(probe: Probe) -> None:
    """A breaker that opened while it was planned opens no outage that began then."""
    component = Component.objects.get()
    settle([run(probe, 0)], now=at(1))
    reassess([component.pk], now=at(10), maintained={component.pk})
    row = stop(component.upstream, since=timedelta(0))  # type: ignore[arg-type]
    row.opened_at = row.since = at(20)
    row.save()
    reassess([component.pk], now=at(21), maintained={component.pk})
    assert not Outage.objects.exists()
    reassess([component.pk], now=at(60))
    assert Outage.objects.get().began_at == at(60)


def test_an_outage_ends_within_maintenance_too(probe: Probe) -> None:
    """Good answers close it although the component shows maintenance."""
    component = Component.objects.get()
    story(probe, "bbb")
    reassess([component.pk], now=at(40), maintained={component.pk})
    for number in (5, 6):
        settle([run(probe, 10 * number)], maintained={component.pk}, now=at(10 * number + 1))
    assert Outage.objects.get().ended_at == at(50)


def test_an_open_breaker_is_down_though_probes_are_well(probe: Probe) -> None:
    """Deliveries that fail say it first; the outage began when the breaker opened, and ends when it closes."""
    component = Component.objects.get()
    settle([run(probe, 0)], now=at(1))
    row = stop(component.upstream, since=timedelta(0))  # type: ignore[arg-type]
    row.opened_at = row.since = at(20)
    row.save()
    assert reassess([component.pk], now=at(20.4)) == {component.pk}
    component.refresh_from_db()
    assert (component.state, component.since) == ("down", at(20))
    assert component.reason == "It answered 503 (its breaker opened: 5 failures in a row)."
    row.state, row.since = "closed", at(50)
    row.save()
    reassess([component.pk], now=at(50.3))
    assert Outage.objects.get().ended_at == at(50)


def test_a_probe_says_why_better_than_the_breaker(probe: Probe) -> None:
    """Once it is down too its sentence is the reason and the cause; state, beginning and number of flips stay."""
    component = Component.objects.get()
    settle([run(probe, 0)], now=at(1))
    row = stop(component.upstream, since=timedelta(0))  # type: ignore[arg-type]
    row.opened_at = row.since = at(5)
    row.save()
    reassess([component.pk], now=at(5.4))
    for number in (1, 2, 3):
        settle([run(probe, 10 * number, ok=False)], now=at(10 * number + 1))
    component.refresh_from_db()
    assert (component.state, component.since) == ("down", at(5))
    assert component.reason == Outage.objects.get().cause == "It answered 503, not 200-399."
    assert Flip.objects.of_components().filter(after="down").count() == 1


def test_maintenance_says_when_an_open_outage_is_over(probe: Probe) -> None:
    """Its end takes the place of an estimate once it begins, with an event that keeps what was said before; not of a person's word."""
    story(probe, "bbb")
    component, end = Component.objects.get(), at(3_600)
    Maintenance.objects.create(
        organization=component.organization, component=component, title="Disk", starts_at=at(-60), ends_at=end
    )
    reassess([component.pk], now=at(40), maintained={component.pk})
    outage = Outage.objects.get()
    assert (outage.expected_source, outage.expected_at) == ("maintenance", end)
    assert Event.objects.filter(verb="outage.expected").count() == 1
    Component.objects.update(state="down")
    Outage.objects.update(expected_source="person", expected_at=at(99))
    reassess([component.pk], now=at(50), maintained={component.pk})
    assert Outage.objects.get().expected_at == at(99)


def test_the_outage_began_with_the_first_of_its_probes(probe: Probe) -> None:
    """Who has been down for longest is named with how many are beside it; a probe that failed and is up is no evidence."""
    component = Component.objects.get()
    others = [Probe(component=component, name=name, kind="tcp", interval=10.0) for name in ("storage", "login", "lone")]
    storage, login, lone = Probe.objects.bulk_create(others)
    Probe.objects.filter(pk=probe.pk).update(state="down", since=at(12), last_error="It answered 500.")
    Probe.objects.filter(pk=storage.pk).update(state="down", since=at(11), last_error="timed out")
    Probe.objects.filter(pk=login.pk).update(state="up", failures=2, streak_at=at(10))
    Probe.objects.filter(pk=lone.pk).update(state="up", failures=1, streak_at=at(9))
    reassess([component.pk], now=at(20))
    component.refresh_from_db()
    assert (component.since, Outage.objects.get().began_at) == (at(11), at(11))
    assert component.reason == "timed out (probe “storage” and 1 more)."


def corrected() -> tuple[datetime | None, str]:
    """Since when and why it is down, as the component, its flip and its outage say alike."""
    component, outage = Component.objects.get(), Outage.objects.get()
    flip = Flip.objects.of_components().get(after="down")
    said = {(component.since, component.reason), (flip.at, flip.reason), (outage.began_at, outage.cause)}
    assert len(said) == 1
    return said.pop()


def test_a_second_probe_corrects_the_outage(probe: Probe) -> None:
    """It began to fail first and was noticed second: the outage began with it, and what is expected goes by that."""
    component = Component.objects.get()
    slow = Probe.objects.create(component=component, name="slow one", kind="tcp", interval=20.0)
    for ago in (-3_000, -2_000, -1_000):
        Outage.objects.create(component=component, began_at=at(ago), noticed_at=at(ago), ended_at=at(ago + 300))
    story(probe, "g", start=-30)
    story(slow, "g", start=-20)
    settle([run(slow, 5, ok=False)], now=at(6))
    story(probe, "bbb", start=10)
    assert Outage.objects.active().get().began_at == at(10)
    assert Outage.objects.active().get().cause == "It answered 503, not 200-399 (probe “answers”)."
    settle([run(slow, 31, ok=False)], now=at(32))
    settle([run(slow, 51, ok=False)], now=at(52))
    Outage.objects.filter(ended_at__isnull=False).delete()
    assert corrected() == (at(5), "It answered 503, not 200-399.")
    assert Outage.objects.get().expected_at == at(305)
    told = json.loads(Event.objects.get(verb="outage.corrected").data)
    assert (told["began_at"], told["before"]) == (at(5).isoformat(), at(10).isoformat())
    story(probe, "gg", start=60)
    component.refresh_from_db()
    assert component.reason == "It answered 503, not 200-399 (probe “slow one”)."
    assert Outage.objects.get().cause == "It answered 503, not 200-399."


def test_a_probe_that_fails_much_later_corrects_nothing(probe: Probe) -> None:
    """It is counted among what is down now; what the outage came of stays."""
    other = Probe.objects.create(component=Component.objects.get(), name="storage", kind="tcp", interval=10.0)
    story(other, "g", start=-20)
    story(probe, "bbb")
    story(other, "bbb", start=300)
    assert Component.objects.get().reason == "It answered 503, not 200-399."
    outage, flip = Outage.objects.get(), Flip.objects.of_components().get(after="down")
    assert (
        (outage.began_at, outage.cause)
        == (flip.at, flip.reason)
        == (at(0), "It answered 503, not 200-399 (probe “answers”).")
    )
    assert not Event.objects.filter(verb="outage.corrected").exists()


def test_a_correction_stays_after_maintenance(probe: Probe) -> None:
    """What failed within it is an outage from its end on, also for the second probe."""
    component = Component.objects.get()
    other = Probe.objects.create(component=component, name="storage", kind="tcp", interval=10.0)
    settle([run(probe, -20), run(other, -20)], now=at(-19))
    reassess([component.pk], now=at(-10), maintained={component.pk})
    for number in range(3):
        settle([run(probe, number, ok=False)], maintained={component.pk}, now=at(number))
    settle([run(other, 2, ok=False)], maintained={component.pk}, now=at(3))
    reassess([component.pk], now=at(10))
    story(other, "bb", start=11)
    assert corrected() == (at(10), "It answered 503, not 200-399.")


def test_a_prober_that_begins_again_ends_no_outage(probe: Probe) -> None:
    """Nothing is known for a while of the probe that fails; that another one is well ends nothing. The outage is one and the same."""
    component = Component.objects.get()
    other = Probe.objects.create(component=component, name="storage", kind="tcp", interval=10.0)
    story(probe, "bbb")
    settle([run(other, 25)], now=at(25))
    forget({one.pk: (at(25), "no data") for one in (probe, other)}, now=at(900))
    settle([run(other, 901), run(probe, 901, ok=False)], now=at(902))
    component.refresh_from_db()
    assert component.state == "none"
    story(probe, "bb", 911)
    component.refresh_from_db()
    assert (component.state, Outage.objects.get().ended_at) == ("down", None)
    story(probe, "gg", 931)
    assert Outage.objects.get().ended_at == at(931)


def test_a_breaker_that_a_person_holds_says_nothing(probe: Probe) -> None:
    """Forced open is no outage of the upstream."""
    component = Component.objects.get()
    settle([run(probe, 0)], now=at(1))
    row = stop(component.upstream)  # type: ignore[arg-type]
    row.forced, row.forced_by = "open", "alice"
    row.save()
    assert reassess([component.pk], now=at(20)) == set()


def test_a_child_of_a_broken_parent_says_so(people: People, probe: Probe) -> None:
    """The child's outage came of its parent's, though it was noticed first, and the blame ends with the parent's recovery."""
    parent = Component.objects.get()
    other = watched(people, "http://127.0.0.1:9/", "mail-api", component_parent=parent)
    story(other, "bbb")
    child = Component.objects.get(slug="mail-api")
    assert child.blamed_on is None
    story(probe, "bbb", start=5)
    child.refresh_from_db()
    assert child.blamed_on == parent
    mine = Outage.objects.get(component=child)
    assert mine.because_of == Outage.objects.get(component=parent)
    story(probe, "gg", start=40)
    child.refresh_from_db()
    assert (child.blamed_on, child.state) == (None, "down")


def test_a_child_that_goes_down_later_blames_its_parent_at_once(people: People, probe: Probe) -> None:
    """The same when the parent was noticed first."""
    parent = Component.objects.get()
    other = watched(people, "http://127.0.0.1:9/", "mail-api", component_parent=parent)
    story(probe, "bbb")
    story(other, "bbb", start=60)
    child = Component.objects.get(slug="mail-api")
    assert child.blamed_on == parent
    assert Outage.objects.get(component=child).because_of == Outage.objects.get(component=parent)


def test_what_was_not_asked_for_too_long_is_not_known(probe: Probe) -> None:
    """The time without results is none, from the first run that is missing; an outage that went on is left open."""
    story(probe, "bbb")
    forget({probe.pk: (at(20), "no data")}, now=at(120))
    component = Component.objects.get()
    assert (component.state, component.since) == ("none", at(30))
    assert Flip.objects.filter(probe=probe, after="none", at=at(30), noticed_at=at(120)).count() == 1
    assert Outage.objects.get().ended_at is None
    story(probe, "g", start=120)
    assert Outage.objects.get().ended_at == at(120)


def test_what_was_asked_meanwhile_is_not_forgotten(probe: Probe) -> None:
    """Twice forgotten is once, and a short silence is none."""
    story(probe, "g")
    forget({probe.pk: (at(0), "no data")}, now=at(20))
    assert Component.objects.get().state == "up"
    forget({probe.pk: (at(0), "no data")}, now=at(50))
    forget({probe.pk: (at(0), "no data")}, now=at(51))
    assert Flip.objects.filter(after="none").count() == 2  # the probe's and the component's


def test_nothing_is_written_after_a_take_over(probe: Probe) -> None:
    """A worker that was frozen and comes back finds its fence gone: neither its results nor its flips are kept."""
    ProcessingLock.objects.create(duty="prober", fence=8, owner="prober#8@b:2")
    with pytest.raises(NotOurs):
        settle([run(probe, 0)], fence=Fence("prober", 7, "prober#7@a:1"), now=at(1))
    with pytest.raises(NotOurs):
        forget({probe.pk: (None, "")}, fence=Fence("prober", 7, "prober#7@a:1"), now=at(1))
    assert not Result.objects.exists()
    settle([run(probe, 0)], fence=Fence("prober", 8, "prober#8@b:2"), now=at(1))
    assert Result.objects.count() == 1


def test_a_component_without_organization_flips_too(people: People) -> None:
    """Breakwater itself has flips, events without an organization, and outages."""
    own = Component.objects.create(slug="breakwater", name="Breakwater", importance="high")
    probe = Probe.objects.create(component=own, name="disk", kind="disk", interval=10.0)
    story(probe, "bbb")
    own.refresh_from_db()
    assert own.state == State.DOWN
    assert Event.objects.get(verb="health.down").organization_id is None
    assert Outage.objects.get().severity == "major"


def test_an_outage_ends_when_nobody_asks_any_more(probe: Probe) -> None:
    """With its last probe removed nobody could ever tell that it is over."""
    story(probe, "bbb")
    component = Component.objects.get()
    probe.delete()
    reassess([component.pk], now=at(60))
    component.refresh_from_db()
    assert component.state == "none"
    assert Outage.objects.get().ended_at == at(60)


def test_an_outage_says_when_it_is_likely_to_be_over(probe: Probe) -> None:
    """With no past to go by, the next run and as many good answers as are needed: no promise, so no moment that could be overdue."""
    story(probe, "bbb")
    outage = Outage.objects.get()
    assert (outage.expected_source, outage.expected_at) == ("test", None)
    assert earliest_of(outage, at(25)) == at(40)


def test_a_result_that_cannot_be_kept_stops_no_other(people: People, probe: Probe) -> None:
    """What the database refuses is dropped and logged; its batch is written."""
    other = watched(people, "http://127.0.0.1:9/", "mail-api")
    sqlite = connection.vendor == "sqlite"
    poison = replace(run(probe, 0), ms=nan) if sqlite else replace(run(probe, 0), error="\0")
    book = Book(breakers=Runtime(owner="test"), fence=None)
    book.settle([poison, run(other, 0)], {other.pk: 2})
    assert list(Result.objects.values_list("probe_id", flat=True)) == [other.pk]

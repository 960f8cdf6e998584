"""How everything is, for who asks: the score, its breakdown, and what can be said of each component now."""

import json
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from pytest_django import DjangoAssertNumQueries

from portal.duties.models import ProcessingLock
from portal.kit import clock
from portal.kit.errors import NotFound
from portal.kit.viewer import ANONYMOUS
from resilience.health import get_system_health
from resilience.health.core.states import State
from resilience.health.models import Component, Outage, Probe, SystemSnapshot
from resilience.health.system import System, system, system_of
from syncqueue.models import Counter
from tests.health.watching import NOON, Watched
from tests.support.breakers import stop
from tests.support.people import People, make_upstream

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("working")]
ONE_MINUTE = timedelta(minutes=1)
ClockAt = Callable[[datetime], None]


def stands(component: Component, state: State, at: datetime = NOON) -> None:
    """What the prober has written of a component, just now."""
    Component.objects.filter(pk=component.pk).update(state=state.value, since=at, reason="It said so")
    Probe.objects.filter(component=component).update(state=state.value, last_at=at, last_ms=112.4, last_ok=True)


def one(found: System, slug: str) -> Any:
    """One component of them."""
    [health] = [health for health in found.components if health.component.slug == slug]
    return health


def test_who_sees_what(people: People, watched: Watched, clock_at: ClockAt) -> None:
    """A member sees the organization's components and Breakwater itself; a stranger only the latter; nobody sees nothing."""
    Component.objects.create(slug="breakwater", name="Breakwater itself")
    stands(watched.component, State.UP)
    seen = {
        user.username: {health.component.slug for health in system(people.viewer(user)).components}
        for user in (people.alice, people.bob, people.charlie)
    }
    assert seen["alice"] == seen["bob"] == {"plans-api", "breakwater"}
    assert seen["charlie"] == {"breakwater"}
    nobody = system(ANONYMOUS)
    assert (nobody.components, nobody.score, nobody.status) == ((), None, "unknown")


def test_breakdown(people: People, watched: Watched, clock_at: ClockAt) -> None:
    """The API has the score, each part with its share, and every lost point with its reason."""
    stands(watched.component, State.UP)
    other = make_upstream(people.tidewater, "openai", name="OpenAI").component
    stands(other, State.SLOW)
    Counter.objects.create(upstream=watched.component.upstream, name="queued", slot=3, value=110)
    said = json.loads(json.dumps(system(people.viewer(people.bob)).as_dict()))
    assert (said["score"], said["status"]) == (87, "degraded")
    assert {part["name"]: (part["score"], part["weight"]) for part in said["parts"]} == {
        "upstreams": (80, 0.4),
        "queue": (90, 0.3),
        "breakers": (None, 0.15),
        "conflicts": (100, 0.15),
    }
    assert said["parts"][0]["losses"] == [
        {"reason": "slow", "text": "OpenAI slow", "points": 20.0, "component": "openai"}
    ]
    assert said["parts"][1]["losses"] == [{"reason": "backlog", "text": "110 waiting", "points": 10.0, "component": ""}]
    assert said["thresholds"] == {"healthy": 90, "degraded": 50}
    assert [(row["slug"], row["state"], row["score"], row["waiting"]) for row in said["components"]] == [
        ("openai", "slow", 60, 0),
        ("plans-api", "up", 90, 110),
    ]


def test_a_critical_one_caps(people: People, clock_at: ClockAt) -> None:
    """While a critical upstream is down the score is 40 at the most, and the page says why: all of them are named."""
    stands(make_upstream(people.tidewater, "plans", critical=True, name="Plans").component, State.DOWN)
    for n in range(30):
        stands(make_upstream(people.tidewater, f"u{n}").component, State.UP)
    found = system_of(None)
    assert (found.score, found.status) == (40, "unhealthy")
    assert [cap.text for cap in found.caps] == ["40 at the most while Plans is down, which is critical"]
    for name in ("Wards", "Berths", "Tides"):
        stands(make_upstream(people.tidewater, name.lower(), critical=True, name=name).component, State.DOWN)
    found = system_of(None)
    [cap] = found.caps
    assert (found.score, cap.text) == (40, "40 at the most while Berths, Plans and 2 more are down, which are critical")


def test_nothing_to_watch_is_no_score(people: People, clock_at: ClockAt) -> None:
    """Breakwater's own probes alone make neither a score nor "healthy"."""
    itself = Component.objects.create(slug="breakwater", name="Breakwater itself")
    stands(itself, State.UP)
    found = system_of(None)
    assert (found.score, found.status, [part.score for part in found.parts]) == (None, "unknown", [None] * 4)
    assert [health.state for health in found.components] == [State.UP]


def test_not_healthy_beside_an_outage(people: People, clock_at: ClockAt) -> None:
    """However little it weighs: while one is down or out the status is degraded at best; a planned outage is none."""
    small, *others = (make_upstream(people.tidewater, f"u{n}").component for n in range(40))
    for component in (small, *others):
        stands(component, State.UP)
    assert system_of(None).status == "healthy"
    stands(small, State.DOWN)
    found = system_of(None)
    assert ((found.score or 0) >= 90, found.status) == (True, "degraded")
    assert [cap.as_dict() for cap in found.caps] == [
        {"reason": "any-down", "text": "degraded at best while Plans API is down", "points": 0.0, "component": "u0"}
    ]
    stands(small, State.UP)
    Outage.objects.create(component=small, began_at=NOON, noticed_at=NOON, severity="minor")
    found = system_of(None)
    assert (found.status, [cap.text for cap in found.caps]) == (
        "degraded",
        ["degraded at best while an outage of Plans API goes on"],
    )
    stands(small, State.MAINTENANCE)
    assert (system_of(None).status, system_of(None).caps) == ("healthy", ())


def test_all_in_maintenance_is_not_unknown(people: People, watched: Watched, clock_at: ClockAt) -> None:
    """There is no score, and nothing wrong; beside one of which nothing is known it is unknown as ever."""
    stands(watched.component, State.MAINTENANCE)
    found = system_of(None)
    assert (found.score, found.status, found.planned) == (None, "healthy", True)
    stands(make_upstream(people.tidewater, "other").component, State.NONE)
    found = system_of(None)
    assert (found.score, found.status, found.planned) == (None, "unknown", False)


def test_a_duty_that_nobody_runs_degrades(people: People, watched: Watched, clock_at: ClockAt) -> None:
    """Whatever the score, and in planned maintenance and without data, too; nothing that is worse gets better by it."""
    ProcessingLock.objects.filter(duty="prober").delete()
    for state, status in (
        (State.UP, "degraded"),
        (State.MAINTENANCE, "degraded"),
        (State.NONE, "degraded"),
        (State.DOWN, "unhealthy"),
    ):
        Component.objects.filter(pk=watched.component.pk).update(importance="critical")
        stands(watched.component, state)
        found = system_of(None)
        assert (found.status, dict(found.unrun)) == (status, {"prober": "nobody runs it"}), state
        assert ("degraded at best while nobody runs prober" in [cap.text for cap in found.caps]) is (
            status == "degraded"
        )


def test_a_dead_prober_is_seen(people: People, watched: Watched, clock_at: ClockAt) -> None:
    """When no probe has run for three intervals nothing is known, and there is no score, whatever stands in the row."""
    stands(watched.component, State.UP)
    clock_at(NOON + timedelta(seconds=95))
    assert one(system_of(None), "plans-api").state is State.UP
    clock_at(NOON + timedelta(seconds=96))
    found = system_of(None)
    health = one(found, "plans-api")
    assert (health.state, health.score, found.score, found.status) == (State.NONE, None, None, "unknown")
    assert "have not run" in health.reason
    assert (found.late, found.fresh) == (
        1,
        "1 of 1 probes did not run when they were due, one for 1\u00a0min\u00a036\u00a0s.",
    )


def test_fresh(people: People, watched: Watched, clock_at: ClockAt) -> None:
    """When all probes ran, the page says how long ago the oldest run was."""
    stands(watched.component, State.UP)
    clock_at(NOON + timedelta(seconds=22))
    assert system_of(None).fresh == "Fresh: all probes ran within the last 22\u00a0s."


def test_an_open_breaker_is_known_at_once(people: People, watched: Watched, clock_at: ClockAt) -> None:
    """What deliveries have found is said before the prober has written it; a breaker that a person holds open says nothing."""
    stands(watched.component, State.UP)
    assert watched.component.upstream is not None
    breaker = stop(watched.component.upstream)
    health = one(system_of(None), "plans-api")
    assert (health.state, health.breaker_word) == (State.DOWN, "open")
    breaker.forced, breaker.forced_by = "open", "alice"
    breaker.save()
    assert one(system_of(None), "plans-api").state is State.UP


def test_a_half_open_breaker(people: People, clock_at: ClockAt) -> None:
    """While it is tested it costs half of what an open one does."""
    for slug, wait in (("half", None), ("whole", ONE_MINUTE)):
        upstream = make_upstream(people.tidewater, slug)
        stands(upstream.component, State.UP)
        stop(upstream, wait=wait)
    part = system_of(None).parts[2]
    assert (part.name, part.score) == ("breakers", 25)
    assert [(loss.why, loss.text, loss.points) for loss in part.losses] == [
        ("breaker-open", "1 of 2 open", 50),
        ("breaker-half-open", "1 of 2 half-open", 25),
    ]


def test_outages_and_blame(people: People, watched: Watched, clock_at: ClockAt) -> None:
    """An outage that goes on stands with its component, and a child that is down names the parent."""
    stands(watched.component, State.DOWN)
    child = make_upstream(people.tidewater, "child").component
    stands(child, State.DOWN)
    Component.objects.filter(pk=child.pk).update(blamed_on=watched.component)
    going = Outage.objects.create(component=watched.component, began_at=NOON, noticed_at=NOON, severity="major")
    Outage.objects.create(component=child, began_at=NOON - ONE_MINUTE, noticed_at=NOON, ended_at=NOON, severity="minor")
    found = system_of(None)
    assert [outage.pk for outage in found.outages] == [going.pk]
    assert one(found, "plans-api").outage.pk == going.pk
    assert one(found, "child").blamed_on.slug == "plans-api"
    assert one(found, "child").as_dict()["blamedOn"] == "plans-api"


def test_the_most_urgent_first(people: People, clock_at: ClockAt) -> None:
    """Down, slow, no data, maintenance, up."""
    for state in State:
        stands(make_upstream(people.tidewater, f"is-{state.value}").component, state)
    order = [health.state for health in system_of(None).components]
    assert order == [State.DOWN, State.SLOW, State.NONE, State.MAINTENANCE, State.UP]


def scored(minutes: int, *organizations: tuple[Any, Callable[[int], int]]) -> None:
    """A snapshot each minute from noon on, of each organization, with the score that it had then."""
    for n in range(minutes):
        for organization, score in organizations:
            SystemSnapshot.objects.create(
                organization=organization, at=NOON + n * ONE_MINUTE, score=score(n), status="healthy", weight=1
            )


def test_trend(people: People, watched: Watched, clock_at: ClockAt) -> None:
    """It goes from the snapshots of those organizations that are seen to their present score."""
    scored(29, (people.tidewater, lambda n: 72 - n), (people.northlight, lambda n: 95), (None, lambda n: 90 - n))
    clock_at(NOON + 29 * ONE_MINUTE)
    small, other = (make_upstream(people.tidewater, slug).component for slug in ("small", "other"))
    theirs = make_upstream(people.northlight, "theirs").component
    for component in (watched.component, small, other, theirs):
        stands(component, State.DOWN if component is small else State.UP, clock.now())
    mine, all_of_them = system(people.viewer(people.bob)), system_of(None)
    assert (mine.score, mine.trend, mine.delta, mine.span) == (84, "improving", 40, ONE_MINUTE)
    assert (all_of_them.trend, all_of_them.span) == ("improving", ONE_MINUTE)
    assert system(people.viewer(people.charlie)).delta == 5


def test_the_present_score_ends_the_line(people: People, watched: Watched, clock_at: ClockAt) -> None:
    """What just fell is said to fall, however much better it got before."""
    scored(20, (people.tidewater, lambda n: 40 if n < 10 else 96))
    clock_at(NOON + 20 * ONE_MINUTE)
    stands(watched.component, State.DOWN, clock.now())
    found = system(people.viewer(people.bob))
    assert (found.trend, found.delta, found.span) == ("declining", (found.score or 0) - 96, ONE_MINUTE)


def test_of_several_organizations_like_is_held_against_like(
    people: People, watched: Watched, clock_at: ClockAt
) -> None:
    """Their snapshots and their present scores are added up in the same way, also where a critical one caps the whole."""
    critical = make_upstream(people.northlight, "theirs", critical=True).component
    stands(watched.component, State.UP)
    stands(critical, State.DOWN)
    both = (people.tidewater.pk, people.northlight.pk)
    for n in range(6):
        at = NOON - (6 - n) * ONE_MINUTE
        for owner in both:
            now = system_of((owner,))
            SystemSnapshot.objects.create(organization_id=owner, at=at, score=now.score, weight=now.weight, status="x")
    found = system_of(both)
    assert (found.score, found.trend, found.delta) == (40, "stable", 0)


def test_no_trend_without_a_present(people: People, watched: Watched, clock_at: ClockAt) -> None:
    """Neither where nothing is known now, nor where the snapshots ended some minutes ago."""
    scored(20, (people.tidewater, lambda n: 40 + n))
    clock_at(NOON + 19 * ONE_MINUTE)
    stands(watched.component, State.MAINTENANCE, clock.now())
    assert system(people.viewer(people.bob)).trend is None
    stands(watched.component, State.UP, clock.now())
    assert system(people.viewer(people.bob)).trend == "improving"
    clock_at(NOON + 23 * ONE_MINUTE)
    stands(watched.component, State.UP, clock.now())
    assert system(people.viewer(people.bob)).trend is None


def test_the_network(people: People, watched: Watched, clock_at: ClockAt) -> None:
    """It counts what anything answered at all, out of the last snapshot."""
    for n, network in ((0, {"answered": 1, "unanswered": 9}), (1, {"answered": 30, "unanswered": 10})):
        SystemSnapshot.objects.create(
            organization=people.tidewater,
            at=NOON + n * ONE_MINUTE,
            status="unknown",
            parts=json.dumps({"network": network}),
        )
    clock_at(NOON + ONE_MINUTE)
    assert system(people.viewer(people.bob)).network.as_dict() == {"score": 75, "answered": 30, "unanswered": 10}
    assert system(people.viewer(people.charlie)).network.score is None


def test_queries(people: People, clock_at: ClockAt, django_assert_max_num_queries: DjangoAssertNumQueries) -> None:
    """Nine queries, however many components there are."""
    for n in range(12):
        upstream = make_upstream(people.tidewater, f"u{n}")
        stands(upstream.component, State.UP)
        stop(upstream)
        Counter.objects.create(upstream=upstream, name="queued", slot=0, value=1)
        Counter.objects.create(upstream=upstream, name="conflict", slot=0, value=1)
    Component.objects.create(organization=people.tidewater, slug="alone", name="Alone")
    bob = people.viewer(people.bob)
    with django_assert_max_num_queries(9):
        system(bob).as_dict()


def test_from_code(people: People, watched: Watched, clock_at: ClockAt) -> None:
    """`get_system_health()` sees all, or one organization; one that there is not is told."""
    stands(watched.component, State.UP)
    make_upstream(people.northlight, "theirs")
    assert len(get_system_health().components) == 2
    assert get_system_health("tidewater").score == 100
    assert get_system_health("northlight").score is None
    with pytest.raises(NotFound):
        get_system_health("nowhere")

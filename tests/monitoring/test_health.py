"""/api/health: everybody gets the status, members everything about their own, and nobody more."""

import re
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.db import connection
from django.db.models.functions import Now
from django.test import Client
from django.test.utils import CaptureQueriesContext

from portal.accounts.models import User
from portal.duties.models import ProcessingLock
from portal.kit import clock
from portal.kit.viewer import Permission
from portal.monitoring.api import LATELY, STATUS
from portal.monitoring.collector import families
from portal.monitoring.figures import Storage
from portal.monitoring.issues import issues
from resilience.health.core.states import State
from resilience.health.live import snapshot
from resilience.health.models import Component, Maintenance, Outage, Probe
from resilience.health.standing import iso
from resilience.health.system import system_of
from syncqueue.adapters.base import Rejected
from tests.monitoring.conftest import SECRET, World, figure, scrape
from tests.support.breakers import stop
from tests.support.conflicts import answer, desk
from tests.support.people import make_token

Away = Callable[[], AbstractContextManager[None]]
H5 = {
    *("status", "circuitBreakers", "bulkheads", "issues", "orgEnforcement", "analyticsIngestLagMs", "offlineQueue"),
    *("storage", "score", "parts", "trend", "maintenance"),
}


def stand(state: State, *, world: World | None = None) -> None:
    """Every component was asked just now and stands so, or the one of the plans alone."""
    now = clock.now()
    Probe.objects.unscoped().update(last_at=now, last_ok=state is State.UP, state=state.value)
    of = Component.objects.unscoped()
    (of if world is None else of.filter(upstream=world.plans)).update(state=state.value, since=now)


def read(client: Client, status: int = 200) -> dict[str, Any]:
    """The answer as JSON."""
    response = client.get("/api/health")
    assert response.status_code == status, response.content
    assert "no-store" in response.headers["Cache-Control"]
    found: dict[str, Any] = response.json()
    return found


def test_everybody_gets_the_one_word(world: World, working: None) -> None:
    """Whoever is not signed in learns the status and nothing else."""
    stand(State.UP)
    assert read(world.browser("nobody")) == {"status": "healthy"}


@pytest.mark.parametrize("who", ["alice", "bob"])
def test_members_get_everything_about_their_own(world: World, working: None, who: str) -> None:
    """Owner and team mate read the same, in the shape that is promised; nothing of another organization is in it."""
    stand(State.UP)
    world.enqueue("alice")
    world.enqueue("charlie", entity_id="p-hidden")
    said = read(world.browser(who))
    assert set(said) >= H5
    assert said["status"] == "healthy"
    assert said["circuitBreakers"] == {"total": 2, "open": 0, "halfOpen": 0}
    assert [(one["name"], one["utilization"]) for one in said["bulkheads"]] == [("plans-api", 0.0), ("ai-api", 0.0)]
    assert said["offlineQueue"]["backlog"] == 1
    assert said["offlineQueue"]["byOrganization"] == {"tidewater": {"backlog": 1, "pendingAssignments": 0}}
    assert said["issues"] == said["maintenance"] == []
    assert said["orgEnforcement"]["enforced"] is True
    assert set(said["storage"]) == {"database", "freePercent"}  # the machine is shared: no sizes
    assert 0 < said["storage"]["freePercent"] < 100
    assert "northlight" not in str(said)


def test_a_stranger_gets_the_own_only(world: World, working: None) -> None:
    """What is down in Tidewater does not show in Northlight."""
    stand(State.UP)
    stand(State.DOWN, world=world)
    stop(world.plans)
    said = read(world.browser("charlie"))
    assert said["circuitBreakers"] == {"total": 1, "open": 0, "halfOpen": 0}
    assert (said["status"], said["issues"]) == ("healthy", [])
    assert "tidewater" not in str(said)


def test_a_token_reads_what_its_scope_allows(world: World, working: None) -> None:
    """With the scope `read` everything of its organization; without it nothing; a bad one is refused."""
    people = world.people
    for scope, status in ((Permission.READ, 200), (Permission.ENQUEUE, 403)):
        token = make_token(people.alice, people.tidewater, scope)
        response = Client().get("/api/health", headers={"Authorization": f"Bearer {token}"})
        assert response.status_code == status
        assert ("bulkheads" in response.json()) is (status == 200)
    assert Client().get("/api/health", headers={"Authorization": "Bearer bw_wrong"}).status_code == 401


def test_somebody_without_an_organization_gets_the_one_word(world: World, working: None) -> None:
    """Signed in, and a member of nothing."""
    stand(State.UP)
    client = Client()
    client.force_login(User.objects.create(username="dora"))
    assert read(client) == {"status": "healthy"}


def test_a_critical_upstream_that_is_down(world: World, working: None) -> None:
    """The status says so with 503, to everybody; members read which one, and why."""
    stand(State.UP)
    stand(State.DOWN, world=world)
    stop(world.plans, reason="5 failures in a row")
    world.enqueue("alice")
    said = read(world.browser("alice"), 503)
    assert said["status"] == "unhealthy"
    assert said["circuitBreakers"]["open"] == 1
    assert said["issues"][0] == "Plans API is down. Its breaker opened: 5 failures in a row."
    assert read(world.browser("nobody"), 503) == {"status": "unhealthy"}


def test_planned_maintenance_is_no_trouble(world: World, working: None) -> None:
    """Nobody is woken: nothing is unknown, no issue tells of its breaker, and its outage is counted by itself. What is planned is said."""
    stand(State.MAINTENANCE)
    people, now = world.people, clock.now()
    one = {"title": "x", "starts_at": now - timedelta(hours=1), "created_by": "alice"}
    first, last = now + timedelta(minutes=5), now + timedelta(minutes=90)
    Maintenance.objects.create(organization=people.tidewater, ends_at=first, **one)
    Maintenance.objects.create(organization=people.tidewater, component=world.plans.component, ends_at=last, **one)
    Maintenance.objects.create(organization=people.northlight, ends_at=last + timedelta(hours=1), **one)
    Component.objects.unscoped().filter(organization__isnull=True).update(state="up")
    stop(world.plans)
    mine = Component.objects.unscoped().get(upstream=world.plans)
    Outage.objects.create(component=mine, began_at=clock.now(), noticed_at=clock.now(), severity="critical")
    said = read(world.browser("alice"))
    assert (said["status"], said["score"], said["issues"]) == ("healthy", None, [])
    assert {one["component"]: (one["organization"], one["until"]) for one in said["maintenance"]} == {
        "plans-api": ("tidewater", iso(last)),
        "ai-api": ("tidewater", iso(first)),
    }
    lines = [line for family in families() for line in family.lines]
    assert 'breakwater_outages{severity="critical"} 0' in lines
    assert "breakwater_outages_planned 1" in lines


def test_a_slow_one_degrades_and_is_still_200(world: World, working: None) -> None:
    """Degraded is an answer that a load balancer may go on with."""
    stand(State.UP)
    Component.objects.unscoped().filter(upstream__organization=world.people.tidewater).update(state="slow")
    assert read(world.browser("alice"))["status"] == "degraded"


def test_a_dead_prober_is_named(world: World, working: None) -> None:
    """What watches is watched: a duty that nobody runs degrades the portal, and is the first issue."""
    stand(State.UP)
    ProcessingLock.objects.filter(duty="prober").update(heartbeat_at=Now() - timedelta(minutes=5))
    said = read(world.browser("alice"))
    assert said["status"] == "degraded"
    assert said["issues"] == ["Breakwater itself: prober: last heartbeat 300 s ago."]
    ready = Client().get("/readyz")
    assert (ready.status_code, list(ready.json()["faults"])) == (503, ["prober"])


@pytest.mark.parametrize("runs", [True, False])
def test_all_say_the_same(world: World, working: None, key: str, runs: bool) -> None:
    """The page, /api/health to members and to all, /metrics and the stream: one word, also when a duty does not run; pages say why."""
    stand(State.UP)
    if not runs:
        ProcessingLock.objects.filter(duty="prober").update(heartbeat_at=Now() - timedelta(minutes=5))
    word, alice = "healthy" if runs else "degraded", world.browser("alice")
    page = alice.get("/settings/health").content.decode().partition('id="system-title"')[2]
    sign = re.search(r'<span class="state"[^>]*>.*?(\w+)</span>', page, re.S)
    assert sign is not None
    said = {
        "page": sign[1].lower(),
        "member": read(alice)["status"],
        "everybody": read(world.browser("nobody"))["status"],
        "stream": snapshot(frozenset({world.people.tidewater.pk}))["status"],
    }
    assert said == dict.fromkeys(said, word)
    assert figure(scrape(world.browser("nobody")), "breakwater_health_status", status=word) == 1
    for path in ("/", "/settings/health"):
        told = "Degraded at best while nobody runs prober." in alice.get(path).content.decode()
        assert told is not runs, path


def test_a_full_disk_is_told_as_a_share(world: World) -> None:
    """How large the disk is that all organizations share is not for members."""
    nearly = Storage("sqlite", size=1, free=70_000, whole=1_000_000)
    assert "The disk is nearly full: 7.0\u00a0% is free." in issues(system_of(None), {}, nearly, several=False)


def test_what_waits_and_what_is_stuck(world: World, working: None) -> None:
    """Backlog, assignments and lag, by organization."""
    stand(State.UP)
    with time_machine.travel(clock.now() - timedelta(minutes=7), tick=False):
        world.track("alice", "e-1")
    for person in ("p-1", "p-2"):
        world.assign("alice", person)
    at = desk()
    for job in at.turn([]).assignments:
        if job.entity_id.endswith("p-2"):
            answer(at, job, Rejected("It refused this", "refused", 422))
    said = read(world.browser("alice"))
    assert said["offlineQueue"]["pendingAssignments"] == 1
    assert said["orgEnforcement"]["byOrganization"] == {"tidewater": 1}
    assert said["analyticsIngestLagMs"] == pytest.approx(420_000, abs=5_000)
    assert "1 assignment is stuck." in said["issues"]
    assert "Analytics events come in late: the oldest has been waiting for 7\u00a0min." in said["issues"]
    assert said["bulkheads"][0]["active"] == 2


def test_a_thousand_who_ask_cost_one_look(world: World, working: None) -> None:
    """Whoever is not signed in cannot make the database work: within a second all get what the first one got."""
    read(world.browser("nobody"))
    client = world.browser("nobody")
    with CaptureQueriesContext(connection) as queries:
        for _ in range(20):
            read(client)
    assert len(queries) == 0


def test_too_many_from_one_address_have_to_wait(world: World, working: None, settings: object) -> None:
    """As everywhere in the API."""
    settings.BREAKWATER_STRANGER_RATE, settings.BREAKWATER_STRANGER_BURST = 0.01, 2  # type: ignore[attr-defined]
    assert [Client().get("/api/health").status_code for _ in range(4)][-1] == 429


@pytest.mark.parametrize("who", ["nobody", "alice"])
def test_while_the_database_is_away(world: World, working: None, away: Away, who: str) -> None:
    """503 and one word, no trace, no word of where it is; a moment after it is back all is well again."""
    stand(State.UP)
    client = world.browser(who)
    with away():
        said = read(client, 503)
        ready = client.get("/readyz")
    assert said == {"status": "unhealthy"}
    assert ready.status_code == 503
    assert SECRET not in ready.content.decode()
    assert "database" in ready.json()["faults"]
    LATELY.forget()
    STATUS.forget()
    assert read(client)["status"] == "healthy"


def test_by_a_token_while_the_database_is_away(world: World, working: None, away: Away) -> None:
    """A token cannot be checked then, and the answer is the same."""
    token = make_token(world.people.alice, world.people.tidewater)
    with away():
        response = Client().get("/api/health", headers={"Authorization": f"Bearer {token}"})
    assert (response.status_code, response.json()) == (503, {"status": "unhealthy"})


def test_many_issues_are_cut(world: World, working: None) -> None:
    """At most 50 sentences, and the last says how many are left out."""
    stand(State.DOWN)
    now = clock.now()
    made = Component.objects.bulk_create(
        Component(organization=world.people.tidewater, slug=f"s-{n}", name="S", state="down", since=now)
        for n in range(60)
    )
    Probe.objects.bulk_create(Probe(component=one, name="x", kind="tcp", last_at=now, state="down") for one in made)
    said = read(world.browser("alice"), 503)
    assert len(said["issues"]) == 50
    assert said["issues"][-1] == "13 more are wrong."


@pytest.mark.parametrize("who", ["alice", "bob"])
def test_the_figures_for_members(world: World, working: None, who: str) -> None:
    """/api/diagnostics/metrics tells each group of figures, of the own organization alone."""
    world.enqueue("alice")
    world.enqueue("charlie")
    said = world.browser(who).get("/api/diagnostics/metrics").json()
    assert set(said) >= {"queue", "breakers", "bulkheads", "retries", "timeouts", "probes", "conflicts", "workers"}
    assert said["queue"]["waiting"] == 1
    assert [one["upstream"] for one in said["breakers"]] == ["plans-api", "ai-api"]
    assert [one["probe"] for one in said["probes"]["each"]] == ["answers", "answers"]
    assert {one["name"]: one["running"] for one in said["workers"]["duties"]}["prober"] is True
    assert "northlight" not in str(said)


def test_the_figures_are_for_members_alone(world: World) -> None:
    """Nobody else gets in; a stranger gets the own."""
    assert world.browser("nobody").get("/api/diagnostics/metrics").status_code == 401
    said = world.browser("charlie").get("/api/diagnostics/metrics").json()
    assert "tidewater" not in str(said)
    token = make_token(world.people.alice, world.people.tidewater, Permission.ENQUEUE)
    refused = Client().get("/api/diagnostics/metrics", headers={"Authorization": f"Bearer {token}"})
    assert refused.status_code == 403


def test_the_figures_while_the_database_is_away(world: World, away: Away) -> None:
    """A problem as the API tells it, without a trace."""
    client = world.browser("alice")
    with away():
        response = client.get("/api/diagnostics/metrics")
    assert response.status_code == 503
    assert SECRET not in response.content.decode()

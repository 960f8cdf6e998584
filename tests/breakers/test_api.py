"""Breakers by REST."""

from datetime import timedelta

import pytest
from django.http import HttpResponse
from django.test import Client

from portal.events.models import Event
from portal.kit import clock
from portal.kit.viewer import Permission
from portal.tenancy.models import Membership
from resilience.breakers.models import Breaker, Window
from tests.breakers.conftest import Harbour, calls, figures, wave, window
from tests.rest.conftest import Caller, _fresh_limits  # noqa: F401 - a fixture
from tests.support.people import make_token

pytestmark = pytest.mark.django_db


def caller(harbour: Harbour, name: str, *scopes: Permission) -> Caller:
    """One of the people with a token of their organization."""
    user = harbour.world.people.get(name) or type(harbour.world.people["alice"]).objects.get(username=name)
    organization = Membership.objects.unscoped().get(user=user).organization
    return Caller(make_token(user, organization, *scopes), Client())


def fault(answer: HttpResponse) -> str:
    """Where the first fault of a problem is."""
    return str(answer.json()["errors"][0]["pointer"])


def test_the_list_is_of_ones_own_organizations(harbour: Harbour) -> None:
    """In cursor pages, each with its state; strangers' are not among them."""
    found = caller(harbour, "bob").get("/breakers?page_size=3").json()
    assert len(found["results"]) == 3
    assert found["next_cursor"]
    assert [row["upstream"] for row in found["results"]] == ["plans-api", "openai", "billing"]
    assert [row["upstream"] for row in caller(harbour, "charlie").get("/breakers").json()["results"]] == ["northern"]


def test_one_breaker_whole(harbour: Harbour) -> None:
    """Its state, the figures in force with their sources, and the last calls over all processes."""
    shown = caller(harbour, "bob").get("/breakers/plans-api").json()
    assert (shown["state"], shown["openings"], shown["rejected"], shown["forced"]) == ("open", 4, 412, None)
    sources = {row["key"]: row["source"] for row in caller(harbour, "bob").get("/breakers/openai").json()["figures"]}
    assert sources["circuit_breaker.slow_call_ms"] == "upstream"
    assert sources["circuit_breaker.failure_threshold"] == "policy ai"
    assert sources["circuit_breaker.volume_threshold"] == "built in"
    assert [call["verdict"] for call in shown["recent"]].count("failure") == 8


def test_windows_are_summed_over_processes(harbour: Harbour) -> None:
    """Sums, and the highest of any process for what each counts for itself."""
    billing = harbour.upstream("billing")
    window(billing, figures(clock.now(), calls(clock.now(), wave(9), failed=2), calls=4), process="pump-9#1")
    shown = caller(harbour, "bob").get("/breakers/billing").json()["window"]
    assert shown == {
        "processes": 2,
        "calls": 100,
        "failures": 3,
        "slow": 0,
        "consecutive": 2,
        "health_score": 96.0,
    }


def test_transitions_come_newest_first(harbour: Harbour) -> None:
    """With the window that caused them."""
    found = caller(harbour, "bob").get("/breakers/plans-api/transitions").json()["results"]
    assert len(found) == 8
    tripped = next(row for row in found if row["cause"] == "trip")
    assert (tripped["before"], tripped["after"], tripped["process"]) == ("closed", "open", "pump-0#1")
    assert tripped["window"]["consecutive"] == 5
    assert tripped["window"]["errors"][0]["code"] == "503"
    assert found[-1]["window"] is None


def test_an_operator_resets(harbour: Harbour) -> None:
    """Closed, with an event that says who and why."""
    answer = caller(harbour, "ivan").post("/breakers/plans-api/reset", {"reason": "The deploy is done."})
    assert answer.status_code == 200, answer.content
    assert (answer.json()["state"], answer.json()["rejected"]) == ("closed", 0)
    event = Event.objects.unscoped().get(verb="breaker.closed")
    assert (event.actor, "The deploy is done." in event.data) == ("ivan", True)


def test_an_admin_forces_open_until_a_moment(harbour: Harbour) -> None:
    """It says who, why and until when; a reset ends it."""
    alice, until = caller(harbour, "alice"), (clock.now() + timedelta(hours=2)).replace(microsecond=0)
    answer = alice.post("/breakers/github/force-open", {"reason": "A restore.", "until": until.isoformat()})
    assert answer.status_code == 200, answer.content
    shown = answer.json()
    assert shown["state"] == "open"
    assert {**shown["forced"], "until": None} == {"how": "open", "by": "alice", "reason": "A restore.", "until": None}
    assert harbour.breaker("github").forced_until == until
    assert alice.post("/breakers/github/reset").json()["forced"] is None


@pytest.mark.parametrize("path", ["force-open", "force-closed", "disable"])
def test_what_an_admin_forced_an_operator_does_not_end(harbour: Harbour, path: str) -> None:
    """Neither alone nor with all others, and he reads who forced it and why; once its time is over, he may."""
    alice, ivan = caller(harbour, "alice"), caller(harbour, "ivan")
    assert alice.post(f"/breakers/github/{path}", {"reason": "It harms the upstream."}).status_code == 200
    refused = ivan.post("/breakers/github/reset")
    assert refused.status_code == 409
    assert "alice forced the breaker: It harms the upstream." in refused.json()["detail"]
    ivan.post("/breakers/reset-all")
    assert harbour.breaker("github").force
    over = clock.now() - timedelta(seconds=1)
    Breaker.objects.filter(upstream__slug="github").update(forced_until=over)
    Breaker.objects.filter(upstream__slug="github", state="open").update(open_until=over)
    assert ivan.post("/breakers/github/reset").json()["state"] == "closed"


@pytest.mark.parametrize(("path", "how"), [("force-closed", "closed"), ("disable", "disabled")])
def test_an_admin_lets_everything_pass(harbour: Harbour, path: str, how: str) -> None:
    """For an hour, unless another end is named."""
    said = {"reason": "A load test.", "until": None}
    answer = caller(harbour, "alice").post(f"/breakers/plans-api/{path}", said)
    assert (answer.json()["state"], answer.json()["forced"]["how"]) == ("closed", how)
    until = harbour.breaker("plans-api").forced_until
    assert until is not None
    assert timedelta(minutes=59) < until - clock.now() <= timedelta(hours=1)


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({}, "/reason"),
        ({"reason": "x" * 301}, "/reason"),
        ({"reason": "x", "until": "soon"}, "/until"),
        ({"reason": "x", "until": "2026-02-30T00:00:00Z"}, "/until"),
        ({"reason": "x", "until": "2026-11-21T04:12:00"}, "/until"),
        ({"reason": "x", "until": "2020-01-01T00:00:00Z"}, "/until"),
        ({"reason": "x", "until": "2999-01-01T00:00:00Z"}, "/until"),
        ({"reason": "x", "until": 5}, "/until"),
        ({"reason": None}, "/reason"),
        ({"reason": "x", "for": "ever"}, "/for"),
    ],
)
def test_what_cannot_be_forced_is_said(harbour: Harbour, body: dict[str, object], pointer: str) -> None:
    """With a pointer at what is wrong; nothing moves."""
    answer = caller(harbour, "alice").post("/breakers/github/force-open", body)
    assert (answer.status_code, fault(answer)) == (400, pointer)
    assert harbour.breaker("github").version == 0


@pytest.mark.parametrize(
    ("name", "path", "status"),
    [
        ("ivan", "force-open", 403),
        ("bob", "reset", 403),
        ("bob", "test", 403),
        ("charlie", "reset", 404),
        ("charlie", "force-open", 404),
    ],
)
def test_who_may_not(harbour: Harbour, name: str, path: str, status: int) -> None:
    """An operator does not force, a viewer does nothing, a stranger finds nothing."""
    body = {"reason": "x"} if path != "test" else None
    assert caller(harbour, name).post(f"/breakers/plans-api/{path}", body).status_code == status
    assert harbour.breaker("plans-api").version == 2


def test_a_token_needs_the_scope(harbour: Harbour) -> None:
    """An admin's token that may only operate resets, and does not force."""
    alice = caller(harbour, "alice", Permission.READ, Permission.OPERATE)
    assert alice.post("/breakers/plans-api/force-closed", {"reason": "x"}).status_code == 403
    assert alice.post("/breakers/plans-api/reset").status_code == 200


def test_reset_all_takes_those_that_moved(harbour: Harbour) -> None:
    """Those of others and those that are simply closed stay as they are."""
    Breaker.objects.filter(upstream__slug="northern").update(state="open")
    answer = caller(harbour, "ivan").post("/breakers/reset-all", {"reason": "The network is back."}).json()
    assert (answer["reset"], [row["upstream"] for row in answer["breakers"]]) == (1, ["plans-api"])
    assert harbour.breaker("northern").state == "open"
    assert harbour.breaker("github").version == 0


def test_two_organizations_with_the_same_slug(harbour: Harbour) -> None:
    """Who belongs to both has to say which."""
    world = harbour.world
    world.upstream("plans-api", world.northlight)
    Membership.objects.create(organization=world.northlight, user=world.people["alice"], role=30)
    both = Client()
    both.force_login(world.people["alice"])
    assert both.get("/api/v1/breakers/plans-api").status_code == 400
    named = both.get("/api/v1/breakers/plans-api?organization=northlight")
    assert (named.status_code, named.json()["organization"]) == (200, "northlight")


def test_a_test_of_an_open_breaker_is_its_first_half_open_call(harbour: Harbour) -> None:
    """Nothing listens there: it is open again, longer in a row by one, and the sentence says why."""
    answer = caller(harbour, "ivan").post("/breakers/plans-api/test")
    assert answer.status_code == 200, answer.content
    assert answer.json()["ok"] is False
    row = harbour.breaker("plans-api")
    assert (row.state, row.openings) == ("open", 5)
    assert "Connection refused." in row.reason
    verbs = list(Event.objects.unscoped().order_by("id").values_list("verb", flat=True))
    assert verbs == ["breaker.half-opened", "upstream.tested", "breaker.reopened"]


def test_what_a_person_keeps_open_is_not_tested(harbour: Harbour) -> None:
    """A test would end it silently; a reset does that openly."""
    alice = caller(harbour, "alice")
    alice.post("/breakers/plans-api/force-open", {"reason": "A restore."})
    answer = alice.post("/breakers/plans-api/test")
    assert answer.status_code == 409
    assert "alice keeps the breaker open: A restore." in answer.json()["detail"]
    assert harbour.breaker("plans-api").forced == "open"


def test_why_it_opened_outlives_the_tests(harbour: Harbour) -> None:
    """`reason` is the last test's; what opened it has a field of its own, here and in the list."""
    Breaker.objects.filter(upstream__slug="plans-api").update(reason="It answered 500")
    bob = caller(harbour, "bob")
    shown = bob.get("/breakers/plans-api").json()
    assert shown["reason"] == "It answered 500"
    assert shown["opened_reason"].startswith("5 failures in a row, the last: ")
    listed = {row["upstream"]: row["opened_reason"] for row in bob.get("/breakers").json()["results"]}
    assert listed["plans-api"] == shown["opened_reason"]
    assert listed["github"] == ""


def test_a_transition_says_what_was_forced(harbour: Harbour) -> None:
    """Disabled, forced closed and reset all lead to closed."""
    alice = caller(harbour, "alice")
    for path in ("disable", "force-closed", "reset"):
        alice.post(f"/breakers/github/{path}", {"reason": "A load test."})
    found = alice.get("/breakers/github/transitions").json()["results"]
    assert [(row["after"], row["forced"]) for row in found] == [("closed", how) for how in ("", "closed", "disabled")]


def test_a_force_that_is_over_is_not_told(harbour: Harbour) -> None:
    """Also before a process has written that it ended."""
    alice = caller(harbour, "alice")
    alice.post("/breakers/github/force-closed", {"reason": "A load test."})
    Breaker.objects.filter(upstream__slug="github").update(forced_until=clock.now() - timedelta(seconds=1))
    assert alice.get("/breakers/github").json()["forced"] is None


def test_a_process_that_is_gone_is_not_summed(harbour: Harbour) -> None:
    """Its window is minutes behind that of another."""
    github, now = harbour.upstream("github"), clock.now()
    window(github, figures(now, calls(now, wave(9), failed=4), score=25.0), process="pump-0@killed")
    Window.objects.filter(process="pump-0@killed").update(at=now - timedelta(minutes=6))
    shown = caller(harbour, "bob").get("/breakers/github").json()["window"]
    assert (shown["processes"], shown["consecutive"], shown["health_score"]) == (2, 0, 96.0)

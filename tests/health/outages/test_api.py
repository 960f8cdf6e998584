"""Outages over the REST API: the same actions, with problems that point at what is wrong."""

import json
from datetime import timedelta
from typing import Any

import pytest
from django.http import HttpResponse
from django.test import Client

from portal.kit import clock
from resilience.health.models import Component, Outage
from resilience.upstreams.models import Upstream
from tests.rest.conftest import Caller
from tests.support.people import People, make_upstream

RECORD = {"component": "plans-api", "severity": "major"}


@pytest.fixture
def outage(upstream: Upstream) -> Outage:
    """One that opened by itself an hour ago."""
    now = clock.now()
    component = Component.objects.get(upstream=upstream)
    return Outage.objects.create(
        component=component, began_at=now - timedelta(hours=1), noticed_at=now, severity="critical", cause="timeout"
    )


def pointers(answer: HttpResponse, status: int) -> list[str]:
    """Where the problem points."""
    assert answer.status_code == status, answer.content
    assert answer.headers["Content-Type"] == "application/problem+json"
    return [fault["pointer"] for fault in json.loads(answer.content)["errors"]]


def test_from_recording_to_the_end(alice: Caller, upstream: Upstream) -> None:
    """Recorded, noted, expected, closed; each answer shows the outage as it is then."""
    made = alice.post("/health/outages", RECORD | {"cause": "The vendor says so."})
    assert made.status_code == 201, made.content
    body = made.json()
    assert (body["component"], body["upstream"], body["organization"]) == ("plans-api", "plans-api", "tidewater")
    assert (body["opened_by"], body["ended_at"], body["notes"]) == ("alice", None, [])
    path = f"/health/outages/{body['id']}"
    note = alice.post(f"{path}/notes", {"text": "They replace a disk."})
    assert (note.status_code, note.json()["author"]) == (201, "alice")
    back = (clock.now() + timedelta(hours=1)).isoformat()
    told = alice.post(f"{path}/expect", {"at": back, "text": "They say so."}).json()
    assert (told["expected"]["source"], told["expected"]["overdue"]) == ("person", False)
    over = alice.post(f"{path}/close", {"reason": "It answers."}).json()
    assert (over["closed_by"], [one["text"] for one in over["notes"]]) == (
        "alice",
        ["It answers.", "They replace a disk."],
    )
    assert alice.get(path).json() == over
    assert [one["text"] for one in alice.get(f"{path}/notes").json()["results"]] == [
        "It answers.",
        "They replace a disk.",
    ]


def test_a_second_one_names_the_first(alice: Caller, outage: Outage) -> None:
    """409 with its id and its page."""
    answer = alice.post("/health/outages", RECORD)
    assert pointers(answer, 409) == ["/component"]
    assert (answer.json()["outage"], answer.json()["page"]) == (outage.pk, f"/settings/health/outages/{outage.pk}")


def test_closing_twice_and_closing_what_opens_again(alice: Caller, outage: Outage) -> None:
    """409 until it is meant; 409 when it is over."""
    Component.objects.update(state="down")
    path = f"/health/outages/{outage.pk}/close"
    assert pointers(alice.post(path, {"reason": "Noise"}), 409) == ["/although_failing"]
    assert alice.post(path, {"reason": "Noise", "although_failing": True}).status_code == 200
    assert pointers(alice.post(path, {"reason": "Noise", "although_failing": True}), 409) == []


@pytest.mark.parametrize(
    ("body", "where"),
    [
        ({}, ["/component"]),
        ({"component": "nowhere", "severity": "major"}, ["/component"]),
        (RECORD | {"severity": "bad"}, ["/severity"]),
        (RECORD | {"severity": 7}, ["/severity"]),
        (RECORD | {"organization": "northlight"}, ["/component"]),
        (RECORD | {"began_at": "yesterday"}, ["/began_at"]),
        (RECORD | {"began_at": "2026-13-45T00:00:00Z"}, ["/began_at"]),
        (RECORD | {"began_at": "2026-01-01T00:00:00"}, ["/began_at"]),
        (RECORD | {"began_at": "2099-01-01T00:00:00Z"}, ["/began_at"]),
        (RECORD | {"expected_at": "2020-01-01T00:00:00Z"}, ["/expected_at"]),
        (RECORD | {"expected_at": 7}, ["/expected_at"]),
        (RECORD | {"cause": ["x"], "colour": "red"}, ["/colour", "/cause"]),
        (RECORD | {"cause": "x" * 301}, ["/cause"]),
        ([], [""]),
    ],
)
def test_what_cannot_be_recorded(alice: Caller, upstream: Upstream, body: Any, where: list[str]) -> None:
    """Each fault is at its place, and nothing is stored."""
    assert pointers(alice.post("/health/outages", body), 400) == where
    assert not Outage.objects.exists()


@pytest.mark.parametrize(
    ("verb", "body", "where"),
    [
        ("notes", {}, ["/text"]),
        ("notes", {"text": 7}, ["/text"]),
        ("notes", {"text": "x" * 1_001}, ["/text"]),
        ("close", {}, ["/reason"]),
        ("close", {"reason": "x", "although_failing": "yes"}, ["/although_failing"]),
        ("close", {"reason": "x", "ended_at": "2020-01-01T00:00:00Z"}, ["/ended_at"]),
        ("expect", {"at": "soon"}, ["/at"]),
        ("expect", {"at": "2020-01-01T00:00:00Z"}, ["/at"]),
        ("expect", {"text": "x" * 301}, ["/text"]),
    ],
)
def test_what_cannot_be_said(alice: Caller, outage: Outage, verb: str, body: Any, where: list[str]) -> None:
    """Each fault is at its place, and the outage stays as it is."""
    assert pointers(alice.post(f"/health/outages/{outage.pk}/{verb}", body), 400) == where
    outage.refresh_from_db()
    assert outage.ended_at is None


def test_lists_are_narrowed(alice: Caller, outage: Outage, people: People) -> None:
    """By state, component, severity and who opened it; what there is not is named."""
    mine = make_upstream(people.tidewater, slug="github")
    alice.post("/health/outages", {"component": mine.slug, "severity": "minor"})
    for query, found in (
        ("", {"github", "plans-api"}),
        ("?state=active", {"github", "plans-api"}),
        ("?state=over", set()),
        ("?by=person", {"github"}),
        ("?by=itself&severity=critical", {"plans-api"}),
        ("?component=github", {"github"}),
        ("?organization=northlight", set()),
    ):
        rows = alice.get(f"/health/outages{query}").json()["results"]
        assert {row["component"] for row in rows} == found, query
    assert pointers(alice.get("/health/outages?state=bad"), 400) == ["?state"]
    assert pointers(alice.get("/health/outages?component=a%00b"), 400) == ["?component"]
    assert pointers(alice.get("/health/outages?cursor=x"), 400) == ["?cursor"]


def test_the_same_name_in_two_organizations(people: People, upstream: Upstream) -> None:
    """Who belongs to both says which."""
    make_upstream(people.northlight)
    people.northlight.memberships.create(user=people.alice, role=30)
    from_both = Caller("", Client())
    from_both.client.force_login(people.alice)
    assert pointers(from_both.post("/health/outages", RECORD), 400) == ["/organization"]
    made = from_both.post("/health/outages", RECORD | {"organization": "northlight"})
    assert (made.status_code, made.json()["organization"]) == (201, "northlight")


def test_who_may(bob: Caller, reader: Caller, charlie: Caller, nobody: Caller, outage: Outage) -> None:
    """Members read; a viewer and a token that may only read change nothing; a stranger finds nothing; nobody gets in."""
    path = f"/health/outages/{outage.pk}"
    changes = [
        ("/health/outages", RECORD),
        (f"{path}/notes", {"text": "x"}),
        (f"{path}/close", {"reason": "x"}),
        (f"{path}/expect", {"text": "x"}),
    ]
    for member in (bob, reader):
        assert member.get(path).status_code == 200
        assert [member.post(where, body).status_code for where, body in changes] == [403] * 4
    assert [charlie.get(where).status_code for where in (path, f"{path}/notes")] == [404, 404]
    assert charlie.get("/health/outages").json()["results"] == []
    assert [charlie.post(where, body).status_code for where, body in changes] == [400, 404, 404, 404]
    assert [nobody.post(where, body).status_code for where, body in changes] == [401] * 4
    assert Outage.objects.get().ended_at is None

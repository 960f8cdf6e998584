"""Maintenance over the REST API."""

import json
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
from django.http import HttpResponse

from portal.kit import clock
from resilience.health.models import Component, Maintenance
from resilience.upstreams.models import Upstream
from tests.rest.conftest import Caller
from tests.support.people import People, make_upstream

WEEKLY = {"title": "Backup", "component": "plans-api", "schedule": "0 2 * * 1", "minutes": 90}


def pointers(answer: HttpResponse, status: int) -> list[str]:
    """Where the problem points."""
    assert answer.status_code == status, answer.content
    return [fault["pointer"] for fault in json.loads(answer.content)["errors"]]


def moment(**ahead: float) -> str:
    """A moment so far ahead, as JSON has it."""
    return (clock.now() + timedelta(**ahead)).isoformat()


def test_recurring(alice: Caller, upstream: Upstream) -> None:
    """It is shown with its next three times, each a week after the other, and is called off with a reason."""
    made = alice.post("/health/maintenance", WEEKLY | {"time_zone": "Asia/Kolkata"})
    assert made.status_code == 201, made.content
    body = made.json()
    assert (body["state"], body["window"], body["component"]) == ("planned", None, "plans-api")
    starts = [datetime.fromisoformat(window["starts_at"]) for window in body["next"]]
    assert [later - start for start, later in pairwise(starts)] == [timedelta(days=7)] * 2
    assert {(start.hour, start.minute) for start in starts} == {(20, 30)}
    path = f"/health/maintenance/{body['id']}"
    assert alice.get(path).json() == body
    off = alice.post(f"{path}/call-off", {"reason": "The vendor has put it off."}).json()
    assert (off["state"], off["called_off_by"], off["next"]) == ("called_off", "alice", [])
    assert pointers(alice.post(f"{path}/call-off"), 409) == []


def test_once_and_now(alice: Caller, upstream: Upstream) -> None:
    """One that has begun is now; it is for all that the organization has when it names no component."""
    made = alice.post(
        "/health/maintenance", {"title": "Move", "starts_at": moment(minutes=-5), "ends_at": moment(hours=1)}
    )
    body = made.json()
    assert (made.status_code, body["state"], body["component"], body["organization"]) == (201, "now", None, "tidewater")
    assert body["window"] == {"starts_at": body["starts_at"], "ends_at": body["ends_at"]}
    assert body["next"] == []


@pytest.mark.parametrize(
    ("fields", "where"),
    [
        ({"title": None}, ["/title"]),
        ({"component": "nowhere"}, ["/component"]),
        ({"schedule": "x"}, ["/schedule"]),
        ({"schedule": "0 2 31 2 *"}, ["/schedule"]),
        ({"schedule": ""}, ["/starts_at", "/ends_at"]),
        ({"minutes": "90"}, ["/minutes"]),
        ({"minutes": True}, ["/minutes"]),
        ({"minutes": 0}, ["/minutes"]),
        ({"minutes": 2**70}, ["/minutes"]),
        ({"time_zone": "Mars/Olympus"}, ["/time_zone"]),
        ({"time_zone": "a\x00"}, ["/time_zone"]),
        ({"ends_at": "never"}, ["/ends_at"]),
        ({"starts_at": "2026-11-21T02:00:00"}, ["/starts_at"]),
        ({"colour": "red"}, ["/colour"]),
    ],
)
def test_what_cannot_be_planned(alice: Caller, upstream: Upstream, fields: dict[str, Any], where: list[str]) -> None:
    """Each fault is at its place, and nothing is stored."""
    assert pointers(alice.post("/health/maintenance", WEEKLY | fields), 400) == where
    assert not Maintenance.objects.exists()


def test_lists_are_narrowed(alice: Caller, people: People, upstream: Upstream) -> None:
    """By component (what is for all counts too), by organization, and to what can still come."""
    make_upstream(people.tidewater, slug="github")
    now = clock.now()
    for title, component in (("One", "plans-api"), ("Other", "github"), ("All", None)):
        Maintenance.objects.create(
            organization=people.tidewater,
            component=Component.objects.filter(slug=component).first(),
            title=title,
            starts_at=now,
            schedule="0 2 * * *",
            minutes=5,
            created_by="alice",
        )
    Maintenance.objects.create(
        organization=people.tidewater, title="Past", starts_at=now, ends_at=now, created_by="alice"
    )
    for query, titles in (
        ("", ["Past", "All", "Other", "One"]),
        ("?standing=true", ["All", "Other", "One"]),
        ("?standing=true&component=plans-api", ["All", "One"]),
        ("?organization=northlight", []),
    ):
        rows = alice.get(f"/health/maintenance{query}").json()["results"]
        assert [row["title"] for row in rows] == titles, query
    assert pointers(alice.get("/health/maintenance?standing=maybe"), 400) == ["?standing"]


def test_the_organizations_zone(alice: Caller, people: People) -> None:
    """Set by an admin, used for what is planned without a zone from then on."""
    assert alice.call("PUT", "/health/maintenance/time-zone", {"time_zone": "Europe/Berlin"}).json() == {
        "organization": "tidewater",
        "time_zone": "Europe/Berlin",
    }
    plan = {name: value for name, value in WEEKLY.items() if name != "component"}
    assert alice.post("/health/maintenance", plan).json()["time_zone"] == "Europe/Berlin"
    assert pointers(alice.call("PUT", "/health/maintenance/time-zone", {"time_zone": "x"}), 400) == ["/time_zone"]


def test_who_may(
    bob: Caller, reader: Caller, charlie: Caller, nobody: Caller, alice: Caller, upstream: Upstream
) -> None:
    """Members read; a viewer and a token that may only read change nothing; a stranger finds nothing; nobody gets in."""
    made = alice.post("/health/maintenance", WEEKLY).json()
    path = f"/health/maintenance/{made['id']}"
    zone = {"organization": "tidewater", "time_zone": "Europe/Berlin"}
    for member in (bob, reader):
        assert member.get(path).status_code == 200
        assert member.post("/health/maintenance", WEEKLY).status_code == 403
        assert member.post(f"{path}/call-off").status_code == 403
        assert member.call("PUT", "/health/maintenance/time-zone", zone).status_code == 403
    assert charlie.get(path).status_code == 404
    assert charlie.get("/health/maintenance").json()["results"] == []
    assert charlie.post(f"{path}/call-off").status_code == 404
    assert charlie.post("/health/maintenance", WEEKLY).status_code == 400
    assert charlie.call("PUT", "/health/maintenance/time-zone", zone).status_code == 400
    assert nobody.post("/health/maintenance", WEEKLY).status_code == 401
    assert Maintenance.objects.get().called_off_at is None

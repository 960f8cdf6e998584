"""Upstreams by REST."""

import json
from typing import Any

import pytest

from portal.kit.masking import MASK
from resilience.upstreams.models import Upstream
from tests.rest.conftest import Caller
from tests.support.people import People, make_upstream
from tests.upstreams.test_actions import GOOD

KINTO: dict[str, Any] = {
    "slug": "plans-api",
    "name": "Plans API",
    "adapter": "json-http",
    "address": "http://127.0.0.1:8888/v1",
    "headers": {"X-Client": "breakwater"},
    "credentials": {"type": "basic", "username": "anna", "password": "hush"},
    "timeout": 10,
    "in_flight_limit": 8,
    "failed_head": "hold",
    "critical": True,
    "policy": "api",
    "routes": {
        "plan": {
            "path": "/buckets/b/collections/plans/records/{id}",
            "document": "data",
            "create": "PUT",
            "update": "PUT",
            "content_type": "application/json",
        }
    },
    "version": "etag",
}


def test_add_read_and_list(alice: Caller, bob: Caller) -> None:
    """The documented payload is taken as it stands; credentials are told by type and date only."""
    answer = alice.post("/upstreams", KINTO)
    assert answer.status_code == 201, answer.content
    body = answer.json()
    assert {name: body[name] for name in KINTO if name != "credentials"} == {
        name: value for name, value in KINTO.items() if name != "credentials"
    }
    assert body["credentials"]["type"] == "basic"
    assert body["credentials"]["set_at"]
    assert (body["revision"], body["paused"], body["out"], body["waiting"]) == (1, None, None, 0)
    assert bob.get("/upstreams/plans-api").json() == body
    assert bob.get("/upstreams").json()["results"] == [body]
    assert "hush" not in json.dumps(body)


def test_secrets_in_headers_are_masked(alice: Caller) -> None:
    """A header that is called like a secret is shown as dots."""
    alice.post("/upstreams", GOOD)
    assert alice.get("/upstreams/plans-api").json()["headers"] == {"X-Client": "breakwater", "X-Api-Key": MASK}


def test_change(alice: Caller) -> None:
    """PATCH changes what is named, and says when the credentials were cleared by it."""
    alice.post("/upstreams", KINTO)
    body = alice.call("PATCH", "/upstreams/plans-api", {"in_flight_limit": 2, "revision": 1}).json()
    assert (body["in_flight_limit"], body["revision"], body["credentials"]["type"]) == (2, 2, "basic")
    body = alice.call("PATCH", "/upstreams/plans-api", {"address": "http://127.0.0.1:9999/v1"}).json()
    assert body["credentials"] == {"type": "none", "set_at": None}
    assert "credentials were cleared" in body["notice"]
    stale = alice.call("PATCH", "/upstreams/plans-api", {"in_flight_limit": 3, "revision": 1})
    assert (stale.status_code, stale.json()["errors"][0]["pointer"]) == (409, "/revision")


def test_pause_resume_and_test(alice: Caller, upstream: Upstream) -> None:
    """Each answers with what is now so."""
    body = alice.post("/upstreams/plans-api/pause", {"reason": "Moving"}).json()
    assert (body["paused"]["by"], body["paused"]["reason"], body["revision"]) == ("alice", "Moving", 2)
    assert alice.post("/upstreams/plans-api/resume").json()["paused"] is None
    tested = alice.post("/upstreams/plans-api/test").json()
    assert (tested["ok"], tested["status"]) == (False, None)
    assert "did not accept the connection" in tested["sentence"]


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "pointers"),
    [
        ("POST", "/upstreams", KINTO | {"slug": "UPPER", "timeout": 0}, 400, ["/slug", "/timeout"]),
        ("POST", "/upstreams", [KINTO], 400, [""]),
        (
            "POST",
            "/upstreams",
            KINTO | {"credentials": {"type": "basic"}},
            400,
            ["/credentials/username", "/credentials/password"],
        ),
        ("PATCH", "/upstreams/plans-api", {"headers": {"Host": "x"}}, 400, ["/headers/Host"]),
        ("PATCH", "/upstreams/plans-api", {"paused": True}, 400, ["/paused"]),
        ("POST", "/upstreams/plans-api/pause", {}, 400, ["/reason"]),
        ("POST", "/upstreams/plans-api/pause", {"reason": 7}, 400, ["/reason"]),
        ("GET", "/upstreams/nowhere", None, 404, []),
        ("GET", "/upstreams/plans-api?organization=%00", None, 400, ["?organization"]),
        ("POST", "/upstreams", KINTO, 409, ["/slug"]),
        ("DELETE", "/upstreams/plans-api", None, 405, []),
    ],
)
def test_what_cannot_be(
    alice: Caller, upstream: Upstream, method: str, path: str, body: Any, status: int, pointers: list[str]
) -> None:
    """A problem names the place, and nothing changed."""
    answer = alice.call(method, path, body)
    assert (answer.status_code, [fault["pointer"] for fault in answer.json()["errors"]]) == (status, pointers)
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert list(Upstream.objects.values_list("pk", "revision")) == [(upstream.pk, 1)]


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "/upstreams", KINTO | {"slug": "another"}),
        ("PATCH", "/upstreams/plans-api", {"timeout": 1}),
        ("POST", "/upstreams/plans-api/test", None),
        ("POST", "/upstreams/plans-api/pause", {"reason": "x"}),
        ("POST", "/upstreams/plans-api/resume", None),
    ],
)
def test_who_may_not(
    bob: Caller, reader: Caller, charlie: Caller, nobody: Caller, upstream: Upstream, method: str, path: str, body: Any
) -> None:
    """A viewer and a reading token are refused, a stranger finds nothing, and one without a token is sent away."""
    assert [one.call(method, path, body).status_code for one in (bob, reader, nobody)] == [403, 403, 401]
    if path != "/upstreams":
        assert charlie.call(method, path, body).status_code == 404
    assert list(Upstream.objects.values_list("pk", "revision")) == [(upstream.pk, 1)]


def test_a_slug_of_two_organizations(people: People, alice: Caller, charlie: Caller, upstream: Upstream) -> None:
    """A token belongs to one organization, so it always means its own."""
    make_upstream(people.northlight, name="Theirs")
    assert alice.get("/upstreams/plans-api").json()["name"] == "Plans API"
    assert charlie.get("/upstreams/plans-api").json()["name"] == "Theirs"
    assert alice.get("/upstreams/plans-api?organization=northlight").status_code == 404

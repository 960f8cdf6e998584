"""Whatever is wrong with a change: a problem that names the field and says why, and nothing is stored."""

import json
from typing import Any

import pytest
from django.db import OperationalError, connection
from django.http import HttpResponse
from django.test import Client

from portal.events.models import Event
from portal.tenancy.models import Token
from resilience.upstreams.models import Upstream
from syncqueue.models import Item, Lane
from tests.rest.conftest import Caller
from tests.rest.test_enqueue import CHANGE
from tests.support.people import People, make_upstream

TEXT = json.dumps(CHANGE)


def assert_refused(answer: HttpResponse, status: int, *pointers: str) -> dict[str, Any]:
    """It is a problem of this status with a sentence at each of these places, and nothing was stored."""
    assert answer.status_code == status, answer.content
    assert answer.headers["Content-Type"] == "application/problem+json"
    body: dict[str, Any] = json.loads(answer.content)
    assert [fault["pointer"] for fault in body["errors"]] == list(pointers), body
    assert all(fault["detail"] for fault in body["errors"])
    assert body["status"] == status
    assert body["title"].endswith(".")
    assert not Item.objects.exists()
    assert not Lane.objects.exists()
    assert not Event.objects.filter(subject__startswith="item:").exists()
    return body


BAD_FIELDS: list[tuple[dict[str, Any], tuple[str, ...]]] = [
    ({"upstream": "nowhere"}, ("/upstream",)),
    ({"upstream": 7}, ("/upstream",)),
    ({"kind": "plan_edti"}, ("/kind",)),
    ({"kind": ""}, ("/kind",)),
    ({"kind": None}, ("/kind",)),
    ({"kind": ["plan_edit"]}, ("/kind",)),
    ({"entity_type": "ship"}, ("/entity_type",)),
    ({"upstream": None, "entity_type": "ship"}, ("/entity_type",)),
    ({"entity_type": "../plan"}, ("/entity_type",)),
    ({"entity_id": ""}, ("/entity_id",)),
    ({"entity_id": " "}, ("/entity_id",)),
    ({"entity_id": "."}, ("/entity_id",)),
    ({"entity_id": ".."}, ("/entity_id",)),
    ({"entity_id": "a\nb"}, ("/entity_id",)),
    ({"entity_id": "a\x7fb"}, ("/entity_id",)),
    ({"entity_id": "a/b"}, ("/entity_id",)),
    ({"entity_id": "a\\b"}, ("/entity_id",)),
    ({"entity_id": "x" * 256}, ("/entity_id",)),
    ({"entity_id": 7}, ("/entity_id",)),
    ({"operation": "upsert"}, ("/operation",)),
    ({"form": "json-patch"}, ("/form",)),
    ({"payload": None}, ("/payload",)),
    ({"payload": []}, ("/payload",)),
    ({"payload": {"title": ""}}, ("/payload/title",)),
    ({"payload": {"title": 7, "status": "over"}}, ("/payload/status", "/payload/title")),
    ({"operation": "create", "payload": {}}, ("/payload/title",)),
    ({"operation": "delete", "payload": {"title": "x"}}, ("/payload",)),
    ({"kind": "status_change", "payload": {"a/b~c": 1, "status": "done"}}, ("/payload/a~1b~0c",)),
    ({"project": "nowhere"}, ("/project",)),
    ({"organization": "nowhere"}, ("/organization",)),
    ({"assigned_by": "charlie"}, ("/assigned_by",)),
    ({"client_id": "x" * 101}, ("/client_id",)),
    ({"client_seq": -1}, ("/client_seq",)),
    ({"client_seq": 2**63}, ("/client_seq",)),
    ({"client_seq": 1.5}, ("/client_seq",)),
    ({"client_seq": True}, ("/client_seq",)),
    ({"txn": "a\tb"}, ("/txn",)),
    ({"occurred_at": "yesterday"}, ("/occurred_at",)),
    ({"occurred_at": "2026-11-21T02:31:00"}, ("/occurred_at",)),
    ({"occurred_at": 1763692260}, ("/occurred_at",)),
    ({"base_version": "x" * 201}, ("/base_version",)),
    ({"idempotency_key": "x" * 201}, ("/idempotency_key",)),
    ({"idempotency_key": 7}, ("/idempotency_key",)),
    ({"colour": "red"}, ("/colour",)),
    ({"colour": "red", "txn": 7, "client_seq": "1"}, ("/colour", "/txn", "/client_seq")),
]


@pytest.mark.parametrize(("fields", "pointers"), BAD_FIELDS)
def test_a_field_that_cannot_be(
    alice: Caller, upstream: Upstream, fields: dict[str, Any], pointers: tuple[str, ...]
) -> None:
    """Each is named, alone and within a list, where the pointer is led by its place."""
    assert_refused(alice.post("/queue/items", CHANGE | fields), 400, *pointers)
    assert_refused(alice.post("/queue/items", [CHANGE | fields]), 400, *(f"/0{one}" for one in pointers))
    rows = [CHANGE | {"entity_id": f"p-{n}"} for n in range(20)]
    rows[17] = CHANGE | fields
    assert_refused(alice.post("/queue/items", rows), 400, *(f"/17{one}" for one in pointers))


BROKEN: list[tuple[bytes, str]] = [
    (b"", ""),
    (b"{", ""),
    (b'{"kind": "plan_edit",}', ""),
    (b'{"kind": plan_edit}', "/kind"),
    (b"{'kind': 'plan_edit'}", ""),
    (TEXT[:-1].encode() + b', "kind": "plan_edit"}', "/kind"),
    (TEXT.replace('"New"', '"New", "title": "Newer"').encode(), "/payload/title"),
    (TEXT.replace('"New"', "NaN").encode(), "/payload/title"),
    (TEXT.replace('"New"', "-Infinity").encode(), "/payload/title"),
    (TEXT.replace('"New"', "1e400").encode(), "/payload/title"),
    (TEXT.replace('"New"', '"\\u0000"').encode(), "/payload/title"),
    (TEXT.replace('"New"', '"\\ud800"').encode(), "/payload/title"),
    (TEXT.replace('"New"', '"\xff"').encode("latin-1"), ""),
    (b"[" * 101 + b"]" * 101, "/0" * 100),
    (b'"text"', ""),
    (b"7", ""),
    (b"null", ""),
    (b"[]", ""),
    (b"[7]", "/0"),
]


@pytest.mark.parametrize(("body", "pointer"), BROKEN)
def test_a_body_that_cannot_be_read(alice: Caller, upstream: Upstream, body: bytes, pointer: str) -> None:
    """Broken JSON, duplicate keys, NaN, unstorable characters and depth are refused at their place."""
    answer = alice.call("POST", "/queue/items", body)
    if body in {b"", b"null"}:  # nothing was said, so the kind is missing
        pointer = "/kind"
    assert_refused(answer, 400, pointer)


def test_depth_over_100(alice: Caller, upstream: Upstream) -> None:
    """The pointer leads to the level that is too deep."""
    text = TEXT.replace('"New"', '{"a":' * 99 + "1" + "}" * 99)
    assert_refused(alice.call("POST", "/queue/items", text.encode()), 400, "/payload/title" + "/a" * 98)


def test_an_item_over_its_limit(alice: Caller, upstream: Upstream) -> None:
    """More than 1 MiB in one payload is refused at the payload."""
    big = CHANGE | {"payload": {"notes": "x" * 1_048_576}}
    assert_refused(alice.post("/queue/items", big), 400, "/payload")
    assert_refused(alice.post("/queue/items", CHANGE | {"base": {"n": "x" * 1_048_576}}), 400, "/base")


def test_a_request_over_its_limit(alice: Caller, upstream: Upstream) -> None:
    """More than 8 MiB in one request is refused before it is understood."""
    answer = alice.call("POST", "/queue/items", b" " * (8 * 1_048_576) + TEXT.encode())
    body = assert_refused(answer, 413)
    assert "parts" in body["detail"]


def test_more_changes_than_fit_a_request(alice: Caller, upstream: Upstream) -> None:
    """1,000 are the most."""
    body = assert_refused(alice.post("/queue/items", [CHANGE] * 1_001), 400, "")
    assert "1000" in body["detail"]


def test_a_body_that_is_no_json(alice: Caller, upstream: Upstream) -> None:
    """Another content type is told so."""
    answer = alice.client.post(
        "/api/v1/queue/items", {"kind": "plan_edit"}, headers={"Authorization": f"Bearer {alice.secret}"}
    )
    assert_refused(answer, 415)


@pytest.mark.parametrize("secret", ["", "bw_unknown", "\x00", "ä"])
def test_a_missing_or_bad_token(upstream: Upstream, secret: str) -> None:
    """401 with the challenge; nothing is told about what exists."""
    answer = Caller(secret, Client()).post("/queue/items", CHANGE)
    assert_refused(answer, 401)
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")


@pytest.mark.parametrize("column", ["expires_at", "revoked_at"])
def test_a_token_that_is_over(alice: Caller, upstream: Upstream, column: str) -> None:
    """An expired or revoked token opens nothing."""
    Token.objects.update(**{column: "2020-01-01T00:00:00Z"})
    assert_refused(alice.post("/queue/items", CHANGE), 401)


def test_another_organizations_names(charlie: Caller, upstream: Upstream) -> None:
    """A stranger cannot tell an upstream that he may not see from one that does not exist."""
    assert_refused(charlie.post("/queue/items", CHANGE), 400, "/upstream")
    body = assert_refused(charlie.post("/queue/items", CHANGE | {"organization": "tidewater"}), 400, "/organization")
    other = charlie.post("/queue/items", CHANGE | {"organization": "nowhere"})
    assert json.loads(other.content)["detail"] == body["detail"]


def test_a_key_used_for_another_change(alice: Caller, people: People, upstream: Upstream) -> None:
    """409 at the key, with nothing of the whole request stored."""
    alice.post("/queue/items", CHANGE, Idempotency_Key="k-1")
    for body, pointer in (
        (CHANGE | {"payload": {"title": "Other"}, "idempotency_key": "k-1"}, "/idempotency_key"),
        ([CHANGE, CHANGE | {"entity_id": "p-2", "idempotency_key": "k-1"}], "/1/idempotency_key"),
    ):
        answer = alice.post("/queue/items", body)
        assert answer.status_code == 409
        assert [fault["pointer"] for fault in answer.json()["errors"]] == [pointer]
        assert answer.json()["type"].endswith("#idempotency-key-reused")
    assert Item.objects.count() == 1


def test_a_key_twice_in_one_list(alice: Caller, upstream: Upstream) -> None:
    """Two changes with one key contradict each other, unless they are the same."""
    rows = [CHANGE | {"idempotency_key": "k"}, CHANGE | {"idempotency_key": "k", "payload": {}}]
    assert_refused(alice.post("/queue/items", rows), 409, "/1/idempotency_key")
    assert alice.post("/queue/items", [rows[0], rows[0]]).status_code == 201
    assert Item.objects.count() == 1


def test_the_header_key_is_for_one(alice: Caller, upstream: Upstream) -> None:
    """With a list, or with another key in the change, it is refused."""
    assert_refused(alice.post("/queue/items", [CHANGE], Idempotency_Key="k-1"), 400, "")
    change = CHANGE | {"idempotency_key": "k-2"}
    assert_refused(alice.post("/queue/items", change, Idempotency_Key="k-1"), 400, "/idempotency_key")


def test_several_upstreams_that_fit(alice: Caller, people: People, upstream: Upstream) -> None:
    """Which one is meant is not guessed."""
    make_upstream(people.tidewater, slug="plans-too")
    change = {name: value for name, value in CHANGE.items() if name != "upstream"}
    assert_refused(alice.post("/queue/items", change), 400, "/upstream")


def test_a_database_that_cannot_store(alice: Caller, upstream: Upstream) -> None:
    """A full disk or a locked database at intake: 503, nothing half-stored, and the caller may try again."""

    def full(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        if sql.startswith('INSERT INTO "events_event"'):
            raise OperationalError("database or disk is full")
        return execute(sql, params, many, context)

    with connection.execute_wrapper(full):
        answer = alice.post("/queue/items", [CHANGE, CHANGE | {"entity_id": "p-2"}])
    body = assert_refused(answer, 503)
    assert "try again" in body["title"]

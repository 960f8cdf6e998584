"""POST /api/v1/queue/items: one change or many, all or none, each key once."""

from typing import Any

import pytest
from django.test import Client

from portal.kit.viewer import Permission
from resilience.upstreams.models import Upstream
from syncqueue.core.states import ItemState
from syncqueue.models import Item
from tests.rest.conftest import Caller
from tests.support.people import People, make_token, make_upstream

CHANGE: dict[str, Any] = {
    "upstream": "plans-api",
    "kind": "plan_edit",
    "entity_type": "plan",
    "entity_id": "p-1",
    "operation": "update",
    "payload": {"title": "New", "description": None},
}


def test_one_change(alice: Caller, upstream: Upstream) -> None:
    """The answer says which item stands for it, in which place of its lane, and where to follow it."""
    answer = alice.post("/queue/items", CHANGE)
    assert answer.status_code == 201
    body = answer.json()
    assert (body["state"], body["seq"], body["created"]) == ("queued", 1, True)
    assert (body["entity_type"], body["entity_id"], body["upstream"]) == ("plan", "p-1", "plans-api")
    assert (body["organization"], body["actor"], body["why"]) == ("tidewater", "alice", "Is sent next.")
    item = Item.objects.get()
    assert str(item.pk) == body["id"]
    assert item.read_payload() == CHANGE["payload"]


def test_everything_that_can_be_said(alice: Caller, upstream: Upstream) -> None:
    """Every field of a change is kept."""
    said = {
        "form": "document",
        "payload": {"title": "New"},
        "base": {"title": "Old"},
        "base_version": '"1763"',
        "project": "web",
        "organization": "tidewater",
        "assigned_by": "bob",
        "client_id": "laptop-7",
        "client_seq": 41,
        "txn": "t-1",
        "occurred_at": "2026-11-21T02:31:00Z",
        "idempotency_key": "laptop-7-41",
    }
    created = alice.post("/queue/items", CHANGE | said)
    assert created.status_code == 201
    body = alice.get(f"/queue/items/{created.json()['id']}").json()
    assert {name: body[name] for name in said} == said
    assert body["lane"]["head"] == body["id"]
    assert body["history"] == []


def test_what_the_kind_can_tell_may_be_left_out(alice: Caller, upstream: Upstream) -> None:
    """A kind and a payload are enough where the rest follows from them."""
    body = alice.post("/queue/items", {"kind": "plan_edit", "payload": {"id": "p-9", "title": "New"}}).json()
    assert (body["upstream"], body["entity_type"], body["entity_id"]) == ("plans-api", "plan", "p-9")
    assert (body["operation"], body["form"], body["organization"]) == ("update", "merge-patch", "tidewater")


def test_null_is_not_said(alice: Caller, upstream: Upstream) -> None:
    """A client that sends every field may send null for what it does not know."""
    empty = dict.fromkeys(("project", "txn", "client_seq", "occurred_at", "form", "idempotency_key"))
    assert alice.post("/queue/items", CHANGE | empty).status_code == 201


def test_many_changes_keep_their_order(alice: Caller, upstream: Upstream) -> None:
    """A list is answered as a list in the same order, numbered within each lane."""
    rows = [CHANGE | {"entity_id": f"p-{n % 3}", "payload": {"title": str(n)}} for n in range(1_000)]
    answer = alice.post("/queue/items", rows)
    assert answer.status_code == 201
    body = answer.json()
    assert [row["entity_id"] for row in body] == [row["entity_id"] for row in rows]
    assert [row["seq"] for row in body] == [n // 3 + 1 for n in range(1_000)]
    assert Item.objects.count() == 1_000


def test_the_same_key_and_change_is_one_item(alice: Caller, upstream: Upstream) -> None:
    """A repeated call answers 200 with the same item; the header and the field are the same thing."""
    first = alice.post("/queue/items", CHANGE, Idempotency_Key="k-1")
    again = alice.post("/queue/items", CHANGE | {"idempotency_key": "k-1"})
    quoted = alice.post("/queue/items", CHANGE, Idempotency_Key='"k-1"')
    assert [one.status_code for one in (first, again, quoted)] == [201, 200, 200]
    assert {one.json()["id"] for one in (first, again, quoted)} == {first.json()["id"]}
    assert [one.json()["created"] for one in (first, again)] == [True, False]
    assert Item.objects.count() == 1


def test_a_list_tells_for_each_whether_it_is_new(alice: Caller, upstream: Upstream) -> None:
    """Some may have been taken in before; the answer is 201 as long as one is new."""
    rows = [CHANGE | {"idempotency_key": f"k-{n}"} for n in range(3)]
    alice.post("/queue/items", rows[:2])
    answer = alice.post("/queue/items", rows)
    assert answer.status_code == 201
    assert [row["created"] for row in answer.json()] == [False, False, True]
    assert alice.post("/queue/items", rows).status_code == 200


def test_a_key_belongs_to_its_organization(alice: Caller, charlie: Caller, people: People, upstream: Upstream) -> None:
    """Another organization's key is another key, and tells nothing."""
    make_upstream(people.northlight)
    assert alice.post("/queue/items", CHANGE, Idempotency_Key="k-1").status_code == 201
    theirs = CHANGE | {"payload": {"title": "Another"}}
    assert charlie.post("/queue/items", theirs, Idempotency_Key="k-1").status_code == 201


@pytest.mark.parametrize("who", ["reader", "bob"])
def test_who_may_not_enqueue(request: pytest.FixtureRequest, upstream: Upstream, who: str) -> None:
    """A token without the scope, and a viewer with it, are refused with what is needed."""
    answer = request.getfixturevalue(who).post("/queue/items", CHANGE)
    assert answer.status_code == 403
    assert "enqueue" in answer.json()["detail"]
    assert not Item.objects.exists()


def test_a_token_that_may_only_hand_in(people: People, upstream: Upstream) -> None:
    """The scope enqueue is enough for taking changes in; with it alone nothing can be read or steered."""
    writer = Caller(make_token(people.alice, people.tidewater, Permission.ENQUEUE), Client())
    answer = writer.post("/queue/items", CHANGE | {"project": "web", "assigned_by": "bob"})
    assert answer.status_code == 201, answer.content
    item = answer.json()["id"]
    assert writer.get(f"/queue/items/{item}").status_code == 404
    assert writer.get("/queue/items").json()["results"] == []
    assert writer.post(f"/queue/items/{item}/cancel", {"reason": "x"}).status_code in {403, 404}
    assert Item.objects.get().item_state is ItemState.QUEUED


def test_the_answer_tells_what_it_waits_for(alice: Caller, upstream: Upstream) -> None:
    """Behind others of its lane, and while the upstream is paused, the answer to the call says so already."""
    rows = alice.post("/queue/items", [CHANGE, CHANGE, CHANGE | {"entity_id": "p-2"}]).json()
    assert [row["why"] for row in rows] == ["Is sent next.", "Behind 1 item of the same plan.", "Is sent next."]
    alice.post("/upstreams/plans-api/pause", {"reason": "Moving"})
    assert alice.post("/queue/items", CHANGE | {"entity_id": "p-3"}).json()["why"] == "plans-api is paused by alice."
    assert alice.post("/queue/items", CHANGE).json()["why"] == "Behind 2 items of the same plan."


def test_a_call_takes_few_queries(alice: Caller, upstream: Upstream, django_assert_max_num_queries: Any) -> None:
    """Taking in one change, or a thousand, costs the same handful of round trips to the database for the answer."""
    alice.post("/queue/items", CHANGE)
    with django_assert_max_num_queries(13):
        alice.post("/queue/items", CHANGE | {"entity_id": "p-2"})

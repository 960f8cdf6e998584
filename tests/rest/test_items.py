"""Reading and steering items by REST."""

from typing import Any
from uuid import uuid4

import pytest

from portal.events.models import Event
from resilience.upstreams.models import Upstream
from syncqueue.core.states import ItemState
from syncqueue.models import Item, Lane
from tests.rest.conftest import Caller
from tests.rest.test_enqueue import CHANGE
from tests.support.people import People, make_upstream


def fail(item_id: str, state: ItemState = ItemState.FAILED) -> None:
    """Brings an item where the pumps would have brought it (by way of flight, as the database demands)."""
    items = Item.objects.filter(pk=item_id)
    items.update(state=ItemState.IN_FLIGHT.value)
    items.update(state=state.value, attempts=1, sends=1, code="rejected", reason="plans-api refused this (422).")


def add(alice: Caller, **fields: Any) -> str:
    """The id of a new item."""
    answer = alice.post("/queue/items", CHANGE | fields)
    assert answer.status_code == 201, answer.content
    found: str = answer.json()["id"]
    return found


def test_one_item_with_its_attempts(alice: Caller, upstream: Upstream) -> None:
    """Payload, lane, reason and attempts are told."""
    first, second = add(alice), add(alice)
    fail(first)
    body = alice.get(f"/queue/items/{second}").json()
    assert body["payload"] == CHANGE["payload"]
    assert (body["lane"]["head"], body["lane"]["ahead"], body["lane"]["depth"]) == (first, 1, 2)
    assert body["why"] == "Behind a failed change of the same plan."


def test_a_conflict_tells_what_the_upstream_has(alice: Caller, upstream: Upstream) -> None:
    """Base, local and remote can all be read."""
    item = add(alice, base={"title": "Old"}, operation="update")
    Item.objects.filter(pk=item).update(remote='{"title":"Theirs"}', remote_version='"9"')
    body = alice.get(f"/queue/items/{item}").json()
    told = [body[name] for name in ("base", "payload", "remote", "remote_version")]
    assert told == [{"title": "Old"}, CHANGE["payload"], {"title": "Theirs"}, '"9"']


@pytest.mark.parametrize("method", ["GET", "DELETE"])
def test_a_stranger_learns_nothing(charlie: Caller, alice: Caller, upstream: Upstream, method: str) -> None:
    """Another organization's id answers like one that does not exist."""
    item = add(alice)
    theirs = charlie.call(method, f"/queue/items/{item}?reason=x" if method == "DELETE" else f"/queue/items/{item}")
    missing = charlie.call(
        method, f"/queue/items/{uuid4()}?reason=x" if method == "DELETE" else f"/queue/items/{uuid4()}"
    )
    assert theirs.status_code == missing.status_code == 404
    assert theirs.json()["title"] == missing.json()["title"]
    assert Item.objects.get().payload


@pytest.mark.parametrize("verb", ["retry", "cancel", "step-over"])
def test_who_may_not_steer(
    alice: Caller, bob: Caller, reader: Caller, charlie: Caller, upstream: Upstream, verb: str
) -> None:
    """A viewer and a reading token are refused, a stranger finds nothing, and the item stays."""
    item = add(alice)
    fail(item)
    answers = [one.post(f"/queue/items/{item}/{verb}", {"reason": "x"}).status_code for one in (bob, reader, charlie)]
    assert answers == [403, 403, 404]
    assert Item.objects.get().item_state is ItemState.FAILED


def test_an_id_that_is_none(alice: Caller) -> None:
    """What is no UUID is no address, and the answer is a problem too."""
    answer = alice.get("/queue/items/7")
    assert (answer.status_code, answer.headers["Content-Type"]) == (404, "application/problem+json")


def test_retry(alice: Caller, upstream: Upstream) -> None:
    """A failed item is queued again with its attempts given back; a reason may be said."""
    item = add(alice)
    fail(item)
    body = alice.post(f"/queue/items/{item}/retry", {"reason": "It exists now"}).json()
    assert (body["state"], body["attempts"]) == ("queued", 0)
    assert "It exists now" in Event.objects.latest("id").data
    assert alice.post(f"/queue/items/{item}/retry").status_code == 409


def test_cancel(alice: Caller, upstream: Upstream) -> None:
    """A cancelled item is not sent; the reason is needed."""
    item = add(alice)
    refused = alice.post(f"/queue/items/{item}/cancel")
    assert refused.status_code == 400
    assert refused.json()["errors"][0]["pointer"] == "/reason"
    assert alice.post(f"/queue/items/{item}/cancel", {"reason": "By mistake"}).json()["state"] == "cancelled"
    again = alice.post(f"/queue/items/{item}/cancel", {"reason": "Again"})
    assert again.status_code == 409
    assert again.json()["type"].endswith("#wrong-state")


def test_step_over(alice: Caller, upstream: Upstream) -> None:
    """The failed head stays a dead letter and its lane goes on."""
    first, second = add(alice), add(alice)
    fail(first)
    assert alice.post(f"/queue/items/{first}/step-over", {"reason": "Not needed"}).json()["state"] == "failed"
    assert alice.get(f"/queue/items/{second}").json()["lane"]["head"] == second


def test_delete(alice: Caller, upstream: Upstream) -> None:
    """What the item carried is erased, the row stays for its key."""
    item = add(alice, idempotency_key="k-1")
    refused = alice.call("DELETE", f"/queue/items/{item}")
    assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (400, "?reason")
    assert alice.call("DELETE", f"/queue/items/{item}?reason=Personal+data").json()["state"] == "cancelled"
    assert alice.get(f"/queue/items/{item}").json()["payload"] is None
    assert alice.post("/queue/items", CHANGE | {"idempotency_key": "k-1"}).status_code == 200


@pytest.mark.parametrize("body", [{"reason": 7}, {"reason": "x" * 301}, {"reason": "x", "why": "y"}, ["reason"]])
def test_a_reason_that_cannot_be(alice: Caller, upstream: Upstream, body: Any) -> None:
    """It is a short text, alone in its object."""
    item = add(alice)
    assert alice.post(f"/queue/items/{item}/cancel", body).status_code == 400
    assert Item.objects.get().item_state is ItemState.QUEUED


def ids(answer: Any) -> list[str]:
    """The ids of a page."""
    assert answer.status_code == 200, answer.content
    return [row["id"] for row in answer.json()["results"]]


def test_the_list_filters(alice: Caller, people: People, upstream: Upstream) -> None:
    """Each filter finds its own, and several hold together."""
    make_upstream(people.tidewater, slug="other")
    plain = add(alice)
    comment = add(
        alice, kind="comment_add", entity_type="comment", entity_id="c-9", operation="create", payload={"text": "Hi"}
    )
    other = add(alice, upstream="other", entity_id="p-2", project="web", client_id="laptop-7")
    fail(plain)
    found = {
        "state=failed": [plain],
        "state=open": [other, comment, plain],
        "state=synced": [],
        "kind=comment_add": [comment],
        "upstream=other": [other],
        "project=web": [other],
        "organization=tidewater": [other, comment, plain],
        "entity_type=comment": [comment],
        "entity_id=p-2": [other],
        "client_id=laptop-7": [other],
        "q=c-9": [comment],
        f"q={plain[:18]}": [plain],
        "state=queued&kind=plan_edit": [other],
    }
    for query, expected in found.items():
        assert ids(alice.get(f"/queue/items?{query}")) == expected, query


def test_the_list_shows_only_ones_own(alice: Caller, charlie: Caller, reader: Caller, upstream: Upstream) -> None:
    """A stranger's list is empty, and a reading token sees what its organization has, without payloads."""
    item = add(alice)
    assert ids(charlie.get("/queue/items")) == []
    assert ids(reader.get("/queue/items")) == [item]
    assert "payload" not in reader.get("/queue/items").json()["results"][0]


@pytest.mark.parametrize(
    ("query", "pointer"),
    [
        ("state=lost", "?state"),
        ("colour=red", "?colour"),
        ("kind=%00", "?kind"),
        ("cursor=nonsense", "?cursor"),
        ("cursor=", "?cursor"),
        ("page_size=0", "?page_size"),
        ("page_size=1000", "?page_size"),
    ],
)
def test_a_query_that_cannot_be(alice: Caller, query: str, pointer: str) -> None:
    """An unknown filter or state, and a cursor that was tampered with, are named."""
    answer = alice.get(f"/queue/items?{query}")
    assert (answer.status_code, [fault["pointer"] for fault in answer.json()["errors"]]) == (400, [pointer])


def test_pages_follow_cursors(alice: Caller, upstream: Upstream) -> None:
    """Page by page, each item comes once, also when new ones arrive meanwhile; a changed cursor is refused."""
    made = [row["id"] for row in alice.post("/queue/items", [CHANGE] * 7).json()]
    page = alice.get("/queue/items?page_size=3").json()
    seen = [row["id"] for row in page["results"]]
    add(alice)
    while page["next_cursor"]:
        cursor = page["next_cursor"]
        page = alice.get(f"/queue/items?page_size=3&cursor={cursor}").json()
        seen += [row["id"] for row in page["results"]]
    assert seen == made[::-1]
    broken = ("A" if cursor[0] != "A" else "B") + cursor[1:]
    assert alice.get(f"/queue/items?cursor={broken}").json()["errors"][0]["pointer"] == "?cursor"


def test_a_page_costs_the_same_however_long(
    alice: Caller, upstream: Upstream, django_assert_max_num_queries: Any
) -> None:
    """A handful of queries for 50 items in many lanes."""
    alice.post("/queue/items", [CHANGE | {"entity_id": f"p-{n}"} for n in range(60)])
    with django_assert_max_num_queries(12):
        assert len(ids(alice.get("/queue/items"))) == 50


def test_retry_failed(alice: Caller, bob: Caller, charlie: Caller, upstream: Upstream) -> None:
    """Those that fit the filter are queued again; nobody else's are."""
    failed = [add(alice, entity_id=f"p-{n}") for n in range(3)]
    for item in failed:
        fail(item)
    assert alice.post("/queue/retry-failed", {"kind": "comment_add"}).json() == {
        "retried": 0,
        "skipped": 0,
        "more": False,
    }
    assert charlie.post("/queue/retry-failed").json()["retried"] == 0
    assert bob.post("/queue/retry-failed").status_code == 403
    assert alice.post("/queue/retry-failed", {"upstream": "plans-api"}).json()["retried"] == 3
    assert set(Item.objects.values_list("state", flat=True)) == {ItemState.QUEUED.value}
    assert alice.post("/queue/retry-failed", {"state": "failed"}).json()["errors"][0]["pointer"] == "/state"


def test_stats(alice: Caller, charlie: Caller, upstream: Upstream) -> None:
    """The figures come from counters; a stranger's are zero."""
    add(alice)
    item = add(alice, entity_id="p-2")
    alice.post(f"/queue/items/{item}/cancel", {"reason": "x"})
    body = alice.get("/queue/stats").json()
    assert (body["states"]["queued"], body["states"]["cancelled"]) == (1, 1)
    assert (body["open"], body["waiting"], body["enqueued"]) == (1, 1, 2)
    assert [(row["upstream"], row["waiting"], row["out"]) for row in body["upstreams"]] == [("plans-api", 1, False)]
    assert charlie.get("/queue/stats").json()["upstreams"] == []
    assert Lane.objects.count() == 2


@pytest.mark.parametrize("path", ["/queue/items", "/queue/stats", "/upstreams"])
def test_nobody_reads(nobody: Caller, path: str) -> None:
    """Without a token there is nothing."""
    assert nobody.get(path).status_code == 401

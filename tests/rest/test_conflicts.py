"""Conflicts by REST: read, previewed, decided, taken back; and everything that is refused without anything being changed."""

import json
from typing import Any
from uuid import UUID

import pytest
from django.http import HttpResponse

from conflicts import api_examples as shown
from conflicts.actions.resolve import LARGEST
from conflicts.core import MISSING, merge, resolve
from conflicts.models import Conflict
from conflicts.states import ConflictState
from portal.kit.viewer import Viewer
from resilience.upstreams.models import Upstream
from syncqueue.core.states import ItemState
from syncqueue.models import Item
from tests.rest.conftest import Caller
from tests.support.conflicts import BASE, LOCAL, REMOTE, answer, desk, meet, refuse
from tests.support.people import People, make_upstream

LONG: dict[str, Any] = {"title": "A", "description": "First line.\nSecond line.\nThird line.\n"}


@pytest.fixture
def viewer(people: People, upstream: Upstream) -> Viewer:
    """alice, with an upstream to send to."""
    return people.viewer(people.alice)


@pytest.fixture
def conflict(viewer: Viewer) -> Conflict:
    """Both sides gave the plan another title; the upstream also moved its status."""
    return meet(viewer)


def path(conflict: Conflict, rest: str = "") -> str:
    """The conflict's address."""
    return f"/conflicts/{conflict.pk}{rest}"


def title_of(conflict: Conflict) -> str:
    """The id of the decision about the title."""
    decisions = merge(*conflict.documents(), conflict.read_rules()).decisions
    return next(one.id for one in decisions if one.path == "/title")


def choose(conflict: Conflict, choice: Any, **more: Any) -> dict[str, Any]:
    """A resolution that takes `choice` for the title."""
    return {"digest": conflict.digest, "choices": {title_of(conflict): choice}, **more}


def assert_refused(response: HttpResponse, status: int, *pointers: str) -> dict[str, Any]:
    """It is a problem with a sentence at each of these places, and the conflict is as it was."""
    assert response.status_code == status, response.content
    assert response.headers["Content-Type"] == "application/problem+json"
    body: dict[str, Any] = json.loads(response.content)
    assert [fault["pointer"] for fault in body["errors"]] == list(pointers), body
    assert all(fault["detail"] for fault in body["errors"])
    assert set(Conflict.objects.unscoped().values_list("state", "revision")) <= {(ConflictState.OPEN, 1)}
    return body


def test_reading_one(alice: Caller, bob: Caller, conflict: Conflict) -> None:
    """The documents, each decision with its sides and its reason, and what still asks; a viewer reads it too."""
    body = alice.get(path(conflict)).json()
    assert (body["base"], body["local"], body["remote"], body["missing"]) == (BASE, LOCAL, REMOTE, ["result"])
    assert "result" not in body
    assert (body["state"], body["digest"], body["settled"], body["choices"]) == ("open", conflict.digest, False, {})
    assert (body["item"], body["upstream"], body["organization"]) == (str(conflict.item_id), "plans-api", "tidewater")
    status, title = body["decisions"]
    assert (title["path"], title["asks"], title["base"], title["local"], title["remote"]) == (
        "/title",
        True,
        BASE["title"],
        LOCAL["title"],
        REMOTE["title"],
    )
    assert (status["path"], status["action"], status["rule"]) == ("/status", "remote", "")
    assert {"local", "remote"} <= set(title["options"])
    assert body["undecided"] == [title["id"]]
    assert body["rules"] == conflict.read_rules()
    assert bob.get(path(conflict)).json() == body


def test_null_is_not_missing(alice: Caller, viewer: Viewer) -> None:
    """A side that says null has it, one that has nothing leaves the field out and is named in `missing`."""
    conflict = meet(viewer, base={"title": "A", "x": 1}, local={"title": "A", "x": None}, remote={"title": "A"})
    (one,) = alice.get(path(conflict)).json()["decisions"]
    assert (one["path"], one["base"], one["local"], one["missing"]) == ("/x", 1, None, ["remote"])
    assert "remote" not in one


def test_the_list(alice: Caller, bob: Caller, charlie: Caller, viewer: Viewer) -> None:
    """Open ones, oldest first, without documents; in pages; those of other organizations are not there."""
    found = [meet(viewer, entity_id=f"p-{n}") for n in range(3)]
    page = alice.get("/conflicts?page_size=2").json()
    assert [row["id"] for row in page["results"]] == [str(one.pk) for one in found[:2]]
    assert not {"base", "decisions"} & page["results"][0].keys()
    rest = alice.get(f"/conflicts?page_size=2&cursor={page['next_cursor']}").json()
    assert [row["id"] for row in rest["results"]] == [str(found[2].pk)]
    assert bob.get("/conflicts").json()["results"] == alice.get("/conflicts").json()["results"]
    assert charlie.get("/conflicts").json()["results"] == []


def test_filters_of_the_list(alice: Caller, viewer: Viewer) -> None:
    """By state, upstream, kind, organization and entity; decided ones are found under their state."""
    first, second = meet(viewer), meet(viewer, entity_id="p-2", kind="status_change", form="merge-patch", local=STATUS)
    assert alice.post(path(first, "/resolve"), choose(first, "local")).status_code == 200

    def ids(query: str) -> list[str]:
        return [row["id"] for row in alice.get(f"/conflicts?{query}").json()["results"]]

    assert ids("") == ids("state=open") == [str(second.pk)]
    assert ids("state=decided") == ids("state=all&kind=plan_edit") == ids("state=all&entity_id=p-1") == [str(first.pk)]
    assert ids("state=all") == [str(second.pk), str(first.pk)]
    assert ids("upstream=plans-api&organization=tidewater") == [str(second.pk)]
    assert ids("upstream=other") == ids("organization=northlight") == []


STATUS = {"status": "blocked"}


@pytest.mark.parametrize(
    ("query", "pointer"),
    [("state=lost", "?state"), ("colour=red", "?colour"), ("kind=%00", "?kind"), ("cursor=x", "?cursor")],
)
def test_a_filter_that_cannot_be(alice: Caller, query: str, pointer: str) -> None:
    """It is named."""
    assert_refused(alice.get(f"/conflicts?{query}"), 400, pointer)


def test_preview(alice: Caller, bob: Caller, conflict: Conflict) -> None:
    """What would be sent, what is open in it and what is left out; undecided places stand as in the base, and nothing is stored."""
    nothing = bob.post(path(conflict, "/preview"), {}).json()
    assert nothing["document"] == {**BASE, "status": "active"}
    assert (nothing["undecided"], nothing["discarded"], nothing["faults"]) == ([title_of(conflict)], [], [])
    some = alice.post(path(conflict, "/preview"), {"choices": {title_of(conflict): "local"}}).json()
    assert some["document"] == {**LOCAL, "status": "active"}
    assert some["undecided"] == []
    assert [(one["path"], one["side"], one["value"]) for one in some["discarded"]] == [
        ("/title", "remote", REMOTE["title"])
    ]
    written = alice.post(path(conflict, "/preview"), {"choices": {title_of(conflict): {"value": 7}}}).json()
    assert written["document"]["title"] == 7
    assert [fault["pointer"] for fault in written["faults"]] == ["/title"]
    by_hand = alice.post(path(conflict, "/preview"), {"document": {"status": "lost"}}).json()
    assert [fault["pointer"] for fault in by_hand["faults"]] == ["/status", "/title"]
    conflict.refresh_from_db()
    assert conflict.revision == 1


def test_preview_of_hunks(alice: Caller, viewer: Viewer) -> None:
    """A text is decided hunk by hunk; those that are not chosen yet stand as in the base."""
    text = LONG["description"]
    conflict = meet(
        viewer,
        base=LONG,
        local={**LONG, "description": text.replace("First", "1st").replace("Third", "3rd")},
        remote={**LONG, "description": text.replace("First", "One").replace("Third", "Three")},
    )
    (one,) = alice.get(path(conflict)).json()["decisions"]
    numbers = [str(hunk["number"]) for hunk in one["hunks"] if hunk["asks"]]
    assert len(numbers) == 2
    chosen = {one["id"]: {"hunks": {numbers[0]: "local"}}}
    body = alice.post(path(conflict, "/preview"), {"choices": chosen}).json()
    assert body["document"]["description"] == text.replace("First", "1st")
    assert body["undecided"] == [one["id"]]
    chosen[one["id"]]["hunks"][numbers[1]] = "remote"
    done = alice.post(path(conflict, "/resolve"), {"digest": conflict.digest, "choices": chosen}).json()
    assert done["result"]["description"] == text.replace("First", "1st").replace("Third", "Three")


def test_resolve_and_undo(alice: Caller, conflict: Conflict) -> None:
    """The result is queued against the version that was seen; undo opens it again with the choices as they were."""
    body = alice.post(path(conflict, "/resolve"), choose(conflict, "remote", hold=30)).json()
    assert (body["state"], body["resolved_by"], body["settled"], body["missing"]) == ("decided", "alice", True, [])
    assert body["result"] == REMOTE
    item = Item.objects.unscoped().get(pk=conflict.item_id)
    assert item.item_state is ItemState.QUEUED
    assert item.retry_at is not None
    again = alice.post(path(conflict, "/undo")).json()
    assert (again["state"], again["resolved_by"], again["choices"]) == ("open", "", {title_of(conflict): "remote"})
    assert again["undecided"] == []
    item.refresh_from_db()
    assert item.item_state is ItemState.CONFLICT
    assert alice.post(path(conflict, "/undo")).json()["type"].endswith("#on-its-way")


def test_resolve_by_hand(alice: Caller, conflict: Conflict) -> None:
    """A whole document is taken as it is, and marked as such."""
    document = {**BASE, "title": "Both walls"}
    body = alice.post(path(conflict, "/resolve"), {"digest": conflict.digest, "document": document}).json()
    assert (body["state"], body["by_hand"], body["result"], body["choices"]) == ("decided", True, document, {})


def test_a_deletion_that_is_chosen(alice: Caller, viewer: Viewer) -> None:
    """The result is missing, and settled: nothing is left of the entity."""
    conflict = meet(viewer, local=MISSING)
    (one,) = alice.get(path(conflict)).json()["decisions"]
    assert (one["kind"], one["missing"]) == ("delete-modify", ["local"])
    preview = alice.post(path(conflict, "/preview"), {"choices": {one["id"]: "local"}}).json()
    assert preview["missing"]
    assert "document" not in preview
    body = alice.post(path(conflict, "/resolve"), {"digest": conflict.digest, "choices": {one["id"]: "local"}}).json()
    assert (body["settled"], body["missing"]) == (True, ["local", "result"])


def test_somebody_was_faster(alice: Caller, conflict: Conflict) -> None:
    """The second is told who and when; the first decision stands."""
    alice.post(path(conflict, "/resolve"), choose(conflict, "local"))
    response = alice.post(path(conflict, "/resolve"), choose(conflict, "remote"))
    body = response.json()
    assert (response.status_code, body["type"]) == (409, "/api/docs/problems#already-decided")
    assert (body["resolved_by"], body["state"]) == ("alice", "decided")
    assert body["resolved_at"]
    assert "alice decided it at" in body["detail"]
    assert alice.get(path(conflict)).json()["result"]["title"] == LOCAL["title"]


def test_the_upstream_moved(alice: Caller, viewer: Viewer) -> None:
    """A stale digest is refused with the new one and the decisions that are open in it; choices that still stand do not ask."""
    base = {**BASE, "summary": "old"}
    conflict = meet(viewer, base=base, local={**LOCAL, "summary": "ours"}, remote={**REMOTE, "summary": "theirs"})
    whole = alice.get(path(conflict)).json()
    ids = {one["path"]: one["id"] for one in whole["decisions"] if one["asks"]}
    choices = dict.fromkeys(ids.values(), "local")
    assert alice.post(path(conflict, "/resolve"), {"digest": whole["digest"], "choices": choices}).status_code == 200
    at = desk()
    job = at.turn([]).assignments[0]
    refuse(at, job, {**REMOTE, "summary": "theirs, again"}, '"10"')
    response = alice.post(path(conflict, "/resolve"), {"digest": whole["digest"], "choices": choices})
    body = response.json()
    assert (response.status_code, body["type"]) == (409, "/api/docs/problems#moved")
    now = alice.get(path(conflict)).json()
    assert body["digest"] == now["digest"] != whole["digest"]
    assert body["undecided"] == now["undecided"] == [d["id"] for d in now["decisions"] if d["path"] == "/summary"]
    assert now["choices"] == {ids["/title"]: "local"}
    assert (now["state"], now["stale_count"]) == ("open", 1)
    choices = {ids["/title"]: "local", now["undecided"][0]: "remote"}
    done = alice.post(path(conflict, "/resolve"), {"digest": now["digest"], "choices": choices}).json()
    assert done["result"]["summary"] == "theirs, again"
    job = at.turn([]).assignments[0]
    answer(at, job)
    assert alice.get(path(conflict)).json()["state"] == "delivered"


@pytest.mark.parametrize(
    ("body", "pointers"),
    [
        ({}, ["/digest", ""]),
        ({"digest": 7, "choices": {}}, ["/digest"]),
        ({"digest": "d", "choices": []}, ["/choices"]),
        ({"digest": "d", "choices": None}, ["/choices"]),
        ({"digest": "d", "choices": {"a": 7, "b/c": {"side": "local"}}}, ["/choices/a", "/choices/b~1c"]),
        ({"digest": "d", "choices": {"a": {"hunks": []}}}, ["/choices/a/hunks"]),
        ({"digest": "d", "choices": {"a": {"hunks": {"0": 7, "1": "local"}}}}, ["/choices/a/hunks/0"]),
        ({"digest": "d", "choices": {}, "document": {}}, ["/document"]),
        ({"digest": "d", "choices": {}, "hold": 61}, ["/hold"]),
        ({"digest": "d", "choices": {}, "hold": True}, ["/hold"]),
        ({"digest": "d", "choices": {}, "hold": "5"}, ["/hold"]),
        ({"digest": "d", "choices": {}, "force": True}, ["/force"]),
        ([], [""]),
    ],
)
def test_a_body_that_cannot_be(alice: Caller, conflict: Conflict, body: Any, pointers: list[str]) -> None:
    """Each fault is named at its place."""
    assert_refused(alice.post(path(conflict, "/resolve"), body), 400, *pointers)


def test_what_is_not_decided(alice: Caller, conflict: Conflict) -> None:
    """Each open decision is named; so are decisions that there are not, and choices that do not fit."""
    body = {"digest": conflict.digest, "choices": {}}
    refused = assert_refused(alice.post(path(conflict, "/resolve"), body), 400, f"/choices/{title_of(conflict)}")
    assert refused["type"].endswith("#undecided")
    unknown = choose(conflict, "local")
    unknown["choices"]["no/where"] = "local"
    assert_refused(alice.post(path(conflict, "/resolve"), unknown), 400, "/choices/no~1where")
    assert_refused(alice.post(path(conflict, "/preview"), {"choices": {"no": "local"}}), 400, "/choices/no")
    for choice in ("both", "suggestion", "nonsense", {"hunks": {"0": "local"}}):
        place = f"/choices/{title_of(conflict)}"
        assert_refused(alice.post(path(conflict, "/resolve"), choose(conflict, choice)), 400, place)
        assert_refused(alice.post(path(conflict, "/preview"), {"choices": {title_of(conflict): choice}}), 400, place)


def test_what_breaks_the_kind(alice: Caller, conflict: Conflict) -> None:
    """A document by hand, or a value that was written, must fit the schema; the pointer leads into the result."""
    by_hand = {"digest": conflict.digest, "document": {**BASE, "status": "lost"}}
    assert_refused(alice.post(path(conflict, "/resolve"), by_hand), 400, "/document/status")
    written = choose(conflict, {"value": ""})
    assert_refused(alice.post(path(conflict, "/resolve"), written), 400, "/result/title")


@pytest.mark.parametrize(
    ("text", "pointer"),
    [
        ('{"digest": "d", "digest": "d"}', "/digest"),
        ('{"document": {"a": 1, "a": 2}}', "/document/a"),
        ('{"document": {"a": NaN}}', "/document/a"),
        ('{"document": {"a": "\\ud800"}}', "/document/a"),
        ('{"document": ' + "[" * 101 + "]" * 101 + "}", "/document" + "/0" * 99),
        ('{"document": ', "/document"),
    ],
)
def test_json_that_is_refused(alice: Caller, conflict: Conflict, text: str, pointer: str) -> None:
    """Duplicate keys, NaN, lone surrogates, depth and broken text, each at its place."""
    for verb in ("/resolve", "/preview"):
        assert_refused(alice.call("POST", path(conflict, verb), text.encode()), 400, pointer)


def test_a_document_of_five_megabytes(alice: Caller, conflict: Conflict) -> None:
    """It is refused at the document, with the limit; a request beyond the request's limit before it is read."""
    large = {"digest": conflict.digest, "document": {**BASE, "x": "x" * 5_000_000}}
    body = assert_refused(alice.post(path(conflict, "/resolve"), large), 400, "/document")
    assert str(LARGEST) in body["detail"]
    assert_refused(alice.call("POST", path(conflict, "/resolve"), b" " * 8_400_000 + b"{}"), 413)


def test_the_examples_are_what_the_merge_says() -> None:
    """The API's description shows decisions and a preview as they would come; ids are the example's own."""
    found = merge(shown.BASE, shown.LOCAL, shown.REMOTE, shown.WHOLE["rules"]).decisions
    told = {one["path"]: one for one in shown.WHOLE["decisions"]}
    for one in found:
        names = ("kind", "action", "reason", "rule", "base", "local", "remote")
        assert {name: getattr(one, name) for name in names} == {name: told[one.path][name] for name in names}
        assert list(one.options) == told[one.path]["options"]
    choices = {one.id: "local" for one in found if one.asks}
    assert resolve(shown.BASE, shown.LOCAL, shown.REMOTE, shown.WHOLE["rules"], choices) == shown.RESULT


def nested(levels: int, value: Any = 1) -> Any:
    """A value inside so many objects."""
    for _ in range(levels):
        value = {"a": value}
    return value


def test_a_value_that_makes_the_document_too_deep(alice: Caller, viewer: Viewer) -> None:
    """Each part of it could be sent, the whole could not be merged again: it is refused, and the preview says so."""
    sides = ({"title": "x", "m": nested(60, number)} for number in range(3))
    conflict = meet(viewer, **dict(zip(("base", "local", "remote"), sides, strict=True)))
    (name,) = alice.get(path(conflict)).json()["undecided"]
    body = {"choices": {name: {"value": nested(60)}}}
    assert_refused(alice.post(path(conflict, "/resolve"), {**body, "digest": conflict.digest}), 400, "/result")
    assert "100 levels" in alice.post(path(conflict, "/preview"), body).json()["faults"][0]["detail"]


def test_who_may(
    alice: Caller, bob: Caller, reader: Caller, charlie: Caller, nobody: Caller, conflict: Conflict
) -> None:
    """A viewer and a reading token look but do not decide; a stranger finds nothing; without a token nobody gets in."""
    body = choose(conflict, "local")
    for caller, read, change in ((bob, 200, 403), (reader, 200, 403), (charlie, 404, 404), (nobody, 401, 401)):
        assert caller.get(path(conflict)).status_code == read
        assert caller.post(path(conflict, "/preview"), {}).status_code == read
        assert_refused(caller.post(path(conflict, "/resolve"), body), change)
        assert_refused(caller.post(path(conflict, "/undo")), change)
    assert alice.get(f"/conflicts/{UUID(int=7)}").status_code == 404


def test_what_waits_behind(alice: Caller, viewer: Viewer, people: People) -> None:
    """Later changes of the same entity are counted; another organization's upstream of the same slug has no part in it."""
    make_upstream(people.northlight)
    conflict = meet(viewer)
    for number in range(2):
        change = {"kind": "plan_edit", "entity_id": "p-1", "payload": {"title": f"later {number}"}}
        assert alice.post("/queue/items", change).status_code == 201
    assert alice.get(path(conflict)).json()["behind"] == 2
    assert alice.get("/conflicts").json()["results"][0]["behind"] == 2

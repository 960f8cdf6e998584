"""The JSON adapter against upstreams that answer oddly, late, or not at all."""

import json
from typing import Any

import pytest

from resilience.outbound.client import Client
from syncqueue.adapters.base import (
    Change,
    Conflicted,
    Delivered,
    Entity,
    Fetched,
    Outcome,
    Rejected,
    RetryAt,
    Target,
    Unknown,
)
from syncqueue.adapters.json_http import JsonHttp
from tests.support.ports import free_port
from tests.support.rascal import Rascal, Script, answer, cut, endless, json_answer, rascal, reset, silence

ADAPTER = JsonHttp()
V1 = '"1"'
OURS = {"title": "B"}


def target(server: Rascal, *, update: str = "PUT", version: str = "etag", **rest: Any) -> Target:
    return Target(server.address, {"plan": {"path": "/plans/{id}", "update": update}}, version_mode=version, **rest)


def change(operation: Any = "update", payload: Any = OURS, **rest: Any) -> Change:
    rest = {"form": "document", "version": V1, **rest}
    return Change("i", "k", "plan", "p-1", operation, None if operation == "delete" else payload, **rest)


async def deliver(
    client: Client, scripts: list[Script], sent: Change | None = None, **rest: Any
) -> tuple[Outcome, Rascal]:
    async with rascal(*scripts) as server:
        return await ADAPTER.deliver(client, target(server, **rest), sent or change()), server


def document(body: Any, version: str | None = None, status: int = 200) -> Script:
    return json_answer(status, json.dumps(body), **({"ETag": version} if version else {}))


# What went wrong on the way


async def test_nobody_listens(client: Client) -> None:
    """A refused connection is the transport's fault and was never sent."""
    somewhere = Target(f"http://127.0.0.1:{free_port()}", {"plan": {"path": "/{id}"}})
    got = await ADAPTER.deliver(client, somewhere, change())
    assert isinstance(got, RetryAt)
    assert (got.transport, got.code) == (True, "connect-failed")
    assert got.reason == "Connection refused."
    assert got.exchanges[0].error == "The upstream did not accept the connection (connection refused)."


@pytest.mark.parametrize("script", [cut(), reset()], ids=["closed", "reset"])
@pytest.mark.parametrize("operation", ["create", "update", "delete"])
async def test_a_write_without_an_answer_is_unknown(client: Client, script: Script, operation: str) -> None:
    """A connection that breaks after a write leaves open whether it was applied; it was sent once."""
    got, server = await deliver(client, [script], change(operation))
    assert isinstance(got, Unknown)
    assert (got.transport, got.code) == (True, "reset")
    assert len(server.heard) == 1


async def test_a_write_that_takes_too_long_is_unknown(client: Client) -> None:
    """So does a timeout."""
    got, _ = await deliver(client, [silence()], timeout=0.2)
    assert isinstance(got, Unknown)
    assert got.code == "timed-out"


@pytest.mark.parametrize(
    "script", [cut(), cut(b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\n{")], ids=["closed", "half"]
)
async def test_a_look_without_an_answer_is_no_conflict(client: Client, script: Script) -> None:
    """When what the upstream has cannot be read after a 412, it is tried again: nothing is made of nothing."""
    got, server = await deliver(client, [answer(412), script])
    assert isinstance(got, RetryAt), got
    assert got.transport
    assert [heard.method for heard in server.heard] == ["PUT", "GET"]


async def test_a_private_address_is_refused(client: Client) -> None:
    """The guard's refusal is recorded with its reason, and the item is safe."""
    got = await ADAPTER.deliver(client, Target("http://169.254.169.254", {"plan": {"path": "/{id}"}}), change())
    assert isinstance(got, RetryAt)
    assert (got.code, got.transport) == ("address-refused", True)
    assert "169.254.169.254" in got.reason


@pytest.mark.parametrize("status", [302, 307])
async def test_a_redirect_loop(client: Client, status: int) -> None:
    """A write that is redirected for ever, or to be read, is tried again with the reason."""
    got, _ = await deliver(client, [answer(status, Location="/plans/p-1")])
    assert isinstance(got, RetryAt)
    assert (got.code, got.status) == ("redirect-refused" if status == 302 else "too-many-redirects", status)


# What a status means


@pytest.mark.parametrize(
    ("status", "code", "transport", "wide", "unknown"),
    [
        (401, "credentials-refused", False, True, False),
        (408, "busy", False, False, False),
        (423, "busy", False, False, False),
        (425, "busy", False, False, False),
        (429, "rate-limited", False, True, False),
        (500, "upstream-error", False, False, True),
        (502, "unavailable", True, False, True),
        (503, "unavailable", True, False, False),
        (504, "unavailable", True, False, True),
        (507, "upstream-error", False, False, False),
        (304, "unexpected-status", False, False, False),
    ],
)
async def test_what_is_tried_again(
    client: Client, status: int, code: str, transport: bool, wide: bool, unknown: bool
) -> None:
    """Whose fault it is decides what waits: the item, its connection, or the whole upstream; Retry-After is kept."""
    got, _ = await deliver(client, [answer(status, Retry_After="7")])
    assert isinstance(got, RetryAt), got
    assert (got.code, got.transport, got.upstream_wide, got.outcome_unknown) == (code, transport, wide, unknown)
    assert (got.retry_after, got.status) == (7, status)


@pytest.mark.parametrize("status", [400, 403, 405, 413, 415, 422, 451, 501, 505])
async def test_what_is_rejected(client: Client, status: int) -> None:
    """What would never be taken is rejected, with the upstream's own words, masked."""
    words = json.dumps({"title": "No", "detail": "title is too long, token=abcdefgh"})
    got, _ = await deliver(client, [json_answer(status, words)])
    assert isinstance(got, Rejected), got
    assert got.status == status
    assert "title is too long" in got.reason
    assert "abcdefgh" not in got.reason


async def test_backoff_on_success(client: Client) -> None:
    """An upstream may take a change and ask to be spared all the same."""
    got, _ = await deliver(client, [json_answer(200, "{}", ETag='"2"', Backoff="30")])
    assert isinstance(got, Delivered)
    assert got.backoff == 30


@pytest.mark.parametrize("status", [404, 410])
async def test_delete_of_what_is_gone(client: Client, status: int) -> None:
    """A delete that finds nothing is done."""
    got, _ = await deliver(client, [answer(status)], change("delete"))
    assert isinstance(got, Delivered)
    assert got.how == "already gone"


# Success, in odd dress


@pytest.mark.parametrize(
    ("script", "words"),
    [
        (answer(200, "<html>Hello</html>", Content_Type="text/html", ETag='"2"'), "HTML"),
        (answer(200, b"\xff\xfe", Content_Type="application/json", ETag='"2"'), "UTF-8"),
        (json_answer(200, '{"a":1,"a":2}', ETag='"2"'), "twice"),
        (cut(b'HTTP/1.1 200 OK\r\nETag: "2"\r\nContent-Length: 99\r\n\r\n{'), "closed the connection"),
    ],
    ids=["html", "utf-8", "duplicate", "half"],
)
async def test_a_success_that_cannot_be_read_is_a_success(client: Client, script: Script, words: str) -> None:
    """The status is the upstream's word; the reason says what was wrong with the rest."""
    got, _ = await deliver(client, [script])
    assert isinstance(got, Delivered), got
    assert (got.version, got.document) == ('"2"', OURS)
    assert "counts as delivered" in got.reason
    assert words in got.reason


async def test_an_endless_answer_to_a_write(client: Client) -> None:
    """A success with a body that never ends is delivered, and cut off."""
    head = b'HTTP/1.1 200 OK\r\nETag: "2"\r\n\r\n'
    got, _ = await deliver(client, [endless(head, b"x" * 100_000)])
    assert isinstance(got, Delivered), got
    assert "longer than is read" in got.reason


@pytest.mark.parametrize("etag", [None, "1763", '"a"b"', 'W/ "1"', '"' + "x" * 400 + '"'])
async def test_a_version_from_a_look_after_the_write(client: Client, etag: str | None) -> None:
    """Without an entity tag in the answer the version comes from a GET, which also shows that what we wrote stands there."""
    got, server = await deliver(client, [document(OURS, etag), document({**OURS, "id": "p-1"}, '"2"')])
    assert isinstance(got, Delivered), got
    assert (got.version, got.document) == ('"2"', OURS)
    assert [heard.method for heard in server.heard] == ["PUT", "GET"]
    assert ("ETag" in got.reason) == (etag is not None)


@pytest.mark.parametrize("script", [cut(), answer(500), answer(200, "<html>"), document({"title": "theirs"}, '"3"')])
async def test_a_look_after_the_write_that_fails_changes_nothing(client: Client, script: Script) -> None:
    """The delivery stands; the version is unknown, also when somebody else wrote in between."""
    got, _ = await deliver(client, [answer(204), script])
    assert isinstance(got, Delivered), got
    assert (got.version, got.how) == (None, "sent")
    assert "version could not be learned" in got.reason


# Conflicts, and what only looks like one


@pytest.mark.parametrize("status", [409, 412])
async def test_a_conflict_brings_what_is_there(client: Client, status: int) -> None:
    """Another document with another version is a conflict."""
    got, _ = await deliver(client, [answer(status), document({"title": "theirs"}, '"2"')])
    assert isinstance(got, Conflicted), got
    assert (got.remote, got.remote_version, got.status) == ({"title": "theirs"}, '"2"', status)


@pytest.mark.parametrize("status", [409, 412])
async def test_our_own_write_is_recognised(client: Client, status: int) -> None:
    """The same document apart from managed fields is our own, also when numbers come back as doubles."""
    there = {"n": 1.0, "id": "p-1", "last_modified": 5}
    sent = change(payload={"n": 1}, attempt=2, outcome_unknown=True)
    got, _ = await deliver(client, [answer(status), document(there, '"2"')], sent)
    assert isinstance(got, Delivered), got
    assert (got.how, got.version, got.document) == ("own write recognised", '"2"', {"n": 1.0})


async def test_true_is_not_one(client: Client) -> None:
    """A document that differs in type is not our own."""
    got, _ = await deliver(
        client, [answer(412), document({"n": True}, '"2"')], change(payload={"n": 1}, outcome_unknown=True)
    )
    assert isinstance(got, Conflicted)


async def test_409_while_the_first_request_is_still_running(client: Client) -> None:
    """409 while the upstream still has our version is no conflict: it is tried again."""
    got, _ = await deliver(client, [answer(409), document({"title": "A"}, V1)])
    assert isinstance(got, RetryAt), got
    assert (got.code, got.transport) == ("refused-unchanged", False)


async def test_a_look_then_somebody_else(client: Client) -> None:
    """A change without version that is overtaken between look and write looks again and goes on."""
    scripts = [
        document({"t": 1}, V1),
        answer(412),
        document({"t": 2}, '"2"'),
        document({"t": 2}, '"2"'),
        document(OURS, '"3"'),
    ]
    got, server = await deliver(client, scripts, change(version=None))
    assert isinstance(got, Delivered), got
    assert (got.version, got.base) == ('"3"', {"t": 2})
    assert [heard.headers.get("if-match") for heard in server.heard if heard.method == "PUT"] == [V1, '"2"']


async def test_being_overtaken_ends(client: Client) -> None:
    """It does not go on for ever."""
    overtaken = [document({"t": 1}, '"1"'), answer(412), document({"t": 2}, '"2"')] * 9
    got, server = await deliver(client, overtaken, change(version=None))
    assert isinstance(got, Conflicted), got
    assert len(server.heard) == 9


# Versions


async def test_a_weak_version_is_sent_strong_and_then_weak(client: Client) -> None:
    """The strong form comes first; when it is refused although nothing changed, the weak one letter by letter."""
    there = document({"title": "A"}, 'W/"1"')
    got, server = await deliver(client, [answer(412), there, document(OURS, 'W/"2"')], change(version='W/"1"'))
    assert isinstance(got, Delivered), got
    assert got.version == 'W/"2"'
    assert [heard.headers.get("if-match") for heard in server.heard] == ['"1"', None, 'W/"1"']


async def test_weak_versions_that_are_never_taken(client: Client) -> None:
    """An upstream that keeps to the standard refuses weak versions: a rejection says what to change, and no conflict is made."""
    there = document({"title": "A"}, 'W/"1"')
    got, _ = await deliver(client, [answer(412), there, answer(412), there], change(version='W/"1"'))
    assert isinstance(got, Rejected), got
    assert got.code == "weak-version"


async def test_an_upstream_without_versions(client: Client) -> None:
    """With versions set to none no condition is sent, and none is looked for."""
    got, server = await deliver(client, [answer(204)], change(version=None), version="none")
    assert isinstance(got, Delivered), got
    assert (len(server.heard), got.version) == (1, None)
    assert not {"if-match", "if-none-match"} & set(server.heard[0].headers)


async def test_an_upstream_without_versions_and_a_base(client: Client) -> None:
    """There the base guards instead: what it does not match is a conflict before anything is written."""
    got, server = await deliver(client, [document({"t": 2})], change(version=None, base={"t": 1}), version="none")
    assert isinstance(got, Conflicted), got
    assert [heard.method for heard in server.heard] == ["GET"]


async def test_428_is_answered_with_a_condition(client: Client) -> None:
    """An upstream that insists on a version gets the present one."""
    scripts = [answer(428), document({"t": 1}, '"7"'), document(OURS, '"8"')]
    got, server = await deliver(client, scripts, change(version=None, last_writer_wins=True))
    assert isinstance(got, Delivered), got
    assert server.heard[2].headers["if-match"] == '"7"'


async def test_428_without_any_version(client: Client) -> None:
    """An upstream that insists and gives none cannot be written to."""
    got, _ = await deliver(
        client, [answer(428), document({"t": 1}), answer(428)], change(version=None, last_writer_wins=True)
    )
    assert isinstance(got, Rejected), got
    assert got.code == "version-required"


# Last writer wins, and looks


async def test_the_last_writer_looks_after_an_unknown_outcome(client: Client) -> None:
    """Without a condition that would catch it, a lost answer is looked for before the change is sent twice."""
    sent = change(version=None, last_writer_wins=True, attempt=2, outcome_unknown=True)
    got, server = await deliver(client, [document({**OURS, "id": "p-1"}, '"2"')], sent)
    assert isinstance(got, Delivered), got
    assert (got.how, got.version) == ("own write recognised", '"2"')
    assert [heard.method for heard in server.heard] == ["GET"]


async def test_the_last_writer_sends_no_condition(client: Client) -> None:
    """Such a change is sent as it is."""
    got, server = await deliver(client, [document(OURS, '"2"')], change(last_writer_wins=True))
    assert isinstance(got, Delivered)
    assert "if-match" not in server.heard[0].headers


@pytest.mark.parametrize(
    ("script", "code"),
    [
        (answer(200, "<html>", ETag='"1"'), "unreadable-answer"),
        (answer(200, b"\xff"), "unreadable-answer"),
        (answer(503), "unavailable"),
        (answer(500), "upstream-error"),
    ],
)
async def test_a_first_look_that_cannot_be_read(client: Client, script: Script, code: str) -> None:
    """Nothing is written when what is there cannot be read."""
    got, server = await deliver(client, [script], change(version=None))
    assert isinstance(got, RetryAt), got
    assert got.code == code
    assert [heard.method for heard in server.heard] == ["GET"]


async def test_an_update_of_what_is_not_there(client: Client) -> None:
    """404 is a conflict when the version was known and a rejection when it never was."""
    known, _ = await deliver(client, [answer(404)])
    assert isinstance(known, Conflicted)
    assert (known.remote, known.remote_version) == (None, None)
    never, _ = await deliver(client, [answer(404)], change(version=None))
    assert isinstance(never, Rejected)
    assert never.code == "missing"


async def test_a_document_as_a_patch(client: Client) -> None:
    """Where only PATCH is taken, a document is sent as the patch that leads to it, with null for what is left out."""
    there = document({"a": 1, "b": 2, "id": "p-1"}, V1)
    got, server = await deliver(client, [there, document({}, '"2"')], change(payload={"a": 1, "c": 3}), update="PATCH")
    assert isinstance(got, Delivered), got
    assert json.loads(server.heard[1].body) == {"b": None, "c": 3}
    assert server.heard[1].headers["content-type"] == "application/merge-patch+json"
    assert server.heard[1].headers["if-match"] == V1


async def test_a_document_that_no_patch_can_say(client: Client) -> None:
    """A null value cannot be written by a merge patch: rejected before anything is written."""
    got, server = await deliver(client, [document({"a": 1}, V1)], change(payload={"a": None}), update="PATCH")
    assert isinstance(got, Rejected), got
    assert got.code == "not-expressible"
    assert [heard.method for heard in server.heard] == ["GET"]


async def test_a_patch_as_a_document(client: Client) -> None:
    """Where only PUT is taken, a patch becomes the present document with the patch applied: a base that lacks fields loses none."""
    sent = change(payload={"a": 2}, form="merge-patch", base={"a": 1})
    got, server = await deliver(client, [document({"a": 1, "b": 2, "id": "p-1"}, V1), document({}, '"2"')], sent)
    assert isinstance(got, Delivered), got
    assert json.loads(server.heard[1].body) == {"a": 2, "b": 2}
    assert server.heard[1].headers["if-match"] == V1


async def test_each_number_arrives_as_it_was(client: Client) -> None:
    """Large integers and doubles are sent digit by digit."""
    numbers = [2**63, 2**70, -(2**70), 0.1, 1.0, 10]
    _, server = await deliver(client, [document({}, '"2"')], change(payload={"n": numbers, "é": "\u2028"}))
    assert server.heard[0].body.decode() == (
        '{"n":[9223372036854775808,1180591620717411303424,-1180591620717411303424,0.1,1.0,10],"é":"\u2028"}'
    )


# Settings and ids


@pytest.mark.parametrize("entity_id", ["", ".", "..", "a/b", "a\x00b"])
async def test_an_id_that_could_leave_its_place(client: Client, entity_id: str) -> None:
    """It is rejected before anything is sent: a DELETE of .. would remove a collection."""
    async with rascal(answer(200)) as server:
        got = await ADAPTER.deliver(
            client, target(server), Change("i", "k", "plan", entity_id, "delete", None, version=V1)
        )
    assert isinstance(got, Rejected)
    assert (got.code, server.heard) == ("entity-id", [])


async def test_a_type_without_a_route(client: Client) -> None:
    """It is rejected with the type's name."""
    async with rascal(answer(200)) as server:
        got = await ADAPTER.deliver(client, target(server), Change("i", "k", "other", "1", "delete", None))
    assert isinstance(got, Rejected)
    assert "other" in got.reason


async def test_an_address_that_cannot_be_used(client: Client) -> None:
    """Broken settings reject the item with what is wrong with them."""
    got = await ADAPTER.deliver(client, Target("ftp://x", {"plan": {"path": "/{id}"}}), change())
    assert isinstance(got, Rejected)
    assert got.code == "settings"


async def test_own_headers_and_credentials_are_sent_and_masked(client: Client) -> None:
    """Each request carries them, and no record shows the secret."""
    rest: Any = {
        "headers": {"X-Client": "breakwater"},
        "credentials": {"type": "header", "name": "X-Api-Key", "value": "hunter2"},
    }
    got, server = await deliver(client, [document(OURS), document(OURS, '"2"')], **rest)
    assert [heard.headers["x-api-key"] for heard in server.heard] == ["hunter2", "hunter2"]
    assert server.heard[0].headers["x-client"] == "breakwater"
    assert server.heard[0].headers["idempotency-key"] == "k"
    assert "hunter2" not in str([exchange.record() for exchange in got.exchanges])
    assert "hunter2" not in repr(got)


async def test_the_document_may_stand_deep_in_the_body(client: Client) -> None:
    """A wrapper of several keys is put around and taken off."""
    async with rascal(document({"x": {"data": OURS}}, '"2"')) as server:
        deep = Target(server.address, {"plan": {"path": "/{id}", "document": "/x/data"}})
        got = await ADAPTER.deliver(client, deep, change())
        fetched = await ADAPTER.fetch(client, deep, Entity("plan", "p-1"))
    assert isinstance(got, Delivered)
    assert isinstance(fetched, Fetched)
    assert got.document == fetched.document == OURS
    assert json.loads(server.heard[0].body) == {"x": {"data": OURS}}


async def test_a_body_without_the_document(client: Client) -> None:
    """A body that lacks the wrapper cannot be taken for a document."""
    async with rascal(document([1])) as server:
        deep = Target(server.address, {"plan": {"path": "/{id}", "document": "data"}})
        fetched = await ADAPTER.fetch(client, deep, Entity("plan", "p-1"))
    assert isinstance(fetched, RetryAt)
    assert fetched.code == "no-document"

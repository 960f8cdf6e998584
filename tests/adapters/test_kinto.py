"""The JSON adapter against a real Kinto."""

from collections.abc import Iterator
from typing import Any

import pytest

from resilience.outbound.client import Client
from syncqueue.adapters.base import Change, Conflicted, Delivered, Entity, Fetched, Gone, Rejected, RetryAt, Target
from syncqueue.adapters.json_http import JsonHttp
from tests.support.kinto import Kinto, running_kinto

ADAPTER = JsonHttp()


@pytest.fixture(scope="module")
def kinto() -> Iterator[Kinto]:
    """One Kinto for all tests of this file; each uses its own records."""
    with running_kinto() as running:
        yield running


@pytest.fixture(params=["PUT", "PATCH"])
def target(request: pytest.FixtureRequest, kinto: Kinto) -> Target:
    """Kinto as an upstream, with updates by PUT and by merge patch."""
    route = {"path": kinto.path, "document": "data", "create": "PUT", "update": request.param}
    return Target(kinto.server, {"plan": route}, credentials=kinto.credentials)


@pytest.fixture
def record(request: pytest.FixtureRequest) -> str:
    """A record of this test alone."""
    return "".join(letter if letter.isalnum() else "-" for letter in request.node.name)


def change(record: str, operation: Any, payload: Any = None, **rest: Any) -> Change:
    return Change("i", "k", "plan", record, operation, payload, **rest)


def plain(document: Any) -> Any:
    return {key: value for key, value in document.items() if key not in ("id", "last_modified", "schema")}


async def test_create_update_and_delete_follow_each_other(
    client: Client, target: Target, kinto: Kinto, record: str
) -> None:
    """Each delivery gives the version that the next one is made on."""
    made = await ADAPTER.deliver(client, target, change(record, "create", {"title": "A", "n": 1}))
    assert isinstance(made, Delivered)
    assert made.version
    patched = await ADAPTER.deliver(client, target, change(record, "update", {"title": "B"}, version=made.version))
    assert isinstance(patched, Delivered), patched
    assert plain(patched.document) == {"title": "B", "n": 1}
    whole = await ADAPTER.deliver(
        client, target, change(record, "update", {"title": "C"}, form="document", version=patched.version)
    )
    assert isinstance(whole, Delivered), whole
    assert plain(kinto.get(record)) == {"title": "C"}
    gone = await ADAPTER.deliver(client, target, change(record, "delete", version=whole.version))
    assert isinstance(gone, Delivered)
    assert (gone.how, gone.version, gone.document) == ("sent", None, None)
    assert kinto.get(record) is None
    again = await ADAPTER.deliver(client, target, change(record, "delete", version=whole.version))
    assert isinstance(again, Delivered)
    assert again.how == "already gone"


async def test_somebody_else_wrote(client: Client, target: Target, kinto: Kinto, record: str) -> None:
    """A stale version is a conflict with what Kinto has now and its version, and nothing is overwritten."""
    made = await ADAPTER.deliver(client, target, change(record, "create", {"title": "A"}))
    assert isinstance(made, Delivered)
    theirs = kinto.put(record, {"title": "theirs"})
    for operation, payload, form in (
        ("update", {"title": "ours"}, "merge-patch"),
        ("update", {"title": "ours"}, "document"),
        ("delete", None, "document"),
        ("create", {"title": "ours"}, "document"),
    ):
        got = await ADAPTER.deliver(client, target, change(record, operation, payload, form=form, version=made.version))
        assert isinstance(got, Conflicted), got
        assert plain(got.remote) == {"title": "theirs"}
        assert got.remote_version == f'"{theirs["last_modified"]}"'
    assert plain(kinto.get(record)) == {"title": "theirs"}


@pytest.mark.parametrize("form", ["merge-patch", "document"])
async def test_a_lost_answer_is_recognised(
    client: Client, target: Target, kinto: Kinto, record: str, form: Any
) -> None:
    """The same change again, with the version from before it, is our own write and not a conflict."""
    made = await ADAPTER.deliver(client, target, change(record, "create", {"title": "A", "n": 1}))
    assert isinstance(made, Delivered)
    sent = change(record, "update", {"title": "B", "n": 1}, form=form, version=made.version)
    first = await ADAPTER.deliver(client, target, sent)
    assert isinstance(first, Delivered)
    retry = change(record, "update", sent.payload, form=form, version=made.version, attempt=2, outcome_unknown=True)
    second = await ADAPTER.deliver(client, target, retry)
    assert isinstance(second, Delivered), second
    assert (second.how, second.version) == ("own write recognised", first.version)
    assert plain(second.document) == {"title": "B", "n": 1}


async def test_a_lost_answer_to_a_create(client: Client, target: Target, kinto: Kinto, record: str) -> None:
    """A create again is recognised; another document under the id is a conflict."""
    await ADAPTER.deliver(client, target, change(record, "create", {"title": "A"}))
    again = await ADAPTER.deliver(
        client, target, change(record, "create", {"title": "A"}, attempt=2, outcome_unknown=True)
    )
    assert isinstance(again, Delivered)
    assert again.how == "own write recognised"
    other = await ADAPTER.deliver(client, target, change(record, "create", {"title": "Z"}))
    assert isinstance(other, Conflicted)


async def test_without_a_version_it_looks_first(client: Client, target: Target, kinto: Kinto, record: str) -> None:
    """A change without version and base is made on what Kinto has, which comes back as its base."""
    kinto.put(record, {"title": "A", "n": 1})
    got = await ADAPTER.deliver(client, target, change(record, "update", {"title": "B"}))
    assert isinstance(got, Delivered), got
    assert plain(got.base) == {"title": "A", "n": 1}
    assert plain(got.document) == plain(kinto.get(record)) == {"title": "B", "n": 1}
    assert [exchange.method for exchange in got.exchanges] == ["GET", target.routes["plan"]["update"]]
    assert got.exchanges[1].sent_headers["If-Match"] == got.base_version


async def test_a_base_without_a_version(client: Client, target: Target, kinto: Kinto, record: str) -> None:
    """A base that Kinto still has lets the change through; one that it has no more is a conflict."""
    kinto.put(record, {"title": "A"})
    through = await ADAPTER.deliver(client, target, change(record, "update", {"n": 1}, base={"title": "A"}))
    assert isinstance(through, Delivered), through
    stopped = await ADAPTER.deliver(client, target, change(record, "update", {"n": 2}, base={"title": "A"}))
    assert isinstance(stopped, Conflicted)
    assert plain(stopped.remote) == {"title": "A", "n": 1}


async def test_an_old_base_is_not_written_back(client: Client, target: Target, kinto: Kinto, record: str) -> None:
    """Two patches of one client on the same base: the second keeps what the first one wrote."""
    made = await ADAPTER.deliver(client, target, change(record, "create", {"title": "A", "n": 1}))
    assert isinstance(made, Delivered)
    rest: Any = {"base": {"title": "A", "n": 1}}
    first = await ADAPTER.deliver(
        client, target, change(record, "update", {"title": "B"}, version=made.version, **rest)
    )
    assert isinstance(first, Delivered)
    second = await ADAPTER.deliver(client, target, change(record, "update", {"n": 2}, version=first.version, **rest))
    assert isinstance(second, Delivered), second
    assert plain(kinto.get(record)) == {"title": "B", "n": 2}


async def test_the_last_writer_wins(client: Client, target: Target, kinto: Kinto, record: str) -> None:
    """Such a change overwrites what others wrote, and touches no other field."""
    kinto.put(record, {"title": "A", "n": 1})
    got = await ADAPTER.deliver(
        client, target, change(record, "update", {"title": "B"}, last_writer_wins=True, version='"1"')
    )
    assert isinstance(got, Delivered), got
    assert plain(kinto.get(record)) == {"title": "B", "n": 1}


async def test_what_was_deleted_meanwhile(client: Client, target: Target, kinto: Kinto, record: str) -> None:
    """An update of what was there once is a conflict with nothing on the other side; of what never was, a rejection."""
    made = await ADAPTER.deliver(client, target, change(record, "create", {"title": "A"}))
    assert isinstance(made, Delivered)
    kinto.call("DELETE", kinto.path.format(id=record))
    got = await ADAPTER.deliver(client, target, change(record, "update", {"title": "B"}, version=made.version))
    assert isinstance(got, Conflicted), got
    assert (got.remote, got.remote_version) == (None, None)
    never = await ADAPTER.deliver(client, target, change(record + "-never", "update", {"title": "B"}))
    assert isinstance(never, Rejected)
    assert never.code == "missing"


async def test_fetch(client: Client, target: Target, kinto: Kinto, record: str) -> None:
    """The document and its version, or that there is none."""
    there = kinto.put(record, {"title": "A"})
    got = await ADAPTER.fetch(client, target, Entity("plan", record))
    assert isinstance(got, Fetched)
    assert got.document == {"title": "A"}
    assert got.changed_at is not None
    assert got.version == f'"{there["last_modified"]}"'
    assert isinstance(await ADAPTER.fetch(client, target, Entity("plan", record + "-none")), Gone)


async def test_wrong_credentials_stop_the_upstream_and_no_item(client: Client, target: Target, record: str) -> None:
    """401 makes the whole upstream wait, and says what to do."""
    closed = Target(target.address, target.routes, credentials={"type": "bearer", "token": "hunter2-hunter2"})
    got = await ADAPTER.deliver(client, closed, change(record, "create", {"title": "A"}))
    assert isinstance(got, RetryAt), got
    assert (got.code, got.upstream_wide, got.transport) == ("credentials-refused", True, False)
    assert "hunter2" not in str([exchange.record() for exchange in got.exchanges])


async def test_what_kinto_does_not_take(client: Client, target: Target) -> None:
    """An id that Kinto refuses is a rejection with Kinto's own words."""
    got = await ADAPTER.deliver(client, target, change("-äö-", "create", {"title": "A"}))
    assert isinstance(got, Rejected), got
    assert got.status == 400
    assert "Invalid object id" in got.reason


async def test_the_record_of_an_attempt(client: Client, target: Target, kinto: Kinto, record: str) -> None:
    """It shows what was sent and what came back, and no secret."""
    got = await ADAPTER.deliver(client, target, change(record, "create", {"title": "A", "password": "hunter2"}))
    (kept,) = [exchange.record() for exchange in got.exchanges]
    assert (kept["method"], kept["status"], kept["error"]) == ("PUT", 201, "")
    assert kept["request_headers"]["If-None-Match"] == "*"
    assert kept["request_headers"]["Idempotency-Key"] == "k"
    assert len(kept["request_digest"]) == 64
    assert '"title": "A"' in kept["answer_extract"] or '"title":"A"' in kept["answer_extract"]
    assert "hunter2" not in str(kept)
    assert kinto.credentials["password"] not in str(kept["request_headers"])

"""The stream of health from a real web process: everything once, then what changed, for whom it may be."""

import asyncio
import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import aiohttp
import pytest

from resilience.health.live import alike
from tests.live.conftest import Person, Server, Stream, Told, Writer, connected, listening, serve
from tests.support.processes import stop

PATH = "/api/health/stream"


async def said(stream: Stream, verb: str) -> Told:
    """The message in which this verb is told, with the rows that came before it: a change may be seen before its event is read."""
    rows: dict[int, Any] = {}
    async with asyncio.timeout(10):
        while True:
            told = await stream.next()
            assert told, "the stream has ended"
            rows |= {row["id"]: row for row in told.data.get("components", [])}
            if verb in told.data.get("moves", {}):
                return replace(told, data={**told.data, "components": list(rows.values())})


def named(told: Told, slug: str) -> dict[str, Any] | None:
    """A component's row in a message."""
    return next((row for row in told.data.get("components", []) if row["slug"] == slug), None)


async def test_everything_once_then_what_changed(server: Server, write: Writer) -> None:
    """The first message holds all components and figures; the next one only the component that went down, and what follows from it."""
    bob = write.person()
    ours, other = (
        write("component", slug="wharf", organization=bob.organization),
        write("component", slug="buoy", organization=bob.organization),
    )
    async with listening(server, bob.cookie, path=PATH) as stream:
        first = await stream.next()
        assert first
        assert first.name == "health"
        assert first.data["snapshot"] is True
        assert {"status", "score", "components", "backlog", "openBreakers", "outages", "features"} <= first.data.keys()
        row = named(first, "wharf")
        assert row
        assert (row["id"], row["state"]) == (ours, "up")
        assert row["organization"].startswith("tidewater-")
        assert {"since", "latencyMs", "availability", "waiting", "breaker"} <= row.keys()
        assert first.data["features"] == {}
        event = write("turn", component=ours, state="down", reason="It refuses connections")
        told = await said(stream, "health.down")
        assert told.data["snapshot"] is False
        row = named(told, "wharf")
        assert row
        assert row["state"] == "down"
        slugs = {row["slug"] for row in told.data["components"]}
        assert slugs <= {"wharf", "buoy"}  # what was new when the stream began may be told once more
        assert "backlog" not in told.data
        assert int(told.id) == event
        notice = told.data["notices"][0]
        assert (notice["text"], notice["about"]) == ("Wharf is down: It refuses connections.", f"component:{ours}")
        write("turn", component=ours, state="slow")
        told = await said(stream, "health.slow")
        assert [(row["slug"], row["state"]) for row in told.data["components"]] == [("wharf", "slow")]
        write("remove", component=other)
        told = await said(stream, "component.removed")
        assert told.data["removed"] == {"components": [other]}
        write("remove", component=ours)


async def test_who_comes_back_is_told_what_changed(server: Server, write: Writer) -> None:
    """After Last-Event-ID only what changed since is told, also when it changed twice; an unknown point gets everything."""
    bob = write.person()
    pier = write("component", slug="pier", organization=bob.organization)
    async with listening(server, bob.cookie, path=PATH) as other:
        await other.next()
        async with listening(server, bob.cookie, path=PATH) as stream:
            await stream.next()
            write("turn", component=pier, state="slow")
            last = (await said(stream, "health.slow")).id
        write("turn", component=pier, state="down")
        write("turn", component=pier, state="up")
        async with listening(server, {**bob.cookie, "Last-Event-ID": last}, path=PATH) as stream:
            told = await stream.next()
            assert told
            assert told.data["snapshot"] is False
            assert [row["state"] for row in told.data["components"] if row["slug"] == "pier"] == ["up"]
            assert told.data["moves"] == {"health.down": 1, "health.up": 1}
    async with listening(server, {**bob.cookie, "Last-Event-ID": "999999999"}, path=PATH) as stream:
        told = await stream.next()
        assert told
        assert told.data["snapshot"] is True
    write("remove", component=pier)


async def test_a_stranger_hears_nothing_and_everybody_of_breakwater_itself(server: Server, write: Writer) -> None:
    """What is nobody's reaches all members; what is an organization's only its own."""
    bob, charlie = write.person(), write.person("Northlight")
    theirs = write("component", slug="their-crane", organization=charlie.organization)
    itself = write("component", slug="engine-room")
    async with listening(server, bob.cookie, path=PATH) as ours, listening(server, charlie.cookie, path=PATH) as other:
        first = await ours.next()
        assert first
        assert named(first, "their-crane") is None
        assert named(first, "engine-room")
        assert await other.next()
        write("turn", component=theirs, state="down")
        assert named(await said(other, "health.down"), "their-crane")
        write("turn", component=itself, state="slow")
        for stream in (ours, other):
            told = await said(stream, "health.slow")
            row = named(told, "engine-room")
            assert row
            assert (row["state"], row["organization"]) == ("slow", None)
            assert named(told, "their-crane") is None
            assert "health.down" not in told.data["moves"]
    for component in (theirs, itself):
        write("remove", component=component)


async def test_the_socket_says_the_same(server: Server, write: Writer) -> None:
    """/ws/status tells of health as the stream does, and where to resume."""
    bob = write.person()
    quay = write("component", slug="quay", organization=bob.organization)
    async with connected(server, bob.bearer, path="/ws/status") as socket:
        first = await _of_health(socket)
        assert first["data"]["snapshot"] is True
        event = write("turn", component=quay, state="down")
        rows: list[Any] = []
        while "health.down" not in (told := await _of_health(socket))["data"].get("moves", {}):
            rows += told["data"].get("components", [])
        rows += told["data"].get("components", [])
        assert {row["slug"] for row in rows} == {"quay"}
        assert rows[-1]["state"] == "down"
        assert told["id"] == str(event)
    write("remove", component=quay)


async def test_what_changes_nothing_is_not_told(server: Server, write: Writer) -> None:
    """Events of the backlog are none of health's moves; a change of state is told behind them."""
    bob = write.person()
    lock = write("component", slug="lock", organization=bob.organization)
    async with listening(server, bob.cookie, path=PATH) as stream:
        await stream.next()
        write("event", organization=bob.organization, verb="item.queued", subject="item:x", count=20)
        write("turn", component=lock, state="down")
        told = await said(stream, "health.down")
        assert told.data["moves"]["health.down"] == 1
        assert "item.queued" not in told.data["moves"]
    write("remove", component=lock)


async def test_all_topics_in_one_stream(server: Server, write: Writer) -> None:
    """The stream of pages says first whose it is, tells each topic, and resumes after what all of them have told."""
    bob = write.person()
    async with listening(server, bob.cookie, path="/api/v1/live/stream") as stream:
        told = [await stream.next() for _ in range(6)]
        assert [one.name for one in told if one] == ["hello", "queue", "conflicts", "breakers", "health", "events"]
        assert told[0]
        assert len(told[0].data["who"]) == 16
        assert [bool(one.id) for one in told if one] == [False, False, False, False, False, True]
    async with aiohttp.ClientSession(headers=bob.cookie) as client:
        async with client.get(server.address + "/api/v1/live/messages") as answer:
            polled = await answer.json()
        assert polled["hello"] == told[0].data
        assert [one["topic"] for one in polled["messages"]] == ["queue", "conflicts", "breakers", "health", "events"]
        last = polled["messages"][-1]["id"]
        write("event", organization=bob.organization, verb="item.failed", subject="item:polled")
        async with client.get(f"{server.address}/api/v1/live/messages?last_event_id={last}") as answer:
            polled = await answer.json()
        assert polled["messages"][0]["data"]["changed"] == ["polled"]
        assert polled["messages"][0]["data"]["snapshot"] is False
        async with client.post(server.address + "/api/v1/live/messages") as answer:
            assert answer.status == 405
    async with aiohttp.ClientSession() as client, client.get(server.address + "/api/v1/live/messages") as answer:
        assert answer.status == 401


async def test_a_slower_topic_is_not_skipped_when_a_stream_breaks_off(server: Server, write: Writer) -> None:
    """A message of the queue has no later id than what health has told: who resumes there misses nothing of health."""
    bob = write.person()
    dock = write("component", slug="dock", organization=bob.organization)
    async with listening(server, bob.cookie, path="/api/v1/live/stream") as stream:
        for _ in range(6):
            await stream.next()
        write("event", organization=bob.organization, verb="item.queued", subject="item:one")
        last = ""
        while not last:
            told = await stream.next()
            assert told
            last = told.id if told.name == "queue" else ""
        down = write("turn", component=dock, state="down", verb="probe.quiet")
        assert int(last) < down
    async with listening(server, {**bob.cookie, "Last-Event-ID": last}, path="/api/v1/live/stream") as stream:
        while True:
            told = await stream.next()
            assert told
            if told.name == "health":
                break
    row = named(told, "dock")
    assert row
    assert row["state"] == "down"
    write("remove", component=dock)


@pytest.fixture(scope="module")
def patient(database: dict[str, str], other: object, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A web process whose heart beats so seldom that no test waits for it."""
    process, running = serve(database, tmp_path_factory.mktemp("patient") / "web.log", heartbeat=60)
    yield running
    stop(process)


@pytest.mark.parametrize("what", ["sign_out", "password", "remove", "revoke"])
async def test_what_an_event_tells_of_ends_the_stream_at_once(patient: Server, write: Writer, what: str) -> None:
    """Signed out, another password, removed, token revoked: no heartbeat is waited for, and a colleague's stream goes on."""
    bob, dora = write.person(), write.person()
    headers = bob.bearer if what == "revoke" else bob.cookie
    async with listening(patient, headers, path=PATH) as stream, listening(patient, dora.cookie, path=PATH) as other:
        await stream.next()
        await other.next()
        _take(write, what, bob)
        async with asyncio.timeout(2):
            while await stream.next() is not None:  # what happened just before may still be told
                pass
        write("event", organization=dora.organization, verb="health.checked", subject="component:0")
        assert await said(other, "health.checked")


def _take(write: Writer, what: str, person: Person) -> None:
    write(
        "told",
        what=what,
        user=person.user,
        organization=person.organization,
        key=person.session,
        secret=person.token,
    )


async def _of_health(socket: aiohttp.ClientWebSocketResponse) -> Any:
    while (told := json.loads(await socket.receive_str(timeout=10)))["topic"] != "health":
        pass
    return told


@pytest.mark.parametrize(
    ("before", "after", "same"),
    [
        (100.0, 110.0, True),
        (100.0, 140.0, False),
        (1.0, 5.0, True),
        (None, 5.0, False),
        (5.0, None, False),
        (None, None, True),
    ],
)
def test_a_latency_that_wavers_is_no_news(before: float | None, after: float | None, same: bool) -> None:
    """A quarter more or less, or five milliseconds, is not told by itself; any other change is."""
    row = {"id": 1, "state": "up", "latencyMs": before}
    assert alike(row, {**row, "latencyMs": after}) is same
    assert alike(row, {**row, "state": "slow"}) is False


def test_an_outage_that_goes_on_as_it_was_is_no_news() -> None:
    """Its row has no latency; another moment at which it is expected to end is told."""
    row = {"id": 1, "component": 2, "severity": "major", "beganAt": "2026-11-21T02:47:00Z", "expectedAt": None}
    assert alike(row, dict(row)) is True
    assert alike(row, {**row, "expectedAt": "2026-11-21T03:30:00Z"}) is False

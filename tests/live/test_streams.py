"""Server-sent events from a real web process, while another process writes."""

import time
from typing import Any

import aiohttp
import psycopg
import pytest

from tests.live.conftest import HEARTBEAT, Server, Writer, listening


async def refused(server: Server, headers: dict[str, str], path: str = "/api/v1/queue/stream", **how: Any) -> Any:
    """The status and the problem of a stream that is not granted."""
    async with (
        aiohttp.ClientSession() as client,
        client.request(how.get("method", "GET"), server.address + path, headers=headers) as got,
    ):
        assert got.content_type == "application/problem+json"
        problem = await got.json(content_type=None)
        assert problem["status"] == got.status
        assert problem["title"]
        return got.status


async def test_a_new_stream_gets_the_present_figures(server: Server, write: Writer) -> None:
    """The first message is a snapshot with the counts of all states, and says how to come back."""
    bob = write.person()
    async with listening(server, bob.cookie) as stream:
        assert stream.answer.headers["Content-Type"].startswith("text/event-stream")
        assert stream.answer.headers["X-Accel-Buffering"] == "no"
        assert "no-store" in stream.answer.headers["Cache-Control"]
        told = await stream.next()
    assert told
    assert told.name == "queue"
    assert told.id.isdigit()
    assert told.data["snapshot"] is True
    assert {"queued", "in_flight", "retrying", "synced", "conflict", "failed"} <= told.data["counts"].keys()


async def test_a_commit_elsewhere_is_heard(server: Server, write: Writer) -> None:
    """What another process commits arrives, in the session's and in the token's stream; how soon is printed."""
    bob = write.person()
    async with listening(server, bob.cookie) as page, listening(server, bob.bearer) as program:
        await page.next()
        await program.next()
        begun = time.monotonic()
        event = write("event", organization=bob.organization, verb="item.queued", subject="item:a1", lane=7)
        for stream in (page, program):
            told = await stream.next()
            assert told
            assert told.data["changed"] == ["a1"]
            assert told.data["lanes"] == [7]
            assert told.data["moves"] == {"item.queued": 1}
            assert told.data["snapshot"] is False
            assert int(told.id) == event
        took = time.monotonic() - begun
    print(f"heard after {took * 1000:.0f} ms")


async def test_a_stranger_hears_nothing(server: Server, write: Writer) -> None:
    """Events of another organization never arrive, neither by themselves nor among others."""
    bob, charlie = write.person(), write.person("Northlight")
    async with listening(server, bob.cookie) as ours, listening(server, charlie.cookie) as theirs:
        await ours.next()
        await theirs.next()
        write("event", organization=charlie.organization, verb="item.queued", subject="item:theirs", lane=2)
        write("event", organization=bob.organization, verb="item.queued", subject="item:ours", lane=1)
        heard, other = await ours.next(), await theirs.next()
        assert heard
        assert other
        assert (heard.data["changed"], heard.data["lanes"]) == (["ours"], [1])
        assert (other.data["changed"], other.data["lanes"]) == (["theirs"], [2])


async def test_a_topic_tells_only_what_is_about_it(server: Server, write: Writer) -> None:
    """The queue's stream is silent about members; the audit page's stream tells of them."""
    bob = write.person()
    async with (
        listening(server, bob.cookie) as queue,
        listening(server, bob.cookie, path="/api/v1/events/stream") as audit,
    ):
        await queue.next()
        await audit.next()
        write("event", organization=bob.organization, verb="member.added", subject="user:9")
        told = await audit.next()
        assert told
        assert told.name == "events"
        assert told.data["new"] == 1
        assert told.data["events"][0]["verb"] == "member.added"
        write("event", organization=bob.organization, verb="item.queued", subject="item:a2")
        heard = await queue.next()
        assert heard
        assert heard.data["moves"] == {"item.queued": 1}


async def test_a_breaker_that_opens_is_heard(server: Server, write: Writer) -> None:
    """The stream of breakers names the upstream, and says nothing of items."""
    bob = write.person()
    async with listening(server, bob.cookie, path="/api/v1/breakers/stream") as stream:
        told = await stream.next()
        assert told
        assert (told.name, told.data["open"]) == ("breakers", 0)
        write("event", organization=bob.organization, verb="item.queued", subject="item:a3")
        write("event", organization=bob.organization, verb="breaker.opened", subject="upstream:7")
        told = await stream.next()
        assert told
        assert (told.data["changed"], told.data["moves"]) == ([7], {"breaker.opened": 1})


async def test_a_burst_is_told_in_few_messages(server: Server, write: Writer) -> None:
    """Many commits in a second make at most a few messages, and the last one is told too."""
    bob = write.person()
    async with listening(server, bob.cookie) as stream:
        await stream.next()
        begun = time.monotonic()
        heard: list[Any] = []
        last = 0
        while time.monotonic() < begun + 2:
            last = write("event", organization=bob.organization, verb="item.queued", subject="item:b", count=5)
        while not heard or int(heard[-1].id) < last:
            heard.append(await stream.next())
        took = time.monotonic() - begun
    assert len(heard) <= took * 4 + 1


async def test_more_than_can_be_read_is_said(server: Server, write: Writer) -> None:
    """After thousands of events in one commit the page is told that some were left out, and the stream goes on."""
    bob = write.person()
    async with listening(server, bob.cookie) as stream:
        await stream.next()
        last = write("burst", organization=bob.organization, count=6_000)
        told = await stream.next()
        assert told
        assert told.data["skipped"] is True
        write("event", organization=bob.organization, verb="item.queued", subject="item:after")
        while "after" not in told.data["changed"]:
            told = await stream.next()
            assert told
        assert int(told.id) > last


async def test_who_comes_back_hears_what_was_missed(server: Server, write: Writer) -> None:
    """Last-Event-ID resumes: one message with what happened meanwhile, and nothing of other organizations."""
    bob, charlie = write.person(), write.person("Northlight")
    async with listening(server, bob.cookie) as stream:
        first = await stream.next()
    assert first
    write("event", organization=bob.organization, verb="item.queued", subject="item:m1")
    write("event", organization=charlie.organization, verb="item.queued", subject="item:x")
    write("event", organization=bob.organization, verb="item.queued", subject="item:m2")
    async with listening(server, {**bob.cookie, "Last-Event-ID": first.id}) as stream:
        told = await stream.next()
    assert told
    assert told.data["snapshot"] is False
    assert told.data["changed"] == ["m2", "m1"]


@pytest.mark.parametrize("point", ["9999999999", "x", "-1", "1" * 40, "0x1", "1 OR 1=1"])
async def test_an_unknown_point_gets_the_present(server: Server, write: Writer, point: str) -> None:
    """An id that is none, or that lies ahead, gets a fresh snapshot."""
    bob = write.person()
    async with listening(server, {**bob.cookie, "Last-Event-ID": point}) as stream:
        told = await stream.next()
    assert told
    assert told.data["snapshot"] is True


async def test_too_much_missed_gets_the_present(server: Server, write: Writer) -> None:
    """Who missed more than is worth telling gets a fresh snapshot."""
    bob = write.person()
    before = write("event", organization=bob.organization, verb="item.queued", subject="item:c")
    write("burst", organization=bob.organization, count=600)
    async with listening(server, {**bob.cookie, "Last-Event-ID": str(before)}) as stream:
        told = await stream.next()
    assert told
    assert told.data["snapshot"] is True


async def test_a_stream_beats(server: Server, write: Writer) -> None:
    """Silence is interrupted by heartbeats: a comment for proxies and an event for pages."""
    bob = write.person()
    async with listening(server, bob.cookie) as stream:
        await stream.next()
        begun = time.monotonic()
        for _ in range(2):
            told = await stream.next(beats=True)
            assert told
            assert told.name == "beat"
        assert time.monotonic() - begun < 2 * HEARTBEAT + 1
    assert stream.comments == ["heartbeat", "heartbeat"]


@pytest.mark.parametrize(
    ("what", "comes_back"),
    [("remove_membership", 403), ("sign_out", 401), ("deactivate", 401), ("new_password", 401)],
)
async def test_what_is_taken_away_ends_the_stream(server: Server, write: Writer, what: str, comes_back: int) -> None:
    """Removed from the organization, signed out, locked out, another password: the stream ends at the next heartbeat."""
    bob = write.person()
    arguments: dict[str, dict[str, Any]] = {
        "remove_membership": {"user": bob.user, "organization": bob.organization},
        "sign_out": {"key": bob.session},
    }
    async with listening(server, bob.cookie) as stream:
        await stream.next()
        write(what, **arguments.get(what, {"user": bob.user}))
        begun = time.monotonic()
        assert await stream.next() is None
        assert time.monotonic() - begun < HEARTBEAT + 1
    assert await refused(server, bob.cookie) == comes_back


async def test_a_revoked_token_ends_the_stream(server: Server, write: Writer) -> None:
    """A program whose token is revoked is cut off, and not let in again."""
    bob = write.person()
    async with listening(server, bob.bearer) as stream:
        await stream.next()
        write("revoke", secret=bob.token)
        assert await stream.next() is None
    assert await refused(server, bob.bearer) == 401


async def test_who_is_not_signed_in_is_refused(server: Server, write: Writer) -> None:
    """No cookie, a tampered one, another's shape of header: 401 with a problem, whichever stream it is."""
    bob = write.person()
    flipped = bob.session[:-1] + ("a" if bob.session[-1] != "a" else "b")
    for headers in (
        {},
        {"Cookie": f"breakwater_session={flipped}"},
        {"Cookie": "breakwater_session="},
        {"Cookie": f"breakwater_session={'x' * 5000}"},
        {"Cookie": "breakwater_session=../../etc/passwd; =;;"},
        {"Authorization": f"Bearer {bob.token}x"},
        {"Authorization": "Bearer "},
        {"Authorization": f"Basic {bob.token}"},
        {"Authorization": "Bearer x", **bob.cookie},
    ):
        for path in ("/api/v1/queue/stream", "/api/v1/events/stream"):
            assert await refused(server, headers, path) == 401


async def test_other_refusals(server: Server, write: Writer) -> None:
    """Another method, another host and a topic that does not exist (yet) are told apart."""
    bob = write.person()
    assert await refused(server, bob.cookie, method="POST") == 405
    assert await refused(server, {**bob.cookie, "Host": "evil.example"}) == 403


async def test_fifty_streams_a_user(server: Server, write: Writer) -> None:
    """The fifty-first stream of a user is refused, others are not, and a closed one makes room."""
    bob, alice = write.person(), write.person(role="admin")
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as client:
        url = f"{server.address}/api/v1/queue/stream"
        streams = [await client.get(url, headers=bob.cookie) for _ in range(50)]
        assert {stream.status for stream in streams} == {200}
        assert await refused(server, bob.cookie) == 429
        assert await refused(server, bob.bearer) == 429
        async with listening(server, alice.cookie):
            pass
        streams[0].close()
        while (again := await client.get(url, headers=bob.cookie)).status == 429:
            again.release()
        assert again.status == 200
        for stream in (*streams, again):
            stream.close()


@pytest.mark.postgres_only
async def test_what_commits_late_is_told(server: Server, write: Writer, database: dict[str, str]) -> None:
    """An event whose id is smaller than one that was told already arrives when its transaction commits."""
    bob = write.person()
    insert = (
        "INSERT INTO events_event (at, organization_id, organization_name, actor, verb, subject, data, request_id)"
        " VALUES (now(), %s, '', '', 'item.queued', %s, '', '') RETURNING id"
    )
    async with listening(server, bob.cookie) as stream:
        await stream.next()
        async with await psycopg.AsyncConnection.connect(database["DATABASE_URL"]) as slow:
            late = await (await slow.execute(insert, [bob.organization, "item:late"])).fetchone()
            early = write("event", organization=bob.organization, verb="item.queued", subject="item:early")
            told = await stream.next()
            assert told
            assert late
            assert early > late[0]
            assert told.data["changed"] == ["early"]
            assert int(told.id) < late[0]
            await slow.commit()
            told = await stream.next()
            assert told
            assert told.data["changed"] == ["late"]
            assert int(told.id) == early

"""The same messages over WebSockets, from a real web process."""

import asyncio
import json
from typing import Any

import aiohttp
import pytest

from tests.live.conftest import HEARTBEAT, Server, Writer, connected


async def closed(socket: aiohttp.ClientWebSocketResponse) -> int | None:
    """The code by which the server closes, whatever it says before."""
    async with asyncio.timeout(10):
        while (await socket.receive()).type is aiohttp.WSMsgType.TEXT:
            pass
    return socket.close_code


async def heard(socket: aiohttp.ClientWebSocketResponse, *topics: str) -> dict[str, Any]:
    """The next message about one of these topics: the queue, unless others are named."""
    while (told := json.loads(await socket.receive_str(timeout=10)))["topic"] not in (topics or ("queue",)):
        pass
    return told  # type: ignore[no-any-return]


@pytest.mark.parametrize("path", ["/ws/queue", "/ws/status"])
async def test_a_page_signs_in_by_its_cookie(server: Server, write: Writer, path: str) -> None:
    """A page of ours gets the present figures, then what happens, and nothing of other organizations."""
    bob, charlie = write.person(), write.person("Northlight")
    async with connected(server, {**bob.cookie, "Origin": server.address}, path=path) as socket:
        first = await heard(socket)
        assert first["topic"] == "queue"
        assert first["data"]["snapshot"] is True
        write("event", organization=charlie.organization, verb="item.queued", subject="item:theirs")
        write("event", organization=bob.organization, verb="item.queued", subject="item:ours")
        told = await heard(socket)
        assert told["data"]["changed"] == ["ours"]
        assert int(told["id"]) > int(first["id"])


@pytest.mark.parametrize(
    "origin",
    [
        {},
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://127.0.0.1:1"},
        {"Origin": "http://["},
    ],
)
async def test_a_page_of_another_site_is_refused(server: Server, write: Writer, origin: dict[str, str]) -> None:
    """A cookie counts only with an Origin that is ours."""
    bob = write.person()
    async with connected(server, {**bob.cookie, **origin}) as socket:
        assert await closed(socket) == 4403


async def test_a_program_signs_in_by_header(server: Server, write: Writer) -> None:
    """A bearer token needs no Origin."""
    bob = write.person()
    async with connected(server, bob.bearer) as socket:
        assert (await heard(socket))["data"]["snapshot"] is True


async def test_a_program_signs_in_by_its_first_message(server: Server, write: Writer) -> None:
    """Where no header can be set the first message holds the token, and may say where to resume."""
    bob = write.person()
    async with connected(server, {}) as socket:
        await socket.send_json({"token": bob.token})
        first = await heard(socket)
        assert first["data"]["snapshot"] is True
    write("event", organization=bob.organization, verb="item.queued", subject="item:missed")
    async with connected(server, {}) as socket:
        await socket.send_json({"token": bob.token, "last_event_id": first["id"]})
        told = await heard(socket)
        assert told["data"]["changed"] == ["missed"]


@pytest.mark.parametrize(
    "first",
    ["", "x", "[]", "null", "{}", '{"token": null}', '{"token": "wrong"}', '{"token": {}}', "[" * 4_000, "x" * 10_000],
)
async def test_a_bad_first_message_is_refused(server: Server, first: str) -> None:
    """Whatever it is that is no token closes with 4401."""
    async with connected(server, {}) as socket:
        await socket.send_str(first)
        assert await closed(socket) == 4401


async def test_bytes_are_no_token(server: Server) -> None:
    """A binary first message closes with 4401 as well."""
    async with connected(server, {}) as socket:
        await socket.send_bytes(b"\xff\x00")
        assert await closed(socket) == 4401


async def test_a_tampered_session_is_refused(server: Server, write: Writer) -> None:
    """A cookie that was never given out closes with 4401."""
    bob = write.person()
    headers = {"Cookie": f"breakwater_session={bob.session[::-1]}", "Origin": server.address}
    async with connected(server, headers) as socket:
        assert await closed(socket) == 4401


async def test_an_unknown_address_is_refused(server: Server, write: Writer) -> None:
    """There is no socket where none was made, and another host's name is not ours."""
    bob = write.person()
    for path, host in (("/ws/nothing", {}), ("/ws/queue", {"Host": "evil.example"})):
        with pytest.raises(aiohttp.WSServerHandshakeError):
            async with connected(server, {**bob.bearer, **host}, path=path):
                pass


@pytest.mark.parametrize(("what", "code"), [("remove_membership", 4403), ("sign_out", 4401)])
async def test_what_is_taken_away_closes_the_socket(server: Server, write: Writer, what: str, code: int) -> None:
    """A removed member and a signed-out one are told apart by the code, within a heartbeat."""
    bob = write.person()
    arguments: dict[str, Any] = {
        "remove_membership": {"user": bob.user, "organization": bob.organization},
        "sign_out": {"key": bob.session},
    }
    async with connected(server, {**bob.cookie, "Origin": server.address}) as socket:
        await heard(socket)
        write(what, **arguments[what])
        async with asyncio.timeout(HEARTBEAT + 1):
            assert await closed(socket) == code


async def test_talk_after_sign_in_means_nothing(server: Server, write: Writer) -> None:
    """What a client says later is read and ignored; the socket goes on."""
    bob = write.person()
    async with connected(server, bob.bearer) as socket:
        await heard(socket)
        for _ in range(20):
            await socket.send_str("x" * 1_000)
        write("event", organization=bob.organization, verb="item.queued", subject="item:still")
        assert (await heard(socket))["data"]["changed"] == ["still"]

"""The web process as a whole: it stops at once although streams are open, and many streams cost little."""

import asyncio
import signal
import time
from pathlib import Path

import aiohttp
import pytest

from tests.live.conftest import Person, Server, Writer, connected, listening, serve
from tests.support.processes import stop

CROWD = 200


def memory(pid: int) -> int:
    """The resident memory of a process in bytes."""
    words = Path(f"/proc/{pid}/status").read_text().split("VmRSS:")[1].split()
    return int(words[0]) * 1024


@pytest.mark.parametrize("received", [signal.SIGTERM, signal.SIGINT])
async def test_it_stops_at_once(
    database: dict[str, str], write: Writer, tmp_path: Path, received: signal.Signals
) -> None:
    """SIGTERM and SIGINT end streams and sockets properly, and the process is gone within 2 s."""
    process, server = serve(database, tmp_path / "web.log")
    try:
        bob = write.person()
        async with listening(server, bob.cookie) as stream, connected(server, bob.bearer) as socket:
            await stream.next()
            await socket.receive_str()
            begun = time.monotonic()
            process.send_signal(received)
            assert await stream.next() is None
            while (told := await socket.receive(timeout=5)).type is aiohttp.WSMsgType.TEXT:
                pass
            assert told.type in (aiohttp.WSMsgType.CLOSE, aiohttp.WSMsgType.CLOSED)
            assert socket.close_code in (1001, 1012)
            await asyncio.to_thread(process.wait, 10)
            assert time.monotonic() - begun < 2
    finally:
        stop(process)
    assert "Traceback" not in (tmp_path / "web.log").read_text()


async def test_two_hundred_streams(database: dict[str, str], write: Writer, tmp_path: Path) -> None:
    """Two hundred streams take less than 100 KB each, and the last of them hears a commit within a second."""
    process, server = serve(database, tmp_path / "web.log")
    try:
        people = [write.person() for _ in range(CROWD // 40)]
        async with listening(server, people[0].cookie) as stream:
            await stream.next()
            before = memory(server.pid)
            begun = time.monotonic()
            here = asyncio.Barrier(CROWD + 1)
            async with asyncio.timeout(30), asyncio.TaskGroup() as group:
                listeners = [group.create_task(_one(server, people[n % len(people)], here)) for n in range(CROWD)]
                await here.wait()
                opened = time.monotonic() - begun
                each = (memory(server.pid) - before) / CROWD
                begun = time.monotonic()
                write("event", organization=people[0].organization, verb="item.queued", subject="item:crowd")
            heard = sorted(listener.result() - begun for listener in listeners)
        print(
            f"{CROWD} streams opened in {opened:.2f} s, {each / 1024:.0f} KB each; a commit is heard first after"
            f" {heard[0] * 1000:.0f} ms, by the last after {heard[-1] * 1000:.0f} ms"
        )
        assert heard[-1] < 1
        assert each < 100 * 1024
    finally:
        stop(process)


async def _one(server: Server, person: Person, here: asyncio.Barrier) -> float:
    """When one of the crowd heard of the commit, after all of them were there."""
    async with listening(server, person.cookie) as stream:
        assert await stream.next()
        await here.wait()
        told = await stream.next()
        assert told
        assert told.data["changed"] == ["crowd"]
        return time.monotonic()

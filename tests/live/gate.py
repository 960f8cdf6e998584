"""What stands between a browser and the portal: it counts streams, blocks them as a proxy does, and stays when the portal moves."""

import asyncio
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress

STREAM, SOCKET, MESSAGES = b"/api/v1/live/stream", b"/ws/live", b"/api/v1/live/messages"
REFUSED = b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"


class Gate:
    """A proxy on a port of its own. `portal` is the port behind it; 0 is nobody. `blocked` holds the paths that it answers with 502."""

    def __init__(self, portal: int) -> None:
        self.portal = portal
        self.port = 0
        self.blocked: set[bytes] = set()
        self.open: Counter[bytes] = Counter()
        self.asked: Counter[bytes] = Counter()

    @property
    def address(self) -> str:
        """Where a browser goes."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def streams(self) -> int:
        """How many streams are open at this moment."""
        return self.open[STREAM]

    async def serve(self, client: asyncio.StreamReader, back: asyncio.StreamWriter) -> None:
        """Passes one request on."""
        with suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            head = await client.readuntil(b"\r\n\r\n")
            path = head.split(b" ", 2)[1].partition(b"?")[0]
            self.asked[path] += 1
            if path in self.blocked:
                back.write(REFUSED)
            elif self.portal:
                self.open[path] += 1
                try:
                    await self._pass(head, path, client, back)
                finally:
                    self.open[path] -= 1
        with suppress(ConnectionError):
            back.close()
            await back.wait_closed()

    async def _pass(self, head: bytes, path: bytes, client: asyncio.StreamReader, back: asyncio.StreamWriter) -> None:
        answer, portal = await asyncio.open_connection("127.0.0.1", self.portal)
        if path != SOCKET:
            head = head.replace(b"Connection: keep-alive", b"Connection: close", 1)
        portal.write(head)
        ways = [asyncio.create_task(_copy(client, portal)), asyncio.create_task(_copy(answer, back))]
        try:
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for way in ways:
                way.cancel()
            portal.close()


async def _copy(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
    with suppress(ConnectionError):
        while piece := await source.read(65_536):
            target.write(piece)
            await target.drain()


@contextmanager
def standing(portal: int) -> Iterator[Gate]:
    """A gate in front of a port of loopback, in a thread of its own, for the length of the block."""
    gate, ready = Gate(portal), threading.Event()
    loop = asyncio.new_event_loop()

    async def open_up() -> None:
        server = await asyncio.start_server(gate.serve, "127.0.0.1", 0)
        gate.port = server.sockets[0].getsockname()[1]
        ready.set()

    def run() -> None:
        asyncio.set_event_loop(loop)
        loop.run_until_complete(open_up())
        loop.run_forever()
        for task in asyncio.all_tasks(loop):
            task.cancel()
        loop.run_until_complete(asyncio.sleep(0))
        loop.close()

    thread = threading.Thread(target=run, name="gate")
    thread.start()
    ready.wait(10)
    try:
        yield gate
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)

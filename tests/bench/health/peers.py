"""The servers that the bench probes: several loopback addresses, each answers after a delay that is known, and dies when told to.

python -m tests.bench.health.peers PORTS        prints the ports, one line; then obeys "die N", "live N" from its standard input
"""

import asyncio
import socket
import sys

DELAYS = (0.0, 0.02, 0.05, 0.1)
"""Seconds that the servers take, in turn."""


class Answering(asyncio.Protocol):
    """HTTP as small as it can be, so that what is measured is the prober."""

    ANSWER = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 2\r\n\r\nok"

    def __init__(self, delay: float, open_ones: set[asyncio.Transport]) -> None:
        self._delay = delay
        self._open_ones = open_ones
        self._transport: asyncio.Transport | None = None
        self._seen = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep where to answer."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._open_ones.add(transport)

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget it."""
        if self._transport is not None:
            self._open_ones.discard(self._transport)

    def data_received(self, data: bytes) -> None:
        """Answer each request after the delay."""
        self._seen += data
        while b"\r\n\r\n" in self._seen:
            self._seen = self._seen.partition(b"\r\n\r\n")[2]
            if self._delay:
                asyncio.get_running_loop().call_later(self._delay, self._answer)
            else:
                self._answer()

    def _answer(self) -> None:
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(self.ANSWER)


async def serve(count: int) -> None:
    """Serve until the standard input ends."""
    loop = asyncio.get_running_loop()
    open_ones: list[set[asyncio.Transport]] = [set() for _ in range(count)]
    servers = [await _listen(number, 0, open_ones[number]) for number in range(count)]
    ports = [server.sockets[0].getsockname()[1] for server in servers]
    print(*ports, flush=True)
    while line := await loop.run_in_executor(None, sys.stdin.readline):
        word, number = line.split()
        if word == "die":
            servers[int(number)].close()
            for transport in list(open_ones[int(number)]):
                transport.abort()
        else:
            servers[int(number)] = await _listen(int(number), ports[int(number)], open_ones[int(number)])
        print("done", flush=True)


async def _listen(number: int, port: int, open_ones: set[asyncio.Transport]) -> asyncio.Server:
    delay = DELAYS[number % len(DELAYS)]
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind((f"127.0.1.{number % 250 + 1}", port))
    return await asyncio.get_running_loop().create_server(
        lambda: Answering(delay, open_ones), sock=listener, backlog=500
    )


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1])))

"""Servers to be probed: real ones on loopback, each of which does as it is told."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from aiohttp import web

from tests.support.ports import free_port


@dataclass
class Peer:
    """A server and what it does next: answers `status` after `delay`, or never, or for ever. `most` is how many it served at once."""

    host: str = "127.0.0.1"
    status: int = 200
    delay: float = 0.0
    never: bool = False
    endless: bool = False
    asked: int = 0
    now: int = 0
    most: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    port: int = field(default_factory=free_port)
    _runner: web.AppRunner | None = None

    @property
    def url(self) -> str:
        """Where it is."""
        return f"http://{self.host}:{self.port}/"

    async def start(self) -> None:
        """Listens, at the same port each time."""
        application = web.Application()
        application.router.add_get("/{path:.*}", self._answer)
        self._runner = web.AppRunner(application, handler_cancellation=True, access_log=None, shutdown_timeout=0)
        await self._runner.setup()
        listener = socket.socket()
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((self.host, self.port))
        await web.SockSite(self._runner, listener).start()

    async def stop(self) -> None:
        """Dies: connections are refused from now on."""
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        self.asked += 1
        self.headers = dict(request.headers)
        self.now += 1
        self.most = max(self.most, self.now)
        try:
            if self.never:
                await asyncio.Event().wait()
            if self.endless:
                return await self._go_on(request)
            await asyncio.sleep(self.delay)
            return web.Response(status=self.status, text="ok")
        finally:
            self.now -= 1

    async def _go_on(self, request: web.Request) -> web.StreamResponse:
        answer = web.StreamResponse()
        await answer.prepare(request)
        while True:
            await answer.write(b"x" * 10)
            await asyncio.sleep(0.01)


@asynccontextmanager
async def peers(*made: Peer) -> AsyncIterator[tuple[Peer, ...]]:
    """These servers, running."""
    try:
        for peer in made:
            await peer.start()
        yield made
    finally:
        for peer in made:
            await peer.stop()

"""Puts the live routes beside Django in one ASGI application, and ends streams as soon as the server is told to stop."""

import asyncio
import signal
import threading
from collections.abc import Awaitable, Callable, Mapping
from types import FrameType
from typing import Any

from portal.live.hub import Hub
from portal.live.sockets import Socket
from portal.live.streams import Poll, Receive, Scope, Send, Stream

Application = Callable[[Any, Any, Any], Awaitable[None]]


class Router:
    """An ASGI application: streams and sockets by exact path, the server's lifespan, and Django for the rest."""

    def __init__(
        self, django: Application, hub: Hub, streams: Mapping[str, Stream | Poll], sockets: Mapping[str, Socket]
    ) -> None:
        self._django = django
        self._hub = hub
        self._streams = streams
        self._sockets = sockets

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hands the connection to whom it belongs."""
        match scope["type"]:
            case "lifespan":
                await self._live(receive, send)
            case "websocket":
                await self._sockets.get(scope["path"], _nothing)(scope, receive, send)
            case _:
                await self._streams.get(scope["path"], self._django)(scope, receive, send)

    async def _live(self, receive: Receive, send: Send) -> None:
        await receive()
        _on_signals(self._hub.close)
        await send({"type": "lifespan.startup.complete"})
        await receive()
        self._hub.close()
        await send({"type": "lifespan.shutdown.complete"})


async def _nothing(scope: Scope, receive: Receive, send: Send) -> None:
    await receive()
    await send({"type": "websocket.close", "code": 4404})


def _on_signals(close: Callable[[], None]) -> None:
    """Calls `close` before the server's own handler: uvicorn tells an application only after its streams have ended."""
    if threading.current_thread() is not threading.main_thread():
        return
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        before = signal.getsignal(number)
        if not callable(before):
            continue

        def handle(received: int, frame: FrameType | None, then: Callable[..., Any] = before) -> None:
            loop.call_soon_threadsafe(close)
            then(received, frame)

        signal.signal(number, handle)

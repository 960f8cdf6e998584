"""Server-sent events (the HTML standard's section 9.2) as a bare ASGI route: no thread and no connection is held for a stream."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from contextlib import aclosing, suppress
from typing import Any

from django.db import Error as DatabaseError

from portal.kit import clock, jsontext
from portal.kit.errors import Error, Forbidden, NotFound, SignedOut, Unavailable
from portal.live.hub import Hub
from portal.live.listener import Listener, resume_point
from portal.live.signin import credential_in, host_is_ours
from portal.live.topics import registered

Scope = dict[str, Any]
AsgiEvent = dict[str, Any]
Receive = Callable[[], Awaitable[AsgiEvent]]
Send = Callable[[AsgiEvent], Awaitable[None]]

PROBLEMS = "/api/docs/problems"
RETRY_MILLISECONDS = 3_000
SEND_SECONDS = 30.0
HEADERS = [
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-cache, no-store, no-transform"),
    (b"x-accel-buffering", b"no"),
    (b"x-content-type-options", b"nosniff"),
    (b"vary", b"Cookie, Authorization"),
]
POLL_HEADERS = [(b"content-type", b"application/json"), *HEADERS[1:]]
logger = logging.getLogger(__name__)


class Stream:
    """The route of one stream: which topics it tells about, and whether it says first to whom (for pages that share it)."""

    def __init__(self, hub: Hub, topics: Sequence[str], *, greets: bool = False) -> None:
        self._hub = hub
        self._topics = topics
        self._greets = greets

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one request, for as long as both sides want it."""
        if scope["method"] != "GET":
            await _refuse(send, 405, "method-not-allowed", "A stream is read with GET.", [(b"allow", b"GET")])
            return
        listener = await opened(self._hub, self._topics, scope, send)
        if listener is None:
            return
        gone = asyncio.create_task(_until_gone(receive, listener))
        try:
            await self._tell(listener, scope, send)
        except (SignedOut, Forbidden, TimeoutError, DatabaseError) as reason:
            logger.info("A stream ends: %s", reason)
        finally:
            gone.cancel()
            listener.close()
        with suppress(OSError):
            await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _tell(self, listener: Listener, scope: Scope, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": HEADERS})
        greeting = f"event: hello\ndata: {jsontext.dump(listener.greeting)}\n\n" if self._greets else ""
        await _write(send, f"retry: {RETRY_MILLISECONDS}\n\n{greeting}".encode())
        async with aclosing(listener.messages(resume_point(scope["headers"], scope["query_string"]))) as messages:
            async for group in messages:
                await _write(send, b"".join(message.as_event for message in group) or _beat())


class Poll:
    """The route for those whom neither a stream nor a socket reaches: the same messages, by plain requests."""

    def __init__(self, hub: Hub, topics: Sequence[str]) -> None:
        self._hub = hub
        self._topics = topics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers with the greeting and with the messages since ?last_event_id=, or the present figures."""
        if scope["method"] != "GET":
            await _refuse(send, 405, "method-not-allowed", "Messages are read with GET.", [(b"allow", b"GET")])
            return
        listener = await opened(self._hub, self._topics, scope, send)
        if listener is None:
            return
        try:
            messages = await listener.first(resume_point(scope["headers"], scope["query_string"]))
        finally:
            listener.close()
        frames = ",".join(message.as_frame for message in messages)
        body = f'{{"hello":{jsontext.dump(listener.greeting)},"messages":[{frames}]}}'.encode()
        await send({"type": "http.response.start", "status": 200, "headers": POLL_HEADERS})
        await send({"type": "http.response.body", "body": body})


async def opened(hub: Hub, topics: Sequence[str], scope: Scope, send: Send) -> Listener | None:
    """A listener for this request; None when the request was refused, which has been answered then."""
    try:
        known = registered(topics)
        if not known:
            raise NotFound
        if not host_is_ours(scope["headers"]):
            raise Forbidden("This portal has another name.")
        return await Listener.open(hub, known, credential_in(scope["headers"]))
    except Error as error:
        await _refuse(send, error.status, error.code, error.title(), detail=error.detail)
    except DatabaseError:
        logger.warning("A stream could not be opened.", exc_info=True)
        await _refuse(send, 503, Unavailable.code, Unavailable.title())
    return None


async def _write(send: Send, body: bytes) -> None:
    """Sends a piece; raises TimeoutError when the reader has taken nothing for half a minute."""
    async with asyncio.timeout(SEND_SECONDS):
        await send({"type": "http.response.body", "body": body, "more_body": True})


def _beat() -> bytes:
    """A comment for proxies, and an event for pages, which do not see comments."""
    return f': heartbeat\nevent: beat\ndata: {{"at":"{clock.now().isoformat()}"}}\n\n'.encode()


async def _until_gone(receive: Receive, listener: Listener) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
    listener.end()


async def _refuse(
    send: Send,
    status: int,
    code: str,
    title: str,
    headers: Sequence[tuple[bytes, bytes]] = (),
    *,
    detail: str = "",
) -> None:
    """Answers with problem+json (RFC 9457)."""
    problem = {"type": f"{PROBLEMS}#{code}", "title": title, "status": status, "detail": detail, "errors": []}
    body = jsontext.dump(problem).encode()
    headers = [(b"content-type", b"application/problem+json"), (b"cache-control", b"no-store"), *headers]
    if status == SignedOut.status:
        headers.append((b"www-authenticate", b'Bearer realm="Breakwater"'))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})

"""The same messages over a WebSocket: {"topic": …, "id": …, "data": …}, a text frame each.

A page signs in by its session cookie, and only from an Origin that is ours. A program sends `Authorization: Bearer`, or, where
it cannot set headers, {"token": "…", "last_event_id": "…"} as its first message. Refusals close with a code:
4401 sign in again, 4403 not allowed, 4429 too many, 1012 connect again.
"""

import asyncio
import json
import logging
from collections.abc import Sequence
from contextlib import aclosing, suppress

from django.db import Error as DatabaseError

from portal.kit import clock, jsontext
from portal.kit.errors import Error, Forbidden, SignedOut, TooMany
from portal.live.core.entries import Message
from portal.live.hub import Hub
from portal.live.listener import Listener, as_position, resume_point
from portal.live.signin import Bearer, Credential, Session, credential_in, host_is_ours, origin_is_ours
from portal.live.streams import SEND_SECONDS, Receive, Scope, Send
from portal.live.topics import registered

SIGN_IN_SECONDS = 10.0
LONGEST_MESSAGE = 4_096
GOING_AWAY, TRY_AGAIN = 1001, 1012
CODES: dict[type[Error], int] = {SignedOut: 4401, Forbidden: 4403, TooMany: 4429}
logger = logging.getLogger(__name__)


class Gone(Exception):
    """The other side has closed the socket."""


class Socket:
    """The route of one WebSocket: which topics it tells about, and whether it says first to whom (for pages that share it)."""

    def __init__(self, hub: Hub, topics: Sequence[str], *, greets: bool = False) -> None:
        self._hub = hub
        self._topics = topics
        self._greets = greets

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serves one socket, for as long as both sides want it."""
        topics = registered(self._topics)
        await receive()
        if not topics or not host_is_ours(scope["headers"]):
            await send({"type": "websocket.close", "code": 4403})
            return
        await send({"type": "websocket.accept"})
        code, reason = GOING_AWAY, ""
        try:
            credential, resume_from = await _credential(scope, receive)
            listener = await Listener.open(self._hub, topics, credential)
            try:
                if self._greets:
                    await send({"type": "websocket.send", "text": _greeting(listener)})
                await _serve(listener, resume_from, receive, send)
            finally:
                listener.close()
        except Error as error:
            code, reason = CODES.get(type(error), TRY_AGAIN), error.detail or error.title()
        except (TimeoutError, DatabaseError):
            logger.info("A socket ends.", exc_info=True)
            code = TRY_AGAIN
        except Gone:
            return
        with suppress(OSError, RuntimeError):  # closed from the other side in the same moment
            await send({"type": "websocket.close", "code": code, "reason": reason[:100]})


async def _credential(scope: Scope, receive: Receive) -> tuple[Credential, int | None]:
    """Who connects, and from where to resume. Raises SignedOut, Forbidden or Gone."""
    headers = scope["headers"]
    credential = credential_in(headers)
    if isinstance(credential, Session) and not origin_is_ours(headers):
        raise Forbidden("A page of another site asks.")
    if credential is not None:
        return credential, resume_point(headers, scope["query_string"])
    try:
        async with asyncio.timeout(SIGN_IN_SECONDS):
            first = json.loads(await _receive_text(receive))
        return Bearer(str(first["token"])), as_position(str(first.get("last_event_id", "")))
    except (ValueError, KeyError, TypeError, AttributeError, TimeoutError, RecursionError):
        raise SignedOut('The first message is {"token": "…"}.') from None


async def _receive_text(receive: Receive) -> str:
    event = await receive()
    if event["type"] == "websocket.disconnect":
        raise Gone
    text = event.get("text") or ""
    if len(text) > LONGEST_MESSAGE:
        raise ValueError(len(text))
    return str(text)


async def _serve(listener: Listener, resume_from: int | None, receive: Receive, send: Send) -> None:
    gone = asyncio.create_task(_until_gone(receive, listener))
    try:
        async with aclosing(listener.messages(resume_from)) as messages:
            async for group in messages:
                for frame in _frames(group):
                    async with asyncio.timeout(SEND_SECONDS):
                        await send({"type": "websocket.send", "text": frame})
    except (OSError, RuntimeError):
        raise Gone from None
    finally:
        gone.cancel()
    if gone.done() and not gone.cancelled():
        raise Gone


def _greeting(listener: Listener) -> str:
    return f'{{"topic":"hello","data":{jsontext.dump(listener.greeting)}}}'


def _frames(group: Sequence[Message]) -> list[str]:
    return [message.as_frame for message in group] or [
        f'{{"topic":"beat","data":{{"at":"{clock.now().isoformat()}"}}}}'
    ]


async def _until_gone(receive: Receive, listener: Listener) -> None:
    """Reads what the client says, which means nothing after the sign-in, until it leaves."""
    while (await receive())["type"] != "websocket.disconnect":
        pass
    listener.end()

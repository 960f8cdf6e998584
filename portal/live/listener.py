"""A stream's life, whatever carries it: signed in, subscribed, told, and checked again at each heartbeat."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from functools import partial
from typing import Any
from urllib.parse import parse_qs

from django.conf import settings

from portal.kit.errors import Forbidden, SignedOut, Unavailable
from portal.kit.viewer import Viewer
from portal.kit.who import who
from portal.live.core.entries import Message
from portal.live.hub import Hub
from portal.live.signin import Credential, Headers, header, sign_in
from portal.live.subscriber import Subscriber
from portal.live.topics import Topic


class Listener:
    """One who listens to some topics. Use `open`, then iterate `messages()`, and always `close`."""

    def __init__(self, hub: Hub, subscriber: Subscriber, credential: Credential, viewer: Viewer) -> None:
        self._hub = hub
        self._subscriber = subscriber
        self._credential = credential
        self._viewer = viewer

    @classmethod
    async def open(cls, hub: Hub, topics: Sequence[Topic], credential: Credential | None) -> "Listener":
        """Signs in and subscribes. Raises SignedOut, Forbidden, TooMany or Unavailable."""
        viewer = await hub.checking(partial(sign_in, opening=True), credential) if credential else None
        if viewer is None or viewer.user_id is None:
            raise SignedOut
        if not viewer.organization_ids:
            raise Forbidden("You are a member of no organization that you may read.")
        if hub.closed:
            raise Unavailable
        subscriber = await hub.subscribe(topics, viewer)
        return cls(hub, subscriber, credential, viewer)  # type: ignore[arg-type]  # a viewer came of a credential

    async def messages(self, resume_from: int | None) -> AsyncGenerator[list[Message], None]:
        """Lists of messages; an empty one is a heartbeat. Ends when the hub closes, and raises SignedOut or Forbidden
        when the session, the token or the membership is gone."""
        loop = asyncio.get_running_loop()
        yield await self.first(resume_from)
        due = loop.time() + settings.BREAKWATER_LIVE_HEARTBEAT
        while True:
            messages = await self._subscriber.next(until=due)
            if self._subscriber.ended:
                return
            if self._subscriber.doubted:
                self._subscriber.doubted = False
                await self._check()
            if loop.time() >= due:
                await self._check()
                due = loop.time() + settings.BREAKWATER_LIVE_HEARTBEAT
                yield []
            if messages:
                yield messages

    async def first(self, resume_from: int | None) -> list[Message]:
        """What happened since `resume_from`, or the present figures."""
        return await self._subscriber.first(resume_from)

    @property
    def greeting(self) -> dict[str, Any]:
        """What a page is told first, so that it knows whose messages these are and how long a silence may be."""
        return {"who": who(self._viewer.user_id), "heartbeat": settings.BREAKWATER_LIVE_HEARTBEAT}

    def end(self) -> None:
        """Lets `messages()` end."""
        self._subscriber.end()

    def close(self) -> None:
        """Gives the place in the hub back."""
        self._subscriber.leave()

    async def _check(self) -> None:
        now = await self._hub.checking(sign_in, self._credential)
        if now is None or now.user_id != self._viewer.user_id:
            raise SignedOut
        if now.organization_ids != self._viewer.organization_ids:
            raise Forbidden("Your memberships have changed. Connect again.")


def resume_point(headers: Headers, query: bytes) -> int | None:
    """The id to resume from: of the header Last-Event-ID, or of the address (?last_event_id=)."""
    asked = parse_qs(query.decode("latin-1")).get("last_event_id", [""])[0]
    return as_position(header(headers, b"last-event-id") or asked)


def as_position(text: str) -> int | None:
    """An event's id from a client; None when it is none."""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else None

"""One stream's end of the hub: what waits for it, and how it stays small when its reader is slow."""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence

from portal.kit.viewer import Viewer
from portal.live.channel import Channel
from portal.live.core.doubt import concerns
from portal.live.core.entries import Entry, Message
from portal.live.core.entries import together as as_one

MOST_WAITING = 4


class Subscriber:
    """The messages that wait for one stream. After `end()` nothing more comes.

    A reader that is so slow that too many messages wait loses them, and gets the present figures instead.
    """

    def __init__(self, channels: Sequence[Channel], viewer: Viewer, left: Callable[["Subscriber"], None]) -> None:
        self.channels = channels
        self.viewer = viewer
        self.ended = False
        self.doubted = False
        self._left = left
        self._waiting: deque[Message] = deque()
        self._stale = False
        self._woken = asyncio.Event()

    def give(self, message: Message) -> None:
        """Lets a message wait; when too many wait already, all of them are dropped for the present figures."""
        if len(self._waiting) >= MOST_WAITING * len(self.channels):
            self._waiting.clear()
            self._stale = True
        if not self._stale:
            self._waiting.append(message)
        self._woken.set()

    def doubt(self, entries: Sequence[Entry]) -> None:
        """Has its reader's rights asked for at once when one of these events may have ended them."""
        if any(concerns(entry, self.viewer) for entry in entries):
            self.doubted = True
            self._woken.set()

    def end(self) -> None:
        """Ends the stream."""
        self.ended = True
        self._woken.set()

    async def first(self, resume_from: int | None) -> list[Message]:
        """What a new stream is told: what happened since `resume_from`, or the present figures."""
        if resume_from is None:
            return await self._present()
        return as_one([await channel.since(resume_from) for channel in self.channels])

    async def next(self, *, until: float) -> list[Message]:
        """The messages that have come; [] at the loop's time `until`, when the stream has ended, or its reader is doubted."""
        if not (self._waiting or self._stale or self.ended or self.doubted):
            try:
                async with asyncio.timeout_at(until):
                    await self._woken.wait()
            except TimeoutError:
                return []
        self._woken.clear()
        if self.ended or self.doubted:
            self._woken.set()
            return []
        if self._stale:
            self._stale = False
            self._waiting.clear()
            return await self._present()
        messages = list(self._waiting)
        self._waiting.clear()
        return messages

    async def _present(self) -> list[Message]:
        return as_one([await channel.present() for channel in self.channels])

    def leave(self) -> None:
        """Gives the place back. Every subscriber is left exactly once."""
        self.ended = True
        self._left(self)

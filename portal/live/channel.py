"""One topic for one set of organizations: its messages are made once, for all who listen.

What comes within a topic's interval is gathered into one message. A topic that tells its state (`rows`) is held as a picture, of
which only what changed is told.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Protocol

from portal.live.core.entries import Entry, Message
from portal.live.core.picture import Picture
from portal.live.lately import Lately
from portal.live.topics import INTERVAL, Topic

MOST_PENDING = 1_000
SHARE = 4
logger = logging.getLogger(__name__)


class Listening(Protocol):
    """Who gets a channel's messages."""

    def give(self, message: Message) -> None:
        """Takes a message."""


class Source(Protocol):
    """What a channel needs of its hub."""

    position: int

    def reading(self, function: Callable[..., Any], *args: Any, **kwargs: Any) -> Awaitable[Any]:
        """Runs a function in the thread that reads figures, of which there is one."""

    async def entries_since(self, last: int, organization_ids: frozenset[int]) -> list[Entry] | None:
        """What was written after `last`, for these organizations and for all; None when that is too much or unknown."""

    def settled(self, organization_ids: frozenset[int]) -> int:
        """The position up to which all channels of these organizations have told what there was."""


class Channel:
    """The messages of one topic for one set of organizations."""

    def __init__(self, hub: Source, topic: Topic, organization_ids: frozenset[int]) -> None:
        self.topic = topic
        self.organization_ids = organization_ids
        self.subscribers: set[Listening] = set()
        self.untold: int | None = None
        self._hub = hub
        self._pending: deque[Entry] = deque(maxlen=MOST_PENDING)
        self._skipped = False
        self._version = 0
        self._last_sent = 0.0
        self._last_read = 0.0
        self._took = 0.0
        self._hurried = False
        self._hurry = asyncio.Event()
        self._flush: asyncio.Task[None] | None = None
        self._picture = Picture(topic.rows, topic.alike) if topic.rows else None  # touched in the reading thread alone
        self._presents: Lately[Message] = Lately()
        self._resumed: Lately[Message] = Lately()

    def gather(self, entries: Sequence[Entry], *, skipped: bool) -> None:
        """Takes note of new events of its organizations and sees to it that they are told."""
        mine = [entry for entry in entries if self.topic.covers(entry, self.organization_ids)]
        if not (mine or skipped):
            return
        self._version += 1
        if not self.subscribers:
            return
        self._skipped |= skipped or len(self._pending) + len(mine) > MOST_PENDING
        self._pending.extend(mine)
        self.untold = self.untold or min((entry.id for entry in mine), default=None)
        if self.topic.hurries(mine):
            self._hurried = True
            self._hurry.set()
        if self._flush is None or self._flush.done():
            self._flush = asyncio.create_task(self._tell())

    def left(self, subscriber: Listening) -> bool:
        """Forgets one who listened; True when nobody is left, for whom nothing waits then."""
        self.subscribers.discard(subscriber)
        if not self.subscribers:
            self._pending.clear()
            self._skipped, self.untold = False, None
        return not self.subscribers

    def stale(self, now: float) -> bool:
        """Whether it is time to read the figures although nothing happened."""
        return bool(self.topic.every and self.subscribers) and now - self._last_read >= self.topic.every

    async def refresh(self) -> None:
        """Reads the figures and tells what changed without an event."""
        self._give(await self._read([], self._hub.position, skipped=False, numbered=False))

    async def present(self) -> Message:
        """The present figures. Many who come at once share one reading, unless something has happened since it began."""
        return await self._presents.get(None, self._version, self._look)

    async def since(self, last: int) -> Message:
        """What happened after `last`, or the present figures when that is too much or unknown."""
        return await self._resumed.get(last, self._version, lambda: self._since(last))

    async def _tell(self) -> None:
        while (self._pending or self._skipped) and self.subscribers:
            await self._turn()
            if not (self._pending or self._skipped):
                break
            entries, skipped = list(self._pending), self._skipped
            self._pending.clear()
            self._skipped = self._hurried = False
            self.untold = None
            position = self._hub.settled(self.organization_ids)
            self.untold = min((entry.id for entry in entries), default=None)
            message = await self._read(entries, position, skipped=skipped, numbered=True)
            self.untold = min((entry.id for entry in self._pending), default=None)
            self._give(message)
        self.untold = None

    async def _turn(self) -> None:
        """Waits until the interval since the last message is over, which is a short one for what hurries."""
        loop = asyncio.get_running_loop()
        while (pause := self._pause()) > loop.time() - self._last_sent:
            self._hurry.clear()
            try:
                async with asyncio.timeout_at(self._last_sent + pause):
                    await self._hurry.wait()
            except TimeoutError:
                break
        self._last_sent = loop.time()

    def _pause(self) -> float:
        """Seconds between two messages: more than the interval where reading the figures takes long."""
        return INTERVAL if self._hurried else max(self.topic.interval, SHARE * self._took)

    async def _read(self, entries: Sequence[Entry], position: int, *, skipped: bool, numbered: bool) -> Message | None:
        loop = asyncio.get_running_loop()
        self._last_read = loop.time()
        try:
            message: Message | None = await self._hub.reading(self._news, entries, position, skipped, numbered)
            self._took = loop.time() - self._last_read
        except Exception:  # whatever a topic's functions raise must not end the channel
            logger.exception("The topic %s could not be told.", self.topic.name)
            return None
        return message

    def _give(self, message: Message | None) -> None:
        if message is not None:
            for subscriber in self.subscribers:
                subscriber.give(message)

    async def _look(self) -> Message:
        self._last_read = asyncio.get_running_loop().time()
        whole: Message
        change: Message | None
        whole, change = await self._hub.reading(self._all, self._hub.position)
        self._give(change)
        return whole

    async def _since(self, last: int) -> Message:
        position = self._hub.position
        entries = await self._hub.entries_since(last, self.organization_ids)
        if entries is None:
            return await self.present()
        mine = [entry for entry in entries if self.topic.covers(entry, self.organization_ids)]
        if self._picture is not None:
            await self.present()
        message: Message | None = await self._hub.reading(self._caught_up, mine, last, max(position, last))
        return message or await self.present()

    # What follows runs in the reading thread.

    def _news(self, entries: Sequence[Entry], position: int, skipped: bool, numbered: bool) -> Message | None:
        """What changed; None when nothing did that is worth telling."""
        figures, digest = self.topic.snapshot(self.organization_ids), self.topic.digest(entries)
        if self._picture is not None:
            figures = self._picture.take(figures, position)
            if not (figures or skipped or digest):
                return None
        return self._message(position if numbered else None, figures, digest, skipped=skipped)

    def _all(self, position: int) -> tuple[Message, Message | None]:
        """The present figures, and what of them those who listen were not told yet."""
        figures, change = self.topic.snapshot(self.organization_ids), None
        digest = self.topic.digest([])
        if self._picture is not None:
            first = self._picture.empty
            changed = self._picture.take(figures, position)
            figures = self._picture.whole()
            if changed and not first:
                change = self._message(None, changed, digest)
        return self._message(position, figures, digest, snapshot=True), change

    def _caught_up(self, entries: Sequence[Entry], last: int, position: int) -> Message | None:
        """What a reader missed who was told everything up to `last`; None when only the present figures will do."""
        if self._picture is None:
            figures: Any = self.topic.snapshot(self.organization_ids)
        else:
            figures = self._picture.since(last)
            if figures is None:
                return None
        return self._message(position, figures, self.topic.digest(entries))

    def _message(
        self, position: int | None, figures: Any, digest: Any, *, snapshot: bool = False, skipped: bool = False
    ) -> Message:
        return Message.of(self.topic.name, position, {"snapshot": snapshot, "skipped": skipped, **figures, **digest})

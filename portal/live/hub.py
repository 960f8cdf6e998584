"""The live hub: one per web process. It tails the log and tells those who listen, at most four times a second per topic.

    events ──▶ tail (a thread) ──▶ channels (a topic for a set of organizations) ──▶ subscribers (a stream each)

A channel gathers what comes within a quarter of a second into one message, made once for all its subscribers. A subscriber
that reads too slowly loses its messages and gets the present figures instead, so that memory never grows with slowness.
"""

import asyncio
import logging
from collections import Counter, deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any, TypeVar

from django.db import close_old_connections

from portal.kit.errors import TooMany
from portal.live.core.entries import Entry, Message
from portal.live.tail import Batch, Tail, read_since
from portal.live.topics import Topic

INTERVAL = 0.25
MOST_PENDING = 1_000
MOST_WAITING = 4
MOST_RESUMED = 500
STREAMS_A_USER = 50
FRESH_SECONDS = 1.0
Result = TypeVar("Result")
Key = tuple[str, frozenset[int]]
logger = logging.getLogger(__name__)


class Subscriber:
    """One stream's end of the hub: the messages that wait for it. After `end()` nothing more comes."""

    def __init__(self, hub: "Hub", channels: Sequence["Channel"], user_id: int) -> None:
        self.user_id = user_id
        self.ended = False
        self._hub = hub
        self._channels = channels
        self._waiting: deque[Message] = deque()
        self._stale = False
        self._woken = asyncio.Event()

    def give(self, message: Message) -> None:
        """Lets a message wait; when too many wait already, all of them are dropped for the present figures."""
        if len(self._waiting) >= MOST_WAITING:
            self._waiting.clear()
            self._stale = True
        if not self._stale:
            self._waiting.append(message)
        self._woken.set()

    def end(self) -> None:
        """Ends the stream."""
        self.ended = True
        self._woken.set()

    async def first(self, resume_from: int | None) -> list[Message]:
        """What a new stream is told: what happened since `resume_from`, or the present figures."""
        if resume_from is None:
            return await self._present()
        return [await channel.since(resume_from) for channel in self._channels]

    async def next(self, *, until: float) -> list[Message]:
        """The messages that have come; [] at the loop's time `until`, or when the stream has ended."""
        if not self._waiting and not self._stale and not self.ended:
            try:
                async with asyncio.timeout_at(until):
                    await self._woken.wait()
            except TimeoutError:
                return []
        self._woken.clear()
        if self.ended:
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
        return [await channel.present() for channel in self._channels]

    def leave(self) -> None:
        """Gives the place back. Every subscriber is left exactly once."""
        self.ended = True
        self._hub.left(self, self._channels)


class Channel:
    """One topic for one set of organizations."""

    def __init__(self, hub: "Hub", topic: Topic, organization_ids: frozenset[int]) -> None:
        self.topic = topic
        self.organization_ids = organization_ids
        self.subscribers: set[Subscriber] = set()
        self._hub = hub
        self._pending: deque[Entry] = deque(maxlen=MOST_PENDING)
        self._skipped = False
        self._version = 0
        self._last_sent = 0.0
        self._flush: asyncio.Task[None] | None = None
        self._figures: tuple[int, float, asyncio.Task[Message]] | None = None

    def gather(self, entries: Sequence[Entry], *, skipped: bool) -> None:
        """Takes note of new events of its organizations and sees to it that they are told."""
        if skipped:
            mine = list(entries)
        else:
            mine = [e for e in entries if e.organization_id in self.organization_ids and self.topic.covers(e)]
            if not mine:
                return
        self._skipped |= skipped or len(self._pending) + len(mine) > MOST_PENDING
        self._pending.extend(mine)
        self._version += 1
        if self._flush is None or self._flush.done():
            self._flush = asyncio.create_task(self._tell())

    async def _tell(self) -> None:
        loop = asyncio.get_running_loop()
        while (self._pending or self._skipped) and self.subscribers:
            await asyncio.sleep(max(0.0, self._last_sent + INTERVAL - loop.time()))
            self._last_sent = loop.time()
            entries, skipped, position = list(self._pending), self._skipped, self._hub.position
            self._pending.clear()
            self._skipped = False
            try:
                message = await self._hub.reading(self._message, entries, position, skipped=skipped)
            except Exception:  # whatever a topic's functions raise must not end the channel
                logger.exception("The topic %s could not be told.", self.topic.name)
                continue
            for subscriber in self.subscribers:
                subscriber.give(message)

    async def present(self) -> Message:
        """The present figures. Many who come at once share one reading, unless something has happened since it began."""
        now = asyncio.get_running_loop().time()
        if self._figures is not None:
            version, at, task = self._figures
            if version == self._version and now - at < FRESH_SECONDS and not (task.done() and task.exception()):
                return await asyncio.shield(task)
        reading = self._hub.reading(self._message, [], self._hub.position, snapshot=True)
        task = asyncio.ensure_future(reading)
        self._figures = (self._version, now, task)
        return await asyncio.shield(task)

    async def since(self, last: int) -> Message:
        """What happened after `last`, or the present figures when that is too much or unknown."""
        position = self._hub.position
        entries = await self._hub.reading(read_since, last, self.organization_ids, most=MOST_RESUMED)
        if entries is None:
            return await self.present()
        mine = [entry for entry in entries if self.topic.covers(entry)]
        return await self._hub.reading(self._message, mine, max(position, last))

    def _message(
        self, entries: Sequence[Entry], position: int, *, snapshot: bool = False, skipped: bool = False
    ) -> Message:
        data: dict[str, Any] = {"snapshot": snapshot, "skipped": skipped}
        data.update(self.topic.snapshot(self.organization_ids))
        data.update(self.topic.digest(entries))
        return Message.of(self.topic.name, position, data)


class Hub:
    """Who listens to what in this process."""

    def __init__(self) -> None:
        self.position = 0
        self.closed = False
        self._channels: dict[Key, Channel] = {}
        self._subscribers: set[Subscriber] = set()
        self._streams: Counter[int] = Counter()
        self._tail: Tail | None = None
        self._ready = asyncio.Event()
        self._sign_in = ThreadPoolExecutor(2, thread_name_prefix="live-sign-in")
        self._figures = ThreadPoolExecutor(1, thread_name_prefix="live-figures")

    async def subscribe(self, topics: Sequence[Topic], organization_ids: frozenset[int], user_id: int) -> Subscriber:
        """A new subscriber, who hears everything that is committed from now on. Raises TooMany."""
        if self._streams[user_id] >= STREAMS_A_USER:
            raise TooMany(f"You have {STREAMS_A_USER} live pages open. Close one.")
        channels = [self._channel(topic, organization_ids) for topic in topics]
        subscriber = Subscriber(self, channels, user_id)
        self._streams[user_id] += 1
        self._subscribers.add(subscriber)
        for channel in channels:
            channel.subscribers.add(subscriber)
        if self._tail is None:
            self._follow()
        try:
            await self._ready.wait()
        except asyncio.CancelledError:
            subscriber.leave()
            raise
        return subscriber

    def left(self, subscriber: Subscriber, channels: Sequence[Channel]) -> None:
        """Forgets a subscriber; with the last one the tail rests."""
        self._subscribers.discard(subscriber)
        self._streams[subscriber.user_id] -= 1
        if not self._streams[subscriber.user_id]:
            del self._streams[subscriber.user_id]
        for channel in channels:
            channel.subscribers.discard(subscriber)
            if not channel.subscribers:
                self._channels.pop((channel.topic.name, channel.organization_ids), None)
        if not self._subscribers:
            self._rest()

    def close(self) -> None:
        """Ends every stream and takes no new one: the process is about to stop."""
        self.closed = True
        for subscriber in self._subscribers:
            subscriber.end()
        self._rest()
        self._ready.set()

    async def checking(self, function: Callable[..., Result], *args: Any) -> Result:
        """Runs a sign-in check in its small thread pool."""
        return await self._run(self._sign_in, function, *args)

    async def reading(self, function: Callable[..., Result], *args: Any, **kwargs: Any) -> Result:
        """Reads figures in the thread that does this."""
        return await self._run(self._figures, function, *args, **kwargs)

    async def _run(
        self, pool: ThreadPoolExecutor, function: Callable[..., Result], *args: Any, **kwargs: Any
    ) -> Result:
        def run() -> Result:
            close_old_connections()
            try:
                return function(*args, **kwargs)
            finally:
                close_old_connections()

        return await asyncio.get_running_loop().run_in_executor(pool, run)

    def _channel(self, topic: Topic, organization_ids: frozenset[int]) -> Channel:
        key = (topic.name, organization_ids)
        if key not in self._channels:
            self._channels[key] = Channel(self, topic, organization_ids)
        return self._channels[key]

    def _follow(self) -> None:
        """Starts a tail. Each has its own delivery, so that the last words of an earlier one are not heard."""
        loop = asyncio.get_running_loop()
        self._ready = asyncio.Event()

        def hear(batch: Batch) -> None:
            with suppress(RuntimeError):  # the loop has ended meanwhile
                loop.call_soon_threadsafe(self._heard, tail, batch)

        tail = Tail(hear)
        self._tail = tail
        tail.start()

    def _rest(self) -> None:
        if self._tail is not None:
            self._tail.stop()
            self._tail = None

    def _heard(self, tail: Tail, batch: Batch) -> None:
        if tail is not self._tail:
            return
        self.position = batch.settled
        self._ready.set()
        if batch.entries or batch.skipped:
            for channel in self._channels.values():
                channel.gather(batch.entries, skipped=batch.skipped)

"""The live hub: one per web process. It tails the log and tells those who listen, at most four times a second per topic.

events ──▶ tail (a thread) ──▶ channels (a topic for a set of organizations) ──▶ subscribers (a stream each)
"""

import asyncio
import logging
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from typing import Any, TypeVar

from django.db import close_old_connections

from portal.kit.errors import TooMany
from portal.kit.viewer import Viewer
from portal.live.channel import SHARE, Channel
from portal.live.core import doubt
from portal.live.core.entries import Entry
from portal.live.lately import Lately
from portal.live.subscriber import Subscriber
from portal.live.tail import Batch, Tail, read_since
from portal.live.topics import Topic

MOST_RESUMED = 500
STREAMS_A_USER = 50
LINGER = 60.0
LOOK_AROUND = 1.0
Result = TypeVar("Result")
Key = tuple[str, frozenset[int]]
logger = logging.getLogger(__name__)


class Hub:
    """Who listens to what in this process."""

    def __init__(self) -> None:
        self.position = 0
        self.closed = False
        self._channels: dict[Key, Channel] = {}
        self._subscribers: set[Subscriber] = set()
        self._streams: Counter[int | None] = Counter()
        self._tail: Tail | None = None
        self._around: asyncio.Task[None] | None = None
        self._ready = asyncio.Event()
        self._missed: Lately[list[Entry] | None] = Lately()
        self._sign_in = ThreadPoolExecutor(2, thread_name_prefix="live-sign-in")
        self._figures = ThreadPoolExecutor(1, thread_name_prefix="live-figures")

    async def subscribe(self, topics: Sequence[Topic], viewer: Viewer) -> Subscriber:
        """A new subscriber, who hears everything that is committed from now on. Raises TooMany."""
        if self._streams[viewer.user_id] >= STREAMS_A_USER:
            raise TooMany(f"You have {STREAMS_A_USER} live pages open. Close one.")
        channels = [self._channel(topic, viewer.organization_ids) for topic in topics]
        subscriber = Subscriber(channels, viewer, self._left)
        self._streams[viewer.user_id] += 1
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

    async def entries_since(self, last: int, organization_ids: frozenset[int]) -> list[Entry] | None:
        """What was written after `last`, for these organizations and for all; None when that is too much or unknown."""
        read = partial(self.reading, read_since, last, organization_ids, most=MOST_RESUMED)
        return await self._missed.get((last, organization_ids), self.position, read)

    def settled(self, organization_ids: frozenset[int]) -> int:
        """The position up to which all channels of these organizations have told what there was: who resumes here misses nothing."""
        channels = (channel for channel in self._channels.values() if channel.organization_ids == organization_ids)
        return min([self.position, *(channel.untold - 1 for channel in channels if channel.untold)])

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

    def _left(self, subscriber: Subscriber) -> None:
        """Forgets a subscriber. A channel that nobody listens to stays for a while, so that who comes back is told what changed."""
        self._subscribers.discard(subscriber)
        self._streams[subscriber.viewer.user_id] -= 1
        if not self._streams[subscriber.viewer.user_id]:
            del self._streams[subscriber.viewer.user_id]
        for channel in subscriber.channels:
            if channel.left(subscriber):
                asyncio.get_running_loop().call_later(LINGER, self._forget, channel)

    def _forget(self, channel: Channel) -> None:
        """Drops a channel that nobody has come back to; with the last one the tail rests."""
        if channel.subscribers:
            return
        key = (channel.topic.name, channel.organization_ids)
        if self._channels.get(key) is channel:
            del self._channels[key]
        if not self._channels:
            self._rest()

    def _follow(self) -> None:
        """Starts a tail. Each has its own delivery, so that the last words of an earlier one are not heard."""
        loop = asyncio.get_running_loop()
        self._ready = asyncio.Event()

        def hear(batch: Batch) -> None:
            with suppress(RuntimeError):  # the loop has ended meanwhile
                loop.call_soon_threadsafe(self._heard, tail, batch)

        tail = Tail(hear)
        self._tail = tail
        self._around = asyncio.create_task(self._look_around())
        tail.start()

    def _rest(self) -> None:
        if self._tail is not None:
            self._tail.stop()
            self._tail = None
        if self._around is not None:
            self._around.cancel()
            self._around = None

    async def _look_around(self) -> None:
        """Reads figures again that change without an event, one channel after the other, in a fifth of the time at most."""
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(LOOK_AROUND)
            for channel in list(self._channels.values()):
                if channel.stale(loop.time()):
                    begun = loop.time()
                    await channel.refresh()
                    await asyncio.sleep(SHARE * (loop.time() - begun))

    def _heard(self, tail: Tail, batch: Batch) -> None:
        if tail is not self._tail:
            return
        self.position = batch.settled
        self._ready.set()
        doubtful = [entry for entry in batch.entries if entry.verb.startswith(doubt.VERBS)]
        if doubtful:
            for subscriber in self._subscribers:
                subscriber.doubt(doubtful)
        if batch.entries or batch.skipped:
            for channel in self._channels.values():
                channel.gather(batch.entries, skipped=batch.skipped)

"""Whether we reach anything at all: the outside test, and what was seen of all hosts of late."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from time import monotonic

from resilience.health.core.blind import Sight, is_suspicious, name_of, reaches_nothing

KEPT = 2.0
"""Seconds for which an answer of the outside test holds."""
PATIENCE = 2.0


async def reaches(place: str, seconds: float = PATIENCE) -> bool:
    """Whether a TCP connection to "host:port" comes about in time. The operator named it, so the address guard is not asked."""
    host, _, port = place.rpartition(":")
    try:
        async with asyncio.timeout(seconds):
            _reader, writer = await asyncio.open_connection(host.strip("[]"), int(port))
    except (OSError, ValueError):
        return False
    writer.close()
    with suppress(OSError):
        await writer.wait_closed()
    return True


class Outside:
    """What one prober sees of the network. `place` is the outside test's "host:port"; empty when there is none."""

    def __init__(self, place: str, clock: Callable[[], float] = monotonic) -> None:
        self.place = place
        self._clock = clock
        self._sights: dict[str, Sight] = {}
        self._answer = (float("-inf"), True)
        self._asking = asyncio.Lock()

    def saw(self, host: str, *, reached: bool, interval: float) -> None:
        """A host was asked; "" is this machine itself, which says nothing."""
        if host:
            self._sights[name_of(host)] = Sight(self._clock(), reached, interval)

    async def is_blind(self, host: str, *, about_to_flip: bool) -> bool:
        """Whether a transport failure of `host` says nothing about it, since we reach nothing."""
        if not host:
            return False
        now = self._clock()
        if not self.place:
            return reaches_nothing(self._sights, now)
        if not is_suspicious(self._sights, name_of(host), now=now, about_to_flip=about_to_flip):
            return False
        return not await self._reached()

    async def _reached(self) -> bool:
        async with self._asking:
            at, answer = self._answer
            if self._clock() - at >= KEPT:
                answer = await reaches(self.place)
                self._answer = (self._clock(), answer)
            return answer

    def keep_only(self, hosts: set[str]) -> None:
        """Forgets hosts that nobody asks any more."""
        names = {name_of(host) for host in hosts}
        self._sights = {name: sight for name, sight in self._sights.items() if name in names}

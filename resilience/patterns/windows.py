"""Windows over the calls of late, with running totals: a record costs the same for 100 calls as for 100,000."""

import math
from typing import Protocol

FAILED = 1
SLOW = 2


class Window(Protocol):
    """The totals of the calls of late. Not safe for threads by itself: whoever owns it holds a lock."""

    failures: int
    slow: int

    @property
    def calls(self) -> int:
        """Calls in the window now."""

    @property
    def seen(self) -> int:
        """Calls ever recorded."""

    def push(self, outcome: int, now: float) -> None:
        """Records a call: the sum of FAILED and SLOW, or 0."""

    def settle(self, now: float) -> None:
        """Forgets what is too old at `now`."""


class CountWindow:
    """The last `size` calls: a ring with running totals."""

    __slots__ = ("_next", "_ring", "_rounds", "failures", "size", "slow")

    def __init__(self, size: int) -> None:
        self.size = size
        self.failures = 0
        self.slow = 0
        self._ring = bytearray(size)
        self._next = 0
        self._rounds = 0

    @property
    def calls(self) -> int:
        """Calls in the window now."""
        return self.size if self._rounds else self._next

    @property
    def seen(self) -> int:
        """Calls ever recorded."""
        return self._rounds * self.size + self._next

    def record(self, failed: bool, slow: bool, now: float = 0.0) -> None:
        """Adds a call, and forgets the oldest when the window is full."""
        self.push(FAILED * failed + SLOW * slow, now)

    def push(self, outcome: int, now: float) -> None:
        """Records a call: the sum of FAILED and SLOW, or 0."""
        place = self._next
        former = self._ring[place]
        if former != outcome:
            self._ring[place] = outcome
            self.failures += (outcome & FAILED) - (former & FAILED)
            self.slow += (outcome >> 1) - (former >> 1)
        place += 1
        if place == self.size:
            self._rounds += 1
            place = 0
        self._next = place

    def settle(self, now: float) -> None:
        """Does nothing: only a newer call makes an older one leave."""


class TimeWindow:
    """The calls of the last `seconds`, in `buckets` that leave one by one: it reaches back between all of them and all but one.

    What is too old leaves on record and on read alike, however long nothing happened. A clock that steps back is
    taken to stand still.
    """

    __slots__ = (
        "_at",
        "_buckets",
        "_calls",
        "_edge",
        "_failures",
        "_gone",
        "_slow",
        "_tick",
        "_width",
        "calls",
        "failures",
        "slow",
    )

    def __init__(self, seconds: float, buckets: int = 10) -> None:
        self.calls = 0
        self.failures = 0
        self.slow = 0
        self._buckets = buckets
        self._width = seconds / buckets
        self._calls = [0] * buckets
        self._failures = [0] * buckets
        self._slow = [0] * buckets
        self._gone = 0
        self._at = 0
        self._tick = 0
        self._edge = -math.inf
        """End of the present bucket."""

    @property
    def seen(self) -> int:
        """Calls ever recorded."""
        return self._gone + self.calls

    def record(self, failed: bool, slow: bool, now: float) -> None:
        """Adds a call that ended at `now`."""
        self.push(FAILED * failed + SLOW * slow, now)

    def push(self, outcome: int, now: float) -> None:
        """Records a call: the sum of FAILED and SLOW, or 0."""
        if now >= self._edge:
            self.settle(now)
        at = self._at
        self._calls[at] += 1
        self.calls += 1
        if outcome:
            failed = outcome & FAILED
            slow = outcome >> 1
            self._failures[at] += failed
            self.failures += failed
            self._slow[at] += slow
            self.slow += slow

    def settle(self, now: float) -> None:
        """Forgets what is too old at `now`."""
        if now < self._edge:
            return
        tick = math.floor(now / self._width)
        for _ in range(min(tick - self._tick, self._buckets)):
            self._at = at = (self._at + 1) % self._buckets
            self._gone += self._calls[at]
            self.calls -= self._calls[at]
            self.failures -= self._failures[at]
            self.slow -= self._slow[at]
            self._calls[at] = self._failures[at] = self._slow[at] = 0
        self._tick = tick
        self._edge = (tick + 1) * self._width

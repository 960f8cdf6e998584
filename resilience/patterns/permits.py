"""A pool of permits that threads and the tasks of several event loops share: first come, first served.

A permit that is given back goes straight to the one that has waited longest, so a newcomer cannot step in between. A waiter
that gives up (its time is over, its task was cancelled, its event loop was closed) hands on what it was granted in that very
moment: no permit is lost. The lock is reentrant and each critical section bears being interrupted by another one in the
same thread, because the garbage collector may close a guarded coroutine in the middle of any of them.
"""

import asyncio
import threading
from collections import deque
from typing import Protocol

__all__ = ["Permits", "TaskWaiter", "ThreadWaiter", "Waiter"]


class Waiter(Protocol):
    """One that waits for a permit. `granted` belongs to the pool and is written under its lock."""

    granted: bool

    def wake(self) -> bool:
        """False when nobody is there to be woken any more."""
        ...


class ThreadWaiter:
    """A thread that waits."""

    __slots__ = ("_gate", "granted")

    def __init__(self) -> None:
        self.granted = False
        self._gate = threading.Lock()
        self._gate.acquire()

    def wake(self) -> bool:
        self._gate.release()
        return True

    def wait(self, seconds: float | None) -> None:
        """Returns once woken, or after so many seconds."""
        self._gate.acquire(timeout=-1 if seconds is None else min(seconds, threading.TIMEOUT_MAX))


class TaskWaiter:
    """A task that waits in the event loop that is running now."""

    __slots__ = ("_future", "_loop", "granted")

    def __init__(self) -> None:
        self.granted = False
        self._loop = asyncio.get_running_loop()
        self._future: asyncio.Future[None] = self._loop.create_future()

    def wake(self) -> bool:
        try:
            self._loop.call_soon_threadsafe(_settle, self._future)
        except RuntimeError:  # the loop is closed
            return False
        return True

    async def wait(self, seconds: float | None) -> None:
        """Returns once woken, or after so many seconds. A timer and no cancellation, which one from outside could be mistaken for."""
        timer = None if seconds is None else self._loop.call_later(seconds, _settle, self._future)
        try:
            await self._future
        finally:
            if timer is not None:
                timer.cancel()


def _settle(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)


class Permits:
    """So many permits (`limit`), of which `active` are out. What else is counted is counted under the same lock."""

    __slots__ = ("_lock", "_waiters", "abandoned", "active", "completed", "limit", "rejected", "waited")

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.active = 0
        self.completed = 0
        self.rejected = 0
        self.waited = 0
        self.abandoned = 0
        self._waiters: deque[Waiter] = deque()
        self._lock = threading.RLock()

    @property
    def queued(self) -> int:
        """How many wait."""
        return len(self._waiters)

    def take(self) -> bool:
        """Takes a permit if one is free and nobody waits for it."""
        with self._lock:
            if self.active < self.limit and not self._waiters:
                self.active += 1
                return True
        return False

    def give(self) -> None:
        """Gives back a permit after the work was done."""
        with self._lock:
            self.completed += 1
            self.active -= 1
            if not self._waiters:
                return
        self._hand_on()

    def line_up(self, waiter: Waiter, places: int) -> bool:
        """Grants a permit that is free after all, or puts the waiter at the end of the queue; False when its places are taken."""
        with self._lock:
            if self.take():
                waiter.granted = True
                return True
            if len(self._waiters) >= places:
                self.rejected += 1
                return False
            self._waiters.append(waiter)
            self.waited += 1
        self._hand_on()  # a finalizer or a signal handler of this thread may have given one back in between
        return True

    def keep(self, waiter: Waiter) -> bool:
        """Ends a wait that took its time: whether it holds a permit now. One that does not has left the queue, and counts as rejected."""
        with self._lock:
            if waiter.granted:
                return True
            self._forget(waiter)
            self.rejected += 1
            return False

    def leave(self, waiter: Waiter) -> None:
        """Ends a wait that was interrupted: it leaves the queue, and what it was granted goes to the next one."""
        if not self._take_back(waiter):
            self._forget(waiter)
        self._hand_on()

    def resize(self, limit: int) -> None:
        """Changes the limit. More lets waiters in at once; less lets those inside finish and nobody in until they are few enough."""
        with self._lock:
            self.limit = limit
        self._hand_on()

    def abandon(self, count: int) -> None:
        """Counts permits whose caller has gone while the work goes on (-1 when such work ends)."""
        with self._lock:
            self.abandoned += count

    def _hand_on(self) -> None:
        while (waiter := self._grant_next()) is not None:
            if not waiter.wake():
                self._take_back(waiter)

    def _grant_next(self) -> Waiter | None:
        with self._lock:
            if not self._waiters or self.active >= self.limit:
                return None
            waiter = self._waiters.popleft()
            waiter.granted = True
            self.active += 1
            return waiter

    def _take_back(self, waiter: Waiter) -> bool:
        with self._lock:
            if not waiter.granted:
                return False
            waiter.granted = False
            self.active -= 1
            return True

    def _forget(self, waiter: Waiter) -> None:
        with self._lock:
            if waiter in self._waiters:
                self._waiters.remove(waiter)

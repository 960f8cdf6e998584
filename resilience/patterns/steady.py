"""A clock that never goes back, out of one that may."""

import threading
import time

from resilience.patterns.forks import renew_after_fork
from resilience.patterns.typing import Clock

_NEVER_BACK = (time.monotonic, time.perf_counter)


def steady(clock: Clock) -> Clock:
    """`clock` itself where it never steps back; else one that stands still for such a step and goes on from there."""
    return clock if clock in _NEVER_BACK or isinstance(clock, Steady) else Steady(clock)


class Steady:
    """Reads `clock`, and takes every step back out of what it says for good: 10, 20, 5, 6 reads 10, 20, 20, 21."""

    __slots__ = ("__weakref__", "_clock", "_last", "_lock", "_lost")

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = threading.RLock()
        self._last = clock()
        self._lost = 0.0
        renew_after_fork(self)

    def __call__(self) -> float:
        with self._lock:
            now = self._clock()
            if now < self._last:
                self._lost += self._last - now
            self._last = now
            return now + self._lost

    def _after_fork(self) -> None:
        self._lock = threading.RLock()

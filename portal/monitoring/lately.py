"""What many ask for again and again is read at most once a second by each web process, and by one thread at a time."""

import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from threading import Lock
from typing import Generic, TypeVar

from django.db import DatabaseError, Error

T = TypeVar("T")
MOST = 500
PATIENCE = 2.0
"""Seconds that a caller waits for whoever reads the same thing already."""


class Slow(DatabaseError):
    """Whoever reads it already has waited for the database for too long."""


class Lately(Generic[T]):
    """Values by key, each `seconds` old at most when it is given again. What failed counts as a value: it fails again until then.

    Reading takes no more than the `share` of a thread's time: what takes long to read is given for longer.
    """

    def __init__(
        self, seconds: float = 1.0, *, share: float = 1.0, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._seconds = seconds
        self._share = share
        self._clock = clock
        self._guard = Lock()
        self._slots: OrderedDict[Hashable, _Slot[T]] = OrderedDict()

    def get(self, key: Hashable, read: Callable[[], T]) -> T:
        """The value of this key, read anew where it is too old. Raises what `read` raises, and Slow."""
        with self._guard:
            slot = self._slots.setdefault(key, _Slot())
            self._slots.move_to_end(key)
            while len(self._slots) > MOST:
                self._slots.popitem(last=False)
        if not slot.lock.acquire(timeout=PATIENCE):
            raise Slow("The database does not answer.")
        try:
            begun = self._clock()
            if slot.value is None or begun >= slot.good_until:
                slot.value, ended = _said(read), self._clock()
                slot.good_until = ended + max(self._seconds, (ended - begun) / self._share)
            return slot.value()
        finally:
            slot.lock.release()

    def forget(self) -> None:
        """Starts anew."""
        with self._guard:
            self._slots.clear()


class _Slot(Generic[T]):
    def __init__(self) -> None:
        self.lock = Lock()
        self.good_until = 0.0
        self.value: Callable[[], T] | None = None


def _said(read: Callable[[], T]) -> Callable[[], T]:
    """What gives, or raises again, what came of it."""
    try:
        value = read()
    except Error as error:
        text, kind = str(error), type(error)

        def failed() -> T:
            raise kind(text)

        return failed
    return lambda: value

"""A list of callbacks, of which none can hurt another one or the call that they hear about."""

import logging
import threading
import time
from collections.abc import Callable
from typing import Generic, TypeVar

from resilience.patterns.errors import ConfigError
from resilience.patterns.forks import renew_after_fork
from resilience.patterns.typing import Clock

E = TypeVar("E")

QUIET = 60.0
"""Seconds for which a listener that raised once is not logged again: a broken one must not fill the disk."""

_log = logging.getLogger("resilience.patterns")


class Listeners(Generic[E]):
    """Callbacks for one kind of event. Call it with an event, outside of any lock, and each hears it in the order of joining.

    What a listener raises is logged (at most once in QUIET seconds for each), never raised. False while nobody listens,
    so that no event need be made.
    """

    __slots__ = ("__weakref__", "_clock", "_entries", "_lock", "_name")

    def __init__(self, name: str = "", *, clock: Clock = time.monotonic) -> None:
        self._name = name
        self._clock = clock
        self._entries: tuple[_Entry[E], ...] = ()
        self._lock = threading.RLock()
        renew_after_fork(self)

    def subscribe(self, listener: Callable[[E], object]) -> Callable[[], None]:
        """Has `listener` called with every event from now on; the callable that comes back ends it (twice does no harm)."""
        if not callable(listener):
            raise ConfigError("listener", listener, "callable")
        entry = _Entry(listener)
        with self._lock:
            self._entries = (*self._entries, entry)

        def unsubscribe() -> None:
            with self._lock:
                self._entries = tuple(one for one in self._entries if one is not entry)

        return unsubscribe

    def __call__(self, event: E) -> None:
        for entry in self._entries:
            try:
                entry.listener(event)
            except Exception:  # noqa: BLE001 - whatever it is, it is logged and goes no further
                if entry.may_log(self._clock()):
                    _log.exception(
                        "A listener of %s raised at a %s (unlogged before: %d).",
                        self._name or "the resilience patterns",
                        type(event).__name__,
                        entry.unlogged,
                    )
                    entry.unlogged = 0

    def __bool__(self) -> bool:
        return bool(self._entries)

    def __len__(self) -> int:
        return len(self._entries)

    def _after_fork(self) -> None:
        self._lock = threading.RLock()


class _Entry(Generic[E]):
    __slots__ = ("listener", "logged_at", "unlogged")

    def __init__(self, listener: Callable[[E], object]) -> None:
        self.listener = listener
        self.logged_at: float | None = None
        self.unlogged = 0

    def may_log(self, now: float) -> bool:
        if self.logged_at is not None and 0 <= now - self.logged_at < QUIET:
            self.unlogged += 1
            return False
        self.logged_at = now
        return True

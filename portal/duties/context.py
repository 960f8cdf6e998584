"""What a running duty knows about itself."""

import threading
import time

from portal.duties.core.locks import END_WITHIN, RUN, STALE, Hold

OVER = "its bounded run is over"


class Context:
    """One holding of a duty. `owner` names it for ever, `fence` is higher than that of every earlier holder.

    The holder calls `alive()` often (it reads memory only) and returns soon after it is False.
    """

    def __init__(self, hold: Hold, *, run_seconds: float = RUN) -> None:
        self.duty = hold.duty
        self.owner = hold.owner
        self.fence = hold.fence
        self.reason = ""
        self._until = time.monotonic() + run_seconds
        self._last_beat = time.monotonic()
        self._ended = threading.Event()
        self._must_end_at: float | None = None

    def alive(self) -> bool:
        """Whether the duty is still ours to run: nobody asked it to end, took it over, or waits for its bounded run to end."""
        if self._ended.is_set():
            return False
        now = time.monotonic()
        if now >= self._until:
            self.end(OVER)
        elif now - self._last_beat >= STALE.total_seconds():
            self.end("its heartbeat did not reach the database")
        return not self._ended.is_set()

    def wait(self, seconds: float) -> bool:
        """Sleeps for `seconds`, or until the duty has to end; tells whether it is still alive."""
        self._ended.wait(max(min(seconds, self._until - time.monotonic()), 0))
        return self.alive()

    def end(self, reason: str) -> None:
        """Makes `alive()` False for ever."""
        if not self._ended.is_set():
            self.reason = reason
            self._must_end_at = time.monotonic() + END_WITHIN
            self._ended.set()

    def beaten(self) -> None:
        """The heartbeat was written."""
        self._last_beat = time.monotonic()

    def overdue(self) -> bool:
        """Whether it should have returned by now."""
        return self._must_end_at is not None and time.monotonic() >= self._must_end_at

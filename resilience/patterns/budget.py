"""A retry budget: retries may be only so large a share of the calls, so that they never become the outage themselves."""

import threading
import time

from resilience.patterns.backoff import LONGEST, check_seconds
from resilience.patterns.errors import ConfigError, RetryBudgetExhausted
from resilience.patterns.forks import renew_after_fork
from resilience.patterns.typing import Clock

_BUCKETS = 10


class RetryBudget:
    """Grants retries up to `ratio` of the calls of the last `window` seconds, and `minimum` of them in any case.

    Share one among all the calls to the same upstream. What is granted counts from the moment it is taken, so that
    threads together never get more than there is. The window moves by tenths of it.
    """

    __slots__ = (
        "__weakref__",
        "_calls",
        "_clock",
        "_lock",
        "_newest",
        "_retries",
        "_width",
        "minimum",
        "name",
        "ratio",
    )

    def __init__(
        self,
        ratio: float = 0.2,
        minimum: int = 3,
        window: float = 60.0,
        *,
        name: str = "",
        clock: Clock = time.monotonic,
    ) -> None:
        if isinstance(ratio, bool) or not isinstance(ratio, int | float) or not 0 <= ratio <= LONGEST:
            raise ConfigError("ratio", ratio, "a finite number of at least 0")
        if isinstance(minimum, bool) or not isinstance(minimum, int) or minimum < 0:
            raise ConfigError("minimum", minimum, "a whole number of at least 0")
        check_seconds("window", window)
        if window == 0:
            raise ConfigError("window", window, "more than 0 seconds")
        self.ratio = ratio
        self.minimum = minimum
        self.name = name
        self._width = window / _BUCKETS
        self._clock = clock
        self._calls = [0] * _BUCKETS
        self._retries = [0] * _BUCKETS
        self._newest = int(clock() // self._width)
        self._lock = threading.RLock()
        renew_after_fork(self)

    def count(self) -> None:
        """Counts one call, whatever becomes of it."""
        with self._lock:
            self._calls[self._bucket()] += 1

    def try_take(self) -> bool:
        """Whether there may be one more retry now; if so, it is counted."""
        with self._lock:
            bucket = self._bucket()
            if sum(self._retries) + 1 > max(self.minimum, self.ratio * sum(self._calls)):
                return False
            self._retries[bucket] += 1
            return True

    def take(self) -> None:
        """Counts one retry. Raises RetryBudgetExhausted when there may be none now."""
        if not self.try_take():
            raise RetryBudgetExhausted(self.name)

    def counts(self) -> tuple[int, int]:
        """Calls and retries within the window."""
        with self._lock:
            self._bucket()
            return sum(self._calls), sum(self._retries)

    def _bucket(self) -> int:
        """Where to count now, once what is too old was forgotten. A clock that steps back counts as no step."""
        now = int(self._clock() // self._width)
        if now > self._newest:
            for old in range(max(self._newest, now - _BUCKETS) + 1, now + 1):
                self._calls[old % _BUCKETS] = self._retries[old % _BUCKETS] = 0
            self._newest = now
        return self._newest % _BUCKETS

    def _after_fork(self) -> None:
        self._lock = threading.RLock()

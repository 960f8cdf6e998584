"""What a breaker counts: the window that decides, and what is only read. Whoever owns a ledger holds a lock."""

from collections import deque
from typing import TypeAlias

from resilience.patterns.config import BreakerConfig
from resilience.patterns.errors import code_of
from resilience.patterns.events import Reason
from resilience.patterns.snapshot import Totals
from resilience.patterns.typing import Verdict
from resilience.patterns.windows import FAILED, SLOW, CountWindow, TimeWindow, Window

RECENT_CALLS = 60
RECENT_ERRORS = 5
LONGEST_TEXT = 500
"""Characters kept of an error's text."""

Sample: TypeAlias = tuple[float, str, str, str]
"""A RecentError to be."""

_FAILURE, _IGNORED = Verdict.FAILURE, Verdict.IGNORED  # the way through the enum costs as much as the window does


class Ledger:
    """The counts of one breaker."""

    __slots__ = (
        "_config",
        "_counted",
        "_failed_at",
        "consecutive",
        "errors",
        "failures",
        "ignored",
        "late",
        "outside",
        "recent",
        "slow",
        "window",
    )

    def __init__(self, config: BreakerConfig) -> None:
        self._config = config
        self.window = _window_of(config)
        self._failed_at = _times_of(config)
        self.consecutive = 0
        self.recent: deque[tuple[float, float, Verdict]] = deque(maxlen=RECENT_CALLS)
        self.errors: deque[Sample] = deque(maxlen=RECENT_ERRORS)
        self._counted = 0  # calls that the windows before this one saw
        self.outside = 0  # successes and failures that no window saw
        self.failures = 0
        self.slow = 0
        self.ignored = 0
        self.late = 0

    def configure(self, config: BreakerConfig) -> None:
        """Counts by other settings; keeps the window unless its shape is another one."""
        old, self._config = self._config, config
        if _shape(old) != _shape(config):
            self._renew_window()
        if old.failures_in_window != config.failures_in_window:
            times = self._failed_at or ()
            self._failed_at = _times_of(config)
            if self._failed_at is not None:
                self._failed_at.extend(times)

    def renew(self) -> None:
        """Forgets all that could make it trip."""
        self._renew_window()
        self.consecutive = 0
        self._failed_at = _times_of(self._config)

    def note(self, verdict: Verdict, duration: float, now: float, sample: Sample | None) -> bool:
        """Keeps a call in what is only read. Whether it was slow."""
        self.recent.append((now, duration, verdict))
        if verdict is _IGNORED:
            self.ignored += 1
            return False
        if verdict is _FAILURE:
            self.failures += 1
            if sample is not None:
                self.errors.append(sample)
        limit = self._config.slow_call_duration
        slow = limit is not None and duration >= limit
        self.slow += slow
        return slow

    def count(self, failed: bool, slow: bool, now: float) -> Reason | None:
        """Keeps a call in what decides. The threshold that it reaches, or None."""
        self.window.push(FAILED * failed + SLOW * slow, now)
        if not failed:
            self.consecutive = 0
            return self.rate_reached()
        config, times = self._config, self._failed_at
        self.consecutive += 1
        if times is not None:
            times.append(now)
        if config.failure_threshold is not None and self.consecutive >= config.failure_threshold:
            return Reason.CONSECUTIVE_FAILURES
        if times is not None and len(times) == times.maxlen and now - times[0] < config.window_seconds:
            return Reason.FAILURES_IN_WINDOW
        return self.rate_reached()

    def rate_reached(self) -> Reason | None:
        """The rate that is at its threshold, or None."""
        config, window = self._config, self.window
        calls = window.calls
        if calls >= config.volume_threshold:
            if config.failure_rate_threshold is not None and window.failures / calls >= config.failure_rate_threshold:
                return Reason.FAILURE_RATE
            if config.slow_call_rate_threshold is not None and window.slow / calls >= config.slow_call_rate_threshold:
                return Reason.SLOW_CALL_RATE
        return None

    def failures_lately(self, now: float) -> int:
        """Failures within `window_seconds`, as far as `failures_in_window` has to know: it counts no further."""
        return sum(now - at < self._config.window_seconds for at in self._failed_at or ())

    def totals(self, rejected: int) -> Totals:
        """Calls ever."""
        return Totals(
            successes=self._counted + self.window.seen + self.outside - self.failures,
            failures=self.failures,
            ignored=self.ignored,
            slow=self.slow,
            rejected=rejected,
            late=self.late,
        )

    def _renew_window(self) -> None:
        self._counted += self.window.seen
        self.window = _window_of(self._config)


def sample_of(error: BaseException | None, now: float) -> Sample | None:
    """What is kept of an error: never the error itself, which holds on to every frame it went through."""
    if error is None:
        return None
    try:
        text, code = str(error)[:LONGEST_TEXT], code_of(error)
    except Exception:  # noqa: BLE001 - foreign errors may do anything here, and the call must go on
        text, code = "", ""
    return now, type(error).__name__, code, text


def _shape(config: BreakerConfig) -> tuple[str, float]:
    return config.window, config.window_size if config.window == "count" else config.window_seconds


def _window_of(config: BreakerConfig) -> Window:
    return CountWindow(config.window_size) if config.window == "count" else TimeWindow(config.window_seconds)


def _times_of(config: BreakerConfig) -> deque[float] | None:
    return None if config.failures_in_window is None else deque(maxlen=config.failures_in_window)

"""The settings of a breaker, checked when they are made."""

import dataclasses
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from resilience.patterns.errors import ConfigError
from resilience.patterns.typing import Verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class BreakerConfig:
    """When a breaker opens, how long it stays open, and how it closes again. Durations are seconds, rates 0..1.

    Every comparison is "at least": a rate of 0.5 trips at one half, a call of exactly `slow_call_duration` is slow, a
    breaker admits again when exactly `reset_timeout` has passed. What is None is off. Raises ConfigError.
    """

    failure_threshold: int | None = 5
    """Opens after so many failures in a row."""
    failures_in_window: int | None = None
    """Opens when so many calls failed within `window_seconds`, whatever `window` is. Counted exactly, not in buckets."""
    failure_rate_threshold: float | None = 0.5
    """Opens when this share of the window failed."""
    slow_call_duration: float | None = None
    """A call is slow that took at least so long."""
    slow_call_rate_threshold: float | None = None
    """Opens when this share of the window was slow. Then a slow half-open call counts as failed, too."""
    volume_threshold: int = 10
    """Neither rate is looked at before the window holds so many calls."""
    window: Literal["count", "time"] = "count"
    window_size: int = 100
    """Calls in a window of the kind "count"."""
    window_seconds: float = 60.0
    """Length of a window of the kind "time", which moves by tenths of it."""
    reset_timeout: float = 60.0
    """How long it refuses calls once it opened."""
    reset_timeout_factor: float = 1.0
    """Each opening out of half-open, without a closing in between, lasts so many times longer than the one before."""
    reset_timeout_max: float = 3600.0
    success_threshold: int = 3
    """Closes after so many successes while half open. One failure opens it again."""
    half_open_max_calls: int = 3
    """At most so many calls at a time while half open; the others are refused at once."""
    half_open_lease: float = 60.0
    """A half-open call that has not come back by then gives its place to another; what it says in the end counts nonetheless.
    Never counted shorter than `call_timeout`."""
    call_timeout: float | None = None
    """`acall` ends a call after so long, with DeadlineExceeded. `call` and `guard` cannot end one: a call that took so
    long counts as a failure, and its result is returned."""
    ignored_errors: tuple[type[Exception], ...] = ()
    """Errors that say nothing about the other side: counted neither way."""
    is_failure: Callable[[Exception], bool | Verdict] | None = None
    """Asked about every other error: True is a failure, False a success (it answered, after all), or a Verdict."""
    is_failure_result: Callable[[Any], bool | Verdict] | None = None
    """Asked about every result: True is a failure, False a success, or a Verdict."""

    def __post_init__(self) -> None:
        for field in ("failure_threshold", "failures_in_window"):
            self._whole(field, none=True)
        for field in ("volume_threshold", "window_size", "success_threshold", "half_open_max_calls"):
            self._whole(field)
        for field in ("failure_rate_threshold", "slow_call_rate_threshold"):
            self._rate(field)
        for field in ("slow_call_duration", "call_timeout"):
            self._seconds(field, none=True)
        for field in ("window_seconds", "reset_timeout", "reset_timeout_max", "half_open_lease"):
            self._seconds(field)
        self._together()
        if not (isinstance(self.ignored_errors, tuple) and all(map(_is_error_type, self.ignored_errors))):
            raise ConfigError("ignored_errors", self.ignored_errors, "a tuple of subclasses of Exception")
        for field in ("is_failure", "is_failure_result"):
            if getattr(self, field) is not None and not callable(getattr(self, field)):
                raise ConfigError(field, getattr(self, field), "callable")

    def replace(self, **changes: Any) -> "BreakerConfig":
        """The same settings but for `changes`, checked again."""
        return dataclasses.replace(self, **changes)

    def open_seconds(self, reopenings: int) -> float:
        """How long it stays open when it has opened out of half-open so many times in a row: 0 for the first opening."""
        try:
            grown = self.reset_timeout * float(self.reset_timeout_factor) ** reopenings
        except OverflowError:
            return self.reset_timeout_max
        return min(grown, self.reset_timeout_max)

    @property
    def lease_seconds(self) -> float:
        """How long a half-open call keeps its place at most."""
        return max(self.half_open_lease, self.call_timeout or 0.0)

    def _together(self) -> None:
        """What has to fit something else, or is of a kind of its own."""
        if self.window not in ("count", "time"):
            raise ConfigError("window", self.window, 'either "count" or "time"')
        if not (_is_number(self.reset_timeout_factor) and 1 <= self.reset_timeout_factor < math.inf):
            raise ConfigError("reset_timeout_factor", self.reset_timeout_factor, "a number of at least 1")
        if self.reset_timeout_max < self.reset_timeout:
            raise ConfigError(
                "reset_timeout_max", self.reset_timeout_max, f"at least reset_timeout ({self.reset_timeout!r})"
            )
        if self.slow_call_rate_threshold is not None and self.slow_call_duration is None:
            raise ConfigError("slow_call_duration", None, "set where slow_call_rate_threshold is")
        if self.window == "count" and self.volume_threshold > self.window_size:
            raise ConfigError(
                "volume_threshold",
                self.volume_threshold,
                f"at most window_size ({self.window_size}), or it never trips",
            )

    def _whole(self, field: str, *, none: bool = False) -> None:
        value = getattr(self, field)
        if none and value is None:
            return
        if not isinstance(value, int) or isinstance(value, bool) or value < 1:
            raise ConfigError(field, value, f"a whole number of at least 1{' or None' if none else ''}")

    def _rate(self, field: str) -> None:
        value = getattr(self, field)
        if value is not None and not (_is_number(value) and 0 < value <= 1):
            raise ConfigError(field, value, "above 0 and at most 1, or None")

    def _seconds(self, field: str, *, none: bool = False) -> None:
        value = getattr(self, field)
        if none and value is None:
            return
        if not (_is_number(value) and 0 < value < math.inf):
            raise ConfigError(field, value, f"a number of seconds above 0{' or None' if none else ''}")


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_error_type(value: object) -> bool:
    return isinstance(value, type) and issubclass(value, Exception)

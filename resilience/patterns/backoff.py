"""How long to wait before the next attempt: pure functions of the attempt, the wait before it, and a random number.

No object here keeps state between calls, so that any number of executions share one. The cap is applied last; jitter
is drawn as in "Exponential Backoff And Jitter" (AWS Architecture Blog, 2015):

    none          d
    full          between 0 and d
    equal         between d/2 and d
    decorrelated  between the initial wait and three times the wait before (exponential only)
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Literal, Protocol, get_args

from resilience.patterns.errors import ConfigError
from resilience.patterns.typing import Rng

Jitter = Literal["none", "full", "equal", "decorrelated"]
Strategy = Literal["fixed", "linear", "exponential"]

LONGEST = 1e9
"""Seconds: some thirty years. `time.sleep` raises at ten times as many."""


class Backoff(Protocol):
    """What a retry asks for its waits. Anything with this method will do."""

    def delay(self, attempt: int, previous: float, rng: Rng) -> float:
        """Seconds to wait after the failed attempt with this number (from 1); `previous` is the wait before it, 0.0 at first."""
        ...


@dataclass(frozen=True, slots=True)
class Fixed:
    """The same wait each time, in seconds."""

    initial: float = 1.0
    cap: float = 3_600.0
    jitter: Jitter = "none"

    def __post_init__(self) -> None:
        _check(self, spread=False)

    def delay(self, attempt: int, previous: float, rng: Rng) -> float:
        """Seconds to wait, whatever the attempt."""
        return _jittered(min(self.cap, self.initial), self.jitter, rng)


@dataclass(frozen=True, slots=True)
class Linear:
    """A wait that grows by `step` seconds with each failure; `step` is `initial` when it is not given."""

    initial: float = 1.0
    cap: float = 30.0
    step: float | None = None
    jitter: Jitter = "none"

    def __post_init__(self) -> None:
        _check(self, spread=False)
        if self.step is not None:
            check_seconds("step", self.step)

    def delay(self, attempt: int, previous: float, rng: Rng) -> float:
        """Seconds to wait after the failed attempt with this number (from 1)."""
        step = self.initial if self.step is None else self.step
        return _jittered(min(self.cap, self.initial + step * (attempt - 1)), self.jitter, rng)


@dataclass(frozen=True, slots=True)
class Exponential:
    """A wait that is multiplied with each failure: `initial`, `initial * multiplier`, …, at most `cap` seconds."""

    initial: float = 0.1
    cap: float = 30.0
    multiplier: float = 2.0
    jitter: Jitter = "full"

    def __post_init__(self) -> None:
        _check(self, spread=True)
        if not (_is_number(self.multiplier) and 1 <= self.multiplier <= LONGEST):
            raise ConfigError("multiplier", self.multiplier, f"a number from 1 to {LONGEST:.0f}")

    def delay(self, attempt: int, previous: float, rng: Rng) -> float:
        """Seconds to wait after the failed attempt with this number (from 1)."""
        if self.jitter == "decorrelated":
            low = min(self.initial, self.cap)
            return min(self.cap, low + rng() * (min(self.cap, 3 * max(previous, low)) - low))
        return _jittered(self._plain(attempt), self.jitter, rng)

    def _plain(self, attempt: int) -> float:
        if not self.initial:
            return 0.0
        try:
            return min(self.cap, self.initial * float(self.multiplier) ** (attempt - 1))
        except OverflowError:  # floats say so at once, where integers would compute a million digits
            return self.cap


def delays(backoff: Backoff, count: int, rng: Rng) -> Iterator[float]:
    """The first `count` waits of one execution, in seconds."""

    def endless() -> Iterator[float]:
        attempt, previous = 1, 0.0
        while True:
            previous = backoff.delay(attempt, previous, rng)
            yield previous
            attempt += 1

    return islice(endless(), count)


def backoff_of(
    strategy: Strategy, initial: float, cap: float, multiplier: float = 2.0, jitter: Jitter = "full"
) -> Fixed | Linear | Exponential:
    """The backoff that a strategy's name stands for. Raises ConfigError for a name that is none, and for figures that cannot be."""
    match strategy:
        case "fixed":
            return Fixed(initial, cap, jitter=jitter)
        case "linear":
            return Linear(initial, cap, jitter=jitter)
        case "exponential":
            return Exponential(initial, cap, multiplier, jitter)
    raise ConfigError("strategy", strategy, f"one of {', '.join(get_args(Strategy))}")


def check_seconds(field: str, value: object) -> None:
    """Raises ConfigError unless the value is a number of seconds, zero or more, that an operating system can wait for."""
    if not (_is_number(value) and 0 <= value <= LONGEST):  # type: ignore[operator]
        raise ConfigError(field, value, f"a number of seconds from 0 to {LONGEST:.0f}")


def _check(backoff: Fixed | Linear | Exponential, *, spread: bool) -> None:
    check_seconds("initial", backoff.initial)
    check_seconds("cap", backoff.cap)
    known = get_args(Jitter) if spread else get_args(Jitter)[:3]
    if backoff.jitter not in known:
        raise ConfigError("jitter", backoff.jitter, f"one of {', '.join(known)} ({type(backoff).__name__})")


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _jittered(seconds: float, jitter: Jitter, rng: Rng) -> float:
    if jitter == "full":
        return seconds * rng()
    if jitter == "equal":
        return seconds / 2 + seconds / 2 * rng()
    return seconds

"""Deadlines: one moment by which everything below has to be done, handed down in the context rather than as a parameter.

    with within(5.0, name="checkout") as deadline:
        client.get(url, timeout=deadline.remaining())

Scopes nest, and the earlier deadline always wins: no inner part can give itself more time than the outer one has left.
They pass through `await` and into tasks as context variables do; a new thread sees them when it runs in a copied context.
"""

import math
import time
from contextvars import ContextVar, Token
from types import TracebackType

from resilience.patterns.backoff import LONGEST
from resilience.patterns.errors import ConfigError, DeadlineExceeded
from resilience.patterns.typing import Clock

_current: ContextVar["Deadline | None"] = ContextVar("resilience.patterns.deadline", default=None)


def _checked(seconds: object) -> float:
    if not isinstance(seconds, int | float) or not (0 <= seconds <= LONGEST or seconds == math.inf):
        raise ConfigError("seconds", seconds, "a number of at least 0, or infinity")
    return float(seconds)


class Deadline:
    """A moment `seconds` from now. `math.inf` is a deadline that never comes; `name` says whose it is."""

    __slots__ = ("at", "clock", "name", "seconds")

    def __init__(self, seconds: float, *, name: str = "", clock: Clock = time.monotonic) -> None:
        if (
            type(seconds) is not float or not 0 <= seconds <= LONGEST
        ):  # quick for the usual case: it is made for every call
            seconds = _checked(seconds)
        self.seconds = seconds
        self.name = name
        self.clock = clock
        self.at = clock() + seconds
        """Of `clock`."""

    def remaining(self) -> float:
        """Seconds that are left: 0.0 once it is over, `math.inf` when it never comes."""
        return max(0.0, self.at - self.clock())

    @property
    def expired(self) -> bool:
        """Whether no time is left."""
        return self.clock() >= self.at

    def raise_if_expired(self, name: str = "") -> None:
        """Raises DeadlineExceeded, with `name` or its own, when no time is left. For the loops of code that takes long."""
        if self.expired:
            raise self.exceeded(name)

    def exceeded(self, name: str = "") -> DeadlineExceeded:
        """The error that says that this deadline is over."""
        return DeadlineExceeded(self.seconds, name or self.name)

    def __repr__(self) -> str:
        return f"Deadline({self.seconds!r}, name={self.name!r}, remaining={self.remaining():.3f})"


NEVER = Deadline(math.inf)
"""The deadline of code that has none."""


def current_deadline() -> Deadline | None:
    """The earliest deadline that holds here, or None."""
    return _current.get()


def time_left(most: float | None = None) -> float | None:
    """Seconds for whoever takes a timeout: what the current deadline leaves, at most `most`; None where neither limits it."""
    deadline = _current.get()
    if deadline is None or deadline.at == math.inf:
        return most
    left = deadline.remaining()
    return left if most is None or left < most else most


def raise_if_expired(name: str = "") -> None:
    """Raises DeadlineExceeded when a deadline holds here and is over."""
    deadline = _current.get()
    if deadline is not None:
        deadline.raise_if_expired(name)


class within:  # noqa: N801 - reads as the statement that it is
    """`with within(2.0) as deadline:` has a deadline hold for the block; what the block gets is the earliest of those around it.

    It ends nothing by itself: code reads it, and so do retries, timeouts, bulkheads and clients that are given what remains.
    """

    __slots__ = ("_token", "deadline")
    _token: Token[Deadline | None]

    def __init__(self, limit: float | Deadline, *, name: str = "", clock: Clock = time.monotonic) -> None:
        self.deadline = limit if isinstance(limit, Deadline) else Deadline(limit, name=name, clock=clock)

    def __enter__(self) -> Deadline:
        outer = _current.get()
        if outer is not None:
            self.deadline = _earlier(outer, self.deadline)
        self._token = _current.set(self.deadline)
        return self.deadline

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        _current.reset(self._token)


def _earlier(outer: Deadline, own: Deadline) -> Deadline:
    if outer.clock is own.clock:
        return own if own.at < outer.at else outer
    return own if own.remaining() < outer.remaining() else outer

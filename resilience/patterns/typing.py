"""The names that the patterns share: how time and chance are passed in, what a call can mean, and what a breaker can be."""

from collections.abc import Callable
from enum import StrEnum
from typing import ParamSpec, TypeAlias, TypeVar

P = ParamSpec("P")
T = TypeVar("T")

Clock: TypeAlias = Callable[[], float]
"""Seconds since no particular moment, as `time.monotonic` has them."""

Rng: TypeAlias = Callable[[], float]
"""A number in [0, 1), as `random.random` has them."""


class Verdict(StrEnum):
    """What the end of a call says about the other side."""

    FAILURE = "failure"
    SUCCESS = "success"
    IGNORED = "ignored"
    """Nothing: neither counted for nor against it."""


class State(StrEnum):
    """What a breaker does with the next call."""

    CLOSED = "closed"
    """Lets it through."""
    OPEN = "open"
    """Refuses it, until the reset timeout is over."""
    HALF_OPEN = "half_open"
    """Lets a few through to see how they fare."""

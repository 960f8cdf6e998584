"""A rate limit as one number a caller (the generic cell rate algorithm: ITU-T I.371, a leaky bucket without a bucket)."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Rate:
    """So many requests a second for long, so many at once."""

    per_second: float
    burst: int


@dataclass(frozen=True, slots=True)
class Ruling:
    """What to do with one request. `due` is kept for the next; `wait` (seconds) is 0 when it may pass."""

    due: float
    wait: float


def rule(rate: Rate, due: float, now: float) -> Ruling:
    """Whether a request at `now` may pass, when the caller's requests so far are paid off at `due` (seconds)."""
    step = 1 / rate.per_second
    paid_off = max(due, now) + step
    wait = paid_off - rate.burst * step - now
    if wait > 1e-9:
        return Ruling(due, wait)
    return Ruling(paid_off, 0.0)

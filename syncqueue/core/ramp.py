"""How quickly an upstream that has just come back is sent to again. Pure.

Ten starts in about the first tenth of the slow start, twice as many in each further tenth, no limit after the last: an upstream with
10 s of it gets some 14 changes in the first second, 450 in the first five, and after ten seconds as many as it takes. All pumps
together: each takes its part.
"""

from math import ceil, log

FIRST = 10.0
STEPS = 10


def started(elapsed: float, slow_start: float) -> float:
    """How many starts are allowed in all, `elapsed` seconds after the breaker closed; infinite after `slow_start` seconds."""
    if elapsed >= slow_start:
        return float("inf")
    return FIRST / log(2) * (2 ** (STEPS * max(elapsed, 0.0) / slow_start) - 1)


def allowed(elapsed: float, slow_start: float, *, share: float = 1.0, sent: int = 0) -> int | None:
    """How many more may start now for one whose part is `share` and who has started `sent`; None when there is no limit.

    The first one may always start at once.
    """
    total = started(elapsed, slow_start)
    if total == float("inf"):
        return None
    return max(ceil(total * share) - sent, 1 if sent == 0 else 0)


def next_start(slow_start: float, *, share: float, sent: int) -> float:
    """Seconds after closing from which one more may start for one who has started `sent`."""
    needed = max(sent, 0) / share
    return min(slow_start / STEPS * log(needed * log(2) / FIRST + 1, 2), slow_start)

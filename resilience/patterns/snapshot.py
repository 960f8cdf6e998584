"""What can be read of a breaker: how it stands, its calls of late, and the health score."""

from dataclasses import dataclass
from typing import NamedTuple

from resilience.patterns.typing import State, Verdict

HEALTH_SPAN = 600.0
"""Seconds that the health score looks back for refused calls and for time that was not closed."""


class RecentCall(NamedTuple):
    """One call of late: when it ended (by the breaker's clock), how many seconds it took, and what it meant."""

    at: float
    duration: float
    verdict: Verdict


class RecentError(NamedTuple):
    """One failure of late: when (by the breaker's clock), the type's name, the code (`errors.code_of`) and the text."""

    at: float
    type: str
    code: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Totals:
    """Calls ever, for counters that only grow. `late` are those that ended after the breaker had moved on; they are in the others too."""

    successes: int
    failures: int
    ignored: int
    slow: int
    rejected: int
    late: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """How a breaker stands at one moment. Times are of the breaker's clock, durations in seconds, rates in 0..1."""

    name: str
    state: State
    since: float
    """When it came into this state."""
    generation: int
    calls: int
    """In the window, as are failures and slow."""
    failures: int
    slow: int
    failures_lately: int
    """Failures within window_seconds, counted up to failures_in_window; 0 where that is off."""
    failure_rate: float
    slow_rate: float
    consecutive_failures: int
    successes: int
    """Of this half-open phase."""
    half_open_in_use: int
    rejected: int
    """Ever; `rejected_since_trip` since it was last closed."""
    rejected_since_trip: int
    openings: int
    retry_after: float | None
    """Seconds until it admits a call: 0.0 when it would now, None when nobody knows."""
    forced: str | None
    """ "open", "closed" or "disabled" while somebody's word overrides the figures."""
    reason: str
    """Why it is in this state: a word of `events.Reason`."""
    detail: str
    """What whoever forced it said."""
    health_score: float


def health_score(
    *, state: State, failure_rate: float, slow_rate: float, rejected_share: float, away_share: float
) -> float:
    """0 (nothing works) to 100 (nothing wrong), of four shares in 0..1:

        100 · (1 - failure_rate) · (1 - slow_rate / 2) · (1 - rejected_share / 2) · (1 - away_share / 2)

    and at most 50 while half open, at most 25 while open.

    The two rates are of the window, taken among at least volume_threshold calls, so that one failure among two calls
    is not half a failure. `rejected_share` is refused / (refused + calls in the window) for the breaks of the last
    HEALTH_SPAN seconds, `away_share` the share of those seconds in which the breaker was not closed.
    """
    score = 100.0 * (1 - failure_rate) * (1 - slow_rate / 2) * (1 - rejected_share / 2) * (1 - away_share / 2)
    return round(min(score, _HIGHEST[state]), 1)


_HIGHEST = {State.CLOSED: 100.0, State.HALF_OPEN: 50.0, State.OPEN: 25.0}

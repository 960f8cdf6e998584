"""What a breaker tells its listeners, and the words for why."""

from dataclasses import dataclass
from enum import StrEnum

from resilience.patterns.snapshot import Snapshot
from resilience.patterns.typing import State, Verdict


class Reason(StrEnum):
    """Why a breaker changed its state. Few and fixed, so that they can be labels of metrics."""

    NEW = "new"
    CONSECUTIVE_FAILURES = "consecutive-failures"
    FAILURES_IN_WINDOW = "failures-in-window"
    FAILURE_RATE = "failure-rate"
    SLOW_CALL_RATE = "slow-call-rate"
    RESET_TIMEOUT = "reset-timeout"
    HALF_OPEN_FAILED = "half-open-failed"
    HALF_OPEN_SUCCEEDED = "half-open-succeeded"
    FORCED_OPEN = "forced-open"
    FORCED_CLOSED = "forced-closed"
    DISABLED = "disabled"
    RESET = "reset"
    HALF_OPEN_FULL = "half-open-full"
    """Why a call was refused, and no change: all half-open places are taken."""
    ADOPTED = "adopted"
    """A state that was decided elsewhere, with no better word for why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StateChange:
    """A breaker went from one state to another, or came under or out of somebody's word (then both may be the same).

    `reason` is a word of `Reason`, `detail` what whoever forced it said, `at` the breaker's clock, `snapshot` how it
    stood just before: for a trip that is the window which caused it.
    """

    name: str
    previous: State
    current: State
    reason: str
    detail: str
    at: float
    forced: str | None
    snapshot: Snapshot


@dataclass(frozen=True, slots=True, kw_only=True)
class CallDone:
    """A call ended. `duration` in seconds; `error` is what it raised, which may be there for a success and missing for a failure."""

    name: str
    verdict: Verdict
    success: bool
    duration: float
    error: BaseException | None

"""What a span tells of a delivery or of a question: words and ids, never what is in a change."""

from typing import Any, Final

from syncqueue.adapters.base import Conflicted, Delivered, Fetched, Gone, Outcome, Rejected, RetryAt, Unknown
from syncqueue.core.jobs import Assignment

WORDS: Final = {
    Delivered: "delivered",
    RetryAt: "retry",
    Conflicted: "conflict",
    Rejected: "rejected",
    Unknown: "unknown",
    Fetched: "fetched",
    Gone: "gone",
}
TIMED_OUT: Final = frozenset({"timed-out", "timeout"})


def delivery(assignment: Assignment, outcome: Outcome) -> dict[str, Any]:
    """What was sent for whom, how the breaker met it, and what came of it."""
    return {
        "breakwater.item": str(assignment.item_id),
        "breakwater.kind": assignment.kind,
        "breakwater.operation": assignment.operation,
        "retry.attempt": assignment.number,
        **answer(outcome, half_open=assignment.permit.half_open),
    }


def answer(outcome: Outcome | Fetched | Gone, *, half_open: bool) -> dict[str, Any]:
    """What an upstream said. A code says that it went wrong."""
    code = getattr(outcome, "code", "")
    return {
        "circuit.state": "half_open" if half_open else "closed",
        "timeout.exceeded": code in TIMED_OUT,
        "resilience.outcome": WORDS[type(outcome)],
        "resilience.code": code,
        "http.response.status_code": getattr(outcome, "status", None),
    }

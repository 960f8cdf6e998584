"""circuitbreaker: failures in a row, nothing else."""

from collections.abc import Callable
from typing import Any

import circuitbreaker

REFUSED = circuitbreaker.CircuitBreakerError


def guard(*, fails: int = 5, wait: float = 60.0) -> Callable[[Any], Any]:
    """Return its decorator."""
    made: Callable[[Any], Any] = circuitbreaker.circuit(failure_threshold=fails, recovery_timeout=wait)
    return made


aguard = guard

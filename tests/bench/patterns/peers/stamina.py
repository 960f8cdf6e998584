"""stamina: tenacity with good defaults."""

from collections.abc import Callable
from typing import Any

import stamina
import stamina.instrumentation

from tests.bench.patterns.peers import Boom

stamina.instrumentation.set_on_retry_hooks([])  # it would log each retry


def retry(attempts: int = 3, sleep: Callable[[float], Any] | None = None) -> Callable[[Any], Any]:
    """Return its decorator with waits of 1, 2, 4 … seconds up to half a minute; it sleeps by time.sleep only."""
    del sleep
    return stamina.retry(
        on=Boom, attempts=attempts, timeout=None, wait_initial=1.0, wait_max=30.0, wait_jitter=0.0, wait_exp_base=2.0
    )


aretry = retry


def asked(deadline: float, seconds: float) -> Callable[[Any], Any]:
    """Return a retry that waits as long as its hook says."""
    return stamina.retry(on=lambda error: seconds, timeout=deadline, attempts=10)

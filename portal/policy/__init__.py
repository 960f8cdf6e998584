"""governance/policy.yml, typed: the one place for the figures of backoff, breakers, failover, alerts and experiments.

>>> from portal.policy import current
>>> current().circuit_breaker.reset_timeout
60.0

`current()` is read where a figure is needed, not kept: a change of the file then holds within a second, without a restart.
"""

from portal.policy.core.faults import Fault
from portal.policy.core.policy import (
    ChaosTesting,
    CircuitBreaker,
    Failover,
    Figure,
    Policy,
    QueueManagement,
    SyncBackoff,
)
from portal.policy.file import State
from portal.policy.overrides import Override, overrides_for, register_overrides
from portal.policy.source import current, state

__all__ = [
    "ChaosTesting",
    "CircuitBreaker",
    "Failover",
    "Fault",
    "Figure",
    "Override",
    "Policy",
    "QueueManagement",
    "State",
    "SyncBackoff",
    "current",
    "overrides_for",
    "register_overrides",
    "state",
]

"""What a bulkhead is told, what it tells, and how it stands."""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Literal, Self

from resilience.patterns.errors import ConfigError

Reason = Literal["queue-full", "queue-timeout", "would-block"]
Happening = Literal["started", "finished", "queued", "rejected"]


@dataclass(frozen=True, slots=True, kw_only=True)
class BulkheadConfig:
    """`max_concurrent` calls at once, `max_queue` more that wait for at most `queue_timeout` seconds (None: as long as the
    deadline allows). `on_reject(reason)` is told of each refusal."""

    max_concurrent: int = 10
    max_queue: int = 0
    queue_timeout: float | None = None
    on_reject: Callable[[Reason], object] | None = None

    def __post_init__(self) -> None:
        if not _whole(self.max_concurrent) or self.max_concurrent < 1:
            raise ConfigError("max_concurrent", self.max_concurrent, "a whole number of at least 1")
        if not _whole(self.max_queue) or self.max_queue < 0:
            raise ConfigError("max_queue", self.max_queue, "a whole number of at least 0")
        if self.queue_timeout is not None and not _seconds(self.queue_timeout):
            raise ConfigError("queue_timeout", self.queue_timeout, "a number of seconds above 0 or None")
        if self.on_reject is not None and not callable(self.on_reject):
            raise ConfigError("on_reject", self.on_reject, "callable")

    def replace(self, **changes: Any) -> Self:
        """The same config with some fields changed, and checked again."""
        return replace(self, **changes)


def _whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _seconds(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 < value < math.inf


@dataclass(frozen=True, slots=True)
class BulkheadEvent:
    """What happened at a bulkhead, and how many were in it and waited right after. `reason` says why a call was refused."""

    name: str
    kind: Happening
    active: int
    queued: int
    reason: Reason | None = None


@dataclass(frozen=True, slots=True)
class BulkheadMetrics:
    """A bulkhead at one moment. `completed`, `rejected` and `waited` (had to queue first) count from
    the start; `abandoned` counts places held by work whose caller has given up; `utilization` is in percent."""

    active: int
    available: int
    queued: int
    max_concurrent: int
    max_queue: int
    completed: int
    rejected: int
    waited: int
    abandoned: int
    utilization: float

"""The figures that the portal works by, typed: what governance/policy.yml says, with what is built in where it says nothing.

Times are seconds. Names are those of resilience.patterns where it has one for the thing; docs/reference/policy.md maps each key.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class SyncBackoff:
    """How long an item waits before it is sent again, and how often it is tried."""

    minimum: float
    maximum: float
    factor: float
    jitter: bool
    max_attempts: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CircuitBreaker:
    """When an upstream's breaker opens, when it tries again, and when it closes. None is off."""

    failure_threshold: int
    success_threshold: int
    reset_timeout: float
    half_open_max_calls: int
    failures_in_window: int | None
    window_seconds: float
    failure_rate_threshold: float | None
    slow_call_duration: float | None
    slow_call_rate_threshold: float | None
    volume_threshold: int
    reset_timeout_factor: float
    reset_timeout_max: float
    half_open_lease: float
    slow_start: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Failover:
    """What is read instead while a service is away. `fallback_endpoints` maps a service to where else it is read."""

    enabled: bool
    read_only_fallback: bool
    cache_ttl: float
    fallback_endpoints: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueManagement:
    """When the queue raises an alert, and where it goes."""

    alert_on_backlog_size: int
    alert_on_age: float
    alert_channels: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ChaosTesting:
    """Whether failures are injected on purpose, where, when, and for how long at most."""

    enabled: bool
    environments: tuple[str, ...]
    schedule: str
    max_failure_duration: float


@dataclass(frozen=True, slots=True)
class Figure:
    """One key in force: its value as the file writes it (`value`, in `unit`), and where it was said (`line`; 0 is built in)."""

    key: str
    section: str
    name: str
    value: Any
    unit: str
    says: str
    file: str
    line: int

    @property
    def source(self) -> str:
        """Where the value comes from, as "governance/policy.yml line 12" or "built in"."""
        return f"{self.file} line {self.line}" if self.line else "built in"


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """Everything that governance/policy.yml sets. Two are equal when their values are, wherever these were said."""

    sync_backoff: SyncBackoff
    circuit_breaker: CircuitBreaker
    failover: Failover
    queue_management: QueueManagement
    alert_channels: tuple[str, ...]
    chaos_testing: ChaosTesting
    figures: tuple[Figure, ...] = field(compare=False, repr=False)

    def explain(self) -> tuple[Figure, ...]:
        """Each key with its value, unit and source, in the order of the file's sections."""
        return self.figures

    def sources(self) -> dict[str, str]:
        """Where each key's value comes from, by "section.key"."""
        return {figure.key: figure.source for figure in self.figures}

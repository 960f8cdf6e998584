"""The figures of one upstream, each with its source: its own, else its policy's, else governance/policy.yml's, else what is built in."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from portal.policy import Policy, current
from portal.policy.core.keys import BY_NAME
from resilience.patterns.config import BreakerConfig
from resilience.patterns.errors import ConfigError
from resilience.upstreams.figures import SECTIONS
from resilience.upstreams.models import Upstream

log = logging.getLogger(__name__)

PRESETS: Mapping[str, Mapping[str, Any]] = {
    "api": {},
    "ai": {"circuit_breaker.failure_threshold": 3, "circuit_breaker.cooldown_ms": 120_000},
    "database": {"circuit_breaker.failure_threshold": 10, "circuit_breaker.cooldown_ms": 30_000},
    "external": {},
    "critical": {},
}
"""Where a policy has a breaker of its own. The queue waits out an outage behind a breaker, so each upstream has one, "critical" too."""


REQUESTS, MARGIN = 3, 5.0
"""A half-open place is kept for as long as a delivery may take, so many requests and some seconds, whatever the figures say."""


def most_attempts(upstream: Upstream) -> int:
    """How often an item of this upstream may fail by its own fault."""
    return int((upstream.figures or {}).get("sync_backoff.max_attempts", current().sync_backoff.max_attempts))


@dataclass(frozen=True, slots=True)
class Figure:
    """One key in force for an upstream: the value as the file would write it, in `unit`, and where it was said."""

    key: str
    value: Any
    unit: str
    says: str
    source: str
    own: bool = False


@dataclass(frozen=True, slots=True)
class Figures:
    """What an upstream's breaker and its deliveries go by. Durations in seconds."""

    config: BreakerConfig
    slow_start: float
    minimum: float
    maximum: float
    factor: float
    jitter: bool
    max_attempts: int
    table: tuple[Figure, ...]


def figures_of(upstream: Upstream, policy: Policy | None = None) -> Figures:
    """The figures of this upstream under the policy in force. Own figures that contradict the others are left out, and the log says so."""
    own = tuple(sorted((upstream.figures or {}).items()))
    policy = policy or current()
    try:
        found = _figures(policy, upstream.policy, own)
    except (ConfigError, TypeError, ValueError) as error:
        log.warning(
            "The figures of upstream %s do not go together: %s. Those of the policy hold.", upstream.slug, error
        )
        found = _figures(policy, upstream.policy, ())
    lease = max(found.config.half_open_lease, REQUESTS * upstream.timeout + MARGIN)
    return replace(found, config=found.config.replace(half_open_lease=lease))


def checked(policy_name: str, own: Mapping[str, Any]) -> Figures:
    """The figures that an upstream with these of its own would have; raises ConfigError where they contradict each other."""
    return _figures(current(), policy_name, tuple(sorted(own.items())))


def _figures(policy: Policy, preset: str, own: tuple[tuple[str, Any], ...]) -> Figures:
    table, native = [], {}
    mine, named = dict(own), PRESETS.get(preset, {})
    for said in policy.explain():
        if said.section not in SECTIONS:
            continue
        key = next(key for key in BY_NAME[said.section].keys if key.name == said.name)
        value, source = said.value, said.source
        if said.key in named:
            value, source = named[said.key], f"policy {preset}"
        if said.key in mine:
            value, source = mine[said.key], "upstream"
        native[key.python] = key.kind.native(value)
        table.append(Figure(said.key, value, said.unit, said.says, source, own=said.key in mine))
    slow_start = native.pop("slow_start")
    backoff = {name: native.pop(name) for name in ("minimum", "maximum", "factor", "jitter", "max_attempts")}
    config = BreakerConfig(**{**native, "reset_timeout_max": max(native["reset_timeout_max"], native["reset_timeout"])})
    return Figures(config, slow_start, **backoff, table=tuple(table))

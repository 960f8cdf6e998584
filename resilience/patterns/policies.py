"""Policies: which patterns stand around a call, and with what figures.

The order is fixed, from the outside in: fallback > total deadline > retry > breaker > bulkhead > attempt timeout > the call.
Each attempt asks the breaker anew, takes a place in the bulkhead anew and has its own timeout. A refusal by the breaker or the
bulkhead is neither retried nor counted against the other side. `policy.describe()` prints it with its figures.
"""

import dataclasses
import difflib
import math
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final, Self

from resilience.patterns.bulkhead import BulkheadConfig
from resilience.patterns.config import BreakerConfig
from resilience.patterns.errors import ConfigError, UnknownPolicy
from resilience.patterns.retry_config import RetryConfig, RetryPolicies
from resilience.patterns.timeouts import TimeoutConfig

__all__ = ["AI", "API", "CRITICAL", "DATABASE", "EXTERNAL", "NO_FALLBACK", "PRESETS", "Policies", "Policy"]


class NoFallback:
    """The fallback of a policy that has none; None itself may be a fallback's value."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "NO_FALLBACK"

    def __reduce__(self) -> str:
        return "NO_FALLBACK"


NO_FALLBACK: Final = NoFallback()


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """The patterns around a call; what is None is not there and costs nothing. Durations are seconds. Raises ConfigError."""

    name: str
    fallback: Any = NO_FALLBACK
    """What stands in when everything else failed: a value, a callable that is given the call's own arguments, or a `Fallback`."""
    deadline: float | None = None
    """For all attempts, waits and queues together."""
    retry: RetryConfig | None = None
    breaker: BreakerConfig | None = None
    bulkhead: BulkheadConfig | None = None
    timeout: float | TimeoutConfig | None = None
    """For each attempt."""

    _hash: int = dataclasses.field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if not isinstance(self.name, str) or not self.name.strip():
            raise ConfigError("name", self.name, "a word that the policy is known by")
        for field, kind in _PARTS.items():
            value = getattr(self, field)
            if value is not None and not isinstance(value, kind):
                raise ConfigError(field, value, f"a {kind.__name__} or None")
        if not isinstance(self.timeout, TimeoutConfig):
            _check_seconds("timeout", self.timeout)
        elif self.timeout.fallback is not None:
            raise ConfigError(
                "timeout.fallback",
                self.timeout.fallback,
                "None within a policy, whose own fallback hides no timeout from retry and breaker",
            )
        _check_seconds("deadline", self.deadline)
        object.__setattr__(self, "_hash", hash((self.name, self.deadline, self.attempt_seconds)))

    def __hash__(self) -> int:
        return (
            self._hash
        )  # of a few parts: the others may hold what has no hash, and a policy is looked up on each call

    def replace(self, **changes: Any) -> Self:
        """The same policy with some parts changed, checked again. Keep it in a constant: one made for each call is compared each time."""
        for field in changes:
            if field not in _FIELDS:
                raise ConfigError("replace()", field, f"given parts of a policy{_nearest(field, _FIELDS)}")
        return dataclasses.replace(self, **changes)

    @property
    def attempt_seconds(self) -> float | None:
        """How long one attempt may take, or None."""
        return self.timeout.timeout if isinstance(self.timeout, TimeoutConfig) else self.timeout

    def describe(self) -> str:
        """The order and the figures, for people."""
        rows = {
            "fallback": _say_fallback(self.fallback),
            "deadline": _say_deadline(self.deadline),
            "retry": _say_retry(self.retry),
            "breaker": _say_breaker(self.breaker),
            "bulkhead": _say_bulkhead(self.bulkhead),
            "timeout": _say_timeout(self.timeout),
        }
        lines = [f"{part:<9} {text}" for part, text in rows.items()]
        return "\n".join([f"Policy {self.name!r}, from the outside in:", *lines, "the call itself"])


_FIELDS: tuple[str, ...] = tuple(field.name for field in dataclasses.fields(Policy) if field.init)
_PARTS: Mapping[str, type] = {"retry": RetryConfig, "breaker": BreakerConfig, "bulkhead": BulkheadConfig}


def _check_seconds(field: str, value: object) -> None:
    if value is None:
        return
    if not isinstance(value, int | float) or isinstance(value, bool) or not 0 < value < math.inf:
        raise ConfigError(field, value, "a number of seconds above 0 or None")


def _nearest(word: str, words: tuple[str, ...]) -> str:
    close = difflib.get_close_matches(word, words, n=1)
    return f"; did you mean {close[0]!r}?" if close else f": {', '.join(words)}"


def _seconds(value: float) -> str:
    return f"{value:.10g} s"


def _percent(share: float) -> str:
    return f"{100 * share:.10g} %"


def _say_fallback(fallback: object) -> str:
    if fallback is NO_FALLBACK:
        return "none: the error is raised"
    return f"{getattr(fallback, '__qualname__', None) or repr(fallback)}, when all else failed"


def _say_deadline(seconds: float | None) -> str:
    return "none" if seconds is None else f"{_seconds(seconds)} for everything below together"


def _say_retry(retry: RetryConfig | None) -> str:
    if retry is None:
        return "none: one attempt"
    if retry.backoff is not None:
        waits = f"waits by {retry.backoff!r}"
    else:
        growth = f" × {retry.multiplier:.10g}" if retry.strategy == "exponential" else ""
        span = f"{_seconds(retry.initial_delay)}{growth} up to {_seconds(retry.max_delay)}"
        waits = f"{retry.strategy} waits of {span}, jitter {retry.jitter}"
    asked = f", or as Retry-After asks up to {_seconds(retry.retry_after_max)}" if retry.respect_retry_after else ""
    limit = "" if retry.deadline is None else f", all within {_seconds(retry.deadline)}"
    return f"{retry.max_attempts} attempts, {waits}{asked}{limit}; refusals are not retried"


def _say_breaker(breaker: BreakerConfig | None) -> str:
    if breaker is None:
        return "none"
    whys = []
    if breaker.failure_threshold is not None:
        whys.append(f"{breaker.failure_threshold} failures in a row")
    if breaker.failures_in_window is not None:
        whys.append(f"{breaker.failures_in_window} failures within {_seconds(breaker.window_seconds)}")
    by_time = breaker.window == "time"
    window = f"the last {_seconds(breaker.window_seconds) if by_time else f'{breaker.window_size} calls'}"
    if breaker.failure_rate_threshold is not None:
        whys.append(f"{_percent(breaker.failure_rate_threshold)} failures of {window}")
    if breaker.slow_call_rate_threshold is not None and breaker.slow_call_duration is not None:
        slow = f"{_percent(breaker.slow_call_rate_threshold)} of {window} slower than {_seconds(breaker.slow_call_duration)}"
        whys.append(slow)
    volume = f" (rates from {breaker.volume_threshold} calls on)" if window in " ".join(whys) else ""
    closing = f"closes after {breaker.success_threshold} successes, {breaker.half_open_max_calls} at a time"
    return f"opens at {' or '.join(whys) or 'nothing'}{volume}; tries again after {_seconds(breaker.reset_timeout)}; {closing}"


def _say_bulkhead(bulkhead: BulkheadConfig | None) -> str:
    if bulkhead is None:
        return "none"
    wait = "" if bulkhead.queue_timeout is None else f" for up to {_seconds(bulkhead.queue_timeout)}"
    queue = f"{bulkhead.max_queue} wait{wait}" if bulkhead.max_queue else "none wait"
    return f"{bulkhead.max_concurrent} at once, {queue}"


def _say_timeout(timeout: float | TimeoutConfig | None) -> str:
    if timeout is None:
        return "none"
    if isinstance(timeout, TimeoutConfig):
        return f"{_seconds(timeout.timeout)} for each attempt ({timeout.mode} where it is not async)"
    return f"{_seconds(timeout)} for each attempt"


API: Final = Policy(
    name="api",
    retry=RetryPolicies.exponential(3),
    breaker=BreakerConfig(failure_threshold=5, reset_timeout=60.0),
    bulkhead=BulkheadConfig(max_concurrent=50, max_queue=100, queue_timeout=30.0),
    timeout=30.0,
)
"""Calls of an API."""

AI: Final = Policy(
    name="ai",
    retry=RetryPolicies.api_rate_limit(3),
    breaker=BreakerConfig(failure_threshold=3, reset_timeout=120.0, half_open_lease=150.0),
    bulkhead=BulkheadConfig(max_concurrent=10, max_queue=50, queue_timeout=30.0),
    timeout=120.0,
)
"""Models that take their time and limit rates."""

DATABASE: Final = Policy(
    name="database",
    retry=RetryPolicies.exponential(3),
    breaker=BreakerConfig(failure_threshold=10, reset_timeout=30.0),
    bulkhead=BulkheadConfig(max_concurrent=100, max_queue=200, queue_timeout=30.0),
    timeout=30.0,
)
"""Queries that may be repeated."""

EXTERNAL: Final = Policy(
    name="external",
    retry=RetryPolicies.network(3),
    breaker=BreakerConfig(failure_threshold=5, reset_timeout=60.0),
    bulkhead=BulkheadConfig(max_concurrent=20, max_queue=50, queue_timeout=15.0),
    timeout=15.0,
)
"""Services of others, of which only what the network lost is tried again."""

CRITICAL: Final = Policy(
    name="critical",
    retry=RetryPolicies.exponential(5),
    bulkhead=BulkheadConfig(max_concurrent=5, max_queue=10, queue_timeout=30.0),
    timeout=60.0,
)
"""What has to be tried whatever happened before: no breaker stands in its way."""

PRESETS: Final[Mapping[str, Policy]] = MappingProxyType(
    {preset.name: preset for preset in (API, AI, DATABASE, EXTERNAL, CRITICAL)}
)
"""The policies that are there from the start, by name."""


class Policies:
    """Policies by name, in which the presets stand unless told otherwise."""

    def __init__(self, policies: Mapping[str, Policy] = PRESETS) -> None:
        self._by_name = dict(policies)

    def register(self, policy: Policy) -> None:
        """Adds a policy under its name, or puts it in the place of the one that has this name."""
        self._by_name[policy.name] = policy

    def get(self, name: str | Policy) -> Policy:
        """The policy of this name (a policy is itself). Raises UnknownPolicy, which says the names there are and the nearest."""
        if isinstance(name, Policy):
            return name
        try:
            return self._by_name[name]
        except (KeyError, TypeError):
            raise UnknownPolicy(str(name), self._by_name) from None

    def names(self) -> list[str]:
        """The names there are."""
        return list(self._by_name)

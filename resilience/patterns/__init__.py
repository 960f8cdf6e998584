"""Resilience patterns that stand alone: the standard library, and nothing else.

    from resilience.patterns import API, CircuitBreaker, manager, policy

    @policy("ai", fallback=cached_answer)                 # sync or async, found out once
    async def ask(prompt: str) -> Answer: ...

    invoice = manager.execute("ledger", read_invoice, "R-17", policy="database")
    rate = await manager.aexecute("rates", fetch_rate, "EUR", policy=RATES)   # RATES = API.replace(timeout=2.0)

    breaker = CircuitBreaker("legacy")
    with breaker.guard() as call:
        call.record(do_work())

`print(API.describe())` says what stands around a call, from the outside in, with its figures.
"""

from resilience.patterns.backoff import Exponential, Fixed, Linear
from resilience.patterns.breaker import CircuitBreaker, Permit
from resilience.patterns.bulkhead import Bulkhead, BulkheadConfig, BulkheadEvent, BulkheadMetrics, Bulkheads, bulkheads
from resilience.patterns.config import BreakerConfig
from resilience.patterns.deadline import Deadline, current_deadline, raise_if_expired, time_left, within
from resilience.patterns.decorators import policy, with_bulkhead, with_circuit_breaker, with_resilience, with_timeout
from resilience.patterns.errors import (
    BulkheadFullError,
    CircuitOpenError,
    ConfigError,
    DeadlineExceeded,
    ResilienceError,
    RetryBudgetExhausted,
    UnknownPolicy,
    code_of,
)
from resilience.patterns.events import CallDone, Reason, StateChange
from resilience.patterns.fallback import Fallback, FallbackEvent, Outcome, Value, fallback_events
from resilience.patterns.managers import Health, Manager, manager
from resilience.patterns.policies import AI, API, CRITICAL, DATABASE, EXTERNAL, NO_FALLBACK, PRESETS, Policies, Policy
from resilience.patterns.registry import Registry, breakers
from resilience.patterns.retry import (
    Ports,
    Retry,
    RetryBudget,
    RetryConfig,
    RetryEvent,
    RetryPolicies,
    aexecute_with_retry,
    execute_with_retry,
    retry_events,
    set_testing,
    with_retry,
)
from resilience.patterns.retry_after import parse_retry_after, retry_after_of
from resilience.patterns.retrying import retrying
from resilience.patterns.snapshot import Snapshot
from resilience.patterns.timeouts import (
    CallAbandoned,
    Timeout,
    TimeoutConfig,
    TimeoutEvent,
    TimeoutManager,
    TooManyAbandoned,
    abandoned_calls,
    timeout_events,
    with_timeout_async,
)
from resilience.patterns.timeouts import timeouts as timeout_manager
from resilience.patterns.typing import State, Verdict

__all__ = [
    "AI",
    "API",
    "CRITICAL",
    "DATABASE",
    "EXTERNAL",
    "NO_FALLBACK",
    "PRESETS",
    "BreakerConfig",
    "Bulkhead",
    "BulkheadConfig",
    "BulkheadEvent",
    "BulkheadFullError",
    "BulkheadMetrics",
    "Bulkheads",
    "CallAbandoned",
    "CallDone",
    "CircuitBreaker",
    "CircuitOpenError",
    "ConfigError",
    "Deadline",
    "DeadlineExceeded",
    "Exponential",
    "Fallback",
    "FallbackEvent",
    "Fixed",
    "Health",
    "Linear",
    "Manager",
    "Outcome",
    "Permit",
    "Policies",
    "Policy",
    "Ports",
    "Reason",
    "Registry",
    "ResilienceError",
    "Retry",
    "RetryBudget",
    "RetryBudgetExhausted",
    "RetryConfig",
    "RetryEvent",
    "RetryPolicies",
    "Snapshot",
    "State",
    "StateChange",
    "Timeout",
    "TimeoutConfig",
    "TimeoutEvent",
    "TimeoutManager",
    "TooManyAbandoned",
    "UnknownPolicy",
    "Value",
    "Verdict",
    "abandoned_calls",
    "aexecute_with_retry",
    "breakers",
    "bulkheads",
    "code_of",
    "current_deadline",
    "execute_with_retry",
    "fallback_events",
    "manager",
    "parse_retry_after",
    "policy",
    "raise_if_expired",
    "retry_after_of",
    "retry_events",
    "retrying",
    "set_testing",
    "time_left",
    "timeout_events",
    "timeout_manager",
    "with_bulkhead",
    "with_circuit_breaker",
    "with_resilience",
    "with_retry",
    "with_timeout",
    "with_timeout_async",
    "within",
]

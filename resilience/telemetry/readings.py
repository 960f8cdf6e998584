"""What the patterns count, read when somebody asks: figures by metric and labels, and no word yet of whoever exports them.

Breakers and bulkheads count for themselves, and are read. Retries and timeouts tell their listeners, and only when an attempt
failed or a limit was not kept; that is counted here. So a call that works costs the same whether it is measured or not.
"""

import threading
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias
from weakref import WeakKeyDictionary

from resilience.patterns import (
    Bulkhead,
    CircuitBreaker,
    Manager,
    Reason,
    RetryEvent,
    State,
    TimeoutEvent,
    abandoned_calls,
    retry_events,
    timeout_events,
)
from resilience.patterns.forks import renew_after_fork

__all__ = ["METRICS", "Breakers", "Metric", "Readings", "Sources", "Tally"]

Labels: TypeAlias = tuple[str, ...]
Breakers: TypeAlias = Iterable[CircuitBreaker] | Callable[[], Iterable[CircuitBreaker]]
"""Breakers, or what gives them: it is asked anew each time, so that they may come and go."""


@dataclass(frozen=True, slots=True)
class Metric:
    """One metric; the name of a counter ends in `_total`."""

    name: str
    kind: Literal["counter", "gauge"]
    help: str
    labels: Labels


STATE_CHANGES: Final = Metric(
    "circuit_breaker_state_changes_total",
    "counter",
    "Changes of a breaker's state, by both states and why.",
    ("name", "from", "to", "reason"),
)
CALLS: Final = Metric(
    "circuit_breaker_calls_total", "counter", "Calls that a breaker let through and counted.", ("name", "result")
)
REJECTED: Final = Metric("circuit_breaker_rejected_total", "counter", "Calls that a breaker refused.", ("name",))
IGNORED: Final = Metric(
    "circuit_breaker_ignored_total",
    "counter",
    "Calls that ended in a way that says nothing about the other side.",
    ("name",),
)
SLOW: Final = Metric("circuit_breaker_slow_calls_total", "counter", "Counted calls that were slow.", ("name",))
STATE: Final = Metric(
    "circuit_breaker_state", "gauge", "1 for the state that a breaker is in, 0 for the others.", ("name", "state")
)
FORCED: Final = Metric(
    "circuit_breaker_forced", "gauge", "1 while somebody's word overrides the figures of a breaker.", ("name", "forced")
)
HEALTH: Final = Metric("circuit_breaker_health_score", "gauge", "0 (nothing works) to 100 (nothing wrong).", ("name",))
RETRIES: Final = Metric(
    "retry_attempts_total", "counter", "Attempts made after one that failed; first attempts are not counted.", ("name",)
)
GIVE_UPS: Final = Metric(
    "retry_give_ups_total", "counter", "Failed attempts that were not followed by another, by why.", ("name", "reason")
)
TIMEOUTS: Final = Metric(
    "timeout_operations_total",
    "counter",
    "Operations that took too long: ended, or abandoned in a thread that goes on.",
    ("name", "result"),
)
ABANDONED_CALLS: Final = Metric(
    "timeout_abandoned_calls", "gauge", "Abandoned calls that still run in their threads.", ("name",)
)
EXECUTIONS: Final = Metric(
    "bulkhead_executions_total",
    "counter",
    "Executions that got a place (active), that had to wait for one first (queued), that got none (rejected).",
    ("name", "state"),
)
ACTIVE: Final = Metric("bulkhead_active", "gauge", "Places taken now.", ("name",))
QUEUED: Final = Metric("bulkhead_queued", "gauge", "Calls that wait for a place now.", ("name",))
MAX_CONCURRENT: Final = Metric("bulkhead_max_concurrent", "gauge", "Places there are.", ("name",))
ABANDONED: Final = Metric("bulkhead_abandoned", "gauge", "Places held by work whose caller has given up.", ("name",))

METRICS: Final = (
    STATE_CHANGES, CALLS, REJECTED, IGNORED, SLOW, STATE, FORCED, HEALTH,
    RETRIES, GIVE_UPS, TIMEOUTS, ABANDONED_CALLS,
    EXECUTIONS, ACTIVE, QUEUED, MAX_CONCURRENT, ABANDONED,
)  # fmt: skip
"""Every metric, in the order in which they are exported."""

OVERRIDES = ("open", "closed", "disabled")
_REASONS = frozenset(Reason)


class Readings:
    """Figures by metric and label values. What several things of one name count is added up; each state that one of them is in is 1."""

    def __init__(self) -> None:
        self._by_metric: dict[Metric, dict[Labels, float]] = {metric: {} for metric in METRICS}

    def add(self, metric: Metric, value: float, *labels: str) -> None:
        """Adds to a figure."""
        figures = self._by_metric[metric]
        figures[labels] = figures.get(labels, 0.0) + value

    def most(self, metric: Metric, value: float, *labels: str) -> None:
        """Keeps the greater of two figures."""
        figures = self._by_metric[metric]
        figures[labels] = max(figures.get(labels, value), value)

    def least(self, metric: Metric, value: float, *labels: str) -> None:
        """Keeps the lesser of two figures."""
        figures = self._by_metric[metric]
        figures[labels] = min(figures.get(labels, value), value)

    def __iter__(self) -> Iterator[tuple[Metric, dict[Labels, float]]]:
        return iter(self._by_metric.items())


def read_breaker(breaker: CircuitBreaker, into: Readings) -> None:
    """Reads what one breaker counted, and how it stands."""
    name, totals, now = breaker.name, breaker.totals(), breaker.snapshot()
    into.add(CALLS, totals.successes, name, "success")
    into.add(CALLS, totals.failures, name, "failure")
    into.add(REJECTED, totals.rejected, name)
    into.add(IGNORED, totals.ignored, name)
    into.add(SLOW, totals.slow, name)
    for (previous, current, reason), count in breaker.changes().items():
        into.add(STATE_CHANGES, count, name, previous.value, current.value, reason if reason in _REASONS else "other")
    for state in State:
        into.most(STATE, float(state is now.state), name, state.value)
    for word in OVERRIDES:
        into.most(FORCED, float(word == now.forced), name, word)
    into.least(HEALTH, now.health_score, name)


class Tally:
    """What retries and timeouts tell from `start()` on, and how many executions each bulkhead was last seen to have begun."""

    def __init__(self) -> None:
        self._retries: Counter[Labels] = Counter()
        self._give_ups: Counter[Labels] = Counter()
        self._timeouts: Counter[Labels] = Counter()
        self._begun: WeakKeyDictionary[Bulkhead, int] = WeakKeyDictionary()
        self._ends: list[Callable[[], None]] = []
        self._lock = threading.RLock()
        renew_after_fork(self)

    def start(self) -> None:
        """Listens from now on."""
        self._ends += [retry_events.subscribe(self._on_retry), timeout_events.subscribe(self._on_timeout)]

    def stop(self) -> None:
        """Listens no more."""
        while self._ends:
            self._ends.pop()()

    def read(self, into: Readings) -> None:
        """Reads what was told so far."""
        with self._lock:
            counted = [
                (RETRIES, dict(self._retries)),
                (GIVE_UPS, dict(self._give_ups)),
                (TIMEOUTS, dict(self._timeouts)),
            ]
        for metric, figures in counted:
            for labels, count in figures.items():
                into.add(metric, count, *labels)
        for name, result in counted[2][1]:
            if result == "abandoned":
                into.most(ABANDONED_CALLS, abandoned_calls(name), name)

    def read_bulkhead(self, bulkhead: Bulkhead, into: Readings) -> None:
        """Reads what one bulkhead counted, and how it stands."""
        name, now = bulkhead.name, bulkhead.metrics()
        with self._lock:
            # A place that is taken back from a waiter that has gone counts as taken for a moment. A counter must never go down.
            begun = max(self._begun.get(bulkhead, 0), now.completed + now.active)
            self._begun[bulkhead] = begun
        into.add(EXECUTIONS, begun, name, "active")
        into.add(EXECUTIONS, now.waited, name, "queued")
        into.add(EXECUTIONS, now.rejected, name, "rejected")
        into.add(ACTIVE, now.active, name)
        into.add(QUEUED, now.queued, name)
        into.add(MAX_CONCURRENT, now.max_concurrent, name)
        into.add(ABANDONED, now.abandoned, name)

    def _on_retry(self, event: RetryEvent) -> None:
        with self._lock:
            if event.end:
                self._give_ups[event.name, event.end] += 1
            else:
                self._retries[event.name,] += 1

    def _on_timeout(self, event: TimeoutEvent) -> None:
        with self._lock:
            self._timeouts[event.name, "abandoned" if event.abandoned else "ended"] += 1

    def _after_fork(self) -> None:
        self._lock = threading.RLock()
        self._begun = WeakKeyDictionary()  # bulkheads begin anew in the child


class Sources:
    """Where figures come from: managers, and breakers that others hold."""

    def __init__(self) -> None:
        self.managers: list[Manager] = []
        self.breakers: list[Breakers] = []
        self.tally = Tally()

    def read(self) -> Readings:
        """All figures, as they are now. A breaker or bulkhead that several sources name is read once."""
        readings = Readings()
        for breaker in {id(one): one for one in self._all_breakers()}.values():
            read_breaker(breaker, readings)
        for bulkhead in {id(one): one for manager in self.managers for one in manager.bulkheads}.values():
            self.tally.read_bulkhead(bulkhead, readings)
        self.tally.read(readings)
        return readings

    def _all_breakers(self) -> Iterator[CircuitBreaker]:
        for manager in self.managers:
            yield from manager.breakers
        for some in self.breakers:
            yield from list(some() if callable(some) else some)

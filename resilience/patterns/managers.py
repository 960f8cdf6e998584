"""One place for calls by name: each name has one breaker and one bulkhead, and each policy under it one compiled callable.

invoice = manager.execute("ledger", read_invoice, "R-17", policy="database")
rate = await manager.aexecute("rates", fetch_rate, "EUR", policy=RATES)
manager.health_status()["summary"]["healthy"]
"""

import logging
import threading
from collections.abc import Awaitable, Callable
from typing import Any, TypedDict

from resilience.patterns.breaker import CircuitBreaker
from resilience.patterns.bulkhead import Bulkhead, BulkheadConfig, Bulkheads, bulkheads
from resilience.patterns.compiled import Chain
from resilience.patterns.config import BreakerConfig
from resilience.patterns.forks import renew_after_fork
from resilience.patterns.policies import API, Policies, Policy
from resilience.patterns.registry import Registry, breakers
from resilience.patterns.retry import REAL, Ports
from resilience.patterns.snapshot import Snapshot
from resilience.patterns.typing import State, T

__all__ = ["BreakersHealth", "BulkheadHealth", "BulkheadState", "Health", "Manager", "Summary", "manager"]

MOST_POLICIES = 32
"""So many policies that have no name here are kept compiled under one name; the oldest one makes room."""

_log = logging.getLogger("resilience.patterns")
_UNASKED = (
    "The breaker %r is not asked by calls under the policy %r, which has none: they go through whatever its state."
)


class Summary(TypedDict):
    """Whether all is well, and if not, what is not: one sentence each."""

    healthy: bool
    issues: list[str]


class BreakersHealth(TypedDict):
    """How many breakers there are, and in which state: "closed", "open", "half_open"."""

    total: int
    by_state: dict[str, int]


class BulkheadState(TypedDict):
    """Who is in a bulkhead and who waits."""

    active: int
    available: int
    queued: int
    max_queue: int
    rejected: int
    abandoned: int


class BulkheadHealth(TypedDict):
    """One bulkhead; `utilization` in percent."""

    name: str
    state: BulkheadState
    utilization: float


class Health(TypedDict):
    """What a health endpoint shows."""

    summary: Summary
    circuit_breakers: BreakersHealth
    bulkheads: list[BulkheadHealth]


class Manager:
    """Runs functions under policies, by name. The name owns the breaker and the bulkhead, whichever policy made them first."""

    def __init__(
        self,
        *,
        policies: Policies | None = None,
        breakers: Registry | None = None,
        bulkheads: Bulkheads | None = None,
        ports: Ports = REAL,
    ) -> None:
        self.policies = Policies() if policies is None else policies
        self.breakers = Registry() if breakers is None else breakers
        self.bulkheads = Bulkheads() if bulkheads is None else bulkheads
        self._ports = ports
        self._assigned: dict[str, Policy] = {}
        self._known: dict[tuple[str, str | Policy | None], Chain] = {}
        self._lock = threading.RLock()
        renew_after_fork(self)

    def execute(
        self, name: str, fn: Callable[..., T], /, *args: Any, policy: str | Policy | None = None, **kwargs: Any
    ) -> T:
        """What `fn(*args, **kwargs)` returns, called under a policy: a name, a `Policy`, or None for the one assigned to `name`."""
        chain = self._known.get((name, policy)) or self.chain(name, policy)
        result: T = chain.call(fn, *args, **kwargs)
        return result

    async def aexecute(
        self,
        name: str,
        fn: Callable[..., Awaitable[T]],
        /,
        *args: Any,
        policy: str | Policy | None = None,
        **kwargs: Any,
    ) -> T:
        """What `await fn(*args, **kwargs)` gives, called under a policy."""
        chain = self._known.get((name, policy)) or self.chain(name, policy)
        result: T = await chain.acall(fn, *args, **kwargs)
        return result

    def chain(self, name: str, policy: str | Policy | None = None) -> Chain:
        """What stands around the calls of this name under a policy, made at the first time of asking. Raises UnknownPolicy."""
        key = (name, policy)
        with self._lock:
            found = self._known.get(key)
            if found is None:
                wanted = self._resolve(name, policy)
                found = self._known[key] = Chain(name, wanted, *self._parts(name, wanted), self._ports)
                self._keep_few(name)
            return found

    def assign(self, name: str, policy: str | Policy) -> None:
        """Has calls of this name that name no policy go through this one; the name's breaker and bulkhead take over its figures."""
        with self._lock:
            self._assigned[name] = self.policies.get(policy)
            self._renew(name, None)

    def register(self, policy: Policy) -> None:
        """Makes a policy known by its name. Where one had this name before, whatever goes by that name takes over the new figures."""
        with self._lock:
            self.policies.register(policy)
            for name, key in list(self._known):
                if key == policy.name:
                    self._renew(name, key)

    def discard(self, name: str) -> None:
        """Forgets a name, its breaker and its bulkhead. Functions that were decorated with it keep what they have."""
        with self._lock:
            self._assigned.pop(name, None)
            for key in [key for key in self._known if key[0] == name]:
                del self._known[key]
            self.breakers.discard(name)
            self.bulkheads.discard(name)

    def breaker(self, name: str, config: BreakerConfig | None = None) -> CircuitBreaker:
        """The breaker of this name; made now, by `config` or the policy assigned to the name, if there is none."""
        found = self.breakers.get(name)
        if found is None:
            for key, chain in list(self._known.items()):
                if key[0] == name and chain.policy.breaker is None:
                    _log.warning(_UNASKED, name, chain.policy.name)
            found = self.breakers.get_or_create(name, config or self._resolve(name, None).breaker or BreakerConfig())
        return found

    def bulkhead(self, name: str, config: BulkheadConfig | None = None) -> Bulkhead:
        """The bulkhead of this name; made now, by `config` or the policy assigned to the name, if there is none."""
        found = self.bulkheads.get(name)
        if found is None:
            found = self.bulkheads.get_or_create(name, config or self._resolve(name, None).bulkhead)
        return found

    def health_status(self) -> Health:
        """How all breakers and bulkheads stand, in the shape of a health endpoint's answer.

        Healthy means that nothing refuses calls now. A breaker whose time is over admits the next one, so it is no issue: a
        host that is sent no calls while it is unhealthy would never get well.
        """
        snapshots = [breaker.snapshot() for breaker in self.breakers]
        by_state = {state.value: sum(one.state is state for one in snapshots) for state in State}
        issues = [_breaker_issue(one) for one in snapshots if one.retry_after != 0.0]
        full = [bulkhead for bulkhead in self.bulkheads if _is_full(bulkhead)]
        issues += [f"The bulkhead {bulkhead.name!r} is full, and so is its queue." for bulkhead in full]
        return {
            "summary": {"healthy": not issues, "issues": issues},
            "circuit_breakers": {"total": len(snapshots), "by_state": by_state},
            "bulkheads": [_bulkhead_health(bulkhead) for bulkhead in self.bulkheads],
        }

    def _resolve(self, name: str, policy: str | Policy | None) -> Policy:
        return self._assigned.get(name, API) if policy is None else self.policies.get(policy)

    def _parts(self, name: str, policy: Policy) -> tuple[CircuitBreaker | None, Bulkhead | None]:
        """The name's breaker and bulkhead, as far as the policy has them."""
        breaker = bulkhead = None
        if policy.breaker is None and name in self.breakers:
            _log.warning(_UNASKED, name, policy.name)
        if policy.breaker is not None:
            breaker = self.breakers.get_or_create(name, policy.breaker)
            self._warn_of_others(name, "breaker", breaker.config, policy)
        if policy.bulkhead is not None:
            bulkhead = self.bulkheads.get_or_create(name, policy.bulkhead)
            self._warn_of_others(name, "bulkhead", bulkhead.config, policy)
        return breaker, bulkhead

    def _warn_of_others(self, name: str, part: str, config: object, policy: Policy) -> None:
        if config != getattr(policy, part):
            _log.warning(
                "The %s %r keeps the figures that it has; those of the policy %r differ. assign() or register() change them.",
                part,
                name,
                policy.name,
            )

    def _renew(self, name: str, key: str | None) -> None:
        policy = self._resolve(name, key)
        breaker, bulkhead = self.breakers.get(name), self.bulkheads.get(name)
        if breaker is not None and policy.breaker is not None and breaker.config != policy.breaker:
            breaker.reconfigure(policy.breaker)
        if bulkhead is not None and policy.bulkhead is not None and bulkhead.config != policy.bulkhead:
            bulkhead.reconfigure(policy.bulkhead)
        chain = self._known.get((name, key))
        if chain is not None:
            chain.build(policy, *self._parts(name, policy), self._ports)

    def _keep_few(self, name: str) -> None:
        loose = [key for key in self._known if key[0] == name and isinstance(key[1], Policy)]
        for key in loose[:-MOST_POLICIES]:
            del self._known[key]

    def _after_fork(self) -> None:
        self._lock = threading.RLock()


def _breaker_issue(now: Snapshot) -> str:
    when = "" if now.retry_after is None else f"; it tries again in {now.retry_after:.3g} s"
    return f"The breaker {now.name!r} is {now.state.replace('_', ' ')} ({now.detail or now.reason}){when}."


def _is_full(bulkhead: Bulkhead) -> bool:
    now = bulkhead.metrics()
    return now.available == 0 and now.queued >= now.max_queue


def _bulkhead_health(bulkhead: Bulkhead) -> BulkheadHealth:
    now = bulkhead.metrics()
    return {
        "name": bulkhead.name,
        "state": {
            "active": now.active,
            "available": now.available,
            "queued": now.queued,
            "max_queue": now.max_queue,
            "rejected": now.rejected,
            "abandoned": now.abandoned,
        },
        "utilization": now.utilization,
    }


manager = Manager(breakers=breakers, bulkheads=bulkheads)

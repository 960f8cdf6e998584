"""All breakers of a process, by name."""

import threading
import time
from collections.abc import Callable, Iterator
from typing import TypedDict

from resilience.patterns.breaker import CircuitBreaker
from resilience.patterns.config import BreakerConfig
from resilience.patterns.events import CallDone, StateChange
from resilience.patterns.forks import renew_after_fork
from resilience.patterns.listeners import Listeners
from resilience.patterns.typing import Clock, State


class HealthStatus(TypedDict):
    """Names by whether calls go through freely (CLOSED), and how many there are of each state."""

    healthy: list[str]
    unhealthy: list[str]
    total: int
    by_state: dict[State, int]


class Registry:
    """Breakers by name: one for each, however many threads ask at once. Use it as a mapping to read."""

    def __init__(self, *, clock: Clock = time.monotonic) -> None:
        self._clock = clock
        self._breakers: dict[str, CircuitBreaker] = {}
        self._lock = threading.RLock()
        self._on_state_change: Listeners[StateChange] = Listeners("the registry of breakers")
        self._on_call: Listeners[CallDone] = Listeners("the registry of breakers")
        self._hears_calls = False
        self._ties: dict[str, list[Callable[[], None]]] = {}
        renew_after_fork(self)

    def get_or_create(
        self, name: str, config: BreakerConfig | Callable[[], BreakerConfig] | None = None
    ) -> CircuitBreaker:
        """The breaker of that name; made with `config` (or what `config()` gives) when there is none yet."""
        found = self._breakers.get(name)
        if found is not None:
            return found
        made = CircuitBreaker(name, config() if callable(config) else config, clock=self._clock)
        with self._lock:
            kept = self._breakers.setdefault(name, made)
            if kept is made:
                self._ties[name] = [made.on_state_change(self._on_state_change)]
                if self._hears_calls:
                    self._ties[name].append(made.on_call(self._on_call))
        return kept

    def get(self, name: str) -> CircuitBreaker | None:
        """The breaker of that name, or None."""
        return self._breakers.get(name)

    def names(self) -> list[str]:
        """All names, sorted."""
        return sorted(self._breakers)

    def __iter__(self) -> Iterator[CircuitBreaker]:
        """Over the breakers there are now, by name; others may come and go meanwhile."""
        return iter([breaker for _, breaker in sorted(self._breakers.items())])

    def __len__(self) -> int:
        return len(self._breakers)

    def __contains__(self, name: object) -> bool:
        return name in self._breakers

    def __getitem__(self, name: str) -> CircuitBreaker:
        return self._breakers[name]

    def discard(self, name: str) -> None:
        """Forgets a breaker; whoever holds it keeps it, and the registry's listeners no longer hear it."""
        with self._lock:
            self._breakers.pop(name, None)
            for leave in self._ties.pop(name, ()):
                leave()

    def health_status(self) -> HealthStatus:
        """Who is well and who is not."""
        states = {breaker.name: breaker.state for breaker in self}
        return {
            "healthy": [name for name, state in states.items() if state is State.CLOSED],
            "unhealthy": [name for name, state in states.items() if state is not State.CLOSED],
            "total": len(states),
            "by_state": {state: sum(one is state for one in states.values()) for state in State},
        }

    def reset_all(self) -> None:
        """Resets every breaker."""
        for breaker in self:
            breaker.reset()

    def on_state_change(self, listener: Callable[[StateChange], object]) -> Callable[[], None]:
        """Has `listener` called after each change of any breaker, present or future; the callable that comes back ends it."""
        return self._on_state_change.subscribe(listener)

    def on_call(self, listener: Callable[[CallDone], object]) -> Callable[[], None]:
        """Has `listener` called after each call through any breaker, present or future; the callable that comes back ends it."""
        leave = self._on_call.subscribe(listener)
        with self._lock:
            if not self._hears_calls:
                self._hears_calls = True
                for name, breaker in self._breakers.items():
                    self._ties[name].append(breaker.on_call(self._on_call))
        return leave

    def _after_fork(self) -> None:
        self._lock = threading.RLock()


breakers = Registry()
"""The breakers of this process."""

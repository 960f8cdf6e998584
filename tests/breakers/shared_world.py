"""What the tests of shared breakers have in common: clocks that they hold, a database that goes away, processes in a nutshell."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from threading import Barrier
from typing import Any, TypeVar

from django.db import OperationalError, connection

from resilience.breakers.figures import Figures
from resilience.breakers.models import Breaker
from resilience.breakers.runtime import Runtime
from resilience.breakers.shared import SharedBreaker
from resilience.breakers.store import Store, Why
from resilience.patterns.config import BreakerConfig
from resilience.upstreams.models import Upstream

T = TypeVar("T")
START = datetime(2026, 11, 21, 12, tzinfo=UTC)
PERSON = Why("person", actor="alice")


@dataclass
class Hand:
    """Two clocks that the test holds: the processes' (seconds) and the database's."""

    here: float = 1_000.0
    there: datetime = START

    def pass_(self, seconds: float) -> None:
        """Lets time pass everywhere."""
        self.here += seconds
        self.there += timedelta(seconds=seconds)

    def process(self) -> float:
        """A process's clock."""
        return self.here

    def database(self) -> datetime:
        """The database's."""
        return self.there


class Flaky(Store):
    """The tables, while `error` is None; else every port raises it, as Django does when the database is away."""

    def __init__(self, now: Callable[[], datetime]) -> None:
        super().__init__(now)
        self.error: Exception | None = None
        self.asked = 0

    def away(self) -> None:
        """The database cannot be reached from now on."""
        self.error = OperationalError("server closed the connection unexpectedly")

    def back(self) -> None:
        """It is there again."""
        self.error = None

    def _pass(self) -> None:
        self.asked += 1
        if self.error is not None:
            raise self.error


def _guarded(name: str) -> Callable[..., Any]:
    plain = getattr(Store, name)

    def port(self: Flaky, *args: Any, **named: Any) -> Any:
        self._pass()
        return plain(self, *args, **named)

    return port


for _name in ("ensure", "move", "lease", "give_back", "give_back_all", "read", "changed", "publish", "forget"):
    setattr(Flaky, _name, _guarded(_name))


def figures(**config: Any) -> Figures:
    """Figures with this breaker; three failures in a row open it for 60 s unless said otherwise."""
    said: dict[str, Any] = {"failure_threshold": 3, "failure_rate_threshold": None, **config}
    return Figures(BreakerConfig(**said), 10.0, 0.5, 30.0, 2.0, False, 5, ())


@dataclass
class World:
    """One upstream, two clocks, and as many processes as a test wants."""

    upstream: Upstream
    hand: Hand = field(default_factory=Hand)

    def process(self, owner: str, **config: Any) -> "Process":
        """A process with a runtime and a database connection of its own kind; nothing runs in the background."""
        store = Flaky(self.hand.database)
        runtime = Runtime(owner=owner, store=store, clock=self.hand.process)
        return Process(runtime, store, runtime.of(self.upstream.pk, self.upstream.slug, figures(**config)))

    @property
    def row(self) -> Breaker:
        """The breaker as the database has it."""
        return Breaker.objects.unscoped().get(pk=self.upstream.pk)

    def person(self, step: Callable[[Any, datetime], Any]) -> None:
        """Somebody else moves the row."""
        Store(self.hand.database).move(self.upstream.pk, step, PERSON)


@dataclass
class Process:
    """One process: what keeps its breakers, its way to the database, and its breaker."""

    runtime: Runtime
    store: Flaky
    breaker: SharedBreaker

    def fail(self, times: int = 3) -> None:
        """So many calls that fail."""
        for _ in range(times):
            try:
                self.breaker.call(down)
            except ConnectionError:
                continue


def down() -> None:
    """A call to an upstream that is down."""
    raise ConnectionError("connection refused")


def up() -> str:
    """A call to one that is not."""
    return "fine"


def in_threads(number: int, work: Callable[[int], T]) -> list[T]:
    """What `work` gives in so many threads that begin together, each with a connection of its own."""
    barrier = Barrier(number)

    def run(index: int) -> T:
        try:
            connection.ensure_connection()
            barrier.wait(20)
            return work(index)
        finally:
            connection.close()

    with ThreadPoolExecutor(number) as pool:
        return list(pool.map(run, range(number)))

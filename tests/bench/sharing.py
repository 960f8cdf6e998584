"""Breakers that processes share: what a call costs the database, and how soon a process knows that another one's breaker opened.

Two processes of this module, in a portal's environment, obey words from their standard input. Each trip is that of an upstream of
its own, at a moment that follows no beat.
"""

import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from random import Random
from statistics import median

import django
from django.core.management import call_command
from django.db import connection

SAMPLES = 20
CALLS = 1_000


@dataclass(frozen=True, slots=True)
class Sharing:
    """Queries and microseconds of a thousand calls, closed and open; milliseconds until the other process refused, for each trip."""

    queries: tuple[float, float]
    costs: tuple[float, float]
    known_after: list[float]

    def told(self, database: str) -> str:
        """Return two lines."""
        closed, opened = self.queries
        late = self.known_after
        return (
            f"  {database:<11} queries for 1,000 calls: closed {closed:.0f}, open {opened:.0f} (aim 0);"
            f" a call: closed {self.costs[0] / CALLS:.2f} us, open {self.costs[1] / CALLS:.2f} us\n"
            f"  {database:<11} a trip is known in the other process, {len(late)} trips: median {median(late):.0f} ms,"
            f" at most {max(late):.0f} ms (aim 1000)"
        )


def measure(env: Mapping[str, str]) -> Sharing:
    """Return what two processes make of one portal."""
    rng = Random(1)
    with ExitStack() as stack:
        send, hear = stack.enter_context(_process(env))
        send("prepare")
        hear()
        send("begin tripper")
        hear()
        watch, seen = stack.enter_context(_process(env))
        watch("begin watcher")
        seen()
        known_after = []
        for number in range(1, SAMPLES + 1):
            watch(f"watch {number}")
            time.sleep(0.1 + rng.random())
            send(f"trip {number}")
            known_after.append(1000 * (seen() - hear()))
        send("count 0")
        queries = hear(), hear()
        costs = 1e6 * hear(), 1e6 * hear()
        return Sharing(queries, costs, known_after)


@contextmanager
def _process(env: Mapping[str, str]) -> Iterator[tuple[Callable[[str], None], Callable[[], float]]]:
    """Run this module, and give a way to send it words and one to hear its numbers."""
    command = [sys.executable, "-m", "tests.bench.sharing"]
    process = subprocess.Popen(command, env=dict(env), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdin is not None
    assert process.stdout is not None
    words, numbers = process.stdin, process.stdout

    def send(line: str) -> None:
        words.write(line + "\n")
        words.flush()

    try:
        yield send, lambda: float(numbers.readline())
    finally:
        process.communicate("")


class Puppet:
    """One process that shares the breakers of all upstreams there are."""

    def prepare(self, _: str) -> list[float]:
        """Make a portal with enough upstreams."""
        from portal.tenancy.models import Organization  # noqa: PLC0415  # models need django.setup()
        from resilience.upstreams.models import Upstream  # noqa: PLC0415

        call_command("migrate", verbosity=0)
        organization = Organization.objects.create(slug="bench", name="Bench")
        for number in range(SAMPLES + 1):
            Upstream.objects.create(
                organization=organization, slug=f"sink-{number}", name=f"Sink {number}", address="http://127.0.0.1:9"
            )
        return [0]

    def begin(self, owner: str) -> list[float]:
        """Share the breakers."""
        from resilience.breakers.figures import figures_of  # noqa: PLC0415
        from resilience.breakers.runtime import Runtime  # noqa: PLC0415
        from resilience.upstreams.models import Upstream  # noqa: PLC0415

        self.runtime = Runtime(owner=owner)
        upstreams = Upstream.objects.unscoped().order_by("pk")
        self.breakers = [self.runtime.of(one.pk, one.slug, figures_of(one)) for one in upstreams]
        self.runtime.start()
        return [0]

    def watch(self, number: str) -> list[float]:
        """Look at the own memory until it refuses; when that was."""
        breaker = self.breakers[int(number)]
        while not breaker.is_open:
            time.sleep(0.0005)
        return [time.time()]

    def trip(self, number: str) -> list[float]:
        """Fail until it refuses; when that was."""
        from resilience.patterns import CircuitOpenError  # noqa: PLC0415

        while True:
            try:
                self.breakers[int(number)].call(_down)
            except ConnectionError:
                continue
            except CircuitOpenError:
                return [time.time()]

    def count(self, number: str) -> list[float]:
        """Call a thousand times while it is closed and a thousand times while it is open: queries and seconds."""
        closed = self._thousand(number)
        self.trip(number)
        opened = self._thousand(number)
        return [closed[0], opened[0], closed[1], opened[1]]

    def _thousand(self, number: str) -> tuple[float, float]:
        from resilience.patterns import CircuitOpenError  # noqa: PLC0415

        breaker, queries = self.breakers[int(number)], [0]

        def counted(execute: Callable[..., object], *args: object) -> object:
            queries[0] += 1
            return execute(*args)

        with connection.execute_wrapper(counted):
            begun = time.process_time()
            for _ in range(CALLS):
                try:
                    breaker.call(_fine)
                except CircuitOpenError:
                    continue
            return queries[0], time.process_time() - begun


def _down() -> None:
    raise ConnectionError


def _fine() -> int:
    return 1


def main() -> None:
    """Obey until the input ends; answer each word with its numbers."""
    django.setup()
    puppet = Puppet()
    for line in sys.stdin:
        word, _, rest = line.strip().partition(" ")
        for number in getattr(puppet, word)(rest):
            print(repr(float(number)), flush=True)


if __name__ == "__main__":
    main()

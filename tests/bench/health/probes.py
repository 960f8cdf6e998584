"""A thousand probes, each every ten seconds, in one worker: runs that were skipped, what it costs, how true the latencies are; and how
soon a server that died is known to be down.

The prober runs as the worker runs it: in a process of its own, under the lock of its duty, with the portal's own database. The servers
are another process; each answers after a delay that is known.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from random import Random
from statistics import median

import django
from django.core.management import call_command
from django.db import connection, transaction

from tests.bench.runners import ours, whole
from tests.support.postgres import running_postgres

PROBES, INTERVAL, SERVERS = 1_000, 10.0, 100
WARM, SPAN = 12.0, 30.0
DEATHS, DEATH_INTERVAL, THRESHOLD = 8, 1.0, 3
TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Probed:
    """What a minute of probing gave, and the seconds from a server's death to the committed flip, for each death."""

    runs: int
    due: float
    failed: int
    skipped: int
    cpu: float
    errors: list[float]
    noticed: list[float]

    def told(self, database: str) -> str:
        """Return lines."""
        ordered = sorted(self.errors)
        bound = DEATH_INTERVAL * THRESHOLD + 1
        return (
            f"  {database:<11} {PROBES} probes each {INTERVAL:g} s: {self.runs} runs ({self.due:.0f} due), {self.failed} failed,"
            f" skipped {self.skipped} (aim 0); CPU {self.cpu:.0f} % of one core (aim 40)\n"
            f"  {database:<11} latency measured against what the server took: median {median(ordered):.2f} ms too long (aim 5),"
            f" p95 {ordered[int(len(ordered) * 0.95)]:.2f} ms\n"
            f"  {database:<11} a death is a committed flip, {DEATH_INTERVAL:g} s x {THRESHOLD}, {len(self.noticed)} deaths:"
            f" median {median(self.noticed):.2f} s, at most {max(self.noticed):.2f} s (aim {bound:g})"
        )


def run() -> None:
    """Measure on both databases, and print."""
    print("A prober with a thousand probes", flush=True)
    with tempfile.TemporaryDirectory(prefix="breakwater-bench-") as directory:
        homes = [Path(directory, name) for name in ("sqlite", "postgres")]
        for home in homes:
            home.mkdir()
        print(measure(whole(ours(homes[0]))).told("SQLite"), flush=True)
        with running_postgres(fsync=True) as server:
            database = server.create_database("probes")
            print(measure(whole(ours(homes[1], database))).told("PostgreSQL"), "\n", flush=True)


def measure(env: Mapping[str, str]) -> Probed:
    """Return what one portal makes of it."""
    with ExitStack() as stack:
        ask, ports = stack.enter_context(talking_peers(SERVERS))
        say = stack.enter_context(_process(env, "clerk"))
        say("fill " + " ".join(map(str, ports)))
        prober = stack.enter_context(_prober(env))
        time.sleep(WARM)
        before, started = _cpu(prober), time.monotonic()
        say("begin")
        time.sleep(SPAN)
        figures = json.loads(say("end"))
        elapsed = time.monotonic() - started
        cpu = (_cpu(prober) - before) / elapsed * 100
        noticed = list(_deaths(ask, say))
        return Probed(cpu=cpu, due=PROBES / INTERVAL * elapsed, noticed=noticed, **figures)


def _deaths(ask: Callable[[str], str], say: Callable[[str], str]) -> Iterator[float]:
    """Let servers die at moments that follow no beat, and wait for each flip."""
    rng = Random(1)
    say("quick")
    time.sleep(3 * DEATH_INTERVAL)
    for number in range(DEATHS):
        time.sleep(rng.random())
        died = time.time()
        ask(f"die {number}")
        yield float(say(f"wait {number}")) - died


@contextmanager
def talking_peers(count: int) -> Iterator[tuple[Callable[[str], str], list[int]]]:
    """Serve on so many ports; what is given says words to the servers' process (`peers.py`)."""
    command = [sys.executable, "-m", "tests.bench.health.peers", str(count)]
    with _talking(command, None) as (say, hear):
        yield say, [int(port) for port in hear().split()]


@contextmanager
def _process(env: Mapping[str, str], part: str) -> Iterator[Callable[[str], str]]:
    with _talking([sys.executable, "-m", "tests.bench.health.probes", part], env) as (say, hear):
        hear()
        yield say


@contextmanager
def _prober(env: Mapping[str, str]) -> Iterator[int]:
    with _talking([sys.executable, "-m", "tests.bench.health.probes", "prober"], env) as (_say, hear):
        yield int(hear())


@contextmanager
def _talking(
    command: list[str], env: Mapping[str, str] | None
) -> Iterator[tuple[Callable[[str], str], Callable[[], str]]]:
    process = subprocess.Popen(
        command, env=dict(env) if env else None, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )

    def hear() -> str:
        assert process.stdout is not None
        return process.stdout.readline().strip()

    def say(words: str) -> str:
        assert process.stdin is not None
        print(words, file=process.stdin, flush=True)
        return hear()

    try:
        yield say, hear
    finally:
        process.terminate()
        process.wait(10)


def _cpu(pid: int) -> float:
    """Return the seconds of processor that a process has used, all its threads together."""
    with open(f"/proc/{pid}/stat") as file:
        fields = file.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


# -- in the portal's environment --------------------------------------------------------------------------------------


def be_clerk() -> None:
    """Fill the portal and read what was found, by words from the standard input."""
    from resilience.health.models import Result  # noqa: PLC0415  Django is set up by now

    mark = 0
    print("ready", flush=True)
    for line in sys.stdin:
        word, *rest = line.split()
        match word:
            case "fill":
                fill([int(port) for port in rest])
                print("done", flush=True)
            case "begin":
                mark = Result.objects.unscoped().order_by("-pk").values_list("pk", flat=True).first() or 0
                print("done", flush=True)
            case "end":
                print(json.dumps(read(mark)), flush=True)
            case "quick":
                quicken()
                print("done", flush=True)
            case "wait":
                print(wait_for_flip(int(rest[0])), flush=True)
        connection.close()


def fill(ports: list[int]) -> None:
    """Make an organization with a component for each server and a thousand probes."""
    from portal.tenancy.models import Organization  # noqa: PLC0415
    from resilience.health.models import Component, Probe  # noqa: PLC0415

    call_command("migrate", verbosity=0)
    organization = Organization.objects.create(slug="bench", name="Bench")
    components = Component.objects.bulk_create(
        [Component(organization=organization, slug=f"peer-{n}", name=f"Peer {n}") for n in range(len(ports))]
    )
    Probe.objects.bulk_create(
        Probe(
            component=components[number % len(ports)],
            name=f"probe {number}",
            kind="http",
            address=f"http://127.0.1.{number % len(ports) % 250 + 1}:{ports[number % len(ports)]}/",
            interval=INTERVAL,
        )
        for number in range(PROBES)
    )


def read(mark: int) -> dict[str, object]:
    """Return what was found since."""
    from resilience.health.models import Probe, Result  # noqa: PLC0415
    from tests.bench.health.peers import DELAYS  # noqa: PLC0415

    mine = Result.objects.unscoped().filter(pk__gt=mark, probe__component__organization__isnull=False)
    rows = list(mine.values_list("ok", "ms", "probe__component__slug"))
    errors = [ms - DELAYS[int(slug.partition("-")[2]) % len(DELAYS)] * 1_000 for ok, ms, slug in rows if ok]
    skipped = sum(Probe.objects.unscoped().values_list("skipped", flat=True))
    return {
        "runs": len(rows),
        "failed": sum(1 for ok, _ms, _slug in rows if not ok),
        "skipped": skipped,
        "errors": [round(error, 3) for error in errors],
    }


def quicken() -> None:
    """One probe for each server that dies, each second; the others go on as before."""
    from django.db.models import F  # noqa: PLC0415

    from resilience.health.models import Component, Probe  # noqa: PLC0415

    dying = Component.objects.unscoped().filter(slug__in=[f"peer-{number}" for number in range(DEATHS)])
    for component in dying:
        mine = Probe.objects.unscoped().filter(component=component).order_by("pk")
        first = mine.values_list("pk", flat=True)[0]
        with (
            transaction.atomic()
        ):  # locked first, as the action does it: the prober writes results of them all the while
            others = list(mine.exclude(pk=first).select_for_update())
            Probe.objects.unscoped().filter(pk__in=[one.pk for one in others]).delete()
        Probe.objects.unscoped().filter(pk=first).update(
            interval=DEATH_INTERVAL, failures_to_down=THRESHOLD, revision=F("revision") + 1
        )


def wait_for_flip(number: int) -> float:
    """Return when the component was seen to be down, by the wall clock."""
    from resilience.health.models import Component  # noqa: PLC0415

    end = time.monotonic() + 30
    while time.monotonic() < end:
        if Component.objects.unscoped().filter(slug=f"peer-{number}", state="down").exists():
            return time.time()
        time.sleep(0.005)
    raise SystemExit(f"peer-{number} did not go down")


def be_prober() -> None:
    """Hold the duty, as a worker does."""
    from portal.duties.tasks import run_duty  # noqa: PLC0415

    print(os.getpid(), flush=True)
    run_duty("prober")


if __name__ == "__main__":
    django.setup()
    be_clerk() if sys.argv[1] == "clerk" else be_prober()

"""`python -m tests.bench`: Breakwater beside its peers, on one machine, in one run, against one sink."""

import argparse
import tempfile
from pathlib import Path

from tests.bench import claims, idle, report, runners, sharing
from tests.bench.drain import RunnerFailed
from tests.bench.health import history, probes, seen, streams
from tests.bench.merging import section as merging
from tests.bench.order import Order
from tests.bench.patterns import rows as situations
from tests.bench.patterns import section as patterns
from tests.bench.runners import Bench
from tests.bench.sink import running_sink
from tests.support.portal import Portal
from tests.support.postgres import running_postgres

SECTIONS = ["patterns", "sharing", "merge", "throughput", "claims", "idle", "probes", "health", "streams"]
ALONE = {"patterns", "merge", "probes", "health", "streams"}
"""Sections that need no sink."""
FULL = [
    "bare",
    "bare-uvloop",
    "breakwater-sqlite",
    "breakwater-postgres",
    "bare",
    "bare-uvloop",
    "celery",
    "procrastinate",
    "procrastinate-lock",
    "django-q2-sqlite",
    "django-q2-postgres",
    "bare",
    "bare-uvloop",
]


def main() -> None:
    """Run what the command line asks for and print the figures as they are."""
    options = read_command_line()
    print(report.machine(), flush=True)
    if "patterns" in options.sections:
        patterns.run(options.rows or (), rigorous=options.rigorous)
    if "merge" in options.sections:
        merging.run()
    if "probes" in options.sections:
        probes.run()
        seen.run()
    if "health" in options.sections:
        history.run()
    if "streams" in options.sections:
        streams.run()
    if set(options.sections) <= ALONE:
        return
    with running_sink() as sink, tempfile.TemporaryDirectory(prefix="breakwater-bench-") as directory:
        bench = Bench(
            sink=sink,
            order=Order(sink.address, options.items, options.entities),
            slow_order=Order(sink.address, options.slow_items, max(1, options.entities // 5)),
            concurrency=options.concurrency,
            directory=Path(directory),
        )
        if "sharing" in options.sections:
            shared(bench)
        if "throughput" in options.sections:
            throughput(bench, options.only or FULL)
        if "claims" in options.sections:
            claim_times(bench)
        if "idle" in options.sections:
            idleness(bench)


def read_command_line() -> argparse.Namespace:
    """Return the options."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("--items", type=int, default=10_000, help="changes for each runner")
    parser.add_argument("--slow-items", type=int, default=2_000, help="changes for the slowest runners")
    parser.add_argument("--entities", type=int, default=2_500)
    parser.add_argument("--concurrency", type=int, default=50, help="requests in flight, where a runner can")
    parser.add_argument("--only", nargs="*", choices=sorted(runners.RUNNERS), help="these runners, in this order")
    parser.add_argument("--sections", nargs="*", choices=SECTIONS, help="all, unless --only is given")
    known = [row.name for row in situations.ROWS]
    parser.add_argument("--rows", nargs="*", choices=known, help="of the section on patterns, these rows")
    parser.add_argument("--rigorous", action="store_true", help="the section on patterns as pyperf sees fit: an hour")
    options = parser.parse_args()
    options.sections = options.sections or _sections(options)
    return options


def _sections(options: argparse.Namespace) -> list[str]:
    """Return the sections that a part asked for belongs to, or all."""
    asked = [name for name, part in (("patterns", options.rows), ("throughput", options.only)) if part]
    return asked or SECTIONS


def throughput(bench: Bench, names: list[str]) -> None:
    """Let each runner drain the same changes into the same sink."""
    measured = []
    for name in names:
        try:
            measured.append(runners.RUNNERS[name](bench))
        except RunnerFailed as error:  # the others' figures stand
            print(f"  {error}", flush=True)
            continue
        print(f"  {measured[-1].name}: {measured[-1].per_second:,.0f}/s", flush=True)
    print(f"\n{report.table(measured)}\n\n{report.verdict(measured)}\n", flush=True)


def shared(bench: Bench) -> None:
    """Look at the breakers that two processes share, on both databases."""
    print("Breakers that processes share", flush=True)
    with runners.portal(bench) as home:
        print(sharing.measure(runners.whole(runners.ours(home))).told("SQLite"), flush=True)
    with runners.portal(bench) as home, running_postgres(fsync=True) as server:
        figures = sharing.measure(runners.whole(runners.ours(home, server.create_database(home.name))))
        print(figures.told("PostgreSQL"), "\n", flush=True)


def claim_times(bench: Bench) -> None:
    """Hold a small and a large portal beside each other, on both databases."""
    print("Claim of 50 lanes, small and large portal in turn: medians, and their ratio (aim 1.2)", flush=True)
    with runners.portal(bench) as small, runners.portal(bench) as large:
        found = claims.measure(runners.whole(runners.ours(small)), runners.whole(runners.ours(large)))
        print(claims.told(*found, "SQLite"), flush=True)
    with runners.portal(bench) as small, runners.portal(bench) as large, running_postgres(fsync=True) as server:
        databases = [runners.ours(home, server.create_database(home.name)) for home in (small, large)]
        found = claims.measure(*map(runners.whole, databases))
        print(claims.told(*found, "PostgreSQL"), "\n", flush=True)


def idleness(bench: Bench) -> None:
    """Look at a portal that has nothing to do, on both databases."""
    print("A portal without the demo, everything together", flush=True)
    with runners.portal(bench) as home:
        print(idle.measure(Portal(home), bench.sink, "SQLite", []).told(), flush=True)
    with runners.portal(bench) as home, running_postgres(fsync=True) as server:
        print(idle.measure(Portal(home, server.url()), bench.sink, "PostgreSQL", [server.pid]).told(), flush=True)


if __name__ == "__main__":
    main()

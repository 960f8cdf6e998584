"""`python -m tests.bench`: Breakwater beside its peers, on one machine, in one run, against one sink."""

import argparse
import tempfile
from pathlib import Path

from tests.bench import report, runners
from tests.bench.order import Order
from tests.bench.runners import Bench
from tests.bench.sink import running_sink

FULL = [
    "bare",
    "bare-uvloop",
    "breakwater-sqlite",
    "breakwater-postgres",
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
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--items", type=int, default=10_000, help="changes for each runner")
    parser.add_argument("--slow-items", type=int, default=2_000, help="changes for the runners below 500 a second")
    parser.add_argument("--entities", type=int, default=2_500)
    parser.add_argument("--concurrency", type=int, default=50, help="requests in flight, where a runner can")
    parser.add_argument("--only", nargs="*", choices=sorted(runners.RUNNERS), help="these runners, in this order")
    options = parser.parse_args()
    print(report.machine(), flush=True)
    with running_sink() as sink, tempfile.TemporaryDirectory(prefix="breakwater-bench-") as directory:
        bench = Bench(
            sink=sink,
            order=Order(sink.address, options.items, options.entities),
            slow_order=Order(sink.address, options.slow_items, max(1, options.entities // 5)),
            concurrency=options.concurrency,
            directory=Path(directory),
        )
        measured = []
        for name in FULL if options.only is None else options.only:
            measured.append(runners.RUNNERS[name](bench))
            print(f"  {measured[-1].name}: {measured[-1].per_second:,.0f}/s", flush=True)
    print()
    print(report.table(measured))
    print()
    print(report.verdict(measured))


if __name__ == "__main__":
    main()

"""The measuring itself, as a pyperf script: `python -m tests.bench.patterns.measure -o figures.json` (`--help` has pyperf's options).

Each figure comes out of processes of its own, which load one library only.
"""

import argparse
import functools
from collections.abc import Callable
from functools import cache
from typing import Any

import pyperf

from tests.bench.patterns.peers import load
from tests.bench.patterns.rows import ROWS, Row, Subject
from tests.bench.patterns.timers import Timer


def main() -> None:
    """Measure the rows that are asked for, or all."""
    runner = pyperf.Runner(add_cmdline_args=_hand_on, program_args=("-m", "tests.bench.patterns.measure"))
    runner.argparser.add_argument("--rows", nargs="*", default=[])
    wanted = runner.parse_args().rows
    for row in ROWS:
        if wanted and row.name not in wanted:
            continue
        for subject in row.subjects:
            runner.bench_time_func(f"{row.name}|{subject.label}", functools.partial(_run, row, subject))


def _hand_on(command: list[str], options: argparse.Namespace) -> None:
    if options.rows:
        command += ["--rows", *options.rows]


def _run(row: Row, subject: Subject, count: int) -> float:
    return _timer(row.name, subject.label)(count)


@cache
def _timer(row_name: str, label: str) -> Timer:
    """Return the timer, made once in each process."""
    row = next(row for row in ROWS if row.name == row_name)
    subject = next(subject for subject in row.subjects if subject.label == label)
    peer = load(subject.peer)
    part: Callable[..., Any] = getattr(peer, subject.part)

    def wrap(fn: Callable[..., Any], **more: Any) -> Any:
        return part(**subject.options, **more)(fn)

    return row.drive(wrap, peer)


if __name__ == "__main__":
    main()

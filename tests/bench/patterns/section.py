"""The section of the bench about the patterns: lets pyperf measure in turns, and prints the tables and what they say about the aims."""

import platform
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import pyperf

from tests.bench.patterns.peers import PACKAGES, released
from tests.bench.patterns.rows import MEMORY, RICH, ROWS, Row, Subject

TURNS = 3
SHORT = ("--processes", "1", "--values", "4", "--warmups", "1", "--min-time", "0.02")
"""Enough to tell a tenth, in five minutes; `--rigorous` takes pyperf's own figures, and an hour."""
SAME = 1.15
"""Figures that are no further apart are called flat."""

WINDOWED = ("pyresilience", "interlock")
FASTEST = {
    "reject": "refusal",
    "retry": "retry that works at once, sync",
    "aretry": "retry that works at once, async",
    "stack": "retry + breaker + bulkhead, sync",
    "astack": "retry + breaker + bulkhead + timeout, async",
}
"""Rows in which we are to be the fastest, in each of our forms."""


@dataclass(frozen=True, slots=True)
class Taken:
    """What a library took for a call in a row: nanoseconds, the best and the middle of all values."""

    subject: Subject
    best: float
    middle: float


Figures = dict[str, list[Taken]]


def run(only: Sequence[str] = (), *, rigorous: bool = False) -> None:
    """Print the whole section."""
    versions = ", ".join(released(peer) for peer in PACKAGES if peer != "breakwater")
    print(
        f"Resilience patterns: ns of the processor for a call, best (median); Python {platform.python_version()}, {versions}",
        flush=True,
    )
    figures = measure(only, rigorous=rigorous)
    for row in ROWS:
        if figures.get(row.name):
            print(table(row, figures[row.name]), flush=True)
    if not only:
        print(memory(), flush=True)
        print("\n".join(verdict(figures)), "\n", flush=True)


def measure(only: Sequence[str], *, rigorous: bool) -> Figures:
    """Return what everybody took. All take turns, so that what else the machine does meets them alike."""
    values: dict[str, list[float]] = {}
    with tempfile.TemporaryDirectory(prefix="breakwater-bench-") as directory:
        for turn in range(1 if rigorous else TURNS):
            path = Path(directory) / f"{turn}.json"
            command = [sys.executable, "-m", "tests.bench.patterns.measure", "--quiet", "-o", str(path)]
            command += ["--rigorous"] if rigorous else SHORT
            command += ["--rows", *only] if only else []
            subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
            for bench in pyperf.BenchmarkSuite.load(str(path)):
                values.setdefault(bench.get_name(), []).extend(bench.get_values())
    return {
        row.name: [
            Taken(subject, 1e9 * min(found), 1e9 * median(found))
            for subject in row.subjects
            if (found := values.get(f"{row.name}|{subject.label}"))
        ]
        for row in ROWS
    }


def table(row: Row, taken: Sequence[Taken]) -> str:
    """Return the lines about one row, with the ratio to ours."""
    ours = next(one for one in taken if one.subject.ours)
    lines = [f"  {row.title}"]
    for one in taken:
        ratio = "" if one.subject.ours else f"{one.best / ours.best:.2f} times ours"
        lines.append(f"    {one.subject.label:<52} {one.best:>10,.0f} ({one.middle:,.0f})  {ratio}".rstrip())
    return "\n".join(lines)


def memory() -> str:
    """Return the lines about the memory of a breaker."""
    lines = ["  bytes of a breaker with the function it guards, after a hundred calls"]
    for place, subject in enumerate(MEMORY):
        command = [sys.executable, "-m", "tests.bench.patterns.memory", str(place)]
        done = subprocess.run(command, check=True, capture_output=True, text=True)
        lines.append(f"    {subject.label:<52} {int(done.stdout):>10,}")
    return "\n".join(lines)


def verdict(figures: Figures) -> list[str]:
    """Return one line for each aim: by how much these figures reach or miss it."""
    lines = []
    for name, what in (("closed", "closed, sync"), ("aclosed", "closed, async")):
        rich, rivals = _ours(figures, name, RICH), _rivals(figures, name)
        featureless = [one for one in rivals if one.subject.peer not in WINDOWED and one.subject.part != "guard_kept"]
        windowed = [one for one in rivals if one.subject.peer in WINDOWED]
        lines.append(
            _line(f"{what}, rate and slow calls, within 1.5 times the fastest without", rich, featureless, 1.5)
        )
        lines.append(_line(f"{what}, rate and slow calls, faster than all that have windows", rich, windowed, 1.0))
    for name, what in FASTEST.items():
        lines.append(_line(f"{what}, faster than all", _ours(figures, name), _rivals(figures, name), 1.0))
    lines.append(_flat(figures, ["count-100", "count-10000", "count-100000"], "from 100 to 100,000 calls"))
    lines.append(_flat(figures, ["time-10", "time-600"], "from 10 to 600 seconds"))
    return ["  Aims", *(f"    {line}" for line in lines)]


def _ours(figures: Figures, name: str, note: str = "") -> Taken:
    """Return our figure in a row: that with a note, or the slowest."""
    found = [one for one in figures[name] if one.subject.ours and note in one.subject.note]
    return max(found, key=lambda one: one.best)


def _rivals(figures: Figures, name: str) -> list[Taken]:
    return [one for one in figures[name] if one.subject.rival]


def _line(aim: str, ours: Taken, others: Sequence[Taken], most: float) -> str:
    fastest = min(others, key=lambda one: one.best)
    ratio = ours.best / fastest.best
    return f"{'met' if ratio <= most else 'MISSED':<7} {aim}: {ratio:.2f} times {fastest.subject.label}"


def _flat(figures: Figures, names: Sequence[str], what: str) -> str:
    best = [_ours(figures, name).best for name in names]
    ratio = max(best) / min(best)
    return f"{'met' if ratio <= SAME else 'MISSED':<7} the same cost with windows {what}: {ratio:.2f} between the cheapest and the dearest"

"""The section of the bench about merging: which engine is let at which case, and the table."""

import json
import subprocess
import sys
from dataclasses import dataclass
from statistics import median
from typing import Any

from tests.bench.merging.cases import CASES, Case
from tests.bench.merging.engines import ENGINES

TURNS = 3
LIMIT = 60
"""Seconds after which an engine is stopped."""


class Refused(Exception):
    """An engine that gave no answer; the words say why."""


@dataclass(frozen=True, slots=True)
class Taken:
    """What an engine took for a case: the best and the middle of all rounds in milliseconds, and how many places ask; or why not."""

    best: float = 0
    middle: float = 0
    asks: int = 0
    problem: str = ""

    @property
    def again(self) -> bool:
        """Whether another turn is worth its time."""
        return not self.problem and self.best < 5_000

    def told(self) -> str:
        """Return it as words of a table."""
        return self.problem or f"{self.best:,.1f} / {self.middle:,.1f} ms, {self.asks} ask"


def run() -> None:
    """Print the whole section."""
    print(
        "Merging three versions: processor time (best and median), places that ask, ratio of the best times", flush=True
    )
    for name, case in CASES.items():
        print(told(case, measure(name)), flush=True)
    print(flush=True)


def measure(name: str) -> dict[str, Taken]:
    """Return what each engine that can do a case took. They take turns, so that what else the machine does meets all alike."""
    times: dict[str, list[float]] = {engine: [] for engine in ENGINES if engine != "git" or CASES[name].text}
    taken: dict[str, Taken] = {}
    for _ in range(TURNS):
        for engine in [engine for engine in times if engine not in taken or taken[engine].again]:
            try:
                found = _run(engine, name)
            except Refused as refused:
                taken[engine] = Taken(problem=str(refused))
                continue
            times[engine] += found["times"]
            taken[engine] = Taken(min(times[engine]), median(times[engine]), found["asks"])
    return taken


def _run(engine: str, name: str) -> Any:
    command = [sys.executable, "-m", "tests.bench.merging.engines", engine, name]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=LIMIT, check=False)
    except subprocess.TimeoutExpired:
        raise Refused(f"over {LIMIT} s") from None
    if done.returncode:
        raise Refused((done.stderr.strip().splitlines() or ["no answer"])[-1][:60])
    return json.loads(done.stdout.splitlines()[-1])


def told(case: Case, taken: dict[str, Taken]) -> str:
    """Return the lines about one case, with the ratio to ours."""
    ours = taken["breakwater"]
    lines = [f"  {case.title} (aim {case.aim} ms)"]
    for engine, figure in taken.items():
        ratio = "" if figure is ours or figure.problem or ours.problem else f"{figure.best / ours.best:.2f} times ours"
        lines.append(f"    {engine:<11} {figure.told():<40} {ratio}".rstrip())
    return "\n".join(lines)

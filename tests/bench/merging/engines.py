"""One engine at one case, in a process of its own: `python -m tests.bench.merging.engines ENGINE CASE` prints its milliseconds.

Each engine gets parsed documents in memory and has to give the merged document; git gets files, and its time has its start in it.
Processor time is counted, that of child processes too: all of them use one processor, and what else the machine does counts less.
"""

import gc
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from tests.bench.merging.cases import CASES, Case, Three

ROUNDS, SECONDS = 10, 3.0
Work = Callable[[], int]
"""Does the merge once and returns how many places ask."""


def breakwater(three: Three, rules: Mapping[str, Any]) -> Work:
    """Return our merge."""
    from conflicts.core import merge, parse_rules  # noqa: PLC0415  # each process loads one engine only

    parsed = parse_rules(rules)
    return lambda: sum(max(1, sum(hunk.asks for hunk in place.hunks)) for place in merge(*three, parsed).conflicts)


def nbdime(three: Three, _rules: Mapping[str, Any]) -> Work:
    """Return nbdime's merge of any JSON; it takes objects and lists only."""
    from nbdime.merging.decisions import apply_decisions  # noqa: PLC0415
    from nbdime.merging.generic import decide_merge  # noqa: PLC0415

    base, local, remote = ({"text": version} for version in three) if isinstance(three[0], str) else three

    def work() -> int:
        decisions = decide_merge(base, local, remote)
        apply_decisions(base, decisions)
        return sum(bool(decision.conflict) for decision in decisions)

    return work


def git(three: Three, _rules: Mapping[str, Any]) -> Work:
    """Return `git merge-file` on three files; it says up to 127 conflicts."""
    directory = Path(tempfile.mkdtemp(prefix="breakwater-bench-"))
    base, local, remote = (directory / name for name in ("base", "local", "remote"))
    for path, text in zip((base, local, remote), three, strict=True):
        path.write_text(text, newline="")
    return lambda: (
        subprocess.run(
            ["git", "merge-file", "-p", local, base, remote], stdout=subprocess.DEVNULL, check=False
        ).returncode
    )


ENGINES: dict[str, Callable[[Three, Mapping[str, Any]], Work]] = {
    "breakwater": breakwater,
    "nbdime": nbdime,
    "git": git,
}


def measure(engine: str, case: Case) -> dict[str, Any]:
    """Return the milliseconds of up to ten rounds after a first one, and how many places ask."""
    work = ENGINES[engine](case.make(), case.rules)
    times: list[float] = []
    asks, begun = 0, time.perf_counter()
    while len(times) <= ROUNDS and time.perf_counter() - begun < SECONDS:
        gc.collect()
        started = _processor()
        asks = work()
        times.append(1000 * (_processor() - started))
    return {"times": times[1:] or times, "asks": asks}


def _processor() -> float:
    spent = [resource.getrusage(whose) for whose in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(usage.ru_utime + usage.ru_stime for usage in spent)


if __name__ == "__main__":
    print(json.dumps(measure(sys.argv[1], CASES[sys.argv[2]])))

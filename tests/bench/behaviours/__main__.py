"""`python -m tests.bench.behaviours` prints docs/reference/behaviours.md; with `--only NAME` one row of it.

Each cell is an experiment of its own, in a process that loads one library and is stopped after twenty seconds.
"""

import argparse
import os
import platform
import subprocess
import sys
import textwrap
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from types import ModuleType

from tests.bench.behaviours import breakers, bulkheads, retries
from tests.bench.behaviours.staging import NotPossible
from tests.bench.behaviours.words import AFTER, BEFORE
from tests.bench.patterns.peers import PACKAGES, load, released

LIMIT = 20


@dataclass(frozen=True, slots=True)
class Row:
    """An experiment: what it is called in the table, who takes part, and what is right."""

    experiment: Callable[[ModuleType], str]
    title: str
    right: str
    peers: tuple[str, ...]

    @property
    def name(self) -> str:
        """The word for the command line."""
        return self.experiment.__name__


BREAKERS = ("breakwater", "circuitbreaker", "pybreaker", "purgatory", "aiobreaker", "hyx", "pyresilience", "interlock")
RETRIES = ("breakwater", "tenacity", "stamina", "backoff", "hyx", "pyresilience", "interlock")
BULKHEADS = ("breakwater", "hyx", "pyresilience", "interlock")
WINDOWS = ("breakwater", "pyresilience", "interlock")
TIMED = ("breakwater", "interlock")

TABLES: dict[str, tuple[Row, ...]] = {
    "Breakers": (
        Row(breakers.half_open_callers, "half-open with one place: callers inside, of 20 threads", "1", BREAKERS),
        Row(breakers.half_open_hangs, "a half-open call hangs: the next one is let through", "soon", BREAKERS),
        Row(breakers.stale_success_while_open, "a success from before the opening closes an open breaker", "no", BREAKERS),
        Row(breakers.stale_success_while_half_open, "a success from before the opening closes a half-open breaker", "no", BREAKERS),
        Row(breakers.stale_failure, "a failure from before the opening prolongs it", "no", BREAKERS),
        Row(breakers.interrupt, "KeyboardInterrupt counts as a failure", "no", BREAKERS),
        Row(breakers.cancellation, "CancelledError counts as a failure", "no", BREAKERS),
        Row(breakers.tripping_error, "the call that opens it raises", "its own", BREAKERS),
        Row(breakers.lock_held, "8 threads, a call of 50 ms each", "under 100 ms", BREAKERS),
        Row(breakers.clock_back, "the wall clock steps back an hour: it stays open", "no", BREAKERS),
        Row(breakers.clock_ahead, "the wall clock steps ahead an hour: it lets through early", "no", BREAKERS),
        Row(breakers.bad_listener, "a listener raises: the caller sees", "its own error", BREAKERS),
        Row(breakers.refusals_kept, "10,000 refusals leave behind", "under 10 KiB", BREAKERS),
        Row(breakers.cost_by_size, "a window of 10,000 calls costs, beside one of 100", "1.0 times", WINDOWS),
        Row(breakers.cost_by_seconds, "a window of 600 s costs, beside one of 10 s", "1.0 times", TIMED),
        Row(breakers.after_an_hour, "a window of a minute is empty after an hour", "yes", TIMED),
    ),
    "Retries": (
        Row(retries.beyond_the_deadline, "deadline 0.3 s, asked to wait 1 s: fails after", "0.0 s, 1 attempt", RETRIES),
        Row(retries.many_failures, "1,100 failures in a row", "works", RETRIES),
        Row(retries.shared_backoff, "waits of a call, while another one uses the same decorator", "1, 2, 4, 8", RETRIES),
    ),
    "Bulkheads": (
        Row(bulkheads.several_loops, "one place, four event loops", "1 at once", BULKHEADS),
        Row(bulkheads.lost_permits, "the place is there after 300 waiters that gave up", "yes", BULKHEADS),
        Row(bulkheads.outliving_work, "one place, work that outlives its timeout: running at once", "1", BULKHEADS),
    ),
}  # fmt: skip


def main() -> None:
    """Run a cell, a row or everything."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.behaviours", description=__doc__)
    parser.add_argument("--only", nargs="*", default=[], help="these rows")
    parser.add_argument("--cell", nargs=2, metavar=("ROW", "LIBRARY"), help="one experiment, in this process")
    options = parser.parse_args()
    if options.cell:
        run_cell(*options.cell)
    elif options.only:
        print("\n\n".join(table(rows) for rows in _chosen(options.only)))
    else:
        print(page())


def _chosen(names: Iterable[str]) -> list[tuple[Row, ...]]:
    chosen = [tuple(row for row in rows if row.name in names) for rows in TABLES.values()]
    return [rows for rows in chosen if rows]


def run_cell(name: str, peer: str) -> None:
    """Print the words of a cell, and leave at once: what hangs is left behind."""
    row = next(row for rows in TABLES.values() for row in rows if row.name == name)
    try:
        words = row.experiment(load(peer))
    except NotPossible as why:
        words = f"(n/a: {why})"
    print(words, flush=True)
    os._exit(0)


def page() -> str:
    """Return the whole page."""
    versions = ", ".join(released(peer) for peer in PACKAGES if peer != "breakwater")
    today = datetime.now(UTC).strftime("%-d %B %Y")
    run = textwrap.fill(f"Run on {today}, Python {platform.python_version()}: {versions}.", 120)
    parts = [BEFORE.format(run=run)]
    parts += [f"## {title}\n\n{table(rows)}" for title, rows in TABLES.items()]
    parts += [AFTER, f"## How each row is staged\n\n{_stages()}"]
    return "\n\n".join(part.strip() for part in parts)


def table(rows: tuple[Row, ...]) -> str:
    """Return a table of Markdown: a row for each experiment, a column for each library. What is not right is in italics."""
    peers = [peer for peer in PACKAGES if any(peer in row.peers for row in rows)]
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        cells = list(pool.map(lambda place: _cell(*place), [(row, peer) for row in rows for peer in peers]))
    lines = [
        ["", "right", *(("Breakwater" if peer == "breakwater" else peer) for peer in peers)],
        ["---"] * (len(peers) + 2),
    ]
    for place, row in enumerate(rows):
        lines.append([row.title, row.right, *cells[place * len(peers) : (place + 1) * len(peers)]])
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _cell(row: Row, peer: str) -> str:
    if peer not in row.peers:
        return "(n/a)"
    command = [sys.executable, "-W", "ignore", "-m", "tests.bench.behaviours", "--cell", row.name, peer]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=LIMIT, check=False)
    except subprocess.TimeoutExpired:
        return f"*hangs (over {LIMIT} s)*"
    words = done.stdout.strip()
    if not words:
        return f"failed: {(done.stderr.strip().splitlines() or ['no answer'])[-1]}"
    return words if words.startswith("(n/a") or _is_right(words, row.right) else f"*{words}*"


def _is_right(words: str, right: str) -> bool:
    """Whether a cell says what is right, numbers within their measure."""
    if right.startswith("under "):
        return float(words.split(maxsplit=1)[0].replace(",", "")) < float(right.split()[1])
    if right == "1.0 times":
        return float(words.split(maxsplit=1)[0]) <= 1.3
    if right == "soon":
        return words.startswith(("after", "at once"))
    return words == right


def _stages() -> str:
    rows = [row for rows in TABLES.values() for row in rows]
    return "\n".join(f"- *{row.title}*: {_sentence(row)}" for row in rows)


def _sentence(row: Row) -> str:
    doc = row.experiment.__doc__ or ""
    return " ".join(doc.split())


if __name__ == "__main__":
    main()

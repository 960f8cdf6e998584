"""`python -m tests.all`: all tests, in three runs beside each other, and what failed in that crowd once more alone.

On SQLite; on PostgreSQL, what a database can change; and whole, with browsers and killed processes. A test that fails in the crowd and
passes alone goes by the speed of the machine: it is named at the end, to be mended. One that fails alone, too, fails the run.
"""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
BUILD = ROOT / "build"
TESTS_FAILED = 1
"""What pytest ends with when tests failed; other numbers say that they could not be run."""
MOST_AGAIN = 5
"""So many may be tried again; when more failed, it was no chance."""


@dataclass(frozen=True, eq=False)
class Run:
    """Some of the tests in a process of their own."""

    name: str
    which: str
    environment: Mapping[str, str] = field(default_factory=dict)
    nice: int = 0

    @property
    def log(self) -> Path:
        """Where it prints while another one has the terminal."""
        return BUILD / f"tests-{self.name.replace(' ', '-')}.log"

    @property
    def cache(self) -> Path:
        """Where pytest notes what failed."""
        return self.log.with_suffix(".cache")

    def begin(self, *, quietly: bool = False, again: bool = False) -> "subprocess.Popen[bytes]":
        """Starts it, or what of it failed."""
        command = [sys.executable, "-m", "pytest", "-m", self.which, "-o", f"cache_dir={self.cache}"]
        command = ["nice", "-n", str(self.nice), *command] if self.nice else command
        output = self.log.open("wb") if quietly else None
        return subprocess.Popen(
            [*command, "--lf", "--maxfail=1"] if again else command,
            cwd=ROOT,
            env={**os.environ, **self.environment},
            stdout=output,
            stderr=output,
        )

    def failures(self) -> list[str]:
        """The tests that failed last."""
        noted = self.cache / "v" / "cache" / "lastfailed"
        return sorted(json.loads(noted.read_text())) if noted.exists() else []


ON_SQLITE = Run("on SQLite", "not browser and not crash")
ON_POSTGRES = Run(
    "on PostgreSQL",
    "(not browser and not crash and not plain) or postgres_only",
    {"BREAKWATER_TEST_DB": "postgres"},
    nice=5,
)
WHOLE = Run("of the whole", "browser or crash")
BESIDE = (WHOLE, ON_POSTGRES)


def crowd() -> dict[Run, int]:
    """All of them beside each other: what each ended with."""
    beside = {run: run.begin(quietly=True) for run in BESIDE}
    try:
        ended = {ON_SQLITE: ON_SQLITE.begin().wait()}
        for run, process in beside.items():
            ended[run] = process.wait()
            say(f"Tests {run.name}")
            print(run.log.read_text(errors="replace"), flush=True)
    finally:
        for process in beside.values():
            process.terminate()
    return ended


def passes_alone(run: Run) -> bool:
    """Whether what failed of it passes when nothing else runs."""
    failed = run.failures()
    if not 0 < len(failed) <= MOST_AGAIN:
        return False
    say(f"Tests {run.name} that failed, once more and alone")
    if run.begin(again=True).wait():
        return False
    say("Failed beside the others and passed alone. Mend what makes them go by the machine's speed:")
    print("\n".join(failed), flush=True)
    return True


def say(words: str) -> None:
    """A line between the outputs of the runs."""
    print(f"== {words}", flush=True)


def main() -> int:
    """0 when each test passed, in the crowd or alone."""
    BUILD.mkdir(exist_ok=True)
    for run in (ON_SQLITE, *BESIDE):
        shutil.rmtree(run.cache, ignore_errors=True)
    say(f"Tests {ON_SQLITE.name}; those {', '.join(run.name for run in BESIDE)} beside them, told afterwards")
    bad = [run for run, code in crowd().items() if code and not (code == TESTS_FAILED and passes_alone(run))]
    for run in bad:
        say(f"Tests {run.name} FAILED")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())

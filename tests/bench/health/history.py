"""The page of health and what a month of it takes, on both databases: one portal each, filled once."""

import json
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.bench import runners
from tests.bench.health import page, storage
from tests.support.postgres import running_postgres


def run() -> None:
    """Print the figures of both databases."""
    print(
        "The page of health with 500 upstreams and 30 days of history: medians, and what is kept of a month", flush=True
    )
    with tempfile.TemporaryDirectory(prefix="breakwater-health-") as home:
        print(measure(runners.whole(runners.ours(Path(home))), "SQLite"), flush=True)
    with tempfile.TemporaryDirectory(prefix="breakwater-health-") as home, running_postgres(fsync=True) as server:
        env = runners.ours(Path(home), server.create_database("health"))
        print(measure(runners.whole(env), "PostgreSQL"), "\n", flush=True)


def measure(env: Mapping[str, str], database: str) -> str:
    """Fill a portal of this environment and return its figures as lines."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.bench.health.fill"],
        env=dict(env),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        filled = _line(process)
        looked, stored = _say(process, "page"), _say(process, "storage")
    finally:
        process.communicate("")
    return f"{page.told(looked, database)}\n{storage.told(stored, filled['filled'], filled['before'], database)}"


def _say(process: "subprocess.Popen[str]", word: str) -> dict[str, Any]:
    assert process.stdin is not None
    process.stdin.write(word + "\n")
    process.stdin.flush()
    return _line(process)


def _line(process: "subprocess.Popen[str]") -> dict[str, Any]:
    assert process.stdout is not None
    found: dict[str, Any] = json.loads(process.stdout.readline())
    return found

"""A real worker with its own home and database, watched from outside."""

import os
import shutil
import sqlite3
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from subprocess import Popen, run
from typing import Any

import psycopg

from portal.kit.processes import children, start_time
from tests.support import processes

ROOT = Path(__file__).resolve().parents[2]
PROBES = ("probe-0", "probe-1")


@dataclass(frozen=True, slots=True)
class Home:
    """A home directory and a database of one test."""

    path: Path
    env: Mapping[str, str]

    def manage(self, *words: str, check: bool = True) -> str:
        """Runs a command to its end and gives what it printed."""
        command = [sys.executable, str(ROOT / "manage.py"), *words]
        done = run(
            command, env={**os.environ, **self.env}, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False
        )
        assert done.returncode == 0 or not check, done.stdout + done.stderr
        return done.stdout + done.stderr

    def start(self, *words: str, name: str = "child") -> Popen[str]:
        """Starts a command that goes on."""
        command = [sys.executable, str(ROOT / "manage.py"), *words]
        return processes.start(command, env=self.env, cwd=ROOT, log=self.path / f"{name}.log")

    def log(self, name: str = "child") -> str:
        """What a started command printed so far."""
        return (self.path / f"{name}.log").read_text()

    def states(self) -> dict[int, int]:
        """How many items there are in each state."""
        return dict(self.query("SELECT state, count(*) FROM syncqueue_item GROUP BY state"))

    def query(self, query: str) -> list[Any]:
        """The rows of a query, past the portal."""
        url = self.env.get("DATABASE_URL", "")
        with closing(
            psycopg.connect(url) if url else sqlite3.connect(self.path / "breakwater.sqlite3", timeout=20)
        ) as link:
            rows: list[Any] = link.execute(query).fetchall()
        return rows

    def locks(self) -> dict[str, tuple[int, int]]:
        """The fence and the process id of each duty that a living process holds."""
        query = "SELECT duty, fence, pid, process_start FROM duties_processinglock WHERE owner <> ''"
        rows = self.query(query)
        return {duty: (fence, pid) for duty, fence, pid, start in rows if start_time(pid) == start}


@contextmanager
def own_home(path: Path) -> Iterator[Home]:
    """A migrated home under `path`, on the database that the test run is on."""
    env = {"BREAKWATER_HOME": str(path), "DJANGO_SETTINGS_MODULE": "tests.duties.probe.settings"}
    server = os.environ.get("DATABASE_URL", "")
    if not server:
        path.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(_migrated_file(), path / "breakwater.sqlite3")
        yield Home(path, env)
        return
    name = f"own_{os.getpid()}_{time.monotonic_ns()}"
    template = _migrated_database(server)
    with psycopg.connect(server, autocommit=True) as link:
        link.execute(f"CREATE DATABASE {name} TEMPLATE {template}")
    try:
        yield Home(path, {**env, "DATABASE_URL": _sibling(server, name)})
    finally:
        with psycopg.connect(server, autocommit=True) as link:
            link.execute(f"DROP DATABASE {name} WITH (FORCE)")


@lru_cache(maxsize=1)
def _migrated_file() -> Path:
    """A SQLite database with all tables, made once."""
    path = Path(tempfile.mkdtemp(prefix="breakwater-template-"))
    Home(path, {"BREAKWATER_HOME": str(path), "DJANGO_SETTINGS_MODULE": "tests.duties.probe.settings"}).manage(
        "migrate"
    )
    with closing(sqlite3.connect(path / "breakwater.sqlite3")) as link:
        link.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return path / "breakwater.sqlite3"


@lru_cache(maxsize=1)
def _migrated_database(server: str) -> str:
    """The name of a PostgreSQL database with all tables, made once."""
    name = f"template_{os.getpid()}"
    with psycopg.connect(server, autocommit=True) as link:
        link.execute(f"CREATE DATABASE {name}")
    path = tempfile.mkdtemp(prefix="breakwater-template-")
    env = {"BREAKWATER_HOME": path, "DJANGO_SETTINGS_MODULE": "tests.duties.probe.settings"}
    Home(Path(path), {**env, "DATABASE_URL": _sibling(server, name)}).manage("migrate")
    return name


def _sibling(server: str, name: str) -> str:
    return server.rpartition("/")[0] + "/" + name


@contextmanager
def running_worker(home: Home, *, name: str = "worker") -> Iterator[Popen[str]]:
    """A worker whose duties are held."""
    process = home.start("worker", name=name)
    everyone: list[int] = []
    try:
        until(lambda: set(PROBES) <= set(home.locks()), 30, lambda: home.log(name))
        everyone = processes.tree(process.pid)
        yield process
    finally:
        everyone += processes.tree(process.pid) if process.poll() is None else []
        processes.stop(process)
        assert processes.wait_until_gone(everyone), "processes were left behind"


def until(happens: Callable[[], object], seconds: float, tell: Callable[[], str] = lambda: "") -> float:
    """Waits for something and gives the seconds that it took."""
    started = time.monotonic()
    while not happens():
        assert time.monotonic() - started < seconds, f"not within {seconds} s: {tell()}"
        time.sleep(0.02)
    return time.monotonic() - started


def cast_of(supervisor: int, locks: Mapping[str, tuple[int, int]]) -> dict[str, int]:
    """The process ids of a cluster by their part in it."""
    [parent] = children(supervisor)
    [sentinel] = children(parent)
    *workers, monitor, pusher = sorted(children(sentinel))
    holder = locks["probe-0"][1]
    idle = next(pid for pid in workers if pid not in {held for _fence, held in locks.values()})
    return {
        "parent": parent,
        "sentinel": sentinel,
        "monitor": monitor,
        "pusher": pusher,
        "busy worker": holder,
        "idle worker": idle,
    }

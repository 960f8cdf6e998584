"""A real worker with its own home and database, watched from outside."""

import os
import sqlite3
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from subprocess import Popen, run

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

    def locks(self) -> dict[str, tuple[int, int]]:
        """The fence and the process id of each duty that a living process holds."""
        query = "SELECT duty, fence, pid, process_start FROM duties_processinglock WHERE owner <> ''"
        url = self.env.get("DATABASE_URL", "")
        with closing(
            psycopg.connect(url) if url else sqlite3.connect(self.path / "breakwater.sqlite3", timeout=20)
        ) as link:
            rows = link.execute(query).fetchall()
        return {duty: (fence, pid) for duty, fence, pid, start in rows if start_time(pid) == start}


@contextmanager
def own_home(path: Path) -> Iterator[Home]:
    """A migrated home under `path`, on the database that the test run is on."""
    env = {"BREAKWATER_HOME": str(path), "DJANGO_SETTINGS_MODULE": "tests.duties.probe.settings", "DATABASE_URL": ""}
    server = os.environ.get("DATABASE_URL", "")
    name = f"own_{os.getpid()}_{time.monotonic_ns()}"
    if server:
        with psycopg.connect(server, autocommit=True) as link:
            link.execute(f"CREATE DATABASE {name}")
        env["DATABASE_URL"] = server.rpartition("/")[0] + "/" + name
    else:
        del env["DATABASE_URL"]
    home = Home(path, env)
    home.manage("migrate", "--verbosity", "0")
    try:
        yield home
    finally:
        if server:
            with psycopg.connect(server, autocommit=True) as link:
                link.execute(f"DROP DATABASE {name} WITH (FORCE)")


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

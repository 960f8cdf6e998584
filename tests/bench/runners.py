"""The runners of the bench, each a function that sets its queue up, fills it, and lets it drain into the sink."""

import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.bench.drain import Drain, Measured, RunnerFailed
from tests.bench.order import Order
from tests.bench.sink import RunningSink
from tests.support.postgres import running_postgres
from tests.support.redis import running_redis

PYTHON = sys.executable
ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True, slots=True)
class Bench:
    """What every runner is given."""

    sink: RunningSink
    order: Order
    slow_order: Order
    concurrency: int
    directory: Path

    def drain(self) -> Drain:
        """Return a watch on the sink that keeps the workers' output in the bench's directory."""
        return Drain(self.sink, self.directory)

    def fill(self, module: str, order: Order, env: Mapping[str, str]) -> float:
        """Run a producer and return the seconds that its intake took."""
        command = [PYTHON, "-m", "tests.bench.fill", module, *order.words()]
        done = subprocess.run(command, env=whole(env), capture_output=True, text=True, check=False)
        if done.returncode:
            raise RunnerFailed(f"{module} could not be filled:\n{done.stderr[-3000:]}")
        return float(done.stdout.split()[-1])


def inherited() -> dict[str, str]:
    """Return the environment of this process without what would point a Django elsewhere."""
    return {name: value for name, value in os.environ.items() if not name.startswith(("DJANGO_", "BREAKWATER_"))}


def bare(bench: Bench, *, uvloop: bool) -> Measured:
    """Measure the aiohttp loop without a queue."""
    loop = "uvloop" if uvloop else "asyncio"
    command = [PYTHON, "-m", "tests.bench.bare", *bench.order.words(), f"--concurrency={bench.concurrency}"]
    command += ["--uvloop"] if uvloop else []
    note = "from memory: no queue, no record, no retry"
    return bench.drain().run(f"bare aiohttp loop, {loop}", command, count=bench.order.count, note=note)


def celery(bench: Bench) -> Measured:
    """Measure Celery with Redis."""
    with running_redis() as redis:
        env = {"BENCH_REDIS": redis.url}
        intake = bench.fill("tests.bench.peers.celery_app", bench.order, env)
        command = [
            PYTHON,
            "-m",
            "celery",
            "-A",
            "tests.bench.peers.celery_app:app",
            "worker",
            "-P",
            "prefork",
            "-c",
            "2",
        ]
        command += ["-l", "warning", "--without-gossip", "--without-mingle", "--without-heartbeat"]
        return bench.drain().run(
            "Celery, Redis",
            command,
            count=bench.order.count,
            env=env,
            servers=[redis.pid],
            intake_seconds=intake,
            note="prefork 2, acks_late, requests; AOF everysec; no order",
        )


def procrastinate(bench: Bench, *, locked: bool) -> Measured:
    """Measure procrastinate, with or without a lock per entity."""
    with running_postgres(fsync=True) as server:
        env = {"BENCH_POSTGRES": server.url()} | ({"BENCH_LOCK": "1"} if locked else {})
        order = bench.slow_order if locked else bench.order
        intake = bench.fill("tests.bench.peers.procrastinate_app", order, env)
        command = [PYTHON, "-m", "procrastinate", "--app=tests.bench.peers.procrastinate_app.app", "worker"]
        command += [f"--concurrency={bench.concurrency}"]
        return bench.drain().run(
            f"procrastinate, PostgreSQL{', lock' if locked else ''}",
            command,
            count=order.count,
            env=env,
            servers=[server.pid],
            intake_seconds=intake,
            note=f"async worker {bench.concurrency}, aiohttp; {'order by lock per entity' if locked else 'no order'}",
        )


def djangoq_sqlite(bench: Bench) -> Measured:
    """Measure one django-q2 task per item on SQLite."""
    with tempfile.TemporaryDirectory(dir=bench.directory) as home:
        return _djangoq(bench, f"sqlite:///{home}/bench.sqlite3", [], "SQLite")


def djangoq_postgres(bench: Bench) -> Measured:
    """Measure one django-q2 task per item on PostgreSQL."""
    with running_postgres(fsync=True) as server:
        return _djangoq(bench, server.url(), [server.pid], "PostgreSQL")


def _djangoq(bench: Bench, database: str, servers: list[int], word: str) -> Measured:
    env = {"BENCH_DATABASE": database, "DJANGO_SETTINGS_MODULE": "tests.bench.peers.djangoq_settings"}
    intake = bench.fill("tests.bench.peers.djangoq_tasks", bench.slow_order, env)
    return bench.drain().run(
        f"django-q2 task per item, {word}",
        [PYTHON, "-m", "django", "qcluster"],
        count=bench.slow_order.count,
        env=env,
        servers=servers,
        intake_seconds=intake,
        note="2 workers, ORM broker, requests; no order, no retry",
    )


def breakwater_sqlite(bench: Bench) -> Measured:
    """Measure Breakwater on SQLite."""
    with portal(bench) as home:
        return _breakwater(bench, ours(home), [], "SQLite")


def breakwater_postgres(bench: Bench) -> Measured:
    """Measure Breakwater on PostgreSQL."""
    with portal(bench) as home, running_postgres(fsync=True) as server:
        return _breakwater(bench, ours(home, server.url()), [server.pid], "PostgreSQL")


@contextmanager
def portal(bench: Bench) -> Iterator[Path]:
    """Give an empty BREAKWATER_HOME."""
    with tempfile.TemporaryDirectory(dir=bench.directory, prefix="home-") as home:
        yield Path(home)


def ours(home: Path, database: str = "") -> dict[str, str]:
    """Return the environment of a portal that may send to loopback."""
    env = {
        "DJANGO_SETTINGS_MODULE": "portal.settings",
        "BREAKWATER_HOME": str(home),
        "BREAKWATER_ALLOWED_NETWORKS": "127.0.0.0/8",
        "BREAKWATER_LOG_LEVEL": "WARNING",
        "BREAKWATER_COALESCE": "0",  # the peers send each change too
    }
    return env | ({"DATABASE_URL": database} if database else {})


def whole(env: Mapping[str, str]) -> dict[str, str]:
    """Return an environment for a process that inherits nothing else."""
    return {**inherited(), **env}


def _breakwater(bench: Bench, env: dict[str, str], servers: list[int], word: str) -> Measured:
    intake = bench.fill("tests.bench.ours", bench.order, env)
    return bench.drain().run(
        f"Breakwater, {word}",
        [PYTHON, str(ROOT / "manage.py"), "worker"],
        count=bench.order.count,
        env=env,
        servers=servers,
        intake_seconds=intake,
        note="in flight 50; durable, ordered per entity, attempts, events, counters, policy, masking",
    )


RUNNERS: dict[str, Callable[[Bench], Measured]] = {
    "bare": lambda bench: bare(bench, uvloop=False),
    "bare-uvloop": lambda bench: bare(bench, uvloop=True),
    "breakwater-sqlite": breakwater_sqlite,
    "breakwater-postgres": breakwater_postgres,
    "celery": celery,
    "procrastinate": lambda bench: procrastinate(bench, locked=False),
    "procrastinate-lock": lambda bench: procrastinate(bench, locked=True),
    "django-q2-sqlite": djangoq_sqlite,
    "django-q2-postgres": djangoq_postgres,
}

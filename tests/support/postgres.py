"""A throw-away PostgreSQL server on loopback, for tests and the bench.

Use it as `with running_postgres() as server: server.create_database("x")`; on a shell, `python -m
tests.support.postgres` prints a DATABASE_URL and serves until it is interrupted.
"""

import atexit
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg
from psycopg import sql

from tests.support.ports import free_port

PROGRAMS = Path(os.environ.get("BREAKWATER_TEST_POSTGRES_BIN", "/usr/lib/postgresql/15/bin"))
START_SECONDS = 20


class PostgresUnavailable(RuntimeError):
    """PostgreSQL 15 could not be started; install Debian's postgresql-15 or set BREAKWATER_TEST_POSTGRES_BIN."""


@dataclass(frozen=True, slots=True)
class Postgres:
    """A running server: its port, the id of its main process, and addresses of its databases."""

    port: int
    pid: int

    def url(self, database: str = "postgres") -> str:
        """Return the DATABASE_URL of one database."""
        return f"postgresql://postgres@127.0.0.1:{self.port}/{database}"

    def create_database(self, name: str) -> str:
        """Make an empty database and return its DATABASE_URL."""
        with psycopg.connect(self.url(), autocommit=True) as connection:
            connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        return self.url(name)

    def drop_database(self, name: str) -> None:
        """Remove a database, whoever is still connected to it."""
        with psycopg.connect(self.url(), autocommit=True) as connection:
            connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))


@contextmanager
def running_postgres(*, fsync: bool = False, max_connections: int = 200) -> Iterator[Postgres]:
    """Serve an empty cluster for the length of the block; `fsync` makes commits durable, as the bench needs."""
    if not (PROGRAMS / "postgres").exists():
        raise PostgresUnavailable(PostgresUnavailable.__doc__)
    home = Path(tempfile.mkdtemp(prefix="breakwater-pg-"))
    try:
        _initialise(home)
        process, port = _start(home, fsync=fsync, max_connections=max_connections)
        try:
            yield Postgres(port=port, pid=process.pid)
        finally:
            _stop(process)
    finally:
        shutil.rmtree(home, ignore_errors=True)


def session_database_url() -> str:
    """Serve until this process ends and return the DATABASE_URL of an empty database; for tests/conftest.py."""
    kept = ExitStack()
    server = kept.enter_context(running_postgres())
    atexit.register(kept.close)
    return server.create_database("breakwater")


def _as_postgres() -> list[str]:
    """Return the words before a command: PostgreSQL refuses to run as root, and must die with us."""
    words = ["setpriv", "--pdeathsig", "SIGQUIT"]
    if os.getuid() == 0:
        words += ["--reuid=postgres", "--regid=postgres", "--clear-groups"]
    return words


def _initialise(home: Path) -> None:
    if os.getuid() == 0:
        shutil.chown(home, "postgres", "postgres")
    command = [
        str(PROGRAMS / "initdb"),
        "--no-sync",
        "--auth=trust",
        "--username=postgres",
        "--encoding=UTF8",
    ]
    done = subprocess.run(
        [*_as_postgres(), *command, "--locale=C.UTF-8", "-D", str(home / "data")],
        cwd=home,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise PostgresUnavailable(done.stderr)


def _start(home: Path, *, fsync: bool, max_connections: int) -> tuple[subprocess.Popen[bytes], int]:
    """Start the server on a free port; another program may take the port first, so a few are tried."""
    log = home / "server.log"
    for _ in range(5):
        port = free_port()
        settings = {
            "listen_addresses": "127.0.0.1",
            "port": port,
            "unix_socket_directories": "",
            "fsync": "on" if fsync else "off",
            "synchronous_commit": "on" if fsync else "off",
            "full_page_writes": "on" if fsync else "off",
            "max_connections": max_connections,
            "shared_buffers": "256MB",
            "max_wal_size": "4GB",
            "log_min_messages": "warning",
        }
        options = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
        with log.open("ab") as output:
            process = subprocess.Popen(
                [
                    *_as_postgres(),
                    str(PROGRAMS / "postgres"),
                    "-D",
                    str(home / "data"),
                    *options,
                ],
                cwd=home,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
            )
        if _answers(process, port):
            return process, port
        _stop(process)
    raise PostgresUnavailable(log.read_text(errors="replace")[-2000:])


def _answers(process: subprocess.Popen[bytes], port: int) -> bool:
    """Wait until the server takes connections; False when it ended instead."""
    deadline = time.monotonic() + START_SECONDS
    while process.poll() is None and time.monotonic() < deadline:
        try:
            with psycopg.connect(f"postgresql://postgres@127.0.0.1:{port}/postgres", connect_timeout=2):
                return process.poll() is None
        except psycopg.OperationalError:
            time.sleep(0.02)
    return False


def _stop(process: subprocess.Popen[bytes]) -> None:
    """End the server at once, without a checkpoint: its data are thrown away."""
    if process.poll() is None:
        process.send_signal(signal.SIGQUIT)
    try:
        process.wait(10)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def main() -> None:
    """Serve until interrupted, for a person who wants a database to try something on."""
    with running_postgres(fsync="--fsync" in sys.argv) as server:
        print(server.url(), flush=True)
        signal.sigwait({signal.SIGINT, signal.SIGTERM})


if __name__ == "__main__":
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM})
    main()

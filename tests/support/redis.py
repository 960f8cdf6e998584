"""A throw-away Redis server on loopback, for the bench."""

import socket
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.support import processes
from tests.support.ports import free_port


@dataclass(frozen=True, slots=True)
class Redis:
    """A running server."""

    port: int
    pid: int

    @property
    def url(self) -> str:
        """Return the address of its first database."""
        return f"redis://127.0.0.1:{self.port}/0"


@contextmanager
def running_redis(*, appendfsync: str = "everysec") -> Iterator[Redis]:
    """Serve an empty Redis with an append-only file for the length of the block."""
    with tempfile.TemporaryDirectory(prefix="breakwater-redis-") as home:
        port = free_port()
        options = ["--port", str(port), "--bind", "127.0.0.1", "--dir", home, "--save", ""]
        options += ["--appendonly", "yes", "--appendfsync", appendfsync]
        process = processes.start(["redis-server", *options], log=Path(home, "server.log"))
        try:
            _wait_for(port)
            yield Redis(port=port, pid=process.pid)
        finally:
            processes.stop(process)


def _wait_for(port: int, *, seconds: float = 10) -> None:
    deadline = time.monotonic() + seconds
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.02)

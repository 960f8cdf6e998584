"""A real web process and another process that writes, on a database of their own."""

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

import aiohttp
import psycopg
import pytest

from tests.support.processes import DidNotStart, first_line, start, stop

ROOT = Path(__file__).parents[2]
HEARTBEAT = 1.0
_names, _turns = count(1), count(1)


@dataclass(frozen=True, slots=True)
class Person:
    """Who opens streams."""

    user: int
    organization: int
    session: str
    token: str

    @property
    def cookie(self) -> dict[str, str]:
        """The header of a browser that is signed in."""
        return {"Cookie": f'theme="a,b; breakwater_session={self.session}'}

    @property
    def bearer(self) -> dict[str, str]:
        """The header of a program."""
        return {"Authorization": f"Bearer {self.token}"}


class Writer:
    """The other process, as one test sees it: its organizations are its own, so that nothing of another test is told late in it."""

    def __init__(self, process: subprocess.Popen[str], turn: int = 0) -> None:
        self._process = process
        self._turn = turn

    def __call__(self, do: str, **asked: Any) -> Any:
        """Lets it do something and gives its answer."""
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write(json.dumps({"do": do, **asked}) + "\n")
        self._process.stdin.flush()
        return json.loads(self._process.stdout.readline())

    def person(self, organization: str = "Tidewater", role: str = "viewer") -> Person:
        """A new member of an organization of this test."""
        name, home = f"person-{next(_names)}", f"{organization}-{self._turn}"
        return Person(**self("person", name=name, organization=home, role=role))


@dataclass(frozen=True, slots=True)
class Server:
    """The web process."""

    port: int
    pid: int

    @property
    def address(self) -> str:
        """Where it answers."""
        return f"http://127.0.0.1:{self.port}"


@dataclass(frozen=True, slots=True)
class Told:
    """One server-sent event."""

    name: str
    id: str
    data: dict[str, Any]


class Stream:
    """An open stream of server-sent events."""

    def __init__(self, answer: aiohttp.ClientResponse) -> None:
        self.answer = answer
        self.comments: list[str] = []

    async def next(self, *, beats: bool = False) -> Told | None:
        """The next event (heartbeats only when asked for); None when the server has ended the stream."""
        fields: dict[str, str] = {}
        while line := (await self.answer.content.readline()).decode():
            name, _, value = line.rstrip("\n").partition(": ")
            if not name and value:
                self.comments.append(value)
            elif name:
                fields[name] = value
            elif "event" in fields:
                if beats or fields["event"] != "beat":
                    return Told(fields["event"], fields.get("id", ""), json.loads(fields["data"]))
                fields = {}
        return None


@asynccontextmanager
async def listening(
    server: Server, headers: dict[str, str], *, path: str = "/api/v1/queue/stream"
) -> AsyncIterator[Stream]:
    """Opens a stream, which must be granted."""
    timeout = aiohttp.ClientTimeout(total=20)
    async with (
        aiohttp.ClientSession(timeout=timeout) as client,
        client.get(server.address + path, headers=headers) as got,
    ):
        assert got.status == 200, await got.text()
        yield Stream(got)


@asynccontextmanager
async def connected(
    server: Server, headers: dict[str, str], *, path: str = "/ws/queue"
) -> AsyncIterator[aiohttp.ClientWebSocketResponse]:
    """Opens a WebSocket."""
    async with aiohttp.ClientSession() as client, client.ws_connect(server.address + path, headers=headers) as socket:
        yield socket


@pytest.fixture(scope="session")
def database(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The environment of processes that share an empty database."""
    home = tmp_path_factory.mktemp("live")
    environment = {
        "BREAKWATER_HOME": str(home),
        "BREAKWATER_LIVE_HEARTBEAT": str(HEARTBEAT),
        "DJANGO_SETTINGS_MODULE": "portal.settings",
    }
    if "DATABASE_URL" in os.environ:
        base = os.environ["DATABASE_URL"]
        with psycopg.connect(base, autocommit=True) as connection:
            connection.execute("CREATE DATABASE live")
        environment["DATABASE_URL"] = base.rpartition("/")[0] + "/live"
    return environment


@pytest.fixture(scope="session")
def other(database: dict[str, str]) -> Iterator[subprocess.Popen[str]]:
    """Another process than the one that serves; it sees to the migrations."""
    process = subprocess.Popen(
        ["setpriv", "--pdeathsig", "SIGKILL", sys.executable, "-m", "tests.live.writer"],
        env={**os.environ, **database},
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    first_line(process, seconds=90)
    yield process
    assert process.stdin
    process.stdin.close()
    stop(process)


@pytest.fixture
def write(other: subprocess.Popen[str]) -> Writer:
    """What the other process is asked with."""
    return Writer(other, next(_turns))


def serve(database: dict[str, str], log: Path, heartbeat: float = HEARTBEAT) -> tuple[subprocess.Popen[str], Server]:
    """Starts a web process on a port of its own choice."""
    command = [sys.executable, "-m", "uvicorn", "portal.asgi:application", "--port", "0", "--no-access-log"]
    environment = {**database, "BREAKWATER_LIVE_HEARTBEAT": str(heartbeat)}
    process = start(command, env=environment, cwd=ROOT, log=log)
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and process.poll() is None:
        if found := re.search(r"running on http://127\.0\.0\.1:(\d+)", log.read_text()):
            return process, Server(int(found[1]), process.pid)
        time.sleep(0.05)
    stop(process)
    raise DidNotStart(log.read_text())


@pytest.fixture(scope="session")
def server(database: dict[str, str], other: object, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A web process; its own log shows no trace of a failure at the end."""
    log = tmp_path_factory.mktemp("log") / "web.log"
    process, running = serve(database, log)
    yield running
    stop(process)
    assert "Traceback" not in log.read_text(), log.read_text()

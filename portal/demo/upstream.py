"""The demo's upstream: a real Kinto, and in front of it a door that an outage closes.

While the door is closed nobody listens on its port, so that a client is refused as by a machine that is down; Kinto goes on
behind it and keeps its data.
"""

import asyncio
import base64
import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from portal.demo import state
from portal.demo.cast import ORGANIZATIONS, PLAN_SCHEMA
from portal.kit import processes

USER = "breakwater"
LOOK = 0.25
STARTS_WITHIN = 40.0


class KintoDidNotStart(Exception):
    """Kinto ended before it listened. Its own words stand above."""


class Kinto:
    """The process behind the door."""

    def __init__(self) -> None:
        environment = {**os.environ, "BREAKWATER_DEMO_STORE": str(state.folder() / "upstream.sqlite3")}
        self.process = subprocess.Popen(
            [sys.executable, "-W", "ignore", "-m", "portal.demo.kinto_server"],
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            preexec_fn=processes.child_of(os.getpid()),  # noqa: PLW1509  # no threads yet
        )
        line = self.process.stdout.readline() if self.process.stdout else b""
        if not line.strip().isdigit():
            raise KintoDidNotStart
        self.port = int(line)

    def call(self, method: str, path: str, data: Any = None, **headers: str) -> tuple[int, Any]:
        """Asks Kinto past the door; gives status and body."""
        return call(f"http://127.0.0.1:{self.port}/v1", method, path, data, **headers)


def call(server: str, method: str, path: str, data: Any = None, **headers: str) -> tuple[int, Any]:
    """Asks a Kinto as the portal's own user; gives status and body. Raises OSError when nobody answers."""
    words = base64.b64encode(f"{USER}:{state.read()['upstream_password']}".encode()).decode()
    request = urllib.request.Request(  # noqa: S310  # a loopback address of our own
        server + path,
        method=method,
        data=None if data is None else json.dumps(data).encode(),
        headers={"Authorization": f"Basic {words}", "Content-Type": "application/json", **headers},
    )
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.loads(error.read() or b"null")


def seed(kinto: Kinto) -> None:
    """Gives our user the buckets (each start anew: only documents outlive one), and fills those that are new."""
    for organization in ORGANIZATIONS:
        bucket = f"/buckets/{organization.slug}"
        kinto.call("PUT", bucket)
        plans = f"{bucket}/collections/plans"
        if kinto.call("GET", plans)[0] == 200:
            continue
        kinto.call("PUT", f"{bucket}/collections/comments")
        kinto.call("PUT", plans, {"data": {"schema": PLAN_SCHEMA}})
        for key, plan in organization.plans.items():
            status, body = kinto.call("PUT", f"{plans}/records/{key}", {"data": plan})
            if status >= 300:
                raise ValueError(f"The plan {key} does not fit: {body}")


class Door:
    """A TCP front that passes bytes on while it is open, and refuses and resets while it is closed."""

    def __init__(self, port: int, backend: int) -> None:
        self.port = port
        self.backend = backend
        self.server: asyncio.Server | None = None
        self.held: socket.socket | None = None
        self.links: set[asyncio.StreamWriter] = set()

    async def open(self) -> None:
        """Listens."""
        if self.held is not None:
            self.held.close()
        self.held = None
        self.server = await asyncio.start_server(self.serve, "127.0.0.1", self.port)

    async def close(self) -> None:
        """Stops listening, and drops whoever is connected. The port stays ours, so that nothing else answers there meanwhile."""
        if self.server is not None:
            self.server.close()
            for writer in list(self.links):
                writer.transport.abort()
            with suppress(TimeoutError):
                await asyncio.wait_for(self.server.wait_closed(), 2)
            self.held = held(self.port)
        self.server = None

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Joins one client with Kinto."""
        try:
            back_reader, back_writer = await asyncio.open_connection("127.0.0.1", self.backend)
        except OSError:
            writer.transport.abort()
            return
        self.links |= {writer, back_writer}
        try:
            await asyncio.gather(pass_on(reader, back_writer), pass_on(back_reader, writer))
        finally:
            self.links -= {writer, back_writer}


def held(port: int) -> socket.socket:
    """A socket that is bound and does not listen: connections are refused, and nobody else can bind."""
    made = socket.socket()
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # beside what is left of old connections
    made.bind(("127.0.0.1", port))
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 0)  # nobody beside us
    return made


async def pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Copies bytes until one side ends."""
    with suppress(ConnectionError):
        while data := await reader.read(65_536):
            writer.write(data)
            await writer.drain()
    writer.close()


def run(say: Callable[[str], None], ready: Callable[[], None]) -> None:
    """Runs Kinto and its door until SIGTERM, and closes the door for the length of each outage. Ends when Kinto ends.

    `ready` is called when Kinto answers, before the door opens for the first time.
    """
    kinto = start()  # in the main thread: Kinto dies with the thread that started it
    ready()
    asyncio.run(serve(kinto, say))


async def serve(kinto: Kinto, say: Callable[[str], None]) -> None:
    """The door's life."""
    door = Door(state.read()["port"], kinto.port)
    ended = asyncio.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(name, ended.set)
    try:
        while not ended.is_set() and kinto.process.poll() is None:
            left = state.outage_left()
            if left and door.server is not None:
                await door.close()
                say(f"The demo's upstream is unreachable for {left:.0f} s.")
            elif not left and door.server is None:
                await door.open()
                say(f"The demo's upstream answers on http://127.0.0.1:{door.port}/v1.")
            with suppress(TimeoutError):
                await asyncio.wait_for(ended.wait(), LOOK)
    finally:
        await door.close()
        kinto.process.terminate()
        kinto.process.wait()


def start() -> Kinto:
    """A Kinto that answers and holds the plans."""
    kinto = Kinto()
    deadline = time.monotonic() + STARTS_WITHIN
    while True:
        try:
            if kinto.call("GET", "/")[0] == 200:
                break
        except OSError:
            time.sleep(0.05)
        if time.monotonic() > deadline:
            raise KintoDidNotStart
    seed(kinto)
    return kinto

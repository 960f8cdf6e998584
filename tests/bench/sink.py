"""The upstream of the bench: a bare asyncio protocol that answers every write 200 and judges what arrives.

The last segment of the path is the entity, `"n":…` in the body is the number of the change. Arrivals of a number that
was seen before are duplicates; a number below the highest of its entity is out of order.
`/__sink__/…` is for the bench.
"""

import asyncio
import json
import os
import signal
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, cast

import uvloop

from tests.support import processes

CONTROL = b"/__sink__/"


class Ledger:
    """What has arrived since the last reset."""

    def __init__(self) -> None:
        self.forget()

    def forget(self) -> None:
        """Start anew."""
        self.requests = self.distinct = self.duplicates = self.disorders = self.unread = 0
        self.first = self.last = 0.0
        self.highest: dict[bytes, int] = {}
        self.seen: dict[tuple[bytes, int], float] = {}

    def note(self, entity: bytes, n: int) -> None:
        """Count the arrival of the nth change of an entity."""
        now = time.monotonic()
        self.requests += 1
        if n < 0:
            self.unread += 1
            return
        if (entity, n) in self.seen:
            self.duplicates += 1
            return
        highest = self.highest.get(entity, 0)
        if n < highest:
            self.disorders += 1
        else:
            self.highest[entity] = n
        self.seen[entity, n] = now
        self.distinct += 1
        self.first = self.first or now
        self.last = now

    def told(self) -> dict[str, Any]:
        """Return the counts, and the seconds on the machine's monotonic clock of the first and the last change."""
        names = (
            "requests",
            "distinct",
            "duplicates",
            "disorders",
            "unread",
            "first",
            "last",
        )
        return {name: getattr(self, name) for name in names} | {"gaps": self.gaps()}

    def gaps(self) -> int:
        """Return how many changes below the highest of their entity never came."""
        return sum(self.highest.values()) - self.distinct

    def arrivals(self) -> dict[str, float]:
        """Return when each change first came, by "entity/n", on the monotonic clock."""
        return {f"{entity.decode()}/{n}": at for (entity, n), at in self.seen.items()}


class Sink(asyncio.Protocol):
    """One connection; requests may come pipelined and in pieces."""

    def __init__(self, ledger: Ledger) -> None:
        self.ledger = ledger
        self.buffer = b""
        self.transport: asyncio.WriteTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Remember where answers go."""
        self.transport = cast(asyncio.WriteTransport, transport)

    def data_received(self, data: bytes) -> None:
        """Answer every request that is complete."""
        self.buffer = self.buffer + data if self.buffer else data
        while (end := self.buffer.find(b"\r\n\r\n")) >= 0:
            head = self.buffer[:end]
            size = content_length(head)
            whole = end + 4 + size
            if len(self.buffer) < whole:
                return
            body, self.buffer = self.buffer[end + 4 : whole], self.buffer[whole:]
            assert self.transport is not None
            self.transport.write(self.answer(head, body))

    def answer(self, head: bytes, body: bytes) -> bytes:
        """Return the bytes of the answer to one request."""
        method, target, _ = head[: head.find(b"\r\n")].split(b" ", 2)
        if target.startswith(CONTROL):
            return self.control(target.removeprefix(CONTROL))
        if method != b"GET":
            self.ledger.note(target[target.rfind(b"/") + 1 :], change_number(body))
        return respond(b'{"ok":true}', b'ETag: "%d"\r\n' % self.ledger.requests)

    def control(self, what: bytes) -> bytes:
        """Answer the bench."""
        if what == b"reset":
            self.ledger.forget()
        told = self.ledger.arrivals() if what == b"arrivals" else self.ledger.told()
        return respond(json.dumps(told).encode(), b"")


def content_length(head: bytes) -> int:
    """Return the length of the body that a head announces; clients of the bench never send chunks."""
    lower = head.lower()
    at = lower.find(b"\r\ncontent-length:")
    if at < 0:
        return 0
    end = lower.find(b"\r\n", at + 2)
    return int(lower[at + 17 : end if end > 0 else None])


def change_number(body: bytes) -> int:
    """Return the number behind the key "n", or -1 when the body holds none."""
    at = body.find(b'"n":')
    if at < 0:
        return -1
    at += 4
    ends = [end for end in (body.find(b",", at), body.find(b"}", at)) if end > 0]
    return int(body[at : min(ends)]) if ends else -1


def respond(body: bytes, headers: bytes) -> bytes:
    """Return a whole 200 answer."""
    return b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n%sContent-Length: %d\r\n\r\n%s" % (
        headers,
        len(body),
        body,
    )


@dataclass(frozen=True, slots=True)
class Counts:
    """What the sink has seen; `first` and `last` are on this machine's monotonic clock."""

    requests: int
    distinct: int
    duplicates: int
    disorders: int
    unread: int
    gaps: int
    first: float
    last: float


@dataclass(frozen=True, slots=True)
class RunningSink:
    """The sink in its own process."""

    port: int
    pid: int

    @property
    def address(self) -> str:
        """Return where changes go: `address/<entity>`."""
        return f"http://127.0.0.1:{self.port}/plans"

    def counts(self) -> Counts:
        """Return what has come since the last reset."""
        return Counts(**self._ask("stats"))

    def reset(self) -> None:
        """Forget everything."""
        self._ask("reset")

    def arrivals(self) -> dict[str, float]:
        """Return when each change first came, by "entity/n"."""
        return self._ask("arrivals")

    def _ask(self, what: str) -> dict[str, Any]:
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/__sink__/{what}", timeout=30) as answer:
            told: dict[str, Any] = json.load(answer)
        return told


@contextmanager
def running_sink() -> Iterator[RunningSink]:
    """Run a sink for the length of the block."""
    with processes.running([sys.executable, "-m", "tests.bench.sink"]) as (
        process,
        port,
    ):
        yield RunningSink(port=int(port), pid=process.pid)


async def main() -> None:
    """Serve until asked to end."""
    ledger = Ledger()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Sink(ledger), "127.0.0.1", 0, backlog=1024)
    print(server.sockets[0].getsockname()[1], flush=True)
    ended = asyncio.Event()
    for name in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(name, ended.set)
    await ended.wait()
    os._exit(0)


if __name__ == "__main__":
    uvloop.run(main())

"""A fault proxy on loopback: HTTP/1.1 in front of a real upstream, and a share of the requests goes wrong.

Each request meets one fate, drawn from a seeded generator:

- `resets`: the connection is reset before the upstream sees the request;
- `lost`: the upstream answers, and the connection is reset instead of passing the answer on;
- `unavailable`: answered 503 here;
- `throttled`: answered 429 with `Retry-After: 1` here;
- otherwise it is passed on, with connections kept alive on both sides.

`/__proxy__/stats` tells the counts, `/__proxy__/set?outage=1&lost=0.2` changes what happens from now on (an outage
resets every request). Run it as `python -m tests.support.proxy --upstream 8888`; it prints its port. In a test:
`with running_proxy(upstream, faults) as proxy: …; proxy.stats()`.
"""

import argparse
import asyncio
import json
import random
import signal
import socket
import struct
import sys
import urllib.request
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, fields
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from tests.support import processes

CONTROL = "/__proxy__/"
HEAD_LIMIT = 1 << 20
UNAVAILABLE = b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 12\r\n\r\nunavailable\n"
THROTTLED = b"HTTP/1.1 429 Too Many Requests\r\nRetry-After: 1\r\nContent-Length: 9\r\n\r\ntoo many\n"


@dataclass(slots=True)
class Faults:
    """Which share of the requests meets which fate; `outage` above 0 resets all of them."""

    resets: float = 0.0
    lost: float = 0.0
    unavailable: float = 0.0
    throttled: float = 0.0
    outage: float = 0.0

    def draw(self, rng: random.Random) -> str:
        """Return the fate of one request by the name of its share, or "passed"."""
        if self.outage:
            return "outage"
        point = rng.random()
        for fate in ("resets", "lost", "unavailable", "throttled"):
            point -= getattr(self, fate)
            if point < 0:
                return fate
        return "passed"


@dataclass(frozen=True, slots=True)
class Message:
    """One request or answer as it came: its first line, its lower-cased headers, and all of its bytes."""

    start: str
    headers: dict[str, str]
    raw: bytes

    @property
    def keeps_alive(self) -> bool:
        """Whether the sender of this message leaves the connection open."""
        connection = self.headers.get("connection", "").lower()
        return "close" not in connection and ("HTTP/1.0" not in self.start or "keep-alive" in connection)


async def read_message(reader: asyncio.StreamReader, *, answers: str | None = None) -> Message | None:
    """Read one message, or None at the end of the stream; `answers` is the method when an answer is read."""
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError as error:
        if error.partial:
            raise ConnectionResetError("ended in the middle of a head") from error
        return None
    start, *lines = head.decode("latin-1").rstrip("\r\n").split("\r\n")
    headers = {name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    body = await _read_body(reader, start, headers, answers)
    return Message(start, headers, head + body)


async def _read_body(
    reader: asyncio.StreamReader,
    start: str,
    headers: dict[str, str],
    answers: str | None,
) -> bytes:
    """Read the bytes after a head, framed as RFC 9112 section 6.3 says."""
    if answers is not None and (answers == "HEAD" or start.split()[1] in {"204", "304"}):
        return b""
    if "chunked" in headers.get("transfer-encoding", "").lower():
        return await _read_chunks(reader)
    if "content-length" in headers:
        return await reader.readexactly(int(headers["content-length"]))
    return b"" if answers is None else await reader.read(-1)


async def _read_chunks(reader: asyncio.StreamReader) -> bytes:
    parts = []
    while True:
        line = await reader.readuntil(b"\r\n")
        size = int(line.split(b";")[0], 16)
        parts.append(line)
        if size == 0:
            while (trailer := await reader.readuntil(b"\r\n")) != b"\r\n":
                parts.append(trailer)
            return b"".join([*parts, b"\r\n"])
        parts.append(await reader.readexactly(size + 2))


class Proxy:
    """Serves clients, one upstream connection for each, and counts what it did to them."""

    def __init__(self, upstream: int, faults: Faults, seed: int) -> None:
        self.upstream = upstream
        self.faults = faults
        self.rng = random.Random(seed)
        self.counts: Counter[str] = Counter()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one client until it goes or meets a reset."""
        self.counts["connections"] += 1
        link = Link(self.upstream)
        try:
            while (request := await read_message(reader)) is not None:
                answer = await self.answer(request, link)
                if answer is None:
                    reset(writer)
                    return
                writer.write(answer)
                await writer.drain()
                if not request.keeps_alive:
                    return
        except (ConnectionError, asyncio.IncompleteReadError):
            self.counts["clients_gone"] += 1
        finally:
            link.close()
            writer.close()

    async def answer(self, request: Message, link: "Link") -> bytes | None:
        """Return the bytes of the answer, or None when the client is to see a reset."""
        method, target, _ = request.start.split(" ", 2)
        if target.startswith(CONTROL):
            return self.control(target)
        fate = self.faults.draw(self.rng)
        self.counts["requests"] += 1
        self.counts[fate] += 1
        match fate:
            case "resets" | "outage":
                return None
            case "unavailable":
                return UNAVAILABLE
            case "throttled":
                return THROTTLED
        try:
            answer = await link.ask(request, method)
        except (OSError, asyncio.IncompleteReadError):
            self.counts["upstream_failed"] += 1
            return None
        status = answer.start.split()[1]
        self.counts[f"upstream_{status}"] += 1
        self.counts["written"] += method != "GET" and status.startswith("2")
        return None if fate == "lost" else answer.raw

    def control(self, target: str) -> bytes:
        """Change what is asked for, and answer with the shares and the counts."""
        parts = urlsplit(target)
        if parts.path == CONTROL + "set":
            for name, value in parse_qsl(parts.query):
                if name in {field.name for field in fields(Faults)}:
                    setattr(self.faults, name, float(value))
        body = json.dumps({"faults": asdict(self.faults), "counts": self.counts}).encode()
        return b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body)


class Link:
    """The upstream side of one client: opened when it is needed, kept as long as both sides like."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.reader: asyncio.StreamReader | None = None
        self.writer: asyncio.StreamWriter | None = None

    async def ask(self, request: Message, method: str) -> Message:
        """Pass a request on and return the whole answer."""
        if self.reader is None or self.writer is None or self.reader.at_eof():
            self.close()
            self.reader, self.writer = await asyncio.open_connection("127.0.0.1", self.port, limit=HEAD_LIMIT)
        self.writer.write(request.raw)
        answer = await read_message(self.reader, answers=method)
        while answer is not None and answer.start.split()[1] == "100":
            answer = await read_message(self.reader, answers=method)
        if answer is None:
            self.close()
            raise ConnectionResetError("the upstream closed without an answer")
        if not answer.keeps_alive:
            self.close()
        return answer

    def close(self) -> None:
        """Let go of the upstream connection."""
        if self.writer is not None:
            self.writer.close()
        self.reader = self.writer = None


def reset(writer: asyncio.StreamWriter) -> None:
    """Close so that the other side sees a reset and not an orderly end."""
    sock = writer.get_extra_info("socket")
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


@dataclass(frozen=True, slots=True)
class RunningProxy:
    """A proxy in its own process."""

    port: int
    pid: int

    def stats(self) -> dict[str, int]:
        """Return the counts so far."""
        return self._ask("stats")

    def set(self, **shares: float) -> dict[str, int]:
        """Change shares from now on, as `set(outage=1)`, and return the counts so far."""
        return self._ask("set?" + "&".join(f"{name}={value}" for name, value in shares.items()))

    def _ask(self, what: str) -> dict[str, int]:
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{CONTROL}{what}", timeout=10) as answer:
            told: dict[str, Any] = json.load(answer)
        counts: dict[str, int] = told["counts"]
        return counts


@contextmanager
def running_proxy(upstream: int, faults: Faults, *, seed: int = 1) -> Iterator[RunningProxy]:
    """Run a proxy in front of a loopback port for the length of the block."""
    shares = [word for name, value in asdict(faults).items() for word in (f"--{name}", str(value))]
    command = [
        sys.executable,
        "-m",
        "tests.support.proxy",
        "--upstream",
        str(upstream),
        "--seed",
        str(seed),
        *shares,
    ]
    with processes.running(command) as (process, port):
        yield RunningProxy(port=int(port), pid=process.pid)


async def main() -> None:
    """Serve until asked to end."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--upstream", type=int, required=True, help="loopback port of the real upstream")
    parser.add_argument("--port", type=int, default=0, help="loopback port to listen on; 0 picks one")
    parser.add_argument("--seed", type=int, default=1)
    for field in fields(Faults):
        parser.add_argument(f"--{field.name}", type=float, default=0.0)
    options = parser.parse_args()
    faults = Faults(**{field.name: getattr(options, field.name) for field in fields(Faults)})
    proxy = Proxy(options.upstream, faults, options.seed)
    server = await asyncio.start_server(proxy.serve, "127.0.0.1", options.port, limit=HEAD_LIMIT)
    print(server.sockets[0].getsockname()[1], flush=True)
    ended = asyncio.Event()
    for name in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(name, ended.set)
    await ended.wait()


if __name__ == "__main__":
    asyncio.run(main())

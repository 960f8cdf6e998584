"""An HTTP server on loopback that misbehaves on purpose: each answer is a script of raw bytes."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

Script = Callable[["Heard", asyncio.StreamWriter], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Heard:
    """One request, as it came over the wire."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes


@dataclass(slots=True)
class Rascal:
    """The server: answers requests by its scripts in turn, the last one again and again, and keeps what it heard."""

    scripts: list[Script]
    heard: list[Heard] = field(default_factory=list)
    port: int = 0
    connections: int = 0

    @property
    def address(self) -> str:
        """Where it listens, without a path."""
        return f"http://127.0.0.1:{self.port}"

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection, until its script closes it or the client does."""
        self.connections += 1
        try:
            while not writer.is_closing():
                heard = await _hear(reader)
                self.heard.append(heard)
                script = self.scripts.pop(0) if len(self.scripts) > 1 else self.scripts[0]
                await script(heard, writer)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.transport.abort()


@asynccontextmanager
async def rascal(*scripts: Script) -> AsyncIterator[Rascal]:
    """A running server; it and its connections end with the block."""
    server = Rascal(list(scripts))
    tasks: set[asyncio.Task[None]] = set()

    def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.get_running_loop().create_task(server.serve(reader, writer))
        tasks.add(task)
        task.add_done_callback(tasks.discard)

    listening = await asyncio.start_server(connected, "127.0.0.1", 0)
    server.port = listening.sockets[0].getsockname()[1]
    try:
        yield server
    finally:
        listening.close()
        for task in list(tasks):
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def answer(status: int = 200, body: bytes | str = b"", **headers: str) -> Script:
    """A whole answer; header names are written with _ for -."""
    content = body.encode() if isinstance(body, str) else body
    lines = [f"HTTP/1.1 {status} Because", f"Content-Length: {len(content)}"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return raw("\r\n".join(lines).encode() + b"\r\n\r\n" + content)


def json_answer(status: int = 200, body: str = "{}", **headers: str) -> Script:
    """A whole answer with a JSON body."""
    return answer(status, body, Content_Type="application/json", **headers)


def raw(data: bytes) -> Script:
    """These bytes, and the connection stays open."""

    async def script(heard: Heard, writer: asyncio.StreamWriter) -> None:
        writer.write(data)
        await writer.drain()

    return script


def cut(data: bytes = b"") -> Script:
    """These bytes, then the connection is closed."""

    async def script(heard: Heard, writer: asyncio.StreamWriter) -> None:
        writer.write(data)
        await writer.drain()
        writer.close()

    return script


def reset(data: bytes = b"") -> Script:
    """These bytes, then the connection is reset (RST)."""

    async def script(heard: Heard, writer: asyncio.StreamWriter) -> None:
        writer.write(data)
        await writer.drain()
        writer.transport.abort()

    return script


def silence(data: bytes = b"") -> Script:
    """These bytes, and then nothing for as long as the client waits."""

    async def script(heard: Heard, writer: asyncio.StreamWriter) -> None:
        writer.write(data)
        await writer.drain()
        await asyncio.Event().wait()

    return script


def endless(head: bytes, chunk: bytes) -> Script:
    """A head, and then the same chunk for ever."""

    async def script(heard: Heard, writer: asyncio.StreamWriter) -> None:
        writer.write(head)
        while True:
            writer.write(chunk)
            await writer.drain()

    return script


async def _hear(reader: asyncio.StreamReader) -> Heard:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    method, path, _ = head[0].split(" ", 2)
    headers = {
        name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:] if line)
    }
    body = await reader.readexactly(int(headers.get("content-length", 0)))
    return Heard(method, path, headers, body)

"""Redis: PING, and how much of its memory is used.

address   host:port (6379 where none is named), redis://host:port or, encrypted, rediss://host:port
options   database, tls true, server_name, ca, warn_percent (more of maxmemory used counts as slow), fail_percent (is a failure)
secret    username, password
"""

import ssl
import time
from collections.abc import Mapping, Sequence
from typing import Any

from django.utils.translation import gettext as _
from redis.asyncio.connection import Connection
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import AuthenticationError, RedisError, ResponseError
from redis.exceptions import ConnectionError as RedisConnectionError

from portal.kit.errors import Fault
from resilience.health.targets import reach
from resilience.health.targets.base import MOST_BODY, Finding, Question, Tools, Value
from resilience.outbound.errors import OutboundError, Reset

PORT = 6379
KNOWN = frozenset(("database", "tls", "server_name", "ca", "warn_percent", "fail_percent"))


class Redis:
    """Connects, says PING, reads INFO memory, leaves."""

    def faults(self, address: str, options: Mapping[str, Any], secret: Mapping[str, Any]) -> Sequence[Fault]:
        """What is wrong with these."""
        wrong = reach.unknown_faults(options, KNOWN)
        wrong += reach.unknown_faults(secret, frozenset(("username", "password")), "/secret")
        wrong += reach.place_faults(_bare(address), PORT) + reach.trust_faults(options)
        for key in ("username", "password"):
            if not isinstance(secret.get(key, ""), str) or len(secret.get(key, "")) > 1_000:
                wrong.append(Fault(f"/secret/{key}", _("This is a text.")))
        if not _whole(options.get("database", 0), 0, 10_000):
            wrong.append(Fault("/options/database", _("This is the number of a database.")))
        if not isinstance(options.get("tls", False), bool):
            wrong.append(Fault("/options/tls", _("This is true or false.")))
        for key in ("warn_percent", "fail_percent"):
            if not _whole(options.get(key, 1), 1, 100):
                wrong.append(Fault(f"/options/{key}", _("This is a number from 1 to 100.")))
        return wrong

    def host(self, question: Question) -> str:
        """The host and port."""
        return _bare(question.address).lower()

    async def ask(self, question: Question, tools: Tools) -> Finding:
        """Asks once."""
        options = question.options
        encrypted = bool(options.get("tls")) or question.address.strip().startswith("rediss://")
        host, port = reach.place(_bare(question.address), PORT)
        started = time.perf_counter()
        tls: ssl.SSLContext | None = reach.context(options.get("ca", "")) if encrypted else None
        name = options.get("server_name", "")
        async with await reach.Stream.open(host, port, tools, tls=tls, name=name, most=MOST_BODY) as stream:
            connected = time.perf_counter()
            metadata: dict[str, Value] = {"connect_ms": round((connected - started) * 1_000, 2)}
            connection = _Given(stream, question)
            try:
                error = await _ask(connection, metadata)
            except RedisError as failure:
                error = _understood(failure)
            seconds = time.perf_counter() - started
        used = metadata.get("memory_percent")
        level = float(used) if isinstance(used, int | float) else 0.0
        if not error and level > options.get("fail_percent", 100):
            error = f"{level:.0f} % of its memory is used, which is more than {options['fail_percent']} %."
        return Finding(not error, seconds, error, metadata, slow=level > options.get("warn_percent", 100))


class _Given(Connection):
    """A connection over a stream that stands already, to a judged address and with a bound on what is read."""

    def __init__(self, stream: reach.Stream, question: Question) -> None:
        secret = question.secret
        super().__init__(
            db=question.options.get("database", 0),
            username=secret.get("username") or None,
            password=secret.get("password") or None,
            socket_timeout=None,
            socket_connect_timeout=None,
            retry=Retry(NoBackoff(), 0),
            driver_info=None,
            protocol=2,
            encoding_errors="replace",
            decode_responses=True,
        )
        self._stream = stream

    async def _connect(self) -> None:
        self._reader, self._writer = self._stream.reader, self._stream.writer


async def _ask(connection: _Given, metadata: dict[str, Value]) -> str:
    """Why it is not well; empty when it is."""
    try:
        await connection.connect()  # type: ignore[no-untyped-call]
        await connection.send_command("PING")
        said = await connection.read_response()
        if said != "PONG":
            return "It did not answer PONG."
        asked = time.perf_counter()
        await connection.send_command("INFO", "memory")
        try:
            metadata.update(memory(str(await connection.read_response())))
            metadata["query_ms"] = round((time.perf_counter() - asked) * 1_000, 2)
        except ResponseError:  # a user who may not ask: it answers all the same
            metadata["memory"] = "not allowed to ask"
        return ""
    finally:
        await connection.disconnect(nowait=True)


def memory(info: str) -> dict[str, Value]:
    """What INFO memory says of what is used and what there is at most (0 is no bound)."""
    fields = dict(line.partition(":")[::2] for line in info.splitlines() if ":" in line)
    used, most = (fields.get(key, "") for key in ("used_memory", "maxmemory"))
    found: dict[str, Value] = {}
    if used.isdecimal():
        found["memory_mb"] = round(int(used) / 1_048_576, 1)
        if most.isdecimal() and int(most) > 0:
            found["memory_most_mb"] = round(int(most) / 1_048_576, 1)
            found["memory_percent"] = round(int(used) / int(most) * 100, 1)
    return found


def _understood(failure: RedisError) -> str:
    """What a failure of the library says; raises what broke the connection beneath it."""
    cause: BaseException | None = failure
    while cause is not None:
        if isinstance(cause, OutboundError):
            raise cause
        cause = cause.__cause__ or cause.__context__
    said = (str(failure).splitlines() or [""])[0].rstrip(".")[:200]
    if isinstance(failure, RedisConnectionError) and not isinstance(failure, AuthenticationError):
        raise Reset(said.lower())
    return f"It answered with an error: {said}."


def _bare(address: str) -> str:
    return address.strip().removeprefix("redis://").removeprefix("rediss://").rstrip("/")


def _whole(value: Any, low: int, high: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and low <= value <= high

"""Probes of Redis, against a real one and against what only looks like one."""

from collections.abc import Iterator
from typing import Any

import pytest
from redis import Redis as Plain

from resilience.health.targets import registry
from resilience.health.targets.base import Question, Tools
from resilience.health.targets.redis import memory
from resilience.health.targets.run import run
from tests.support.redis import Redis, running_redis
from tests.support.tcp import for_ever, listener, never, saying

pytestmark = pytest.mark.plain


@pytest.fixture(scope="module")
def server() -> Iterator[Redis]:
    """A server of 64 MiB with a user who may say PING and nothing else."""
    with running_redis() as running:
        with Plain(port=running.port) as direct:
            direct.config_set("maxmemory", 64 * 1024 * 1024)
            direct.acl_setuser("pinger", enabled=True, passwords=["+p-4711"], commands=["+ping", "+auth", "+select"])
        yield running


def asks(port: int, secret: dict[str, str] | None = None, timeout: float = 5.0, **options: Any) -> Question:
    """A question to a port."""
    return Question("redis", f"redis://127.0.0.1:{port}", options, secret or {}, timeout)


async def test_it_answers(tools: Tools, server: Redis) -> None:
    """PING is answered, and how much of the memory is used is kept."""
    found = await run(asks(server.port, database=3), tools)
    assert found.ok, found
    assert found.metadata["memory_most_mb"] == 64
    assert set(found.metadata) == {"connect_ms", "query_ms", "memory_mb", "memory_most_mb", "memory_percent"}
    assert not found.slow


async def test_a_full_memory(tools: Tools, server: Redis) -> None:
    """Above the first bound it is slow, above the second it has failed."""
    slow = await run(asks(server.port, warn_percent=1), tools)
    full = await run(asks(server.port, fail_percent=1), tools)
    assert (slow.ok, slow.slow) == (True, True)
    assert "of its memory is used, which is more than 1 %" in full.error


async def test_users(tools: Tools, server: Redis) -> None:
    """A user who may not ask for the memory still says that it answers; a wrong password is a failure that does not show it."""
    least = await run(asks(server.port, {"username": "pinger", "password": "p-4711"}), tools)
    wrong = await run(asks(server.port, {"username": "pinger", "password": "p-0815"}), tools)
    assert least.ok, least
    assert least.metadata["memory"] == "not allowed to ask"
    assert "invalid username-password pair" in wrong.error
    assert "p-0815" not in str(wrong)
    assert not wrong.transport


async def test_what_only_looks_like_one(tools: Tools) -> None:
    """Silence ends in time; an endless answer after 64 KiB; one that promises a gigabyte gets no room for it."""
    async with listener(never) as port:
        silent = await run(asks(port, timeout=0.3), tools)
    async with listener(for_ever(b"$1000000000\r\n" + b"x" * 65_536)) as port:
        endless = await run(asks(port), tools)
    async with listener(saying(b"HTTP/1.1 400 Bad Request\r\n\r\n")) as port:
        other = await run(asks(port), tools)
    assert (silent.ok, silent.transport) == (False, True)
    assert not endless.ok
    assert endless.seconds < 2
    assert not other.ok
    assert not other.transport


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "192.168.0.1"])
async def test_private_addresses(shut: Tools, server: Redis, host: str) -> None:
    """The guard judges the address at which the connection is made."""
    found = await run(Question("redis", f"{host}:{server.port}"), shut)
    assert "not allowed" in found.error


def test_memory_without_a_bound() -> None:
    """Without a bound there is no percentage; nonsense is left out."""
    assert memory("used_memory:1048576\r\nmaxmemory:0\r\n") == {"memory_mb": 1.0}
    assert memory("used_memory:x\nno line") == {}


@pytest.mark.parametrize(
    ("address", "options", "secret", "pointer"),
    [
        ("unix:///tmp/redis.sock", {}, {}, "/address"),
        ("redis://a:b@x:1", {}, {}, "/address"),
        ("x", {"database": -1}, {}, "/options/database"),
        ("x", {"tls": 1}, {}, "/options/tls"),
        ("x", {"warn_percent": 0}, {}, "/options/warn_percent"),
        ("x", {}, {"password": 1}, "/secret/password"),
    ],
)
def test_faults(address: str, options: dict[str, Any], secret: dict[str, Any], pointer: str) -> None:
    """What cannot be asked is refused, and the place is named."""
    assert [fault.pointer for fault in registry.faults("redis", address, options, secret)] == [pointer]

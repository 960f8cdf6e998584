"""Probes of ports, and of addresses that change under one's hands."""

import asyncio
import threading
import time
from dataclasses import replace
from typing import Any

import pytest

from resilience.health.targets import registry
from resilience.health.targets.base import Question, Tools
from resilience.health.targets.reach import place
from resilience.health.targets.run import run
from resilience.health.targets.tcp import unescaped
from tests.support.dns import running_dns
from tests.support.tcp import answering, for_ever, listener, never, saying
from tests.support.tls import Authority, tls_server

pytestmark = pytest.mark.plain


def asks(port: int, timeout: float = 5.0, host: str = "127.0.0.1", **options: Any) -> Question:
    """A question to a port."""
    return Question("tcp", f"{host}:{port}", options, timeout=timeout)


async def test_a_connection(tools: Tools) -> None:
    """A port that takes connections is good; how long that took is kept."""
    async with listener(never) as port:
        found = await run(asks(port), tools)
    assert found.ok
    assert found.metadata["connect_ms"]
    assert found.seconds < 1


async def test_a_banner(tools: Tools) -> None:
    """What it says first is held against a text and a pattern, and kept without its control characters."""
    async with listener(saying(b"220 \x1b[1mmail\x1b[0m ready\r\n250 x\r\n")) as port:
        good = await run(asks(port, expect="220 ", expect_matches=r"ready\r\n"), tools)
    assert good.ok, good
    assert good.metadata["banner"] == "220 mail ready"


async def test_a_conversation(tools: Tools) -> None:
    """It is told something, and what it answers is held against what is expected."""
    async with listener(answering({b"PING\r\n": b"+PONG\r\n"})) as port:
        good = await run(asks(port, send="PING\\r\\n", expect="+PONG"), tools)
        bad = await run(asks(port, send="QUIT\\r\\n", expect="+PONG"), tools)
    assert good.ok
    assert bad.error == "It closed the connection after 0 bytes, without “+PONG”."


async def test_silence(tools: Tools) -> None:
    """One that never says what is expected is given up in time."""
    async with listener(saying(b"22")) as port:
        found = await run(asks(port, timeout=0.3, expect="220"), tools)
    assert not found.ok
    assert "in time" in found.error
    assert found.seconds < 1


async def test_a_talker(tools: Tools) -> None:
    """One that never stops talking is cut off after 4 KiB."""
    async with listener(for_ever(b"x" * 4_096)) as port:
        found = await run(asks(port, expect="y"), tools)
    assert not found.ok
    assert "more than 4,096 bytes" in found.error
    assert found.seconds < 2


async def test_nobody_there(tools: Tools) -> None:
    """No answer either time; a closed port shows that its machine is within reach, an unknown name may be our own fault."""
    async with listener(never) as port:
        pass
    refused = await run(asks(port), tools)
    unknown = await run(asks(port, host="no-such-host.invalid"), tools)
    assert (refused.ok, refused.unanswered, refused.transport) == (False, True, False)
    assert refused.error == "Connection refused."
    assert (unknown.ok, unknown.unanswered, unknown.transport) == (False, True, True)


async def test_encrypted(tools: Tools, authority: Authority) -> None:
    """With TLS the certificate is verified before a word is said."""
    async with tls_server(authority.server_context(), says=b"hello") as port:
        good = await run(asks(port, tls=True, ca=authority.pem, send="x", expect="hello"), tools)
        stranger = await run(asks(port, tls=True, send="x", expect="hello"), tools)
        other = await run(asks(port, tls=True, ca=authority.pem, server_name="other.example"), tools)
    assert good.ok, good
    assert "unable to get local issuer certificate" in stranger.error
    assert "mismatch" in other.error


@pytest.mark.parametrize("host", ["127.0.0.1", "[::ffff:127.0.0.1]", "localhost", "169.254.169.254", "[fd00:ec2::254]"])
async def test_private_addresses(shut: Tools, host: str) -> None:
    """The guard refuses them before a socket is made."""
    async with listener(never) as port:
        found = await run(asks(port, host=host), shut)
    assert not found.ok
    assert "not allowed" in found.error


@pytest.mark.parametrize("kind", ["tcp", "tls", "redis", "postgresql"])
async def test_a_name_that_rebinds(shut: Tools, kind: str) -> None:
    """A name that was public when it was saved and leads inside when it is asked is refused by the address that it leads to."""
    reached = asyncio.Event()

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        reached.set()

    turns = {"turn.example": ["turn.example. 0 IN A 93.184.216.34", "turn.example. 0 IN A 127.0.0.1"]}
    async with listener(talk) as port:
        with running_dns(turns=turns) as names:
            assert names.addresses("turn.example", port)[0][4][0] == "93.184.216.34"
            address = f"turn.example:{port}" + ("/shop" if kind == "postgresql" else "")
            options = {"user": "x"} if kind == "postgresql" else {}
            found = await run(Question(kind, address, options), replace(shut, resolve=names.addresses))
    assert not found.ok
    assert "turn.example is 127.0.0.1" in found.error
    assert not reached.is_set()


async def test_the_public_one_of_two(shut: Tools) -> None:
    """Of a name with a private and a public address the private one is never tried."""
    zone = "two.example. 0 IN A 127.0.0.1\ntwo.example. 0 IN A 203.0.114.1"
    async with listener(never) as port:
        with running_dns({"two.example": zone}) as names:
            found = await run(asks(port, host="two.example", timeout=0.3), replace(shut, resolve=names.addresses))
    assert not found.ok
    assert "private" not in found.error


async def test_a_resolver_that_hangs(tools: Tools) -> None:
    """A look-up that does not end costs its own runs only, each in time, and holds one thread for all of them."""
    release, calls = threading.Event(), []

    def hang(host: str, port: int) -> list[Any]:
        calls.append(host)
        release.wait(20)
        raise OSError

    asking = replace(tools, resolve=hang)
    started = time.perf_counter()
    found = await asyncio.gather(*(run(asks(1, host="slow.example", timeout=0.2), asking) for _ in range(8)))
    late = await run(asks(1, host="slow.example", timeout=0.2), asking)
    assert time.perf_counter() - started < 3
    assert not any(one.ok for one in (*found, late))
    assert all(one.transport for one in (*found, late))
    assert calls == ["slow.example"]
    release.set()
    await asyncio.get_running_loop().run_in_executor(None, tools.threads.shutdown)


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("db.example:5432", ("db.example", 5432)),
        (" [::1]:80 ", ("::1", 80)),
        ("[::1]", ("::1", 53)),
        ("::1", ("::1", 53)),
        ("db.example", ("db.example", 53)),
    ],
)
def test_places(text: str, read: tuple[str, int]) -> None:
    """Host and port are read, IPv6 in brackets too."""
    assert place(text, 53) == read


@pytest.mark.parametrize(
    "text",
    [
        "",
        ":80",
        "x",
        "x:0",
        "x:65536",
        "x:y",
        "a b:80",
        "http://x:80",
        "x:80/y",
        "[x]:80",
        "[fe80::1%eth0]:80",
        "a@b:1",
    ],
)
def test_no_places(text: str) -> None:
    """What is no host and port is refused."""
    assert [fault.pointer for fault in registry.faults("tcp", text, {}, {})] == ["/address"]


def test_escapes() -> None:
    """Line ends can be written in a form of one line; a backslash is itself when it is written twice."""
    assert unescaped(r"a\r\n\t\0\\n\x") == "a\r\n\t\0\\n\\x"


@pytest.mark.parametrize("options", [{"send": ""}, {"expect": 3}, {"expect_matches": "("}, {"tls": "yes"}, {"x": 1}])
def test_faults(options: dict[str, Any]) -> None:
    """What cannot be asked is refused, and the place is named."""
    (fault,) = registry.faults("tcp", "x:1", options, {})
    assert fault.pointer == f"/options/{next(iter(options))}"

"""Probes by HTTP, against servers that are well, slow, ill and hostile."""

import gzip
import json
import re
import tracemalloc
from typing import Any

import pytest

from resilience.health.targets import registry
from resilience.health.targets.base import MOST_BODY, MOST_ERROR, MOST_METADATA, Question, Tools
from resilience.health.targets.run import run
from tests.support.rascal import answer, cut, endless, json_answer, rascal, reset, silence
from tests.support.tls import Authority, tls_server

pytestmark = pytest.mark.plain
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n"


def asks(address: str, timeout: float = 5.0, secret: dict[str, Any] | None = None, **options: Any) -> Question:
    """A question by HTTP."""
    return Question("http", address, options, secret or {}, timeout)


async def test_a_good_answer(tools: Tools) -> None:
    """A good answer says its status, its size and its time, and nothing of its body."""
    async with rascal(json_answer(200, '{"status": "up", "password": "s3cret-thing"}')) as server:
        found = await run(asks(server.address, json=[{"pointer": "/status", "op": "equals", "value": "up"}]), tools)
    assert found.ok
    assert found.error == ""
    assert found.metadata == {"status": 200, "bytes": 44}
    assert 0 < found.seconds < 5
    assert not found.slow


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"status": "2xx"}, "It answered 418, not 2xx."),
        ({"status": ["200", "418"]}, ""),
        ({"status": "100-499", "body_contains": "tea"}, ""),
        ({"status": 418, "body_contains": ["tea", "coffee"]}, "The answer does not contain “coffee”."),
        ({"status": 418, "body_matches": "(?i)TEA.ot"}, ""),
        ({"status": 418, "body_matches": "^teapot$"}, "The answer does not match “^teapot$”."),
        ({"status": 418, "json": [{"pointer": "", "op": "exists"}]}, "The answer cannot be read as JSON"),
        ({}, "It answered 418, not 200-399."),
    ],
)
async def test_what_is_expected(tools: Tools, options: dict[str, Any], said: str) -> None:
    """Status, text, pattern and JSON each say what they miss."""
    assert registry.faults("http", "http://example.org", options, {}) == []
    async with rascal(answer(418, "a teapot")) as server:
        found = await run(asks(server.address, **options), tools)
    assert found.ok == (not said)
    assert found.error.startswith(said)
    assert not found.transport


async def test_what_is_sent(tools: Tools) -> None:
    """Method, body, headers and credentials arrive as they were set; nothing else is sent, and no encoding is asked for."""
    secret = {"headers": {"apikey": "k-12345"}, "credentials": {"type": "bearer", "token": "t-12345"}}
    async with rascal(answer(200)) as server:
        await run(asks(server.address, secret=secret, method="POST", body="{}", headers={"X-A": "b"}), tools)
    (heard,) = server.heard
    assert (heard.method, heard.body) == ("POST", b"{}")
    assert heard.headers["x-a"] == "b"
    assert heard.headers["apikey"] == "k-12345"
    assert heard.headers["authorization"] == "Bearer t-12345"
    assert heard.headers["content-type"] == "application/json"
    assert heard.headers["accept-encoding"] == "identity"


async def test_values_are_kept(tools: Tools) -> None:
    """Named values of the JSON and of the headers are kept; of arrays and objects only how many there are."""
    keep = {"models": "/data", "first": "/data/0", "left": "header:X-Left", "none": "/nowhere", "gone": "header:X-Gone"}
    async with rascal(json_answer(200, '{"data": [1, 2, 3]}', X_Left="7")) as server:
        found = await run(asks(server.address, keep=keep), tools)
    assert found.metadata == {"status": 200, "bytes": 19, "models": 3, "first": 1, "left": "7"}


async def test_never_answering(tools: Tools) -> None:
    """A server that takes the connection and says nothing is given up in time, which may be our own fault."""
    async with rascal(silence()) as server:
        found = await run(asks(server.address, timeout=0.3), tools)
    assert not found.ok
    assert found.transport
    assert 0.25 < found.seconds < 1
    assert found.error == "No answer in time."


async def test_stopping_half_way(tools: Tools) -> None:
    """An answer that began is an answer: its failure is the upstream's."""
    async with rascal(silence(HEAD + b"Content-Length: 10\r\n\r\nabc")) as server:
        found = await run(asks(server.address, timeout=0.3), tools)
    assert (found.ok, found.unanswered, found.transport) == (False, False, False)
    assert "did not end in time" in found.error


@pytest.mark.parametrize("script", [cut(), reset(), cut(b"SSH-2.0-OpenSSH\r\n"), cut(HEAD)])
async def test_no_http(tools: Tools, script: Any) -> None:
    """A connection that breaks, and what is no HTTP, is a failure with a sentence; something answered, so it is not our fault."""
    async with rascal(script) as server:
        found = await run(asks(server.address), tools)
    assert not found.ok
    assert found.error
    assert not found.transport


async def test_nobody_listens(tools: Tools) -> None:
    """A refused connection is no answer, and shows that the machine is within reach."""
    async with rascal(answer()) as server:
        address = server.address
    found = await run(asks(address), tools)
    assert found.error == "Connection refused."
    assert (found.unanswered, found.transport) == (True, False)


async def test_an_unknown_name(tools: Tools) -> None:
    """A name that nobody knows may be the fault of our own resolver."""
    found = await run(asks("http://no-such-host.invalid/"), tools)
    assert not found.ok
    assert found.transport


@pytest.mark.parametrize(
    "address",
    [
        "http://127.0.0.1:{port}/",
        "http://localhost:{port}/",
        "http://[::ffff:127.0.0.1]:{port}/",
        "http://[::1]:{port}/",
        "http://0.0.0.0:{port}/",
        "http://10.0.0.1:{port}/",
        "http://169.254.169.254/latest/meta-data/",
        "http://[64:ff9b::a9fe:a9fe]/latest",
    ],
)
async def test_private_addresses(shut: Tools, address: str) -> None:
    """Loopback, private networks and metadata services are refused in each of their spellings, and never reached."""
    async with rascal(answer(200)) as server:
        found = await run(asks(address.format(port=server.port)), shut)
    assert not found.ok
    assert found.error.startswith("Address not allowed, ")
    assert server.connections == 0
    assert not found.transport


async def test_redirects_to_the_inside(tools: Tools) -> None:
    """A redirect goes through the guard as well: to the metadata service it is refused, even where loopback is allowed."""
    async with rascal(answer(302, Location="http://169.254.169.254/latest/meta-data/")) as server:
        found = await run(asks(server.address), tools)
    assert not found.ok
    refused = "Address not allowed, 169.254.169.254: a metadata service of a cloud."
    assert found.error == refused  # and no advice how to allow it


async def test_redirects_lose_the_secrets(tools: Tools) -> None:
    """Another origin sees neither credentials nor secret headers; what is shown of it is its host."""
    secret = {"headers": {"apikey": "k-12345"}, "credentials": {"type": "bearer", "token": "t-12345"}}
    async with rascal(answer(200)) as other:
        elsewhere = other.address.replace("127.0.0.1", "localhost")
        async with rascal(answer(302, Location=elsewhere)) as server:
            found = await run(asks(server.address, secret=secret), tools)
    assert found.ok
    assert found.metadata["answered_by"] == "localhost"
    assert not {"apikey", "authorization"} & other.heard[0].headers.keys()


async def test_an_endless_body(tools: Tools) -> None:
    """Of an endless answer 64 KiB are read; its status counts, its text as far as it was read, and its JSON not."""
    async with rascal(endless(HEAD + b"\r\n", b"x" * 65_536)) as server:
        status = await run(asks(server.address), tools)
        text = await run(asks(server.address, body_contains="y"), tools)
        tree = await run(asks(server.address, json=[{"pointer": "/a", "op": "exists"}]), tools)
    assert status.ok
    assert status.metadata == {"status": 200, "bytes": MOST_BODY, "rest": "not read"}
    assert text.error == "What was read of the answer (65,536 bytes) does not contain “y”."
    assert tree.error == "The answer is longer than 65,536 bytes, so its JSON cannot be read."


@pytest.mark.parametrize("coding", ["gzip", "deflate", "br", "x-unknown"])
async def test_a_bomb(tools: Tools, coding: str) -> None:
    """A packed answer is not unpacked: 50 MiB of zeros stay 50 KiB, and what wants to read them says why it cannot."""
    bomb = gzip.compress(b"\0" * 50 * 1024 * 1024)
    async with rascal(answer(200, bomb, Content_Encoding=coding)) as server:
        tracemalloc.start()
        status = await run(asks(server.address), tools)
        text = await run(asks(server.address, body_contains="x"), tools)
        most = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert status.ok
    assert f"encoded ({coding})" in text.error
    assert most < 4 * 1024 * 1024


async def test_words_of_a_stranger(tools: Tools) -> None:
    """Markup stays text; escape sequences, control characters and writing direction go; a secret that comes back is hidden."""
    text = "\x1b[31m<script>alert(1)</script>\x1b]0;title\x07\u202egnp.exe\u2066 k-12345\x00 a@b.example"
    wanted = [{"pointer": "/why", "op": "equals", "value": "fine"}]
    keep = {"why": "/why", "access_token": "/token", "ha\u202eha": "/why"}
    body = '{"why": ' + json.dumps(text.replace("\x00", "\x01")) + ', "token": "abc"}'
    async with rascal(json_answer(200, body)) as server:
        found = await run(
            asks(server.address, secret={"headers": {"apikey": "k-12345"}}, json=wanted, keep=keep), tools
        )
    assert not found.ok
    shown = found.error + "".join(map(str, found.metadata.values())) + "".join(found.metadata)
    assert "<script>" in shown
    assert not re.search("[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u2069]", shown)
    assert "k-12345" not in shown
    assert "a@b" not in shown
    assert found.metadata["access_token"] == "••••"


async def test_long_words_of_a_stranger(tools: Tools) -> None:
    """However much a server says, what is kept is short."""
    keep = {f"v{n}": "/why" for n in range(10)}
    wanted = [{"pointer": "/why", "op": "at-least", "value": 3}]
    async with rascal(json_answer(200, '{"why": "' + "é" * 20_000 + '"}')) as server:
        found = await run(asks(server.address, json=wanted, keep=keep), tools)
    assert 0 < len(found.error) <= MOST_ERROR
    assert len(json.dumps(dict(found.metadata), ensure_ascii=False).encode()) <= MOST_METADATA


async def test_an_exploding_pattern(tools: Tools) -> None:
    """A pattern that takes a backtracking engine for ever takes its time by the length of the text."""
    async with rascal(answer(200, "a" * 60_000 + "!")) as server:
        found = await run(asks(server.address, body_matches=r"^(a+)+$"), tools)
    assert found.error.startswith("The answer does not match")
    assert found.seconds < 1


async def test_certificates(tools: Tools, authority: Authority) -> None:
    """The days left come with each answer by HTTPS; too few are a failure; an authority that is not believed is one, too."""
    page = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
    async with tls_server(authority.server_context(days=20), says=page) as port:
        address = f"https://localhost:{port}/"
        good = await run(asks(address, ca=authority.pem, tls_days=14), tools)
        late = await run(asks(address, ca=authority.pem, tls_days=30), tools)
        stranger = await run(asks(address), tools)
    assert good.ok, good
    assert good.metadata["tls_days"] == 20
    assert good.metadata["tls_issuer"] == "Breakwater Tests"
    assert late.error == "Its certificate ends in 20 days, which is less than 30."
    assert not stranger.ok
    assert "certificate" in stranger.error


@pytest.mark.parametrize(
    ("address", "options", "secret", "pointer"),
    [
        ("ftp://x", {}, {}, "/address"),
        ("https://a:b@x", {}, {}, "/address"),
        ("https://x", {"metod": "GET"}, {}, "/options/metod"),
        ("https://x", {"method": "DELETE"}, {}, "/options/method"),
        ("https://x", {"body": "x"}, {}, "/options/body"),
        ("https://x", {"method": "POST", "body": "x" * 9_000}, {}, "/options/body"),
        ("https://x", {"headers": {"Host": "y"}}, {}, "/options/headers/Host"),
        ("https://x", {"content_type": "a\r\nb"}, {}, "/options/content_type"),
        ("https://x", {"read_bytes": 10**9}, {}, "/options/read_bytes"),
        ("https://x", {"tls_days": -1}, {}, "/options/tls_days"),
        ("https://x", {"ca": "no"}, {}, "/options/ca"),
        ("https://x", {"body_matches": r"(a)\1"}, {}, "/options/body_matches"),
        ("https://x", {"body_matches": ["ok", "(" * 10]}, {}, "/options/body_matches/1"),
        ("https://x", {"body_matches": "(a?){1000}a{1000}"}, {}, "/options/body_matches"),
        ("https://x", {}, {"headers": {"A": "b\n"}}, "/secret/headers/A"),
        ("https://x", {"headers": {"A": "b"}}, {"headers": {"a": "c"}}, "/secret/headers/a"),
        ("https://x", {}, {"credentials": {"type": "bearer"}}, "/secret/credentials/token"),
        ("https://x", {}, {"pin": "1"}, "/secret/pin"),
    ],
)
def test_faults(address: str, options: dict[str, Any], secret: dict[str, Any], pointer: str) -> None:
    """What cannot be asked is refused, and the place is named."""
    assert [fault.pointer for fault in registry.faults("http", address, options, secret)] == [pointer]

"""The client against a server that misbehaves."""

import asyncio
import socket
import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from resilience.outbound.client import Answer, Client, Request, parse_url
from resilience.outbound.errors import (
    AnswerTooLarge,
    BadAnswer,
    ConnectFailed,
    NameNotFound,
    OutboundError,
    Reset,
    TimedOut,
    TlsFailed,
    Unsendable,
)
from tests.support.ports import free_port
from tests.support.rascal import answer, cut, endless, json_answer, rascal, raw, reset, silence


async def failing(client: Client, url: str, method: str = "GET", **rest: object) -> OutboundError:
    with pytest.raises(OutboundError) as caught:
        await client.send(Request(method, url, **rest))  # type: ignore[arg-type]
    return caught.value


def self_signed(folder: Path) -> ssl.SSLContext:
    """A server's TLS settings with a certificate of its own making."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    plain = serialization.NoEncryption()
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain)
    file = folder / "server.pem"
    file.write_bytes(pem + certificate.public_bytes(serialization.Encoding.PEM))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)
    return context


async def test_it_gives_status_headers_and_body(client: Client) -> None:
    """An ordinary answer comes back whole, and header names may be asked for in any letter case."""
    async with rascal(json_answer(201, '{"a":1}', ETag='"1"')) as server:
        got = await client.send(Request("PUT", f"{server.address}/x", {"If-Match": '"0"'}, body=b"{}"))
    assert (got.status, got.headers["etag"], got.body, got.fault, got.ok) == (201, '"1"', b'{"a":1}', None, True)
    heard = server.heard[0]
    assert (heard.method, heard.path, heard.headers["if-match"], heard.body) == ("PUT", "/x", '"0"', b"{}")
    assert heard.headers["user-agent"] == "Breakwater"


async def test_connections_are_kept(client: Client) -> None:
    """Several requests share one connection."""
    async with rascal(answer(200, "x")) as server:
        for _ in range(5):
            await client.send(Request("GET", server.address))
    assert server.connections == 1


async def test_cookies_are_not_taken(client: Client) -> None:
    """What an upstream sets as a cookie is not sent back to it."""
    async with rascal(answer(200, "x", Set_Cookie="a=b")) as server:
        url = f"http://localhost:{server.port}/"  # by name: no client keeps cookies of a bare address
        await client.send(Request("GET", url))
        await client.send(Request("GET", url))
    assert "cookie" not in server.heard[1].headers


async def test_no_proxy_from_the_environment(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    """A proxy that the environment names is not used."""
    monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{free_port()}")
    async with rascal(answer(200, "x")) as server:
        assert (await client.send(Request("GET", server.address))).status == 200


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "PATCH"])
async def test_a_lost_answer_is_not_sent_again(client: Client, method: str) -> None:
    """A kept connection that breaks after the request gives Reset, and the upstream heard the request once."""
    async with rascal(answer(200, "x"), cut()) as server:
        await client.send(Request("GET", server.address))
        error = await failing(client, server.address, method)
    assert isinstance(error, Reset)
    assert error.sent
    assert len(server.heard) == 2


async def test_a_reset_connection(client: Client) -> None:
    """RST instead of an answer gives Reset, with how long it took."""
    async with rascal(reset()) as server:
        error = await failing(client, server.address, "PUT", body=b"{}")
    assert isinstance(error, Reset)
    assert error.seconds > 0


async def test_nobody_listens(client: Client) -> None:
    """A closed port gives ConnectFailed, and nothing was sent."""
    error = await failing(client, f"http://127.0.0.1:{free_port()}/")
    assert isinstance(error, ConnectFailed)
    assert not error.sent


async def test_a_name_that_does_not_exist(client: Client) -> None:
    """A host without an address gives NameNotFound with its name."""
    error = await failing(client, "http://nowhere.invalid/")
    assert isinstance(error, NameNotFound)
    assert "nowhere.invalid" in error.sentence()


async def test_no_tls_where_tls_is_expected(client: Client) -> None:
    """A server that speaks in the open behind https gives TlsFailed."""

    async def shout(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        writer.close()

    async with await asyncio.start_server(shout, "127.0.0.1", 0) as server:
        error = await failing(client, f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}/", timeout=5.0)
    assert isinstance(error, TlsFailed)


async def test_a_certificate_that_nobody_vouches_for(client: Client, tmp_path: Path) -> None:
    """A self-signed certificate gives TlsFailed, which says so, and nothing was sent."""
    async with await asyncio.start_server(lambda *_: None, "127.0.0.1", 0, ssl=self_signed(tmp_path)) as server:
        error = await failing(client, f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}/", "PUT", body=b"{}")
    assert isinstance(error, TlsFailed)
    assert "self-signed" in error.sentence()
    assert not error.sent


async def test_slow_headers(client: Client) -> None:
    """A server that takes the request and stays silent gives TimedOut, and the request may have arrived."""
    async with rascal(silence(b"HTTP/1.1 200 OK\r\nX-Slow:")) as server:
        error = await failing(client, server.address, "PUT", timeout=0.2)
    assert isinstance(error, TimedOut)
    assert error.sent


async def test_a_body_that_stops(client: Client) -> None:
    """Half an answer still tells its status; the fault says that it broke off."""
    async with rascal(cut(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf")) as server:
        got = await client.send(Request("GET", server.address))
    assert got.status == 200
    assert isinstance(got.fault, Reset)


async def test_a_body_that_never_ends_in_time(client: Client) -> None:
    """A body that stalls is given up at the timeout, with the status that was read."""
    async with rascal(silence(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf")) as server:
        got = await client.send(Request("GET", server.address, timeout=0.2))
    assert got.status == 200
    assert isinstance(got.fault, TimedOut)


@pytest.mark.parametrize(
    "head",
    [b"HTTP/1.1 200 OK\r\n\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 99999999\r\n\r\n"],
    ids=["endless", "huge"],
)
async def test_an_endless_body_is_cut_off(client: Client, head: bytes) -> None:
    """An answer that is too long is cut at the limit, says so, and its connection is not used again."""
    async with rascal(endless(head, b"x" * 1000)) as server:
        got = await client.send(Request("GET", server.address, most_bytes=5_000))
        assert isinstance(got.fault, AnswerTooLarge)
        assert len(got.body) == 5_000
        await client.send(Request("GET", server.address, most_bytes=5_000))
    assert server.connections == 2


@pytest.mark.parametrize(
    "data", [b"SSH-2.0-OpenSSH_9\r\n", b"HTTP/1.1 two OK\r\n\r\n", b"HTTP/1.1 200 OK\r\nA B: c\r\n\r\n"]
)
async def test_an_answer_that_is_not_http(client: Client, data: bytes) -> None:
    """What is no HTTP gives BadAnswer in one line."""
    async with rascal(cut(data)) as server:
        error = await failing(client, server.address)
    assert isinstance(error, BadAnswer)
    assert "\n" not in error.sentence()


@pytest.mark.parametrize(
    "url",
    [
        "ftp://127.0.0.1/",
        "http://",
        "http://user:pw@127.0.0.1/",
        "no address",
        "http://127.0.0.1:99999/",
        "http://xn--a/",
        "http://exa mple/",
        "http://m\u00fcn chen.example/",
        "http://\u00fc" + "x" * 70 + ".example/",
    ],
)
async def test_an_address_that_cannot_be_used(client: Client, url: str) -> None:
    """Addresses without http, with no or an impossible host or with a password are refused before anything is sent."""
    error = await failing(client, url)
    assert isinstance(error, Unsendable)


@pytest.mark.parametrize(
    ("written", "sent"),
    [
        ("http://m\u00fcnchen.example:8080/a%2Fb?x=%C3%BC", "http://xn--mnchen-3ya.example:8080/a%2Fb?x=%C3%BC"),
        ("http://127\u30020.0.1/", "http://127.0.0.1/"),  # the guard judges what is sent, whatever stood there
        ("http://xn--mnchen-3ya.example/a%2fb", "http://xn--mnchen-3ya.example/a%2fb"),
    ],
)
def test_a_host_in_other_letters(written: str, sent: str) -> None:
    """Nobody has to know what xn-- stands for; the rest of the address stays as it was written."""
    assert str(parse_url(written)) == sent


async def test_a_header_with_a_line_break(client: Client) -> None:
    """A header that would start another one is not sent."""
    async with rascal(answer()) as server:
        error = await failing(client, server.address, headers={"X-A": "b\r\nX-C: d"})
    assert isinstance(error, Unsendable)
    assert server.heard == []


async def test_a_body_of_megabytes(client: Client) -> None:
    """A large body arrives whole and without a warning."""
    body = b"x" * 3_000_000
    async with rascal(answer(200)) as server:
        await client.send(Request("PUT", server.address, body=body))
    assert server.heard[0].body == body


async def test_the_sentence_of_an_error_is_for_people() -> None:
    """Each error says in one sentence what happened, and in a few words."""
    assert TimedOut("while connecting").sentence() == "The upstream did not answer in time (while connecting)."
    assert TimedOut("while connecting").brief() == "No answer in time: while connecting."
    assert TimedOut().brief() == "No answer in time."
    assert ConnectFailed("connection refused").brief() == "Connection refused."
    assert ConnectFailed().brief() == "No connection."


async def test_ipv6(client: Client) -> None:
    """A literal IPv6 address is reached when it is allowed."""
    with socket.socket(socket.AF_INET6) as listener:
        listener.bind(("::1", 0))
        port = listener.getsockname()[1]
    assert isinstance(await failing(client, f"http://[::1]:{port}/"), ConnectFailed)


async def test_an_answer_says_nothing_secret_in_its_repr(client: Client) -> None:
    """Logs that print a request or an answer show neither headers nor bodies."""
    request = Request("PUT", "http://127.0.0.1/", {"Authorization": "Bearer hidden"}, body=b"hidden")
    async with rascal(answer(200, "hidden")) as server:
        got: Answer = await client.send(Request("GET", server.address))
    assert "hidden" not in repr(request)
    assert "hidden" not in repr(got)


async def test_informational_answers_are_passed_over(client: Client) -> None:
    """103 before the answer is no answer."""
    async with rascal(raw(b"HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")) as server:
        got = await client.send(Request("GET", server.address))
    assert (got.status, got.body) == (200, b"ok")

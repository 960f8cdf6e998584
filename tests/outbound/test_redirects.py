"""Redirects: where they are followed, and what goes along."""

import pytest

from resilience.outbound.client import Client, Request
from resilience.outbound.errors import AddressRefused, RedirectRefused, TooManyRedirects
from tests.support.rascal import answer, rascal

PRIVATE = {"Authorization": "Bearer t", "X-Own": "1"}


def request(url: str, method: str = "GET", body: bytes | None = None) -> Request:
    return Request(method, url, {**PRIVATE, "Idempotency-Key": "k"}, PRIVATE, body, 5.0)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_read_is_followed_with_its_credentials_on_the_same_origin(client: Client, status: int) -> None:
    """GET follows each kind of redirect; credentials and own headers stay on the same scheme, host and port."""
    async with rascal(answer(status, Location="/there?x=1"), answer(200, "ok")) as server:
        got = await client.send(request(f"{server.address}/here"))
    assert got.body == b"ok"
    assert server.heard[1].path == "/there?x=1"
    assert server.heard[1].headers["authorization"] == "Bearer t"
    assert server.heard[1].headers["x-own"] == "1"


async def test_another_origin_gets_neither_credentials_nor_own_headers(client: Client) -> None:
    """A redirect to another port drops what is private, and keeps it dropped on the way back."""
    async with rascal(answer(200, "ok")) as end, rascal(answer(302, Location=f"{end.address}/a")) as start:
        await client.send(request(start.address))
    assert "authorization" not in end.heard[0].headers
    assert "x-own" not in end.heard[0].headers
    assert end.heard[0].headers["idempotency-key"] == "k"


@pytest.mark.parametrize("status", [307, 308])
async def test_a_write_keeps_method_and_body(client: Client, status: int) -> None:
    """307 and 308 send the same PUT again."""
    async with rascal(answer(status, Location="/b"), answer(200)) as server:
        await client.send(request(f"{server.address}/a", "PUT", b"{}"))
    assert (server.heard[1].method, server.heard[1].body) == ("PUT", b"{}")


@pytest.mark.parametrize("status", [301, 302, 303])
@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE", "POST"])
async def test_a_write_never_becomes_a_read(client: Client, status: int, method: str) -> None:
    """301, 302 and 303 to a write are refused with the reason."""
    async with rascal(answer(status, Location="/b")) as server:
        with pytest.raises(RedirectRefused, match="only after 307 or 308") as caught:
            await client.send(request(server.address, method, b"{}"))
    assert caught.value.status == status
    assert len(server.heard) == 1


async def test_a_loop_ends(client: Client) -> None:
    """Five redirects are followed, not more."""
    async with rascal(answer(302, Location="/again")) as server:
        with pytest.raises(TooManyRedirects):
            await client.send(request(server.address))
    assert len(server.heard) == 6


@pytest.mark.parametrize("location", ["ftp://x/", "http://user:pw@127.0.0.1/", "http://[::bad/", "javascript:alert(1)"])
async def test_strange_places_are_refused(client: Client, location: str) -> None:
    """Other schemes, passwords and what is no address are not followed."""
    async with rascal(answer(302, Location=location)) as server:
        with pytest.raises(RedirectRefused):
            await client.send(request(server.address))


@pytest.mark.parametrize("address", ["169.254.169.254", "[::ffff:10.0.0.1]", "0.0.0.0", "10.1.2.3"])
async def test_the_guard_judges_where_a_redirect_leads(client: Client, address: str) -> None:
    """A redirect to a private address is refused although the first address was allowed."""
    async with rascal(answer(302, Location=f"http://{address}/secrets")) as server:
        with pytest.raises(AddressRefused):
            await client.send(request(server.address))


async def test_a_redirect_without_a_place_is_an_answer(client: Client) -> None:
    """302 without Location comes back as it is."""
    async with rascal(answer(302)) as server:
        assert (await client.send(request(server.address))).status == 302

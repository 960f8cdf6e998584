"""The address guard."""

import asyncio
import socket
from collections.abc import Sequence

import aiohttp
import pytest
from aiohttp.abc import AbstractResolver, ResolveResult
from hypothesis import given
from hypothesis import strategies as st

from resilience.outbound.client import Client, Request, _understood
from resilience.outbound.errors import AddressRefused, OutboundError
from resilience.outbound.guard import Guard, GuardedResolver
from tests.support.rascal import answer, rascal

REFUSED = """127.0.0.1 127.255.0.1 ::1 10.0.0.1 172.16.0.1 192.168.1.1 169.254.1.1 169.254.169.254 168.63.129.16 100.64.0.1
    224.0.0.1 239.1.1.1 ff02::1 0.0.0.0 :: fe80::1 fe80::1%eth0 fec0::1 fc00::1 fd00:ec2::254 240.0.0.1 255.255.255.255
    ::ffff:127.0.0.1 ::ffff:10.0.0.1 ::127.0.0.1 2002:7f00:1:: 2002:a00:1:: 64:ff9b::7f00:1 64:ff9b::a9fe:a9fe 64:ff9b:1::1
    2001::1 2001:db8::1 198.18.0.1 192.0.2.1 192.88.99.1 nonsense"""
OPEN = "8.8.8.8 1.1.1.1 2606:4700::1111 ::ffff:8.8.8.8 64:ff9b::808:808 2002:808:808::1"


@pytest.mark.parametrize("address", REFUSED.split())
def test_refused(address: str) -> None:
    """Private, special and disguised addresses are refused with a reason."""
    assert Guard().refusal(address)


@pytest.mark.parametrize("address", OPEN.split())
def test_open(address: str) -> None:
    """Public addresses are let through, also within IPv6."""
    assert Guard().refusal(address) == ""


def test_allowed_networks_open_what_they_name() -> None:
    """An allowed network opens its addresses in each disguise, and no others."""
    guard = Guard(["10.0.0.0/8"])
    for address in ("10.0.0.1", "::ffff:10.0.0.1", "64:ff9b::a00:1"):
        assert guard.refusal(address) == ""
    assert guard.refusal("192.168.0.1")


@pytest.mark.parametrize("network", ["0.0.0.0/0", "169.254.0.0/16"])
def test_metadata_wants_its_own_name(network: str) -> None:
    """The metadata service stays closed under a wide network, and opens when it alone is named."""
    assert Guard([network]).refusal("169.254.169.254")
    assert Guard([network, "169.254.169.254/32"]).refusal("169.254.169.254") == ""


def test_what_is_no_network_is_said_at_once() -> None:
    """A mistyped network is an error when the guard is made."""
    with pytest.raises(ValueError, match="does not appear"):
        Guard(["10.0.0.0/99"])


@given(st.ip_addresses(v=4))
def test_a_disguise_never_opens(address: object) -> None:
    """An IPv4 address that is refused is refused as a mapped, a NAT64 and a 6to4 address too."""
    guard = Guard()
    packed = int(address)  # type: ignore[call-overload]
    if guard.refusal(str(address)):
        assert guard.refusal(f"::ffff:{address}")
        assert guard.refusal(f"64:ff9b::{packed >> 16:x}:{packed & 0xFFFF:x}")
        assert guard.refusal(f"2002:{packed >> 16:x}:{packed & 0xFFFF:x}::1")


class Names(AbstractResolver):
    """A resolver that says what it is told."""

    def __init__(self, hosts: Sequence[str]) -> None:
        self.hosts = hosts

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        return [
            ResolveResult(hostname=host, host=address, port=port, family=family, proto=0, flags=0)
            for address in self.hosts
        ]

    async def close(self) -> None:
        """Nothing is held."""


async def reach(resolver: AbstractResolver, guard: Guard, port: int) -> int | OutboundError:
    connector = aiohttp.TCPConnector(resolver=resolver, socket_factory=guard.make_socket)
    async with aiohttp.ClientSession(connector=connector) as session:
        try:
            async with session.get(f"http://upstream.test:{port}/") as got:
                return got.status
        except AddressRefused as refused:
            return refused
        except aiohttp.ClientError as error:
            return _understood(error)


async def test_a_name_with_only_refused_addresses() -> None:
    """A name that leads inside is AddressRefused and names the address, whatever number of addresses it has."""
    guard = Guard()
    for hosts in (["10.0.0.1"], ["10.0.0.1", "::1", "127.0.0.1"]):
        got = await reach(GuardedResolver(guard, Names(hosts)), guard, 80)
        assert isinstance(got, AddressRefused)
        assert "10.0.0.1" in got.sentence()


async def test_a_name_with_some_refused_addresses() -> None:
    """A name is reached at the address that is allowed, and no socket is made for the others."""
    guard = Guard(["127.0.0.1/32"])
    made: list[str] = []
    inner = guard.make_socket

    def watched(info: tuple[object, ...]) -> socket.socket:
        made.append(info[4][0])  # type: ignore[index]
        return inner(info)

    guard.make_socket = watched  # type: ignore[method-assign]
    async with rascal(answer(200)) as server:
        resolver = GuardedResolver(guard, Names(["10.0.0.1", "127.0.0.1", "::1"]))
        assert await reach(resolver, guard, server.port) == 200
    assert made == ["127.0.0.1"]


async def test_the_socket_is_judged_even_behind_another_resolver() -> None:
    """A name that slips past the resolver is stopped where the socket is made."""
    guard = Guard()
    async with rascal(answer(200)) as server:
        got = await reach(Names(["127.0.0.1"]), guard, server.port)
        assert isinstance(got, AddressRefused)
        assert server.connections == 0


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "localhost", "[::1]", "[::ffff:127.0.0.1]", "127.1", "2130706433", "0x7f.1"]
)
async def test_a_closed_client_reaches_nothing_here(host: str) -> None:
    """Without allowed networks no spelling of this machine is reached."""
    async with rascal(answer(200)) as server, Client() as client:
        with pytest.raises(OutboundError):
            await asyncio.wait_for(client.send(Request("GET", f"http://{host}:{server.port}/", timeout=3.0)), 5)
        assert server.connections == 0

"""The address guard: which network addresses requests that leave the portal may go to.

It judges socket addresses, at the moment when a socket is made for them (`Guard.make_socket` is aiohttp's `socket_factory`), so
that neither a name that resolves differently the second time, nor a literal address, nor a redirect gets around it. In front of
that, `GuardedResolver` drops refused addresses from a name's answer: a name with a public and a private address is reached at the
public one, and a name with only refused ones fails with AddressRefused at once. (Happy eyeballs alone would lose the reason: it
passes over what is no OSError, and goes on to the next address.)
"""

import asyncio
import ipaddress
import socket
from collections.abc import Sequence
from typing import Any

from aiohttp import ThreadedResolver
from aiohttp.abc import AbstractResolver, ResolveResult

from resilience.outbound.errors import AddressRefused

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

# Where clouds answer with a machine's credentials. Opened only by a network that names exactly this address.
_METADATA = frozenset(
    map(
        ipaddress.ip_address,
        (
            "169.254.169.254",
            "169.254.170.2",
            "168.63.129.16",
            "100.100.100.200",
            "192.0.0.192",
            "fd00:ec2::254",
            "fd20:ce::254",
        ),
    )
)
# Not private by the registry that `ipaddress` follows, and yet nothing that an upstream can have.
_SPECIAL = tuple(
    map(
        ipaddress.ip_network,
        ("192.88.99.0/24", "::/96", "64:ff9b:1::/48", "100::/64", "2001::/23", "3fff::/20", "5f00::/16"),
    )
)
_NAT64 = ipaddress.ip_network("64:ff9b::/96")
_KEPT_VERDICTS = 4096


class Guard:
    """Decides whether an address may be connected to: the public internet, and the networks that the operator allows."""

    def __init__(self, allowed: Sequence[str] = ()) -> None:
        """`allowed` are networks in CIDR form, such as 10.0.0.0/8 or ::1/128; raises ValueError for what is none."""
        self._allowed = tuple(ipaddress.ip_network(network.strip()) for network in allowed)
        self._verdicts: dict[str, str] = {}

    def refusal(self, host: str) -> str:
        """Why the address may not be connected to, as a short phrase; empty when it may."""
        verdict = self._verdicts.get(host)
        if verdict is None:
            if len(self._verdicts) >= _KEPT_VERDICTS:
                self._verdicts.clear()
            verdict = self._verdicts[host] = self._judge(host)
        return verdict

    def opening(self, host: str) -> str:
        """The network whose allowing would open a refused address; empty for a metadata service, which nobody is advised to open."""
        for face in _faces(ipaddress.ip_address(host.partition("%")[0])):
            if _kind(face) and not self._is_allowed(face):
                return "" if face in _METADATA else str(ipaddress.ip_network(face))
        return ""

    def make_socket(self, info: tuple[Any, ...]) -> socket.socket:
        """A socket for an address that may be connected to; raises AddressRefused for any other (aiohttp's `socket_factory`)."""
        family, kind, protocol, _, address = info
        refusal = self.refusal(address[0])
        if refusal:
            raise AddressRefused(f"{address[0]}: {refusal}", opening=self.opening(address[0]))
        return socket.socket(family=family, type=kind, proto=protocol)

    def _judge(self, host: str) -> str:
        try:
            address = ipaddress.ip_address(host.partition("%")[0])
        except ValueError:
            return "not a network address"
        for face in _faces(address):
            refusal = _kind(face)
            if refusal and not self._is_allowed(face):
                return refusal
        return ""

    def _is_allowed(self, address: Address) -> bool:
        networks = [network for network in self._allowed if network.version == address.version and address in network]
        if address in _METADATA:
            return any(network.num_addresses == 1 for network in networks)
        return bool(networks)


class GuardedResolver(AbstractResolver):
    """Resolves names through the system, and gives back only addresses that the guard lets through."""

    def __init__(self, guard: Guard, inner: AbstractResolver | None = None) -> None:
        self._guard = guard
        self._inner = inner or ThreadedResolver(loop=asyncio.get_running_loop())

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        found = await self._inner.resolve(host, port, family)
        kept = [result for result in found if not self._guard.refusal(result["host"])]
        if found and not kept:
            address = found[0]["host"]
            said = f"{host} is {address}: {self._guard.refusal(address)}"
            raise AddressRefused(said, opening=self._guard.opening(address))
        return kept

    async def close(self) -> None:
        await self._inner.close()


def _faces(address: Address) -> list[Address]:
    """The address that a packet in the end goes to: IPv4 within IPv6 is unwrapped (mapped, NAT64), or judged as well (6to4)."""
    if isinstance(address, ipaddress.IPv4Address):
        return [address]
    if address.ipv4_mapped:
        return [address.ipv4_mapped]
    if address in _NAT64:
        return [ipaddress.IPv4Address(int(address) & 0xFFFF_FFFF)]
    if address.sixtofour:
        return [address, address.sixtofour]
    return [address]


def _kind(address: Address) -> str:
    """What is special about an address; empty when it is an ordinary public one. The first line that fits is said."""
    kinds = (
        (address in _METADATA, "a metadata service of a cloud"),
        (address.is_loopback, "this machine itself (loopback)"),
        (address.is_unspecified, "no address at all (unspecified)"),
        (address.is_link_local, "link-local"),
        (address.is_multicast, "multicast"),
        (address.is_private or getattr(address, "is_site_local", False), "private"),
        (address.is_reserved or not address.is_global, "reserved"),
        (any(address in network for network in _SPECIAL if network.version == address.version), "reserved"),
    )
    return next((words for fits, words in kinds if fits), "")

"""Where a request comes from."""

from collections.abc import Sequence
from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_address

from django.conf import settings
from django.http import HttpRequest

Networks = Sequence[IPv4Network | IPv6Network]


def client_address(request: HttpRequest) -> str:
    """The caller's address; behind trusted proxies, the last one that no trusted proxy has."""
    trusted: Networks = settings.BREAKWATER_TRUSTED_PROXIES
    hops = [hop.strip() for hop in request.headers.get("X-Forwarded-For", "").split(",") if hop.strip()]
    address = request.META.get("REMOTE_ADDR") or ""
    while hops and _within(address, trusted):
        address = hops.pop()
    return _plain(address)


def _within(address: str, networks: Networks) -> bool:
    try:
        known = ip_address(_plain(address))
    except ValueError:
        return False
    return any(known in network for network in networks)


def _plain(address: str) -> str:
    """The address as one text: an IPv4 address in IPv6's clothes is the IPv4 address; what is none stays cut short."""
    try:
        known = ip_address(address)
    except ValueError:
        return address[:45]
    mapped = known.ipv4_mapped if isinstance(known, IPv6Address) else None
    return str(mapped or known)

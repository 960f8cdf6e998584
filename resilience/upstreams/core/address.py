"""Where an upstream may be."""

from collections.abc import Iterator, Sequence
from ipaddress import IPv4Network, IPv6Network, ip_address
from urllib.parse import SplitResult, urlsplit

Network = IPv4Network | IPv6Network
LONGEST = 500


def address_fault(address: object, *, plain_everywhere: bool, allowed: Sequence[Network]) -> str:
    """Why an upstream cannot be at this address; "" when it can.

    Plain http is for loopback and the allowed networks only, unless `plain_everywhere`.
    """
    if not isinstance(address, str) or not address:
        return "An address is a text such as https://plans.example.org/v1."
    return next(_faults(address, plain_everywhere=plain_everywhere, allowed=allowed), "")


def _faults(address: str, *, plain_everywhere: bool, allowed: Sequence[Network]) -> Iterator[str]:
    if len(address) > LONGEST:
        yield f"An address has at most {LONGEST} characters, this one has {len(address)}."
    if any(not "!" <= character <= "~" for character in address):
        yield "An address holds neither spaces nor other characters that would need encoding."
    parts = _split(address)
    if parts is None or parts.scheme not in {"http", "https"} or not parts.hostname:
        yield "An address starts with https:// or http:// and names a host."
        return
    if "@" in parts.netloc:
        yield "An address holds no user name or password. Enter them as credentials."
    if "?" in address or "#" in address:
        yield "An address has no query and no fragment. Routes add their paths to it."
    if any(segment.lower().replace("%2e", ".") in {".", ".."} for segment in parts.path.split("/")):
        yield 'An address holds no "." or ".." in its path.'
    if parts.scheme == "http" and not plain_everywhere and not is_near(parts.hostname, allowed):
        yield "In production an upstream is reached by https. Plain http is for this machine and allowed networks."


def is_near(host: str, allowed: Sequence[Network]) -> bool:
    """Whether a host is this machine, or an address of an allowed network."""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        address = ip_address(host)
    except ValueError:
        return False
    return address.is_loopback or any(address.version == net.version and address in net for net in allowed)


def origin(address: str) -> tuple[str, str, int]:
    """Scheme, host and port: where credentials for this address may go."""
    parts = urlsplit(address)
    return parts.scheme, parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)


def _split(address: str) -> SplitResult | None:
    try:
        parts = urlsplit(address)
        return parts if parts.port != 0 else None
    except ValueError:
        return None

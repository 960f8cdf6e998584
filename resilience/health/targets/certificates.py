"""What certificate a server shows, verified; kept a while, so that frequent runs do not shake hands twice each."""

import math
import ssl
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from resilience.health.targets.base import Tools, Value
from resilience.health.targets.reach import Stream, context

KEPT_SECONDS = 600.0
MOST_KEPT = 4_096
DAY = 86_400.0

_kept: dict[tuple[str, int, str, str], tuple[float, "Certificate"]] = {}


@dataclass(frozen=True, slots=True)
class Certificate:
    """A certificate whose chain and name hold. `expires` is in seconds since 1970."""

    expires: float
    issuer: str
    subject: str
    protocol: str

    def days(self, now: float) -> int:
        """Whole days left; negative when it has run out."""
        return math.floor((self.expires - now) / DAY)

    def metadata(self, now: float) -> dict[str, Value]:
        """What is kept of it with a result."""
        until = datetime.fromtimestamp(self.expires, UTC)
        return {"tls_days": self.days(now), "tls_until": f"{until:%Y-%m-%d %H:%M} UTC", "tls_issuer": self.issuer}


async def certificate(
    host: str, port: int, tools: Tools, *, name: str = "", ca: str = "", fresh: bool = False
) -> Certificate:
    """The certificate that host:port shows for `name`; raises TlsFailed when its chain or name does not hold."""
    key = (host, port, name, ca)
    now = time.monotonic()
    if not fresh and (known := _kept.get(key)) and now - known[0] < KEPT_SECONDS:
        return known[1]
    async with await Stream.open(host, port, tools, tls=context(ca), name=name) as stream:
        wire = stream.writer.get_extra_info("ssl_object")
        shown = read(wire.getpeercert() or {}, str(wire.version() or ""))
    if len(_kept) >= MOST_KEPT:
        _kept.clear()
    _kept[key] = (now, shown)
    return shown


def read(peer: Mapping[str, Any], protocol: str) -> Certificate:
    """A certificate as the ssl module gives it."""
    expires = float(ssl.cert_time_to_seconds(peer["notAfter"]))
    return Certificate(expires, _part(peer, "issuer"), _part(peer, "subject"), protocol)


def _part(peer: Mapping[str, Any], whose: str) -> str:
    parts = {name: value for step in peer.get(whose, ()) for name, value in step}
    return str(parts.get("organizationName") or parts.get("commonName") or "")[:100]

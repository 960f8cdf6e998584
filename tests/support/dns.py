"""A DNS server on loopback (dnslib), for probes of names and for names that change under one's hands."""

import socket
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from dnslib import QTYPE, RCODE, RR, DNSRecord
from dnslib.server import BaseResolver, DNSLogger, DNSServer

from resilience.health.targets.base import Info


@dataclass(slots=True)
class Names(BaseResolver):  # type: ignore[misc]
    """What the server knows: zone lines by name; `turns` are used up one after the other, the last one stays.

    A name without records does not exist; `failing` ones are answered with SERVFAIL.
    """

    zones: Mapping[str, str] = field(default_factory=dict)
    turns: dict[str, list[str]] = field(default_factory=dict)
    failing: Sequence[str] = ()
    port: int = 0
    asked: list[tuple[str, str]] = field(default_factory=list)

    @property
    def place(self) -> str:
        """Where it listens."""
        return f"127.0.0.1:{self.port}"

    def resolve(self, request: Any, handler: Any) -> Any:
        """The reply to one question."""
        reply = request.reply()
        name, kind = str(request.q.qname).rstrip("."), QTYPE[request.q.qtype]
        self.asked.append((name, kind))
        turns = self.turns.get(name)
        zone = (turns.pop(0) if len(turns) > 1 else turns[0]) if turns else self.zones.get(name)
        if name in self.failing:
            reply.header.rcode = RCODE.SERVFAIL
        elif zone is None:
            reply.header.rcode = RCODE.NXDOMAIN
        else:
            records = [record for record in RR.fromZone(zone) if QTYPE[record.rtype] == kind]
            reply.add_answer(*records)
        return reply

    def addresses(self, host: str, port: int) -> list[Info]:
        """What this server says that a name's addresses are, as `Tools.resolve` gives them."""
        question = DNSRecord.question(host)
        reply = DNSRecord.parse(question.send("127.0.0.1", self.port, timeout=5))
        if not reply.rr:
            raise socket.gaierror(socket.EAI_NONAME, "no such name")
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (str(record.rdata), port)) for record in reply.rr]


@contextmanager
def running_dns(
    zones: Mapping[str, str] | None = None,
    *,
    turns: Mapping[str, Sequence[str]] | None = None,
    failing: Sequence[str] = (),
) -> Iterator[Names]:
    """Answer on a port of UDP for the length of the block."""
    names = Names(zones or {}, {name: list(lines) for name, lines in (turns or {}).items()}, failing)
    server = DNSServer(names, address="127.0.0.1", port=0, logger=DNSLogger(log="-request,-reply,-truncated,-error"))
    names.port = server.server.server_address[1]
    server.start_thread()
    try:
        yield names
    finally:
        server.stop()
        server.server.server_close()

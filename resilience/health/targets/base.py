"""What every kind of probe is: something that can be asked, within a time, and says how it went."""

import socket
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, Protocol

from portal.kit.errors import Fault
from resilience.outbound.client import Client

Value = str | int | float | bool | None
MOST_METADATA = 1_000
"""Bytes of metadata (as JSON) that are kept of a run."""
MOST_ERROR = 300
MOST_BODY = 65_536
"""Bytes of an answer that a probe reads."""


@dataclass(frozen=True, slots=True)
class Question:
    """What one run asks. `secret` is in the clear and never leaves the run; `timeout` is the bound for all of it, in seconds."""

    kind: str
    address: str
    options: Mapping[str, Any] = field(default_factory=dict)
    secret: Mapping[str, Any] = field(default_factory=dict, repr=False)
    timeout: float = 10.0


@dataclass(frozen=True, slots=True)
class Finding:
    """What one run found. `seconds` is how long the target took. `error` is empty when `ok`; both it and `metadata` are masked and short.

    `unanswered`: no answer came (name, connection, time); the network's score counts it. `transport`: of these, what may be our own fault:
    a connection that was refused or reset shows that the host is within reach.
    `slow`: good, and near its limit by the target's own measure (a certificate, a disk); it counts as slow whatever the time was.
    """

    ok: bool
    seconds: float
    error: str = ""
    metadata: Mapping[str, Value] = field(default_factory=dict)
    unanswered: bool = False
    transport: bool = False
    slow: bool = False


Info = tuple[Any, Any, int, str, tuple[Any, ...]]
"""An address as the system gives it: family, kind, protocol, name, socket address."""
Resolve = Callable[[str, int], Sequence[Info]]


def resolve_by_system(host: str, port: int) -> Sequence[Info]:
    """The addresses of a name, as the operating system has them; blocks, so it is called in a thread."""
    return socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)


@dataclass(frozen=True, slots=True)
class Tools:
    """What targets are asked with: the one HTTP client (its guard judges addresses for the others too), and threads for what blocks.

    `resolve` finds the addresses of names for everything but HTTP; what it gives is judged by the guard, whatever it is.
    """

    client: Client
    threads: ThreadPoolExecutor
    resolve: Resolve = resolve_by_system


class Target(Protocol):
    """A kind of probe."""

    def faults(self, address: str, options: Mapping[str, Any], secret: Mapping[str, Any]) -> Sequence[Fault]:
        """What is wrong with these, by JSON Pointer (/address, /options/status, /secret/password); empty when it can be asked."""
        ...

    def host(self, question: Question) -> str:
        """What the limit per host goes by: "name:port" or the like; "" for this machine itself."""
        ...

    async def ask(self, question: Question, tools: Tools) -> Finding:
        """Asks once. Never raises for what the target does; ends within the timeout (the caller enforces it once more)."""
        ...

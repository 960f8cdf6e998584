"""Connections for the targets that are not HTTP: to addresses that the guard lets through, and never reading more than a bound."""

import asyncio
import ipaddress
import os
import socket
import ssl
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import lru_cache
from typing import Any

from django.utils.translation import gettext as _

from portal.kit.errors import Fault
from resilience.health.targets.base import MOST_BODY, Info, Question, Resolve, Tools
from resilience.outbound.errors import (
    AddressRefused,
    AnswerTooLarge,
    ConnectFailed,
    NameNotFound,
    TimedOut,
    TlsFailed,
)

MOST_TRIED = 4
"""Addresses of one name that are tried, one after the other."""
LONGEST_CA = 20_000

Looking = tuple[asyncio.AbstractEventLoop, Resolve, str, int]
_looking: dict[Looking, asyncio.Future[Sequence[Info]]] = {}


def place(address: str, port: int = 0) -> tuple[str, int]:
    """Host and port of "host:port", "[::1]:port" or, where a port is known, "host"; raises ValueError with a sentence."""
    text = address.strip()
    host, colon, number = text.rpartition(":")
    bare_v6 = text.count(":") > 1 and not host.startswith("[")
    if not colon or bare_v6 or text.endswith("]"):
        host, colon, number = text, "", ""
    if host.startswith("["):
        host = host.removeprefix("[").removesuffix("]")
        _v6(host)
    if colon:
        if not (number.isascii() and number.isdecimal() and 0 < int(number) < 65_536):
            raise ValueError(_("A port is a number from 1 to 65535."))
        port = int(number)
    if not host or not port or len(host) > 253 or any(letter in host for letter in " \t\r\n/@%?#\\\0"):
        raise ValueError(_("This is a host and a port, such as db.example.org:5432."))
    return host, port


def place_faults(address: str, port: int = 0, pointer: str = "/address") -> list[Fault]:
    """What is wrong with an address that names a host and a port."""
    try:
        place(address, port)
    except ValueError as error:
        return [Fault(pointer, str(error))]
    return []


def remaining(started: float, question: Question) -> float:
    """The seconds that the run still has, by perf_counter; raises TimedOut when there are none."""
    left = question.timeout - (time.perf_counter() - started)
    if left <= 0:
        raise TimedOut
    return left


async def addresses(host: str, port: int, tools: Tools) -> list[Info]:
    """The socket addresses of a host that may be connected to; raises NameNotFound or AddressRefused when there are none."""
    found = _literal(host, port)
    if not found:
        try:
            found = list(await _looked_up(host, port, tools))
        except (OSError, UnicodeError):
            raise NameNotFound(host) from None
    if not found:
        raise NameNotFound(host)
    guard = tools.client.guard
    kept = [info for info in found if not guard.refusal(info[4][0])]
    if not kept:
        first = found[0][4][0]
        raise AddressRefused(f"{host if first == host else f'{host} is {first}'}: {guard.refusal(first)}")
    return kept[:MOST_TRIED]


async def connect(host: str, port: int, tools: Tools) -> socket.socket:
    """A connected socket; each address is judged once more as the socket for it is made."""
    loop = asyncio.get_running_loop()
    failed = OSError("no address")
    for info in await addresses(host, port, tools):
        made = tools.client.guard.make_socket(info)
        try:
            made.setblocking(False)
            await loop.sock_connect(made, info[4])
        except OSError as error:
            made.close()
            failed = error
        except BaseException:
            made.close()
            raise
        else:
            return made
    raise ConnectFailed(os.strerror(failed.errno).lower() if failed.errno else str(failed)) from failed


class Stream:
    """A connection that reads at most so many bytes in all, then breaks with AnswerTooLarge. `async with Stream.to(…)`."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    @classmethod
    async def open(
        cls,
        host: str,
        port: int,
        tools: Tools,
        *,
        tls: ssl.SSLContext | None = None,
        name: str = "",
        most: int = MOST_BODY,
    ) -> "Stream":
        """Connects, with TLS to `name` (or the host) where a context is given."""
        made = await connect(host, port, tools)
        try:
            return cls(*await _streams(made, tls, (name or host) if tls else None, most))
        except ssl.SSLError as error:
            made.close()
            said = getattr(error, "verify_message", "") or getattr(error, "reason", None) or str(error)
            raise TlsFailed(str(said).lower().replace("_", " ")) from error
        except OSError as error:
            made.close()
            raise TlsFailed("the connection was closed") from error
        except BaseException:
            made.close()
            raise

    async def __aenter__(self) -> "Stream":
        return self

    async def __aexit__(self, *_error: object) -> None:
        self.close()

    def close(self) -> None:
        """Ends the connection at once, without waiting for the other side."""
        self.writer.transport.abort()


class BoundedReader(asyncio.StreamReader):
    """A reader that takes so many bytes in all."""

    def __init__(self, most: int, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(limit=most, loop=loop)
        self._left = most
        self._most = most
        self._wire: asyncio.BaseTransport | None = None

    def set_transport(self, transport: asyncio.BaseTransport) -> None:
        """Remembers what to close when it is too much."""
        self._wire = transport
        super().set_transport(transport)

    def feed_data(self, data: Any) -> None:
        """Takes what came, until it is too much."""
        if self.exception() is not None:
            return
        self._left -= len(data)
        if self._left < 0:
            self.set_exception(AnswerTooLarge(f"more than {self._most:,} bytes"))
            if isinstance(self._wire, asyncio.Transport):
                self._wire.abort()
            return
        super().feed_data(data)


def trust_faults(options: Mapping[str, Any]) -> list[Fault]:
    """What is wrong with the authority (`ca`, PEM) and the server's name among a probe's options."""
    wrong = []
    if "ca" in options:
        text = options["ca"]
        try:
            if not isinstance(text, str) or not text or len(text) > LONGEST_CA:
                raise ValueError
            context(text)
        except (ssl.SSLError, ValueError):
            wrong.append(Fault("/options/ca", _("This is no certificate in PEM form.")))
    if "server_name" in options:
        name = options["server_name"]
        if not isinstance(name, str) or not name or len(name) > 253 or not name.isprintable():
            wrong.append(Fault("/options/server_name", _("This is the name in the certificate.")))
    return wrong


@lru_cache(maxsize=64)
def context(ca: str = "") -> ssl.SSLContext:
    """What verifies a chain and its name: by the system's authorities, or by this one (PEM) alone."""
    made = ssl.create_default_context(cadata=ca or None)
    if ca and not made.get_ca_certs():
        made.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    return made


def unknown_faults(options: Mapping[str, Any], known: frozenset[str], pointer: str = "/options") -> list[Fault]:
    """A fault for each option that this kind does not have."""
    return [Fault(f"{pointer}/{key}", _("This kind has no such option.")) for key in options if key not in known]


async def _looked_up(host: str, port: int, tools: Tools) -> Sequence[Info]:
    """What the resolver says. Runs that ask for the same name meanwhile share the look-up, so that one that hangs holds one thread."""
    loop = asyncio.get_running_loop()
    key = (loop, tools.resolve, host, port)
    going = _looking.get(key)
    if going is None:
        going = _looking[key] = loop.run_in_executor(tools.threads, tools.resolve, host, port)
        going.add_done_callback(lambda done: _looked(key, done))
    return await asyncio.shield(going)


def _looked(key: Looking, done: asyncio.Future[Sequence[Info]]) -> None:
    _looking.pop(key, None)
    if not done.cancelled():
        done.exception()  # seen, also when nobody waits any more


def _literal(host: str, port: int) -> list[Info]:
    with suppress(ValueError):
        address = ipaddress.ip_address(host)
        if isinstance(address, ipaddress.IPv6Address):
            return [(socket.AF_INET6, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", (str(address), port, 0, 0))]
        return [(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", (str(address), port))]
    return []


def _v6(host: str) -> None:
    try:
        ipaddress.IPv6Address(host)
    except ValueError:
        raise ValueError(_("What stands in brackets is an IPv6 address.")) from None


async def _streams(
    made: socket.socket, tls: ssl.SSLContext | None, name: str | None, most: int
) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    loop = asyncio.get_running_loop()
    reader = BoundedReader(most, loop)
    protocol = asyncio.StreamReaderProtocol(reader, loop=loop)
    transport, _protocol = await loop.create_connection(lambda: protocol, sock=made, ssl=tls, server_hostname=name)
    return reader, asyncio.StreamWriter(transport, protocol, reader, loop)

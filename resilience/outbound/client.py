"""The one HTTP client: everything that leaves the portal (deliveries, probes, webhooks) goes through it.

It keeps connections alive, connects only where the guard lets it, sends each request once (aiohttp would send a PUT or DELETE
again by itself when a kept connection breaks, and an attempt that is written down as one must be one), follows redirects only where
that is safe, reads a bounded part of the answer, and takes neither proxies nor passwords from the environment nor cookies from answers.
"""

import io
import os
import re
import ssl
import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from types import TracebackType
from typing import Self

import aiohttp
from aiohttp import ClientHandlerType, ClientRequest, ClientResponse, ClientTimeout
from yarl import URL

from resilience.outbound.errors import (
    AnswerTooLarge,
    BadAnswer,
    ConnectFailed,
    NameNotFound,
    OutboundError,
    RedirectRefused,
    Reset,
    TimedOut,
    TlsFailed,
    TooManyRedirects,
    Unsendable,
)
from resilience.outbound.guard import Guard, GuardedResolver

MOST_REDIRECTS = 5
MOST_BYTES = 4 * 1024 * 1024
CONNECT_SECONDS = 5.0
KEPT_SECONDS = 4.0
"""An idle connection is given up before common servers (5 s) close it: a request on a dying connection has an unknown outcome."""

_LARGE_BODY = 1024 * 1024
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_READS = frozenset({"GET", "HEAD", "OPTIONS"})
_HOST = re.compile(r"[A-Za-z0-9._:%-]+")


@dataclass(frozen=True, slots=True)
class Request:
    """What is sent: once, to one place."""

    method: str
    url: URL | str
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    private: Collection[str] = ()
    """Names among the headers that only the upstream itself may see, its own and its credentials: left out for another origin."""
    body: bytes | None = field(default=None, repr=False)
    timeout: float = 10.0
    """Seconds for everything: connecting, redirects, the whole answer."""
    most_bytes: int = MOST_BYTES
    decode: bool = True
    """Whether an encoded (compressed) body is decoded; otherwise it is given as it came, and its header says so."""
    trust: ssl.SSLContext | None = field(default=None, repr=False)
    """Whom to believe instead of the system's authorities; it verifies all the same."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back. The status is certain; `fault` says why the body is not whole, when it is not."""

    status: int
    headers: Mapping[str, str] = field(repr=False)
    """Names in any letter case."""
    body: bytes = field(repr=False)
    seconds: float
    url: URL
    fault: OutboundError | None = None

    @property
    def ok(self) -> bool:
        """Whether the status says success (2xx)."""
        return 200 <= self.status < 300


class Client:
    """Sends requests: `async with Client(allowed_networks=[…]) as client: answer = await client.send(Request(…))`.

    One per process and event loop. It limits nothing: how much is in flight is decided by who calls.
    """

    def __init__(self, *, allowed_networks: Sequence[str] = (), user_agent: str = "Breakwater") -> None:
        self.guard = Guard(allowed_networks)
        self._user_agent = user_agent
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        connector = aiohttp.TCPConnector(
            resolver=GuardedResolver(self.guard),
            socket_factory=self.guard.make_socket,
            limit=0,
            keepalive_timeout=KEPT_SECONDS,
        )
        self._session = aiohttp.ClientSession(
            connector=connector,
            cookie_jar=aiohttp.DummyCookieJar(),
            headers={"User-Agent": self._user_agent, "Accept-Encoding": "identity"},
            trust_env=False,
            middlewares=(_never_twice,),
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._session:
            await self._session.close()

    async def send(self, request: Request) -> Answer:
        """The answer to a request, whatever its status; raises an OutboundError when there is none, or it may not be followed."""
        started = time.monotonic()
        try:
            url = request.url if isinstance(request.url, URL) else parse_url(request.url)
            answer = await self._once(request, url, request.headers, request.timeout, started)
            if answer.status in _REDIRECTS and "Location" in answer.headers:
                return await self._follow(request, url, answer, started)
        except OutboundError as error:
            error.seconds = time.monotonic() - started
            raise
        return answer

    async def _follow(self, request: Request, url: URL, answer: Answer, started: float) -> Answer:
        headers = request.headers
        for _ in range(MOST_REDIRECTS):
            target = redirect_target(request.method, url, answer)
            if target.origin() != url.origin():
                headers = {name: value for name, value in headers.items() if name not in request.private}
            url = target
            remaining = request.timeout - (time.monotonic() - started)
            if remaining <= 0:
                raise TimedOut("while following redirects", sent=request.method not in _READS)
            answer = await self._once(request, url, headers, remaining, started)
            if answer.status not in _REDIRECTS or "Location" not in answer.headers:
                return answer
        raise TooManyRedirects(
            f"more than {MOST_REDIRECTS}, the last one to {url.with_query(None)}", status=answer.status
        )

    async def _once(
        self, request: Request, url: URL, headers: Mapping[str, str], seconds: float, started: float
    ) -> Answer:
        if self._session is None:
            raise RuntimeError("The client is used outside of `async with`.")
        body = request.body
        try:
            async with self._session.request(
                request.method,
                url,
                headers=headers,
                data=io.BytesIO(body) if body and len(body) >= _LARGE_BODY else body,
                allow_redirects=False,
                auto_decompress=request.decode,
                ssl=request.trust or True,
                timeout=_timeout(seconds),
            ) as response:
                content, fault = await _read(response, request.most_bytes)
                return Answer(response.status, response.headers, content, time.monotonic() - started, url, fault)
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
            raise _understood(error) from error


def parse_url(text: str) -> URL:
    """An address that can be sent to; raises Unsendable.

    It is kept letter by letter (nothing is decoded or encoded again), but for a host in letters other than ASCII, which becomes xn--….
    """
    try:
        url = URL(text, encoded=True)
        if url.raw_host and not url.raw_host.isascii():
            url = url.with_host(url.raw_host)
        if url.raw_host and not _HOST.fullmatch(url.raw_host):
            raise ValueError("a host has letters, digits, dots and hyphens")
        host, port = url.host, url.port  # either raises ValueError, too
    except ValueError as error:
        raise Unsendable(f"the address cannot be read: {error}") from error
    if url.scheme not in ("http", "https") or not host or not port:
        raise Unsendable("an address starts with http:// or https:// and a host")
    if url.user is not None or url.password is not None:
        raise Unsendable("an address holds no user name or password")
    return url


def redirect_target(method: str, url: URL, answer: Answer) -> URL:
    """Where a redirect leads; raises RedirectRefused when following it could send a change wrongly or without encryption."""
    status = answer.status
    try:
        target = url.join(URL(answer.headers["Location"])).with_fragment(None)
        shown = str(target.with_user(None).with_query(None)) if target.host else str(target)
    except ValueError:
        raise RedirectRefused(f"{status} to an address that cannot be read", status=status) from None
    if method not in _READS and status not in (307, 308):
        raise RedirectRefused(f"{status} to {shown}: a change is sent on only after 307 or 308", status=status)
    if target.scheme not in ("http", "https") or not target.host:
        raise RedirectRefused(f"{status} to {shown}: only http and https are followed", status=status)
    if url.scheme == "https" and target.scheme == "http":
        raise RedirectRefused(f"{status} to {shown}: it leads from an encrypted to an open connection", status=status)
    if target.user is not None or target.password is not None:
        raise RedirectRefused(f"{status} to {shown}: the address holds a user name or password", status=status)
    return target


async def _read(response: ClientResponse, most: int) -> tuple[bytes, OutboundError | None]:
    """The body, up to `most` bytes, and why it is not whole."""
    chunks: list[bytes] = []
    size = 0
    try:
        length = response.content_length
        if length is not None and length <= most and "Content-Encoding" not in response.headers:
            return await response.read(), None
        async for chunk in response.content.iter_any():
            chunks.append(chunk)
            size += len(chunk)
            if size > most:
                response.close()
                return b"".join(chunks)[:most], AnswerTooLarge(f"more than {most} bytes")
    except TimeoutError:
        response.close()
        return b"".join(chunks), TimedOut("the answer began, and did not end in time")
    except (aiohttp.ClientError, OSError) as error:
        response.close()
        return b"".join(chunks), Reset(f"the answer began, and broke off: {type(error).__name__}")
    return b"".join(chunks), None


async def _never_twice(request: ClientRequest, handler: ClientHandlerType) -> ClientResponse:
    """Turns a broken connection into our error at once, so that aiohttp does not send the request again on another connection."""
    try:
        return await handler(request)
    except aiohttp.ClientConnectorError:
        raise
    except (aiohttp.ClientOSError, aiohttp.ServerDisconnectedError) as error:
        raise _reset(error) from error


def _reset(error: Exception) -> Reset:
    reason = getattr(error, "strerror", None) or "closed without an answer"
    return Reset(str(reason))


def _understood(error: Exception) -> OutboundError:
    """What an error of aiohttp, asyncio or the system means, in our words."""
    match error:
        case (
            aiohttp.ClientConnectorError()
            | aiohttp.ClientSSLError()
            | ssl.SSLError()
            | aiohttp.ConnectionTimeoutError()
        ):
            return _not_connected(error)
        case TimeoutError():
            return TimedOut()
        case aiohttp.InvalidURL() | ValueError():
            return Unsendable(str(error))
        case aiohttp.ClientResponseError():
            return BadAnswer(error.message.splitlines()[0][:200] if error.message else "")
        case _:
            return _reset(error)


def _not_connected(error: Exception) -> OutboundError:
    match error:
        case aiohttp.ClientConnectorDNSError():
            return NameNotFound(error.host)
        case aiohttp.ClientConnectorCertificateError():
            return TlsFailed(getattr(error.certificate_error, "verify_message", "") or str(error.certificate_error))
        case aiohttp.ClientSSLError() | ssl.SSLError():
            return TlsFailed(getattr(error, "reason", None) or str(error))
        case aiohttp.ClientConnectorError():
            return ConnectFailed(_words_of(error.os_error))
        case _:
            return TimedOut("while connecting", sent=False)


def _words_of(error: OSError) -> str:
    """What the operating system says ("Connection refused"); asyncio's own text names the address, which people know."""
    return os.strerror(error.errno).lower() if error.errno else str(error)


@lru_cache(maxsize=256)
def _timeout(seconds: float) -> ClientTimeout:
    return ClientTimeout(total=seconds, sock_connect=min(CONNECT_SECONDS, seconds * 0.8))

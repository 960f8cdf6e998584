"""HTTP: a request through the one client, and what is expected of its answer.

address   https://api.example.org/status
options   method GET (or HEAD, POST), headers {…}, body "…" with content_type, what core/expect.py knows (status, body_contains,
          body_matches, json, keep), read_bytes (how much of the answer, 64 KiB by itself), tls_days (fewer left is a failure),
          ca (PEM: the authority that is believed instead of the system's)
secret    headers {…}, credentials {"type": "basic" | "bearer" | "header", …}: for the target itself only, not where it redirects to
"""

import asyncio
import time
from collections.abc import Mapping, Sequence
from typing import Any

from django.utils.translation import gettext as _

from portal.kit.errors import Fault, Invalid
from resilience.health.core import expect
from resilience.health.targets import reach
from resilience.health.targets.base import MOST_BODY, Finding, Question, Tools, Value
from resilience.health.targets.certificates import Certificate, certificate
from resilience.outbound.client import Answer, Request, parse_url
from resilience.outbound.errors import AnswerTooLarge, OutboundError, TimedOut, Unsendable
from resilience.outbound.headers import private_headers, validate_credentials, validate_headers

METHODS = ("GET", "HEAD", "POST")
MOST_SENT = 8_192
MOST_READ = 4 * 1024 * 1024
KNOWN = frozenset((*expect.KEYS, "method", "headers", "body", "content_type", "read_bytes", "tls_days", "ca"))
_QUICK_BYTES = 4_096
"""What is read right away; longer answers are judged in a thread, so that nothing else waits for it."""


class Http:
    """Asks by HTTP."""

    def faults(self, address: str, options: Mapping[str, Any], secret: Mapping[str, Any]) -> Sequence[Fault]:
        """What is wrong with these."""
        wrong = reach.unknown_faults(options, KNOWN) + expect.faults(options)
        try:
            parse_url(address)
        except Unsendable as error:
            wrong.append(Fault("/address", error.sentence()))
        wrong += _request_faults(options) + reach.trust_faults(options)
        return [*wrong, *_secret_faults(secret, options.get("headers", {}))]

    def host(self, question: Question) -> str:
        """The origin's name and port."""
        try:
            url = parse_url(question.address)
        except Unsendable:
            return question.address
        return f"{url.host}:{url.port}"

    async def ask(self, question: Question, tools: Tools) -> Finding:
        """Sends the request once, follows redirects as the client does, and holds the answer against what is expected."""
        started = time.perf_counter()
        answer = await tools.client.send(_request(question))
        seconds = time.perf_counter() - started
        metadata: dict[str, Value] = {"status": answer.status, "bytes": len(answer.body)}
        if isinstance(answer.fault, AnswerTooLarge):
            metadata["rest"] = "not read"
        if answer.url.host != parse_url(question.address).host:
            metadata["answered_by"] = answer.url.host
        error, kept = await _judge(question.options, answer, tools)
        metadata.update(kept)
        try:
            left = max(0.05, question.timeout - (time.perf_counter() - started))
            shown = await asyncio.wait_for(_certificate(question, tools), left)
        except (OutboundError, TimeoutError) as failure:
            if "tls_days" in question.options:
                error = error or (failure if isinstance(failure, OutboundError) else TimedOut()).brief()
            shown = None
        if shown is not None:
            now = time.time()
            metadata.update(shown.metadata(now))
            least = question.options.get("tls_days", 0)
            if shown.days(now) < least:
                error = error or f"Its certificate ends in {shown.days(now)} days, which is less than {least}."
        return Finding(not error, seconds, error, metadata)


def _request(question: Question) -> Request:
    options, secret = question.options, question.secret
    private = private_headers(secret.get("headers", {}), secret.get("credentials"))
    body = options.get("body")
    kind = {"Content-Type": options.get("content_type", "application/json")} if body is not None else {}
    return Request(
        method=options.get("method", "GET"),
        url=question.address,
        headers={"Accept": "*/*", **kind, **options.get("headers", {}), **private},
        private=tuple(private),
        body=body.encode() if body is not None else None,
        timeout=question.timeout,
        most_bytes=options.get("read_bytes", MOST_BODY),
        decode=False,
        trust=reach.context(options["ca"]) if "ca" in options else None,
    )


async def _judge(options: Mapping[str, Any], answer: Answer, tools: Tools) -> tuple[str, Mapping[str, Any]]:
    whole = answer.fault is None
    given = expect.Given(answer.status, answer.headers, answer.body, whole)
    reads = any(options.get(key) for key in ("body_contains", "body_matches", "json"))
    coding = answer.headers.get("Content-Encoding", "identity").strip().lower()
    if coding not in ("", "identity"):
        given = expect.Given(answer.status, answer.headers, b"", whole)
    if len(given.body) <= _QUICK_BYTES:
        verdict = expect.judge(options, given)
    else:
        verdict = await asyncio.get_running_loop().run_in_executor(tools.threads, expect.judge, options, given)
    status_holds = not verdict.unmet or reads
    if reads and coding not in ("", "identity") and status_holds:
        return f"It sent its answer encoded ({coding[:20]}), which was not asked for and is not unpacked.", verdict.kept
    if answer.fault is not None and not isinstance(answer.fault, AnswerTooLarge):
        return verdict.unmet or answer.fault.brief(), verdict.kept
    return verdict.unmet, verdict.kept


async def _certificate(question: Question, tools: Tools) -> Certificate | None:
    url = parse_url(question.address)
    if url.scheme != "https" or not url.raw_host or not url.port:
        return None
    return await certificate(url.raw_host, url.port, tools, ca=question.options.get("ca", ""))


def _request_faults(options: Mapping[str, Any]) -> list[Fault]:
    wrong = []
    if options.get("method", "GET") not in METHODS:
        wrong.append(Fault("/options/method", _("The method is GET, HEAD or POST.")))
    body = options.get("body")
    if body is not None and (not isinstance(body, str) or len(body.encode(errors="replace")) > MOST_SENT):
        wrong.append(Fault("/options/body", _("The body is a text of at most 8,192 bytes.")))
    if body is not None and options.get("method", "GET") != "POST":
        wrong.append(Fault("/options/body", _("Only POST sends a body.")))
    try:
        validate_headers(options.get("headers", {}), "/options/headers")
        validate_headers({"X-Kind": options.get("content_type", "application/json")}, "/options")
    except Invalid as error:
        wrong += [
            Fault("/options/content_type", fault.detail) if fault.pointer == "/options/X-Kind" else fault
            for fault in error.faults
        ]
    if not _between(options.get("read_bytes", MOST_BODY), 1, MOST_READ):
        wrong.append(Fault("/options/read_bytes", _("This is a number of bytes from 1 to 4,194,304.")))
    if not _between(options.get("tls_days", 0), 0, 3_650):
        wrong.append(Fault("/options/tls_days", _("This is a number of days.")))
    return wrong


def _secret_faults(secret: Mapping[str, Any], shown: Any) -> list[Fault]:
    wrong = reach.unknown_faults(secret, frozenset(("headers", "credentials")), "/secret")
    try:
        hidden = validate_headers(secret.get("headers", {}), "/secret/headers")
        twice = {str(name).lower() for name in shown} & {name.lower() for name in hidden}
        wrong += [Fault(f"/secret/headers/{name}", _("This header is set twice.")) for name in sorted(twice)]
    except Invalid as error:
        wrong += error.faults
    if "credentials" in secret:
        try:
            validate_credentials(secret["credentials"], "/secret/credentials")
        except Invalid as error:
            wrong += error.faults
    return wrong


def _between(value: Any, low: int, high: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and low <= value <= high

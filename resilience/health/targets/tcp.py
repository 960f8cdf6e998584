r"""TCP: a connection, and what is said on it.

address   host:port
options   send (\r \n \t \0 \\ are written so), expect (a text that comes), expect_matches (a pattern), tls true, server_name, ca
"""

import re
import time
from collections.abc import Mapping, Sequence
from typing import Any

from django.utils.translation import gettext as _

from portal.kit.errors import Fault
from resilience.health.core.patterns import found, pattern_fault
from resilience.health.targets import reach
from resilience.health.targets.base import Finding, Question, Tools, Value

KNOWN = frozenset(("send", "expect", "expect_matches", "tls", "server_name", "ca"))
MOST_SENT = 1_024
MOST_READ = 4_096
_ESCAPE = re.compile(r"\\([rnt0\\])")
_MEANS = {"r": "\r", "n": "\n", "t": "\t", "0": "\0", "\\": "\\"}


class Tcp:
    """Connects, and where told to, says something and waits for an answer."""

    def faults(self, address: str, options: Mapping[str, Any], secret: Mapping[str, Any]) -> Sequence[Fault]:
        """What is wrong with these."""
        wrong = reach.place_faults(address) + reach.unknown_faults(options, KNOWN) + reach.trust_faults(options)
        wrong += reach.unknown_faults(secret, frozenset(), "/secret")
        for key in ("send", "expect"):
            value = options.get(key, "x")
            if not isinstance(value, str) or not 0 < len(value) <= MOST_SENT:
                wrong.append(Fault(f"/options/{key}", _("This is a text of at most 1,024 characters.")))
        if "expect_matches" in options and (why := pattern_fault(options["expect_matches"])):
            wrong.append(Fault("/options/expect_matches", why))
        if not isinstance(options.get("tls", False), bool):
            wrong.append(Fault("/options/tls", _("This is true or false.")))
        return wrong

    def host(self, question: Question) -> str:
        """The host and port."""
        return question.address.strip().lower()

    async def ask(self, question: Question, tools: Tools) -> Finding:
        """Connects once, and reads until what is expected has come."""
        options = question.options
        host, port = reach.place(question.address)
        started = time.perf_counter()
        tls = reach.context(options.get("ca", "")) if options.get("tls") else None
        name = options.get("server_name", "")
        async with await reach.Stream.open(host, port, tools, tls=tls, name=name, most=MOST_READ) as stream:
            metadata: dict[str, Value] = {"connect_ms": round((time.perf_counter() - started) * 1_000, 2)}
            if "send" in options:
                stream.writer.write(unescaped(options["send"]).encode())
                await stream.writer.drain()
            heard, error = await _listen(stream, options)
        if heard:
            metadata["banner"] = heard.split("\n")[0][:80]
        return Finding(not error, time.perf_counter() - started, error, metadata)


def unescaped(text: str) -> str:
    r"""The text with \r, \n, \t, \0 and \\ as the characters that they stand for."""
    return _ESCAPE.sub(lambda match: _MEANS[match[1]], text)


async def _listen(stream: reach.Stream, options: Mapping[str, Any]) -> tuple[str, str]:
    """What was heard, and what is wrong with it. A talker that never stops breaks the connection by itself (AnswerTooLarge)."""
    if "expect" not in options and "expect_matches" not in options:
        return "", ""
    text = unescaped(options.get("expect", ""))
    pattern = options.get("expect_matches")
    heard = b""
    while True:
        said = heard.decode(errors="replace")
        if text in said and (not pattern or found(pattern, said)):
            return said, ""
        more = await stream.reader.read(MOST_READ)
        if not more:
            wanted = f"“{options.get('expect') or pattern}”"
            return said, f"It closed the connection after {len(heard)} bytes, without {wanted[:100]}."
        heard += more

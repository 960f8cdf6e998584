"""TLS: the certificate of a server, its chain, its name, and the days that it has left.

address   host:port, or host for port 443
options   fail_days (7; fewer are a failure), warn_days (21; fewer count as slow), server_name, ca
"""

import time
from collections.abc import Mapping, Sequence
from typing import Any

from django.utils.translation import gettext as _

from portal.kit.errors import Fault
from resilience.health.targets import reach
from resilience.health.targets.base import Finding, Question, Tools
from resilience.health.targets.certificates import certificate

PORT = 443
FAIL_DAYS, WARN_DAYS = 7, 21
KNOWN = frozenset(("fail_days", "warn_days", "server_name", "ca"))


class Tls:
    """Shakes hands and reads the certificate."""

    def faults(self, address: str, options: Mapping[str, Any], secret: Mapping[str, Any]) -> Sequence[Fault]:
        """What is wrong with these."""
        wrong = reach.place_faults(address, PORT) + reach.unknown_faults(options, KNOWN) + reach.trust_faults(options)
        wrong += reach.unknown_faults(secret, frozenset(), "/secret")
        for key in ("fail_days", "warn_days"):
            value = options.get(key, 0)
            if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= 3_650:
                wrong.append(Fault(f"/options/{key}", _("This is a number of days.")))
        return wrong

    def host(self, question: Question) -> str:
        """The host and port."""
        return question.address.strip().lower()

    async def ask(self, question: Question, tools: Tools) -> Finding:
        """Shakes hands once."""
        options = question.options
        host, port = reach.place(question.address, PORT)
        started = time.perf_counter()
        name, ca = options.get("server_name", ""), options.get("ca", "")
        shown = await certificate(host, port, tools, name=name, ca=ca, fresh=True)
        seconds = time.perf_counter() - started
        now = time.time()
        days = shown.days(now)
        least = options.get("fail_days", FAIL_DAYS)
        error = f"Its certificate ends in {days} days, which is less than {least}." if days < least else ""
        metadata = {**shown.metadata(now), "tls_subject": shown.subject, "tls_version": shown.protocol}
        return Finding(not error, seconds, error, metadata, slow=days < options.get("warn_days", WARN_DAYS))

"""DNS: what a name is looked up to.

address   the name
options   type (A; AAAA CAA CNAME MX NS PTR SOA SRV TXT), expect (values, as dig prints them), match (all: each expected one is
          there; any: one of them; exact: these and no others), server (host or host:port; the system's resolvers where none is named)
"""

import time
from collections.abc import Mapping, Sequence
from typing import Any

import dns.asyncresolver
import dns.exception
import dns.name
import dns.resolver
from django.utils.translation import gettext as _

from portal.kit.errors import Fault
from resilience.health.targets import reach
from resilience.health.targets.base import Finding, Question, Tools, Value
from resilience.outbound.errors import TimedOut, Unsendable

PORT = 53
TYPES = ("A", "AAAA", "CAA", "CNAME", "MX", "NS", "PTR", "SOA", "SRV", "TXT")
MATCHES = ("all", "any", "exact")
KNOWN = frozenset(("type", "expect", "match", "server"))
MOST_EXPECTED = 20


class Dns:
    """Looks a name up."""

    def faults(self, address: str, options: Mapping[str, Any], secret: Mapping[str, Any]) -> Sequence[Fault]:
        """What is wrong with these."""
        wrong = reach.unknown_faults(options, KNOWN) + reach.unknown_faults(secret, frozenset(), "/secret")
        try:
            if not address.strip():
                raise dns.name.EmptyLabel
            dns.name.from_text(address.strip())
        except (dns.exception.DNSException, UnicodeError):
            wrong.append(Fault("/address", _("This is no name that can be looked up.")))
        if options.get("type", "A") not in TYPES:
            wrong.append(Fault("/options/type", _("The type is one of %s.") % ", ".join(TYPES)))
        if options.get("match", "all") not in MATCHES:
            wrong.append(Fault("/options/match", _("The match is all, any or exact.")))
        wanted = options.get("expect", [])
        fits = isinstance(wanted, list) and len(wanted) <= MOST_EXPECTED
        if not fits or not all(isinstance(one, str) and 0 < len(one) <= 500 for one in wanted):
            wrong.append(Fault("/options/expect", _("The expected values are a list of at most 20 texts.")))
        if "server" in options:
            server = options["server"]
            wrong += reach.place_faults(server if isinstance(server, str) else "", PORT, "/options/server")
        return wrong

    def host(self, question: Question) -> str:
        """The server that is asked; "" for the system's own."""
        return str(question.options.get("server", "")).strip().lower()

    async def ask(self, question: Question, tools: Tools) -> Finding:
        """Looks the name up once."""
        kind = question.options.get("type", "A")
        resolver = await _resolver(question, tools)
        started = time.perf_counter()
        try:
            answer = await resolver.resolve(
                question.address.strip(), kind, lifetime=question.timeout, search=False, raise_on_no_answer=False
            )
        except dns.resolver.NXDOMAIN:
            return Finding(False, time.perf_counter() - started, "There is no such name.")
        except dns.resolver.LifetimeTimeout:
            raise TimedOut from None
        except dns.resolver.NoNameservers as failure:
            return Finding(False, time.perf_counter() - started, _no_nameservers(failure))
        except dns.exception.DNSException as failure:
            return Finding(False, time.perf_counter() - started, f"The look-up failed: {type(failure).__name__}.")
        seconds = time.perf_counter() - started
        values = sorted(plain(record.to_text()) for record in answer.rrset or ())
        metadata: dict[str, Value] = {"type": kind, "answers": len(values), "values": ", ".join(values)[:200]}
        if answer.rrset is not None:
            metadata["ttl"] = int(answer.rrset.ttl)
        error = unmet(values, question.options, kind)
        return Finding(not error, seconds, error, metadata)


def plain(value: str) -> str:
    """A record as it is compared: without the quotes of texts, the last dot of names, and the difference of letter case."""
    if value.startswith('"'):
        return value[1:].removesuffix('"').replace('" "', "")
    return value.removesuffix(".").lower()


def unmet(values: Sequence[str], options: Mapping[str, Any], kind: str) -> str:
    """Why these answers are not what is expected; empty when they are."""
    if not values:
        return f"The name has no {kind} records."
    wanted = {plain(one) for one in options.get("expect", [])}
    if not wanted:
        return ""
    given = set(values)
    match options.get("match", "all"):
        case "any":
            holds = bool(wanted & given)
        case "exact":
            holds = wanted == given
        case _:
            holds = wanted <= given
    return "" if holds else f"It is {', '.join(values)[:120]}, not {', '.join(sorted(wanted))[:120]}."


async def _resolver(question: Question, tools: Tools) -> dns.asyncresolver.Resolver:
    """The system's resolvers, or the named server at an address that the guard lets through."""
    server = question.options.get("server")
    if not server:
        try:
            return dns.asyncresolver.Resolver()
        except dns.resolver.NoResolverConfiguration:
            raise Unsendable("this machine names no resolver; name one in the probe's options") from None
    host, port = reach.place(server, PORT)
    resolver = dns.asyncresolver.Resolver(configure=False)
    judged = [str(info[4][0]) for info in await reach.addresses(host, port, tools)]
    resolver.nameservers = list(judged)
    resolver.nameserver_ports = dict.fromkeys(judged, port)
    return resolver


def _no_nameservers(failure: dns.resolver.NoNameservers) -> str:
    said = [str(error[3]) for error in failure.kwargs.get("errors", []) if len(error) > 3]
    return f"No name server gave an answer ({'; '.join(said)[:150]})." if said else "No name server gave an answer."

"""The words for scores: what points were lost for, the parts, and how fresh everything is."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext, ngettext_lazy

from portal.web.formats import age, number
from resilience.health.core.score import Lost, Why

HREFS = {
    Why.BACKLOG: "/resilience/queue",
    Why.AGE: "/resilience/queue",
    Why.BREAKER_OPEN: "/resilience/breakers",
    Why.BREAKER_HALF_OPEN: "/resilience/breakers",
    Why.CONFLICTS: "/conflicts",
    Why.CONFLICT_AGE: "/conflicts",
}

WORDS = {
    Why.DOWN: gettext_lazy("%(name)s down"),
    Why.SLOW: gettext_lazy("%(name)s slow"),
    Why.BREAKER_OPEN: gettext_lazy("%(n)s of %(of)s open"),
    Why.BREAKER_HALF_OPEN: gettext_lazy("%(n)s of %(of)s half-open"),
    Why.AGE: gettext_lazy("oldest %(age)s"),
    Why.CONFLICT_AGE: gettext_lazy("oldest %(age)s"),
    Why.BACKLOG: gettext_lazy("%(n)s waiting"),
    Why.CONFLICTS: gettext_lazy("%(n)s waiting"),
    Why.CAPPED_DOWN: ngettext_lazy(
        "%(n)s at the most while %(name)s is down, which is critical",
        "%(n)s at the most while %(name)s are down, which are critical",
        "many",
    ),
    Why.CAPPED_OPEN: ngettext_lazy(
        "%(n)s at the most while the breaker of %(name)s is open, which is critical",
        "%(n)s at the most while the breakers of %(name)s are open, which are critical",
        "many",
    ),
    Why.ANY_DOWN: ngettext_lazy(
        "degraded at best while %(name)s is down", "degraded at best while %(name)s are down", "many"
    ),
    Why.ANY_OUTAGE: ngettext_lazy(
        "degraded at best while an outage of %(name)s goes on",
        "degraded at best while outages of %(name)s go on",
        "many",
    ),
    Why.ANY_DUTY: gettext_lazy("degraded at best while nobody runs %(name)s"),
}
NAMED = 3
"""Of so many the name is told."""
OWN_BREAKER = {
    Why.BREAKER_OPEN: gettext_lazy("breaker open"),
    Why.BREAKER_HALF_OPEN: gettext_lazy("breaker half-open"),
}


class Probe(Protocol):
    """What freshness needs of a probe."""

    @property
    def last_at(self) -> datetime | None: ...

    def late(self, now: datetime) -> bool: ...


def part(name: str) -> str:
    """A part of the system's score as pages call it."""
    words = {"upstreams": _("Components"), "queue": _("Queue"), "breakers": _("Breakers"), "conflicts": _("Conflicts")}
    return words[name]


def loss(lost: Lost, names: Sequence[str], of: int = 0) -> str:
    """What points were lost for: "Plans API down", "oldest 24 min", "1 of 5 open". `of`: how many breakers there are, 0 for one's own."""
    said = {"name": together(names), "n": number(lost.n), "of": number(of), "age": age(lost.seconds)}
    words = OWN_BREAKER.get(lost.why, WORDS[lost.why]) if not of else WORDS[lost.why]
    text = words % {**said, "many": len(names)}
    if lost.planned:
        text = _("%(text)s (without %(n)s in maintenance)") % {"text": text, "n": number(lost.planned)}
    return text


def together(names: Sequence[str]) -> str:
    """Who does something together: "Plans API", "Plans API and OpenAI", "Plans API, OpenAI and 2 more"."""
    if len(names) <= 1:
        return "".join(names)
    if len(names) <= NAMED:
        return _("%(names)s and %(last)s") % {"names": ", ".join(names[:-1]), "last": names[-1]}
    rest = len(names) - NAMED + 1
    return _("%(names)s and %(n)s more") % {"names": ", ".join(names[: NAMED - 1]), "n": number(rest)}


def others(n: int) -> str:
    """What stands for the losses that are not listed."""
    return ngettext("%(n)s other", "%(n)s others", n) % {"n": number(n)}


def no_data(when: str) -> str:
    """Why nothing is known of a component. `when` it was last asked; empty when it never was."""
    return _("No data since %(when)s: its probes have not run.") % {"when": when} if when else _("No data yet.")


def freshness(probes: Sequence[Probe], now: datetime) -> tuple[str, int]:
    """When the probes ran, in a sentence, and how many did not when they were due."""
    if not probes:
        return _("There are no probes."), 0
    late = [probe for probe in probes if probe.late(now)]
    if late:
        ran = [probe.last_at for probe in late]
        since = min((at for at in ran if at is not None), default=None)
        said = {"n": number(len(late)), "of": number(len(probes)), "age": age(now - since) if since else ""}
        if since is None:
            return _("%(n)s of %(of)s probes have not run yet.") % said, len(late)
        return _("%(n)s of %(of)s probes did not run when they were due, one for %(age)s.") % said, len(late)
    oldest = max(now - probe.last_at for probe in probes if probe.last_at is not None)
    return _("Fresh: all probes ran within the last %(age)s.") % {"age": age(oldest)}, 0

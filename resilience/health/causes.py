"""Why a component stands as it does, as one short sentence: what its failing probe said, or why its breaker opened."""

import re
from collections.abc import Sequence

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from portal.kit.masking import mask_text
from resilience.breakers.shared import THE_LAST
from resilience.health.models import Probe

MOST = 300
ASIDE = re.compile(r" \([^()]*\)(?=\.?$)")
NEXT_SENTENCE = re.compile(r"(?<=[.!?])\s+(?=[A-Z])")


def short(text: str) -> str:
    """The first sentence of what was said."""
    return _ended(NEXT_SENTENCE.split(text.strip(), maxsplit=1)[0])


def _ended(text: str) -> str:
    text = text.strip()[: MOST - 1]
    return text if not text or text.endswith((".", "!", "?", "…")) else f"{text}."


def of_probes(probes: Sequence[Probe], *, alone: bool) -> str:
    """What the first of these probes said, which one it is where the component has several, and how many more fail."""
    first, rest = probes[0], len(probes) - 1
    if not first.last_error:
        said = _("%s is not well") % first.name
        which = ngettext("and %d more probe", "and %d more probes", rest) % rest if rest else ""
    else:
        said = short(first.last_error)
        which = "" if alone else first.name
        if rest:
            which = ngettext("%(name)s and %(n)d more probe", "%(name)s and %(n)d more probes", rest) % {
                "name": first.name,
                "n": rest,
            }
    return _aside(said, which)


def of_slow(probe: Probe, *, alone: bool) -> str:
    """What is slow about it."""
    said = short(probe.last_error) if probe.last_error else _("It answers after %d ms") % (probe.last_ms or 0)
    return _aside(said, "" if alone else probe.name)


def of_breaker(reason: str) -> str:
    """What its breaker saw last, and why it opened."""
    rule, _found, last = mask_text(reason).strip().partition(THE_LAST)
    opened = _("its breaker opened: %s") % rule.rstrip(".") if rule else _("its breaker opened")
    last = short(last)
    return _aside(last, opened) if last else _ended(f"{opened[:1].upper()}{opened[1:]}")


def _aside(said: str, more: str) -> str:
    """The sentence with what stands in brackets at its end."""
    said = said.rstrip(".")
    return _ended(f"{said[: MOST - len(more) - 4]} ({more})" if more else said)


def plain(reason: str) -> str:
    """The reason without what stands in brackets at its end (which probe, how many more): a card has no room for it."""
    return ASIDE.sub("", reason)


def since(reason: str, moment: str) -> str:
    """The reason with since when: "Connection refused since 00:42", what stood in brackets after it."""
    if not reason or not moment:
        return reason or (_("since %s") % moment if moment else "")
    whole, bracket, aside = reason.rstrip(".").partition(" (")
    several = any(mark in whole for mark in (", ", ". ", ": "))
    words = _("%(reason)s, since %(moment)s") if several else _("%(reason)s since %(moment)s")
    return f"{words % {'reason': whole.rstrip('.'), 'moment': moment}}{bracket}{aside}"

"""Why a component stands as it does, as one short sentence: what its failing probe said, or why its breaker opened."""

import re
from collections.abc import Sequence

from django.utils.translation import gettext as _

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


def of_probes(failing: Sequence[Probe], *, all_fail: bool) -> str:
    """What the first of these says. Unless all of the component's fail of the same: which it is, and how many more."""
    first, rest = failing[0], len(failing) - 1
    said = short(first.last_error) or _("Not well")
    if all_fail and len({short(one.last_error) for one in failing}) == 1:
        return _aside(said, "")
    which = _("probe “%(name)s” and %(n)d more") if rest else _("probe “%(name)s”")
    return _aside(said, which % {"name": first.name, "n": rest})


def of_slow(probe: Probe, *, alone: bool) -> str:
    """What is slow about it."""
    said = short(probe.last_error) if probe.last_error else _("It answers after %d ms") % (probe.last_ms or 0)
    return _aside(said, "" if alone else _("probe “%(name)s”") % {"name": probe.name})


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

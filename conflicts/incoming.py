"""What a caller of the REST API says about a conflict, read strictly: each fault has its place in the body."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

from conflicts.actions.resolve import Resolution
from conflicts.core import MISSING, Choice
from portal.kit.errors import Fault, Invalid
from portal.kit.jsontext import escape

LONGEST_HOLD = 60.0
"""Seconds."""


@dataclass(frozen=True, slots=True)
class Decided:
    """What is to be decided, on which state of the conflict, and for how long it is held back."""

    digest: str
    resolution: Resolution
    hold: float = 0.0


def read_preview(body: Mapping[str, Any]) -> Resolution:
    """What to show the outcome of; nothing chosen is fine. Raises Invalid with all faults."""
    faults = _unknown(body, {"choices", "document"})
    resolution = _resolution(body, faults)
    _refuse(faults)
    return resolution


def read_decided(body: Mapping[str, Any]) -> Decided:
    """A resolution with its digest. Raises Invalid with all faults."""
    faults = _unknown(body, {"digest", "choices", "document", "hold"})
    digest, hold = body.get("digest", ""), body.get("hold", 0)
    if not isinstance(digest, str) or not digest:
        faults.append(Fault("/digest", _("Send the digest of the conflict that you decided on.")))
    if isinstance(hold, bool) or not isinstance(hold, int | float) or not 0 <= hold <= LONGEST_HOLD:
        faults.append(Fault("/hold", _("Hold it back for 0 to %d seconds.") % LONGEST_HOLD))
    if "choices" not in body and "document" not in body:
        faults.append(Fault("", _("Send your choices, or a document that you merged by hand.")))
    resolution = _resolution(body, faults)
    _refuse(faults)
    return Decided(digest, resolution, float(hold))


def _refuse(faults: list[Fault]) -> None:
    if faults:
        raise Invalid(faults[0].detail, faults=faults)


def _unknown(body: Mapping[str, Any], known: set[str]) -> list[Fault]:
    return [Fault(f"/{escape(name)}", _("There is no such field here.")) for name in body if name not in known]


def _resolution(body: Mapping[str, Any], faults: list[Fault]) -> Resolution:
    choices, document = body.get("choices"), body.get("document", MISSING)
    if "choices" in body and not isinstance(choices, Mapping):
        faults.append(Fault("/choices", _("Choices are an object: decisions by their ids, each with what you take.")))
    elif isinstance(choices, Mapping):
        faults += [fault for name, choice in choices.items() for fault in _choice(f"/choices/{escape(name)}", choice)]
        if document is not MISSING:
            faults.append(Fault("/document", _("Send choices or a document, not both.")))
    by_hand = document is not MISSING
    return Resolution(choices=None if by_hand or not isinstance(choices, Mapping) else choices, document=document)


def _choice(place: str, choice: Choice | Any) -> list[Fault]:
    """What is wrong with the form of a choice; whether it fits its decision is the merge's to say."""
    if isinstance(choice, str):
        return []
    if not isinstance(choice, Mapping) or len(choice) != 1 or not choice.keys() <= {"value", "hunks"}:
        return [Fault(place, _('Take a side ("local"), or send {"value": …} or {"hunks": {"0": …}}.'))]
    if "value" in choice:
        return []
    hunks = choice["hunks"]
    if not isinstance(hunks, Mapping):
        return [Fault(f"{place}/hunks", _("Hunks are an object: their numbers, each with what you take."))]
    return [fault for name, said in hunks.items() for fault in _hunk(f"{place}/hunks/{escape(name)}", said)]


def _hunk(place: str, said: Any) -> list[Fault]:
    if isinstance(said, str) or (isinstance(said, Mapping) and list(said) == ["value"]):
        return []
    return [Fault(place, _('Take a side ("local"), or send {"value": …}.'))]

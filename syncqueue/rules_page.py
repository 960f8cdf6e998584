"""What the page of a kind's merge rules shows: what was typed, where it is wrong, and what the rules make of it. Nothing is stored."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.http import QueryDict
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from conflicts.actions.set_rules import LARGEST as LARGEST_RULES
from conflicts.actions.set_rules import checked
from conflicts.core import MISSING, Decision, merge, parse_rules
from conflicts.core.limits import TooDeep
from conflicts.rule_words import action_words, kind_words
from conflicts.ruling import Ruling
from portal.kit import jsontext
from portal.kit.errors import Fault, Invalid
from syncqueue.core.kind_examples import example
from syncqueue.core.kinds import Kind

LARGEST = 1024 * 1024
"""Bytes of a document."""
MOST_SHOWN = 200
"""So many decisions are listed."""
MOST_FAULTS = 20
"""So many faults of a box are shown."""
BOXES = ("rules", "base", "local", "remote")


@dataclass(frozen=True, slots=True)
class Typed:
    """The texts of the boxes, as they stand there."""

    rules: str
    base: str
    local: str
    remote: str

    @classmethod
    def first(cls, kind: Kind, ruling: Ruling) -> "Typed":
        """What the boxes hold before anybody types: the rules that hold, and the kind's example."""
        return cls(ruling.text, *map(_pretty, example(kind.name)))

    @classmethod
    def read(cls, said: QueryDict) -> "Typed":
        """What was sent."""
        return cls(*(said.get(name, "").replace("\r\n", "\n") for name in BOXES))


@dataclass(frozen=True, slots=True)
class Wrong:
    """What is wrong in a box, and at which line (0 for the whole box)."""

    detail: str
    line: int = 0


@dataclass(frozen=True, slots=True)
class Place:
    """One decision of the try-out."""

    decision: Decision
    kind: str
    action: str
    reason: str
    rule: str


@dataclass(frozen=True, slots=True)
class Tried:
    """What came of a try-out: faults by box, or the draft and its places. `draft` is "" when nothing is left of the document."""

    faults: Mapping[str, Sequence[Wrong]] = field(default_factory=dict)
    draft: str = ""
    places: Sequence[Place] = ()
    more: int = 0
    asks: int = 0
    sentence: str = ""


def read_rules(typed: Typed) -> Mapping[str, Any]:
    """The rules of their box; raises Invalid."""
    return checked(_parse(typed.rules, LARGEST_RULES))


def wrong_rules(typed: Typed, error: Invalid) -> list[Wrong]:
    """The faults of an error about the rules, each with its line."""
    return _wrong(typed.rules, error)


def tried(typed: Typed) -> Tried:
    """What the rules in their box make of the three documents."""
    faults: dict[str, Sequence[Wrong]] = {}
    values: dict[str, Any] = {}
    for name in BOXES:
        text = getattr(typed, name)
        try:
            values[name] = read_rules(typed) if name == "rules" else _document(text)
        except Invalid as error:
            faults[name] = _wrong(text, error)
    if faults:
        boxes = ngettext("%d box cannot be read.", "%d boxes cannot be read.", len(faults)) % len(faults)
        return Tried(faults, sentence=boxes)
    try:
        found = merge(values["base"], values["local"], values["remote"], values["rules"])
    except TooDeep as error:
        return Tried({"base": [Wrong(str(error))]}, sentence=_("The documents cannot be merged."))
    rules = parse_rules(values["rules"])
    shown = [
        Place(one, kind_words(one), action_words(one), _(one.reason), one.rule or rules.holding(one.path))
        for one in found.decisions[:MOST_SHOWN]
    ]
    return Tried(
        draft="" if found.draft is MISSING else _pretty(found.draft),
        places=shown,
        more=len(found.decisions) - len(shown),
        asks=len(found.conflicts),
        sentence=_sentence(len(found.decisions), len(found.conflicts)),
    )


def _sentence(decisions: int, asks: int) -> str:
    if not decisions:
        return _("Nothing differs.")
    places = ngettext("%d place differs", "%d places differ", decisions) % decisions
    if not asks:
        return _("%s; the rules settle all of it.") % places
    return ngettext("%(places)s; %(n)d asks a person.", "%(places)s; %(n)d ask a person.", asks) % {
        "places": places,
        "n": asks,
    }


def _document(text: str) -> Any:
    return _parse(text) if text.strip() else MISSING


def _parse(text: str, largest: int = LARGEST) -> Any:
    if len(text.encode(errors="replace")) > largest:
        raise Invalid(_("This is larger than it may be: %d bytes.") % largest)
    return jsontext.parse(text)


def _wrong(text: str, error: Invalid) -> list[Wrong]:
    if not error.faults:
        return [Wrong(error.detail or error.title())]
    return [Wrong(fault.detail, _line(text, fault)) for fault in error.faults[:MOST_FAULTS]]


def _line(text: str, fault: Fault) -> int:
    """The line of a fault; 0 for an empty text, and for a fault whose sentence names the line itself."""
    return jsontext.line_of(text, fault.pointer) if text.strip() and "(line " not in fault.detail else 0


def _pretty(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, indent=2)


@dataclass(frozen=True, slots=True)
class Field:
    """A field of the kind's documents, in short."""

    name: str
    type: str
    required: bool


def fields_of(kind: Kind) -> list[Field]:
    """The kind's fields on the first level; the whole schema is shown beside them."""
    required = kind.schema.get("required", ())
    return [Field(name, _type(one), name in required) for name, one in kind.schema.get("properties", {}).items()]


def _type(schema: Mapping[str, Any]) -> str:
    if "enum" in schema:
        return _("one of %s") % ", ".join(map(str, schema["enum"]))
    items = schema.get("items")
    if schema.get("type") == "array" and isinstance(items, Mapping):
        return _("list: %s") % _type(items)
    said = schema.get("type", _("anything"))
    named = " | ".join(map(str, said)) if isinstance(said, list) else str(said)
    return f"{named}, {schema['format']}" if "format" in schema else named

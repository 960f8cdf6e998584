"""What the page of a conflict posts: a choice for each question, what was written by hand, and which button was pressed."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from django.http import QueryDict
from django.utils.translation import gettext as _

from conflicts.cards import Given
from conflicts.core import MISSING, Choice, Decision
from portal.kit import jsontext
from portal.kit.errors import Invalid

CHOICE, WRITTEN, CLEARED = "c.", "v.", "x"
RULE = "rule"


@dataclass(frozen=True, slots=True)
class Posted:
    """A form as it came.

    `given` holds the choices over those that were kept before, `own` the decisions that this form said something of. `manual` is the
    editor's text, None when it was not on the page. `paths` says where the page's decisions stood.
    """

    given: Given
    own: frozenset[str]
    digest: str
    verb: str
    manual: str | None
    paths: Mapping[str, str]

    @property
    def readable(self) -> bool:
        """Whether all that was written could be read."""
        return not self.given.faults


@dataclass(slots=True)
class _Reading:
    choices: dict[str, Choice]
    texts: dict[str, str] = field(default_factory=dict)
    faults: dict[str, str] = field(default_factory=dict)


def posted(
    data: QueryDict,
    decisions: Mapping[str, Decision],
    before: Mapping[str, Choice],
    raw: Mapping[str, str] | None = None,
) -> Posted:
    """Reads a form over what was kept `before`, and of what was `raw`. A choice for an unknown decision stays, so that it is refused."""
    reading = _Reading(dict(before))
    whole = data.get("choices")
    if whole:
        reading.choices = _all(whole)
    else:
        reading.texts, reading.faults = unreadable(raw or {}, decisions)
    own = set(reading.choices) if whole else set()
    for name in data.getlist(CLEARED):
        _forget(reading, name)
        own.add(_take(reading, name, None))
    for field_name in data:
        if field_name.startswith(CHOICE):
            name = field_name.removeprefix(CHOICE)
            _forget(reading, name)
            own.add(_take(reading, name, _read(reading, name, data, decisions)))
    return Posted(
        Given(reading.choices, reading.texts, reading.faults),
        frozenset(own),
        data.get("digest", ""),
        data.get("do", "preview"),
        str(data["manual"]).replace("\r\n", "\n") if "manual" in data else None,
        _paths(data.get("paths", "")),
    )


def unreadable(raw: Mapping[str, str], decisions: Mapping[str, Decision]) -> tuple[dict[str, str], dict[str, str]]:
    """Of what was kept as it was written, the texts of these decisions' fields, and what is wrong with each."""
    texts = {name: text for name, text in raw.items() if name.partition(".")[0] in decisions}
    return texts, {name: _fault(text) for name, text in texts.items()}


def _fault(text: str) -> str:
    try:
        jsontext.parse(text)
    except Invalid as error:
        return error.detail or str(error.title())
    return ""


def _forget(reading: _Reading, name: str) -> None:
    reading.texts.pop(name, None)
    reading.faults.pop(name, None)


def _paths(text: str) -> dict[str, str]:
    """Where the decisions stood on the page that was posted; nothing when that cannot be read, since it is a convenience."""
    try:
        found = jsontext.parse(text) if text else {}
    except Invalid:
        return {}
    return {name: path for name, path in found.items() if isinstance(path, str)} if isinstance(found, dict) else {}


def _all(text: str) -> dict[str, Choice]:
    """Every choice at once, as the confirmation carries them."""
    found = jsontext.parse(text)
    if not isinstance(found, dict):
        raise Invalid.at("/choices", _("The choices are an object of decisions and what was chosen."))
    return found


def _read(reading: _Reading, name: str, data: QueryDict, decisions: Mapping[str, Decision]) -> Choice | None:
    said = str(data[f"{CHOICE}{name}"])
    if said in ("", RULE):
        return None
    if said != "edit":
        return said
    text = data.get(f"{WRITTEN}{name}", "").replace("\r\n", "\n")
    if not _typed(name, decisions):
        return {"value": text}
    try:
        return {"value": jsontext.parse(text)}
    except Invalid as error:
        reading.texts[name] = text
        reading.faults[name] = error.detail or error.title()
        return None


def _typed(name: str, decisions: Mapping[str, Decision]) -> bool:
    """Whether the field takes JSON: the place holds something else than texts."""
    identifier, _dot, hunk = name.partition(".")
    decision = decisions.get(identifier)
    if decision is None:
        return False
    place: Any = next((one for one in decision.hunks if str(one.number) == hunk), decision) if hunk else decision
    present = [value for value in (place.base, place.local, place.remote) if value is not MISSING]
    return not all(isinstance(value, str) for value in present)


def _take(reading: _Reading, name: str, choice: Choice | None) -> str:
    """Puts a choice (or none) in its place and gives the decision's id."""
    identifier, _dot, hunk = name.partition(".")
    if not hunk:
        if choice is None:
            reading.choices.pop(identifier, None)
        else:
            reading.choices[identifier] = choice
        return identifier
    before = reading.choices.get(identifier)
    hunks = dict(before["hunks"]) if isinstance(before, Mapping) and isinstance(before.get("hunks"), Mapping) else {}
    if choice is None:
        hunks.pop(hunk, None)
    else:
        hunks[hunk] = choice
    if hunks:
        reading.choices[identifier] = {"hunks": hunks}
    elif isinstance(before, Mapping):
        reading.choices.pop(identifier, None)
    return identifier

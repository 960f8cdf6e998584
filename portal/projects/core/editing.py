"""An edit of one place of a plan as a merge patch. Lists are replaced whole by a patch, so they are built from the document. Pure.

A form tells for each of its fields what the person saw (`seen`, a digest). What they did not touch is left as it is now; what they
changed is written; and where somebody else changed the same field since they opened the page, they are asked first.
"""

from collections.abc import Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

from portal.projects.core.reading import key_of, objects, text

PLAN_FIELDS = ("title", "summary", "description", "status")
STEP_FIELDS = ("status", "notes")


@dataclass(frozen=True, slots=True)
class PlanEdit:
    """New texts for fields of the plan itself, and what was seen of each."""

    values: Mapping[str, str]
    seen: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class StepEdit:
    """New texts for fields of one microstep, and the ids of the criteria that are met. `seen` also has "met"."""

    key: str
    values: Mapping[str, str]
    met: frozenset[str]
    seen: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class NewComment:
    """A comment to be added. `at` is an ISO 8601 time."""

    id: str
    author: str
    text: str
    at: str


Edit = PlanEdit | StepEdit | NewComment


@dataclass(frozen=True, slots=True)
class Edited:
    """The patch (empty when nothing is different), or `clashes`: fields that somebody else changed too, with their text now."""

    patch: dict[str, Any] = field(default_factory=dict)
    clashes: Mapping[str, str] = field(default_factory=dict)


class NotThere(LookupError):
    """The document has no such microstep, or not exactly one."""


def seen_of(value: str) -> str:
    """What a form carries of the text that it showed."""
    return sha256(plain(value).encode(errors="replace")).hexdigest()[:16]


def seen_met(step: Mapping[str, Any]) -> str:
    """The same for the criteria of a microstep."""
    return seen_of("\n".join(sorted(met_ids(step))))


def plain(value: str) -> str:
    """A text with the line ends that browsers do not change."""
    return value.replace("\r\n", "\n").replace("\r", "\n")


def met_ids(step: Mapping[str, Any]) -> frozenset[str]:
    """The ids of the criteria that are met. One without an id cannot be named, so it stays as it is."""
    met = (text(one, "id") for one in objects(step, "acceptance_criteria") if one.get("met") is True)
    return frozenset(name for name in met if name)


def edited(document: Mapping[str, Any], edit: Edit) -> Edited:
    """What this edit makes of the document. Raises NotThere for a microstep that cannot be found."""
    match edit:
        case PlanEdit():
            return _plan(document, edit)
        case StepEdit():
            return _step(document, edit)
        case NewComment():
            return _comment(document, edit)


def _plan(document: Mapping[str, Any], edit: PlanEdit) -> Edited:
    patch, clashes = _fields(document, edit.values, edit.seen)
    return Edited(clashes=clashes) if clashes else Edited(dict(patch))


def _step(document: Mapping[str, Any], edit: StepEdit) -> Edited:
    at = _find(document, edit.key)
    step = document["phases"][at[0]]["microsteps"][at[1]]
    fresh, clashes = _fields(step, edit.values, edit.seen)
    now = met_ids(step)
    if edit.seen.get("met") != seen_met(step) and edit.met != now:
        if edit.seen.get("met") != seen_of("\n".join(sorted(edit.met))):
            clashes = {**clashes, "met": ""}
        met = now
    else:
        met = edit.met
    if clashes:
        return Edited(clashes=clashes)
    if not fresh and met == now:
        return Edited()
    phases = deepcopy(document["phases"])
    _change(phases[at[0]]["microsteps"][at[1]], fresh, now, met)
    return Edited({"phases": phases})


def _change(step: dict[str, Any], fresh: Mapping[str, str], now: frozenset[str], met: frozenset[str]) -> None:
    step.update(fresh)
    for criterion in step.get("acceptance_criteria", ()):
        name = criterion.get("id") if isinstance(criterion, dict) else None
        if isinstance(name, str) and (name in met) != (name in now):
            criterion["met"] = name in met


def _comment(document: Mapping[str, Any], edit: NewComment) -> Edited:
    comments: Sequence[Any] = document.get("comments") or []
    listed = list(comments) if isinstance(comments, list) else []
    if any(isinstance(one, Mapping) and one.get("id") == edit.id for one in listed):
        return Edited()
    new = {"id": edit.id, "author": edit.author, "text": edit.text, "at": edit.at}
    return Edited({"comments": [*deepcopy(listed), new]})


def _fields(
    found: Mapping[str, Any], values: Mapping[str, str], seen: Mapping[str, str]
) -> tuple[dict[str, str], dict[str, str]]:
    """What is to be written, and where somebody else was faster."""
    fresh: dict[str, str] = {}
    clashes: dict[str, str] = {}
    for name, value in values.items():
        now, wanted = plain(text(found, name)), plain(value)
        if wanted == now:
            continue
        if seen.get(name) == seen_of(now):
            fresh[name] = wanted
        elif seen.get(name) != seen_of(wanted):
            clashes[name] = now
    return fresh, clashes


def _find(document: Mapping[str, Any], key: str) -> tuple[int, int]:
    """Where the microstep stands, as places in the lists themselves."""
    phases = document.get("phases")
    places = [
        (p, s)
        for p, phase in enumerate(phases if isinstance(phases, list) else ())
        if isinstance(phase, Mapping) and isinstance(phase.get("microsteps"), list)
        for s, step in enumerate(phase["microsteps"])
        if isinstance(step, Mapping) and key and key_of(phase, step) == key
    ]
    if len(places) != 1:
        raise NotThere(key)
    return places[0]

"""What a change does to the document that it was made on, field by field, for people. Pure."""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from difflib import SequenceMatcher
from enum import Enum
from typing import Any

from conflicts.core import MISSING, merge

MOST_FIELDS = 200
LONGEST_TEXT = 2_000
"""Longer texts are shown whole: comparing them word by word would cost more than it tells."""


class Absent(Enum):
    """What is not there, which null is not."""

    UNKNOWN = "unknown"
    NOT_SET = "not set"


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of a text; `changed` is what was struck out or put in."""

    text: str
    changed: bool


@dataclass(frozen=True, slots=True)
class FieldChange:
    """One place (a JSON Pointer) before and after. `before` and `after` are empty where there is nothing, which `missing` explains.

    `remote` is what the upstream has there, None where it has nothing or where that was not asked. `label` is the place in words.
    """

    pointer: str
    before: tuple[Piece, ...]
    after: tuple[Piece, ...]
    missing_before: Absent | None = None
    removed: bool = False
    remote: str | None = None
    label: str = ""


def changed_fields(base: Any, payload: Any, *, form: str, operation: str) -> list[FieldChange]:
    """The fields that a change touches, in the order of its payload; at most 200. `base` may be Absent.UNKNOWN."""
    if operation == "delete":
        return [_field("", base, Absent.NOT_SET)]
    walk = _patched(base, payload, "") if form == "merge-patch" else _replaced(base, payload, "")
    return [change for change, _number in zip(walk, range(MOST_FIELDS), strict=False)]


def beside(changes: Iterable[FieldChange], remote: Any) -> list[FieldChange]:
    """The same fields, each with what the upstream has there."""
    return [replace(change, remote=_at(remote, change.pointer)) for change in changes]


def _at(document: Any, pointer: str) -> str | None:
    for name in pointer.split("/")[1:] if pointer != "/" else ():
        document = _child(document, name.replace("~1", "/").replace("~0", "~"))
    return None if isinstance(document, Absent) else _shown(document)


def _patched(base: Any, patch: Any, pointer: str) -> Iterator[FieldChange]:
    """RFC 7396: an object is merged, null removes, anything else replaces."""
    if not isinstance(patch, Mapping):
        yield from _replaced(base, patch, pointer)
        return
    for name, value in patch.items():
        before = _child(base, name)
        place = _below(pointer, name)
        if isinstance(value, Mapping) and value and (isinstance(before, Mapping) or before is Absent.UNKNOWN):
            yield from _patched(before, value, place)
        elif value is None:
            yield _field(place, before, Absent.NOT_SET)
        else:
            yield from _replaced(before, value, place)


def _replaced(base: Any, document: Any, pointer: str) -> Iterator[FieldChange]:
    if isinstance(base, Mapping) and isinstance(document, Mapping):
        for name in [*document, *(name for name in base if name not in document)]:
            yield from _replaced(_child(base, name), _child(document, name), _below(pointer, name))
    elif isinstance(document, Mapping) and document and isinstance(base, Absent):
        for name, value in document.items():
            yield from _replaced(base, value, _below(pointer, name))
    elif isinstance(base, list) and isinstance(document, list):
        for one in merge(base, document, base).decisions:
            yield _field(pointer + one.path, _or_absent(one.base), _or_absent(one.local))
    elif not _same(base, document):
        yield _field(pointer, base, document)


def _or_absent(value: Any) -> Any:
    return Absent.NOT_SET if value is MISSING else value


def _child(document: Any, name: str) -> Any:
    if document is Absent.UNKNOWN:
        return document
    return document.get(name, Absent.NOT_SET) if isinstance(document, Mapping) else Absent.NOT_SET


def _below(pointer: str, name: str) -> str:
    return f"{pointer}/{name.replace('~', '~0').replace('/', '~1')}"


def _same(one: Any, other: Any) -> bool:
    """Equal in type too: true is not 1."""
    if isinstance(one, Absent) or isinstance(other, Absent):
        return one is other and one is not Absent.UNKNOWN
    return json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True)


def _field(pointer: str, before: Any, after: Any) -> FieldChange:
    missing = before if isinstance(before, Absent) else None
    removed = isinstance(after, Absent)
    if isinstance(before, str) and isinstance(after, str) and max(len(before), len(after)) <= LONGEST_TEXT:
        struck, put = _compared(before, after)
    else:
        struck = () if missing else (Piece(_shown(before), True),)
        put = () if removed else (Piece(_shown(after), True),)
    return FieldChange(pointer or "/", struck, put, missing, removed)


def _shown(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, indent=1)


def _compared(before: str, after: str) -> tuple[tuple[Piece, ...], tuple[Piece, ...]]:
    """Both texts in pieces, word by word."""
    old, new = before.split(" "), after.split(" ")
    struck: list[Piece] = []
    put: list[Piece] = []
    for tag, a, b, c, d in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if b > a:
            struck.append(Piece(" ".join(old[a:b]), tag != "equal"))
        if d > c:
            put.append(Piece(" ".join(new[c:d]), tag != "equal"))
    return tuple(struck), tuple(put)

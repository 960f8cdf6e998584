"""Values as people read them: fields by their names, items by their titles, each side against the base. Raw JSON stays a link away."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from conflicts.core import MISSING
from conflicts.core.equality import same
from conflicts.labels import NAMED_BY, field_word, name_of
from conflicts.marks import Piece, shortened, words

MOST_LINES = 8
GIST = 160
_IDS = ("id", "key")


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a shown value: the field's name (or "") and its pieces."""

    name: str
    pieces: tuple[Piece, ...]


@dataclass(frozen=True, slots=True)
class Shown:
    """A value for people. `more` lines are left out; `cut` says that something is not shown; `absent` is said where there is nothing."""

    lines: tuple[Line, ...] = ()
    more: int = 0
    cut: bool = False
    absent: str = ""


def plain(value: Any) -> Shown:
    """The value as it stands."""
    if value is MISSING:
        return Shown(absent=_("Not there"))
    if isinstance(value, Mapping):
        fields = [(key, inner) for key, inner in _ordered(value) if key not in _IDS or len(value) == 1]
        return _shown([Line(field_word(key), (Piece(gist(inner)),)) for key, inner in fields])
    if isinstance(value, list):
        return _shown([Line("", (Piece(gist(inner)),)) for inner in value], nothing=_("An empty list"))
    if value == "":
        return Shown(absent=_("An empty text"))
    return _shown([Line("", (Piece(text(value)),))])


def against(base: Any, side: Any) -> Shown:
    """The side's value with what it changed marked."""
    if side is MISSING:
        before = () if base is MISSING else (Line("", (Piece(gist(base), "del"),)),)
        return Shown(shortened_lines(before), absent=_("Not there") if base is MISSING else _("Deleted"))
    if same(base, side):
        return replace(plain(side), absent=plain(side).absent)
    if base is MISSING:
        shown = plain(side)
        return replace(shown, lines=tuple(replace(line, pieces=_marked(line.pieces, "ins")) for line in shown.lines))
    return _shown(changed_lines(base, side))


def changed_lines(base: Any, side: Any, name: str = "") -> list[Line]:
    """A line for each place inside a value where the side differs from the base."""
    if isinstance(base, str) and isinstance(side, str):
        return [Line(name, words(base, side))]
    if isinstance(base, Mapping) and isinstance(side, Mapping):
        return _changed_fields(base, side, name)
    if isinstance(base, list) and isinstance(side, list):
        return _changed_items(base, side, name)
    pieces = [Piece(gist(value), mark) for value, mark in ((base, "del"), (side, "ins")) if value is not MISSING]
    return [Line(name, tuple(piece for piece in pieces if piece.text))]


def _changed_fields(base: Mapping[str, Any], side: Mapping[str, Any], name: str) -> list[Line]:
    lines: list[Line] = []
    for key in [*base, *(key for key in side if key not in base)]:
        before, after = base.get(key, MISSING), side.get(key, MISSING)
        if not same(before, after):
            lines += changed_lines(before, after, _under(name, field_word(key)))
    return lines


def _changed_items(base: list[Any], side: list[Any], name: str) -> list[Line]:
    """Items matched by their id, else by their content; a list whose items only moved shows its new order."""
    old, new = {_identity(item): item for item in base}, {_identity(item): item for item in side}
    lines = [Line(name, (Piece(gist(item), "del"),)) for key, item in old.items() if key not in new]
    for key, item in new.items():
        if key not in old:
            lines.append(Line(name, (Piece(gist(item), "ins"),)))
        elif not same(old[key], item):
            lines += changed_lines(old[key], item, _under(name, f"“{name_of(item)}”"))
    if not lines:
        lines = [
            Line(name, (Piece(f"{n}. {gist(item)}", "" if same(item, _at(base, n)) else "ins"),))
            for n, item in enumerate(side, 1)
        ]
    return lines


def _at(items: list[Any], n: int) -> Any:
    return items[n - 1] if n <= len(items) else MISSING


def _identity(item: Any) -> str:
    if isinstance(item, Mapping):
        for key in _IDS:
            if isinstance(item.get(key), str | int):
                return f"{key}:{item[key]}"
    return json.dumps(item, sort_keys=True, default=str)


def _under(name: str, inner: str) -> str:
    return f"{name}, {inner}" if name else inner


def gist(value: Any) -> str:
    """A value in one short text: an item's title, how many of what, a scalar as it is."""
    if isinstance(value, Mapping):
        name = name_of(value)
        if name:
            return name
        n = len(value)
        return ngettext("%(n)d field", "%(n)d fields", n) % {"n": n}
    if isinstance(value, list):
        return _counted(value)
    return text(value)


def _counted(value: list[Any]) -> str:
    n = len(value)
    names = [name_of(item) for item in value[:4]]
    if all(names) and 0 < n <= 4 and sum(map(len, names)) < GIST:
        return ", ".join(names)
    return ngettext("%(n)d item", "%(n)d items", n) % {"n": n}


def text(value: Any) -> str:
    """A scalar as it is written: texts bare, the rest as JSON."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def pretty(value: Any) -> str:
    """A value as JSON in lines."""
    return json.dumps(value, ensure_ascii=False, indent=2)


def fields_of(lines: list[Line]) -> str:
    """What these lines are about, for a sentence: "Notes, Status and 3 more"."""
    names = list(dict.fromkeys(line.name for line in lines if line.name))
    if len(names) <= 3:
        return ", ".join(names)
    return _("%(names)s and %(n)d more") % {"names": ", ".join(names[:3]), "n": len(names) - 3}


def _ordered(value: Mapping[str, Any]) -> list[tuple[str, Any]]:
    """The fields as they are read: what it is called by first, ids last."""
    return sorted(value.items(), key=lambda pair: (pair[0] in _IDS, pair[0] not in NAMED_BY))


def _marked(pieces: tuple[Piece, ...], mark: str) -> tuple[Piece, ...]:
    return tuple(replace(piece, mark=mark) for piece in pieces)


def shortened_lines(lines: tuple[Line, ...]) -> tuple[Line, ...]:
    """The lines with long stretches cut."""
    return tuple(replace(line, pieces=shortened(line.pieces)) for line in lines)


def _shown(lines: list[Line], nothing: str = "") -> Shown:
    kept = shortened_lines(tuple(lines[:MOST_LINES]))
    more = max(len(lines) - MOST_LINES, 0)
    cut = more > 0 or any(piece.cut for line in kept for piece in line.pieces)
    return Shown(kept, more, cut, "" if lines else nothing)

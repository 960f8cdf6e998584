"""What will be sent, place by place, for people: what differs from the base, and what is not decided yet."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

from conflicts.core import MISSING, Choice, Decision, Hunk
from conflicts.core.choices import together
from conflicts.core.choosing import is_open, of_hunk
from conflicts.core.equality import same
from conflicts.core.pieces import settled
from conflicts.labels import NAMED_BY, Places
from conflicts.located import Finder
from conflicts.readable import Shown, plain
from conflicts.told import place_of

MOST = 40
KEPT = 80
"""So many letters of the end of a long text are shown, twice as many of its beginning."""


@dataclass(frozen=True, slots=True)
class Row:
    """A part of a place: its value (with `differs` when it is not the base's), or what is not decided."""

    shown: Shown | None = None
    differs: bool = False
    undecided: str = ""


@dataclass(frozen=True, slots=True)
class Sent:
    """A place of the document that will be sent."""

    label: str
    rows: tuple[Row, ...]


def sent(
    decisions: Sequence[Decision],
    choices: Mapping[str, Choice],
    *,
    labels: Mapping[str, str],
    places: Places,
    result: Finder,
    passages_of: Callable[[Decision], Sequence[str]],
) -> list[Sent]:
    """The places in the order of the document, but what it is called first. `passages_of` splits a text as its hunks count it."""
    found = [one for one in decisions if one.id in labels]
    found.sort(key=lambda one: one.path.removeprefix("/") not in NAMED_BY)
    return [Sent(labels[one.id], _rows(one, choices, places, result, passages_of)) for one in found]


def _rows(
    decision: Decision,
    choices: Mapping[str, Choice],
    places: Places,
    result: Finder,
    passages_of: Callable[[Decision], Sequence[str]],
) -> tuple[Row, ...]:
    choice = choices.get(decision.id)
    by_hunks = choice is None or (isinstance(choice, Mapping) and "hunks" in choice)
    if decision.hunks and decision.asks and by_hunks:
        return tuple(_text_rows(decision, choice, passages_of(decision)))
    if is_open(decision, choices):
        return (Row(undecided=_not_yet(decision)),)
    steps, values = places.way(decision)
    value = result.at(steps, values) if _comparable(decision) else MISSING
    if value is MISSING and not _gone(decision, choice):
        value = _chosen(decision, choice)
    if value is MISSING:
        return (
            Row(
                Shown(absent=_("Deleted") if decision.base is not MISSING else _("Not there")),
                decision.base is not MISSING,
            ),
        )
    return (Row(_brief(value), not same(value, decision.base)),)


def _comparable(decision: Decision) -> bool:
    """Whether the place can be found in the result by its way: a new or changed item without an id cannot."""
    return not decision.path.rpartition("/")[2].isdigit() or isinstance(decision.base, Mapping)


def _gone(decision: Decision, choice: Choice | None) -> bool:
    side = choice or decision.action
    return isinstance(side, str) and side in ("local", "remote", "base") and getattr(decision, side) is MISSING


def _chosen(decision: Decision, choice: Choice | None) -> Any:
    """The value by the choice alone."""
    side = choice or decision.action
    if isinstance(side, Mapping):
        return side.get("value", MISSING)
    if side in ("local", "remote", "base"):
        return getattr(decision, side)
    if side in ("both", "both-reversed", "suggestion"):
        return decision.suggestion if side == "suggestion" else decision.local
    return decision.remote if decision.remote is not MISSING else decision.local


def _text_rows(decision: Decision, choice: Choice | None, tokens: Sequence[str]) -> Iterator[Row]:
    """Its hunks, and between them what nobody changed, cut short."""
    at = 0
    for hunk in decision.hunks[:MOST]:
        yield from _between(tokens[at : hunk.start])
        yield _hunk_row(hunk, of_hunk(choice, hunk), place_of(decision, hunk.number))
        at = hunk.end
    yield from _between(tokens[at:])


def _between(tokens: Sequence[str]) -> Iterator[Row]:
    text = "".join(tokens).strip()
    if text:
        yield Row(_brief(text))


def _brief(value: Any) -> Shown:
    """A value, of a long text its beginning and its end."""
    long = isinstance(value, str) and len(value) > 3 * KEPT
    return plain(f"{value[: 2 * KEPT]} … {value[-KEPT:]}" if long else value)


def _hunk_row(hunk: Hunk, said: Choice | None, place: int) -> Row:
    if hunk.asks and said is None:
        return Row(undecided=_("Not yet decided: hunk %d") % place)
    value = _of_hunk(hunk, said)
    return Row(_brief(value), value != hunk.base)


def _of_hunk(hunk: Hunk, said: Choice | None) -> Any:
    match said:
        case "local" | "remote" | "base":
            return getattr(hunk, said)
        case "both":
            return together(hunk.local, hunk.remote, " ")
        case "both-reversed":
            return together(hunk.remote, hunk.local, " ")
        case "suggestion":
            return hunk.suggestion
        case {"value": value}:
            return value
    return settled(hunk)


def _not_yet(decision: Decision) -> str:
    if decision.kind == "delete-modify":
        return _("Not yet decided: keep or delete")
    return _("Not yet decided")

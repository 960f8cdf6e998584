"""A decision as a card: what each side made of the place, what can be chosen, and what has been chosen so far."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from conflicts.core import MISSING, Choice, Decision, Hunk
from conflicts.core.choosing import is_open, of_hunk
from conflicts.core.text import passages
from conflicts.readable import Shown, against, changed_lines, fields_of, plain, pretty, text
from conflicts.told import Said, choice_word

SIDES = ("base", "local", "remote")
PREFILLED = 400
"""So long may a text be that the field for writing starts with; longer ones are fetched when somebody wants to write."""
FOLDED = 600
"""So many letters are shown of what lies between two questions and needs nobody."""


@dataclass(frozen=True, slots=True)
class Cell:
    """One side of a place: its value against the base, and the words beside its radio."""

    side: str
    shown: Shown
    word: str
    checked: bool


@dataclass(frozen=True, slots=True)
class Option:
    """Another choice than one side: both, the suggestion, what the rule says."""

    value: str
    word: str
    key: str
    checked: bool
    shown: Shown | None = None


@dataclass(frozen=True, slots=True)
class Writing:
    """The field in which a place is written by hand; `typed` when it takes JSON. `fault` is what is wrong with what was written."""

    text: str
    long: bool
    typed: bool
    checked: bool
    fault: str = ""
    start: str = ""
    known: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Fold:
    """What lies between two hunks and needs nobody."""

    word: str
    text: str


@dataclass(frozen=True, slots=True)
class Spot:
    """One question: a whole decision, or one hunk of it. `name` is what its fields are called by. `before` is folded above it."""

    name: str
    title: str
    cells: tuple[Cell, ...]
    options: tuple[Option, ...]
    writing: Writing | None
    decided: bool
    asks: bool
    before: Fold | None = None
    after: Fold | None = None
    hunk: int | None = None

    @property
    def taken(self) -> str:
        """What was chosen in words, where it is none of the sides."""
        if self.writing and self.writing.checked:
            return _("Written by hand")
        return next((one.word for one in self.options if one.checked and one.value != "rule"), "")

    @property
    def query(self) -> str:
        """What leads to the whole value of a side, behind its document's address."""
        identifier, _dot, hunk = self.name.partition(".")
        return f"?d={identifier}&hunk={hunk}" if hunk else f"?d={identifier}"


@dataclass(frozen=True, slots=True)
class Card:
    """A decision with its questions."""

    decision: Decision
    label: str
    kind: str
    alarming: bool
    reason: str
    loses: str
    spots: tuple[Spot, ...]
    decided: bool
    chosen: str
    touches: Sequence[str] = ()
    earlier: tuple[Said, ...] = ()
    earlier_by: str = ""
    yours: tuple[Said, ...] = ()
    fault: str = ""


@dataclass(frozen=True, slots=True)
class Given:
    """What has been chosen, and what was typed and could not be read: texts and what is wrong with them, by the name of the field."""

    choices: Mapping[str, Choice]
    texts: Mapping[str, str]
    faults: Mapping[str, str]


NOTHING = Given({}, {}, {})


def kind_word(decision: Decision) -> str:
    """What sort of conflict it is, as a tag; "" for two plain values."""
    return {
        "add-add": _("added twice"),
        "delete-modify": _("deleted against edited"),
        "type": _("different types"),
        "order": _("order"),
        "duplicate-key": _("items not told apart"),
        "array": _("list"),
        "text": _("text"),
        "policy": _("against a rule"),
    }.get(decision.kind, "")


def card(
    decision: Decision,
    label: str,
    given: Given,
    *,
    by: str = "lines",
    hunks: Sequence[int] | None = None,
    known: tuple[str, ...] = (),
    **more: Any,
) -> Card:
    """The card of a decision; with `hunks`, only these of its questions. `known` are all values that may stand there."""
    choice = given.choices.get(decision.id)
    split = decision.hunks and not _whole(choice)
    spots = _hunk_spots(decision, given, by, hunks) if split else (_spot(decision, given, known),)
    return Card(
        decision=decision,
        label=label,
        kind=kind_word(decision),
        alarming=decision.kind == "delete-modify",
        reason=_(decision.reason) if decision.reason else "",
        loses=loses(decision),
        spots=spots,
        decided=not is_open(decision, given.choices),
        chosen=choice_word(choice) if choice is not None else "",
        **more,
    )


def _whole(choice: Choice | None) -> bool:
    """Whether a text was written by hand as one."""
    return isinstance(choice, Mapping) and "value" in choice


def loses(decision: Decision) -> str:
    """What accepting a deletion throws away; "" for other conflicts."""
    if decision.kind != "delete-modify":
        return ""
    kept = decision.remote if decision.local is MISSING else decision.local
    lines = changed_lines(decision.base, kept)
    what = fields_of(lines)
    if decision.local is MISSING:
        said = (
            _("The deletion loses what changed upstream: %s.")
            if what
            else _("The deletion loses what changed upstream.")
        )
    else:
        said = (
            _("Accepting the deletion loses what changed here: %s.")
            if what
            else _("Accepting the deletion loses what changed here.")
        )
    return said % what if what else said


def _spot(decision: Decision, given: Given, known: tuple[str, ...] = ()) -> Spot:
    choice = given.choices.get(decision.id)
    chosen = "edit" if isinstance(choice, Mapping) or decision.id in given.texts else choice or ""
    cells = tuple(
        Cell(side, _side(decision, side), _keep_word(decision, side), chosen == side)
        for side in SIDES
        if side in decision.options
    )
    options = [
        _option(name, chosen, decision.suggestion)
        for name in decision.options
        if name in ("both", "both-reversed", "suggestion")
    ]
    if not decision.asks:
        options.append(Option("rule", _("As decided by rule"), "", not chosen))
    return Spot(
        decision.id,
        "",
        cells,
        tuple(options),
        _writing(decision, decision.id, choice, given, known) if "edit" in decision.options else None,
        decided=not is_open(decision, given.choices),
        asks=decision.asks,
    )


def _side(decision: Decision, side: str) -> Shown:
    return plain(decision.base) if side == "base" else against(decision.base, getattr(decision, side))


def _keep_word(decision: Decision, side: str) -> str:
    if getattr(decision, side) is MISSING:
        if decision.base is MISSING:
            return _("Leave it out")
        return _("Accept the deletion") if side == "remote" else _("Keep the deletion")
    return _("Keep it") if decision.kind == "delete-modify" and side != "base" else _("Keep this")


def _option(name: str, chosen: str, suggestion: Any) -> Option:
    words = {
        "both": (_("Both, local first"), "3"),
        "both-reversed": (_("Both, upstream first"), ""),
        "suggestion": (_("Both, merged word by word"), ""),
    }
    word, key = words[name]
    return Option(name, word, key, chosen == name, plain(suggestion) if name == "suggestion" else None)


def _writing(
    place: Decision | Hunk, name: str, choice: Choice | None, given: Given, known: tuple[str, ...] = ()
) -> Writing:
    present = [value for value in (place.base, place.local, place.remote) if value is not MISSING]
    typed = not all(isinstance(value, str) for value in present)
    written = choice.get("value", MISSING) if isinstance(choice, Mapping) else MISSING
    start = (
        place.suggestion
        if isinstance(place.suggestion, str)
        else place.local
        if place.local is not MISSING
        else place.remote
    )
    if name in given.texts:
        shown = given.texts[name]
    elif written is not MISSING:
        shown = _written(written, typed=typed)
    else:
        shown = _written(start, typed=typed)
        shown = shown if len(shown) <= PREFILLED else ""
    long = typed and not all(isinstance(value, int | float | bool | None) for value in present)
    long = long or any(isinstance(value, str) and (len(value) > 60 or "\n" in value) for value in present)
    return Writing(
        shown,
        long or isinstance(place, Hunk),
        typed,
        name in given.texts or isinstance(choice, Mapping),
        given.faults.get(name, ""),
        "local" if place.local is not MISSING else "remote",
        () if typed or not known else tuple(dict.fromkeys((*known, *([shown] if shown else [])))),
    )


def _written(value: Any, *, typed: bool) -> str:
    if not typed:
        return text(value)
    return pretty(value)


def _hunk_spots(decision: Decision, given: Given, by: str, wanted: Sequence[int] | None) -> tuple[Spot, ...]:
    tokens = (
        passages(decision.base, by)
        if isinstance(decision.base, str)
        else decision.base
        if isinstance(decision.base, list)
        else []
    )
    asking = [hunk for hunk in decision.hunks if hunk.asks or (not decision.asks)]
    spots = []
    at, taken = 0, 0
    for place, hunk in enumerate(asking, 1):
        between = [other for other in decision.hunks if at <= other.number < hunk.number]
        if wanted is None or hunk.number in wanted:
            before = _fold(tokens[taken : hunk.start], between, by, decision)
            spots.append(_hunk_spot(decision, hunk, given, _place_word(hunk, place, len(asking), by), before))
        at, taken = hunk.number + 1, hunk.end
    if spots and asking and spots[-1].hunk == asking[-1].number:
        rest = [other for other in decision.hunks if other.number >= at]
        last = spots[-1]
        spots[-1] = Spot(
            **{name: getattr(last, name) for name in Spot.__slots__}
            | {"after": _fold(tokens[taken:], rest, by, decision)}
        )
    return tuple(spots)


def _hunk_spot(decision: Decision, hunk: Hunk, given: Given, title: str, before: Fold | None) -> Spot:
    name = f"{decision.id}.{hunk.number}"
    said = of_hunk(given.choices.get(decision.id), hunk)
    chosen = "edit" if isinstance(said, Mapping) or name in given.texts else said or ""
    cells = tuple(
        Cell(
            side,
            plain(hunk.base) if side == "base" else against(hunk.base, getattr(hunk, side)),
            _("Keep this") if getattr(hunk, side) else _("Leave it out"),
            chosen == side,
        )
        for side in SIDES
    )
    names = ["both", "both-reversed"] if hunk.asks and hunk.local and hunk.remote else []
    names += ["suggestion"] if hunk.suggestion is not None else []
    options = [_option(one, chosen, hunk.suggestion) for one in names]
    if not hunk.asks:
        options.append(Option("rule", _("As decided by rule"), "", not chosen))
    writing = _writing(hunk, name, said, given)
    decided = not hunk.asks or (bool(chosen) and name not in given.texts)
    return Spot(name, title, cells, tuple(options), writing, decided, hunk.asks, before, None, hunk.number)


def _units(by: str, decision: Decision, n: int) -> str:
    if not isinstance(decision.base, str):
        return ngettext("item", "items", n)
    return ngettext("sentence", "sentences", n) if by == "sentences" else ngettext("line", "lines", n)


def _place_word(hunk: Hunk, place: int, total: int, by: str) -> str:
    first, last = hunk.start + 1, hunk.end
    unit = (_("sentence") if by == "sentences" else _("line")) if isinstance(hunk.base, str) else _("item")
    if hunk.start == hunk.end:
        where = _("after %(unit)s %(n)d") % {"unit": unit, "n": hunk.start} if hunk.start else _("at the start")
    elif first == last:
        where = f"{unit} {first}"
    else:
        where = f"{unit} {first}–{last}"
    return _("Hunk %(n)d of %(total)d") % {"n": place, "total": total} + f" · {where}"


def _fold(tokens: Sequence[Any], between: Sequence[Hunk], by: str, decision: Decision) -> Fold | None:
    """What lies between two questions: what nobody changed, and the hunks that settled themselves."""
    n = len(tokens)
    parts = []
    if n:
        sentence = ngettext(
            "%(n)d %(unit)s is the same on both sides.", "%(n)d %(unit)s are the same on both sides.", n
        )
        if between:
            sentence = ngettext("%(n)d %(unit)s needs nothing from you.", "%(n)d %(unit)s need nothing from you.", n)
        parts.append(sentence % {"n": n, "unit": _units(by, decision, n)})
    if between:
        sentence = ngettext("%(n)d change of one side is taken.", "%(n)d changes of one side are taken.", len(between))
        parts.append(sentence % {"n": len(between)})
    if not parts:
        return None
    body = "".join(tokens) if isinstance(decision.base, str) else ", ".join(map(text, tokens))
    return Fold(" ".join(parts), body if len(body) <= FOLDED else f"{body[:FOLDED]} …")

"""Documents in three versions, made so that the sides often meet.

hypothesis draws a string of bytes, and a `Dice` reads its choices off it: that is ten times as quick as a strategy per node, so that
twenty thousand examples fit into a minute, and it still shrinks, since a zero is always the simplest choice. The same dice make
documents without hypothesis, for other processes and for the bench.
"""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from hypothesis import strategies as st

from conflicts.core import MISSING

ACCENT, ACCENT_IN_TWO = "caf\u00e9", "cafe\u0301"
TEXTS = (
    *("", "a", "b", "c", "1", "true", "null", " a", ACCENT, ACCENT_IN_TWO, "\U0001f6a2", "\U0001f469\u200d\U0001f527"),
    *("\u05e9\u05dc\u05d5\u05dd", "\u200f\u0645\u0631\u062d\u0628\u0627", "a\u0300\u0301", "\ufeff", "x\ty", "\u2028"),
)
SCALARS = (0, 1, 2, True, False, None, 1.0, 0.5, -1, -0.0, 2**53 + 1, 2**53, 10**30, 1e300, *TEXTS)
NAMES = ("a", "b", "c", "d", "x/y", "m~n", "", "~1", "cl\u00e9", "0", "-")
IDS = ("id", "id", "id", "id", "uuid", "key")
LINES = ("one", "two", "three", "four", "five", "", "six", "  six", ACCENT, ACCENT_IN_TWO, "the same", "the same")


class Triple(NamedTuple):
    """A document as it was, and what two sides made of it."""

    base: Any
    local: Any
    remote: Any


class Dice:
    """Choices read off bytes. When the bytes are used up, every choice is the simplest."""

    def __init__(self, data: bytes) -> None:
        self._data = iter(data)

    def below(self, count: int) -> int:
        """Return a number from 0 to count - 1."""
        return next(self._data, 0) % count

    def one_in(self, count: int) -> bool:
        """Return True once in `count` times."""
        return self.below(count) == count - 1

    def pick(self, options: Sequence[Any]) -> Any:
        """Return one of the options, the first being the simplest."""
        return options[self.below(len(options))]

    def some(self, most: int, make: Callable[[], Any]) -> list[Any]:
        """Return up to `most` of what `make` gives."""
        return [make() for _ in range(self.below(most + 1))]


def thrown(make: Callable[[Dice], Any], least: int = 48, most: int = 400) -> st.SearchStrategy[Any]:
    """Return a strategy for what `make` does with dice."""
    return st.binary(min_size=least, max_size=most).map(lambda data: make(Dice(data)))


# Plain documents: what can be met without any rule.


def value(dice: Dice, depth: int = 0) -> Any:
    """Return any JSON value, small."""
    shape = dice.below(10 if depth < 3 else 6)
    if shape < 5:
        return dice.pick(SCALARS)
    if shape == 5:
        return text(dice)
    if shape == 6:
        return [dice.pick(SCALARS) for _ in range(dice.below(6))]
    if shape == 7:
        return keyed(dice, depth + 1)
    return members(dice, depth + 1)


def members(dice: Dice, depth: int = 0) -> dict[str, Any]:
    """Return an object with up to five members."""
    return {dice.pick(NAMES): value(dice, depth) for _ in range(dice.below(6))}


def text(dice: Dice) -> str:
    """Return lines, mostly ended as a text should be."""
    end = dice.pick(("\n", "\n", "\n", "\r\n"))
    lines = [dice.pick(LINES) + end for _ in range(1 + dice.below(7))]
    return "".join(lines) if not dice.one_in(5) else "".join(lines) + "no end"


def keyed(dice: Dice, depth: int = 0) -> list[dict[str, Any]]:
    """Return items with ids, all different, under one of the names that are known."""
    ids = dict.fromkeys(dice.below(8) for _ in range(dice.below(6)))
    known_by = dice.pick(IDS)
    return [{known_by: f"k{number}", **members(dice, depth + 1)} for number in ids]


def document(dice: Dice) -> Any:
    """Return a whole document, nearly always an object with something in it."""
    if dice.one_in(12):
        return value(dice)
    return {name: value(dice, 1) for name in NAMES[: 1 + dice.below(5)]}


def edited(dice: Dice, given: Any) -> Any:
    """Return what up to four edits make of a document, which itself stays as it is."""
    for _ in range(dice.pick((1, 2, 0, 3, 4, 1))):
        given = _edit(dice, given, 0)
    return given


def _edit(dice: Dice, given: Any, depth: int) -> Any:
    match given:
        case dict() if given:
            return _edit_members(dice, given, depth)
        case list() if given:
            return _edit_items(dice, given, depth)
        case str() if "\n" in given:
            return edited_text(dice, given)
    return value(dice, depth)


def _edit_members(dice: Dice, given: dict[str, Any], depth: int) -> Any:
    names = list(given)
    action = dice.below(16)
    if action < 10:
        name = dice.pick(names)
        return {**given, name: given[name] if name in IDS else _edit(dice, given[name], depth + 1)}
    if action < 13:
        return {**given, dice.pick(NAMES): value(dice, depth + 1)}
    if action < 15:
        gone = dice.pick(names)
        return {name: member for name, member in given.items() if name != gone or gone in IDS}
    return value(dice, depth)


def _edit_items(dice: Dice, given: list[Any], depth: int) -> Any:
    action, place = dice.below(12), dice.below(len(given))
    if action < 4:
        return [*given[:place], _edit(dice, given[place], depth + 1), *given[place + 1 :]]
    if action < 7:
        return [*given[:place], _another(dice, given, depth), *given[place:]]
    if action < 9:
        return given[:place] + given[place + 1 :]
    if action == 9:
        return moved(dice, given)
    if action == 10:
        return [*given, _another(dice, given, depth)]
    return value(dice, depth)


def _another(dice: Dice, given: list[Any], depth: int) -> Any:
    """Return an element like those of a list."""
    known_by = next((name for name in IDS if isinstance(given[0], dict) and name in given[0]), None)
    if known_by is None:
        return dice.pick(SCALARS)
    taken = {item.get(known_by) for item in given if isinstance(item, dict)}
    free = [f"k{number}" for number in range(20) if f"k{number}" not in taken]
    return {known_by: dice.pick(free[:8]), **members(dice, depth + 2)}


def moved(dice: Dice, given: list[Any]) -> list[Any]:
    """Return a list with one element taken to another place."""
    rest = list(given)
    element = rest.pop(dice.below(len(rest)))
    rest.insert(dice.below(len(rest) + 1), element)
    return rest


def edited_text(dice: Dice, given: str) -> str:
    """Return a text with a line changed, added or taken away."""
    lines = given.splitlines(keepends=True) or ["\n"]
    place, action = dice.below(len(lines)), dice.below(5)
    if action == 0:
        lines[place] = dice.pick(LINES) + " again\n"
    elif action == 1:
        lines[place] = lines[place].rstrip("\r\n") + dice.pick((" more", " less", "!")) + "\n"
    elif action == 2:
        lines.insert(place, dice.pick(LINES) + "\n")
    elif action == 3:
        del lines[place]
    else:
        lines.append(dice.pick(LINES) + "\n")
    return "".join(lines)


def three(dice: Dice, make: Callable[[Dice], Any], edit: Callable[[Dice, Any], Any]) -> Triple:
    """Return a document and two edited copies; now and then they share an edit, or there is no document at one of the three."""
    base = make(dice)
    shared = edit(dice, base) if dice.one_in(5) else base
    versions = [base, edit(dice, shared), edit(dice, shared)]
    if dice.one_in(25):
        versions[dice.below(3)] = MISSING
    return Triple(*versions)


triples = thrown(lambda dice: three(dice, document, edited))


def apart(dice: Dice) -> tuple[Triple, Any]:
    """Return a triple whose sides edit different places, none inside another, and what both edits together make of it."""
    base = {name: (keyed(dice) if dice.one_in(3) else value(dice, 1)) for name in NAMES}
    places = [(name,) for name in NAMES if not _items(base[name])]
    places += [(name, place) for name in NAMES for place in range(len(_items(base[name])))]
    local, remote, both = dict(base), dict(base), dict(base)
    for steps in places:
        whose = dice.below(4)
        if whose == 0:
            continue
        fresh = MISSING if dice.one_in(6) else value(dice, 2)
        for version in (local,) if whose == 1 else (remote,) if whose == 2 else ():
            _put(version, steps, fresh)
            _put(both, steps, fresh)
    return Triple(base, local, remote), both


def _items(given: Any) -> list[Any]:
    known = isinstance(given, list) and given and isinstance(given[0], dict) and not given[0].keys().isdisjoint(IDS)
    return given if known else []


def _put(version: dict[str, Any], steps: tuple[Any, ...], fresh: Any) -> None:
    """Set a member or take it away, or set one member of an item."""
    if len(steps) == 1 and fresh is MISSING:
        del version[steps[0]]
    elif len(steps) == 1:
        version[steps[0]] = fresh
    else:
        items = list(version[steps[0]])
        items[steps[1]] = {**items[steps[1]], "fresh": None if fresh is MISSING else fresh}
        version[steps[0]] = items


def turned(dice: Dice, given: Any) -> Any:
    """Return the same document with the members of its objects in another order."""
    match given:
        case dict():
            names = list(given)
            for place in range(len(names) - 1, 0, -1):
                other = dice.below(place + 1)
                names[place], names[other] = names[other], names[place]
            return {name: turned(dice, given[name]) for name in names}
        case list():
            return [turned(dice, item) for item in given]
    return given


def keyed_triple(dice: Dice) -> Triple:
    """Return three versions of an object with scalars and a keyed list of such objects."""
    base = {"a": dice.pick(SCALARS), "items": [_item(dice, f"k{number}") for number in range(dice.below(5))]}
    return Triple(base, _tidy(dice, base), _tidy(dice, base))


def _item(dice: Dice, name: str) -> dict[str, Any]:
    return {"id": name, "a": dice.pick(SCALARS), "b": dice.pick(SCALARS)}


def _tidy(dice: Dice, base: dict[str, Any]) -> dict[str, Any]:
    items = [dict(item) for item in base["items"]]
    done = {**base, "items": items}
    for _ in range(dice.below(4)):
        action = dice.below(6)
        if action == 0 or not items:
            done[dice.pick(NAMES[:3])] = dice.pick(SCALARS)
        elif action < 3:
            dice.pick(items)[dice.pick(NAMES[:3])] = dice.pick(SCALARS)
        elif action == 3:
            del items[dice.below(len(items))]
        elif action == 4:
            name = f"k{5 + dice.below(5)}"
            items += [] if any(item["id"] == name for item in items) else [_item(dice, name)]
        else:
            items[:] = moved(dice, items)
    return done


def moved_triple(dice: Dice) -> Triple:
    """Return three versions of a list of items that were mostly moved, now and then added or taken away."""
    base = [{"id": number} for number in range(2 + dice.below(7))]
    return Triple(base, _moves(dice, base), _moves(dice, base))


def _moves(dice: Dice, base: list[dict[str, int]]) -> list[dict[str, int]]:
    items = list(base)
    for _ in range(dice.below(4)):
        action = dice.below(5)
        if action == 3 or not items:
            fresh = {"id": 10 + dice.below(3)}
            items.insert(dice.below(len(items) + 1), fresh) if fresh not in items else None
        elif action == 4:
            del items[dice.below(len(items))]
        else:
            items = moved(dice, items)
    return items

"""Plans in three versions: documents with a rule of every sort, edited as people and programs edit them."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from tests.merge.strategies import ACCENT, ACCENT_IN_TWO, TEXTS, Dice, edited_text, moved, text, three, thrown

RULES: Mapping[str, Mapping[str, Any]] = {
    "/status": {
        "value": "transitions",
        "allowed": {"draft": ["active"], "active": ["done", "draft"], "done": ["active"]},
    },
    "/**/description": {"text": "lines"},
    "/**/notes": {"text": "sentences"},
    "/tags": {"list": "set"},
    "/place": {"list": "atomic"},
    "/steps": {"list": "lcs"},
    "/progress": {"value": "max"},
    "/starts": {"value": "min"},
    "/budget": {"value": "sum-delta"},
    "/seen_at": {"value": "remote"},
    "/draft_of": {"value": "local"},
    "/owner": {"value": "latest", "by": "owner_at"},
    "/owner_at": {"value": "latest", "by": "owner_at"},
    "/number": {"value": "immutable"},
    "/phases": {"list": "key", "key": "id", "structure": "ask"},
    "/phases/*/microsteps": {"list": "key", "key": "id", "structure": "merge"},
    "/links": {"list": "key", "key": ["kind", "to"]},
    "/**/comments": {"list": "append", "time": "at", "key": "id"},
}
STATUS = ("draft", "active", "done")
MOVES: Mapping[str, Sequence[str]] = RULES["/status"]["allowed"]
TAGS = ("sea", "wind", "wall", "crane", "tide", ACCENT, ACCENT_IN_TWO)
SENTENCES = (
    "Build the wall. ",
    "Ask the harbour master! ",
    "Is the tide out? ",
    "Then stop\u2026 ",
    "\u05e9\u05dc\u05d5\u05dd. ",
    "Last",
)


def plan(dice: Dice) -> dict[str, Any]:
    """Return a plan that has a member for every rule."""
    return {
        "title": dice.pick(TEXTS),
        "status": dice.pick(STATUS),
        "description": text(dice),
        "notes": "".join(dice.some(4, lambda: dice.pick(SENTENCES))) + "\n",
        "tags": list(dict.fromkeys(dice.some(4, lambda: dice.pick(TAGS)))),
        "place": [dice.below(3), dice.below(3)],
        "steps": dice.some(5, lambda: dice.pick(TAGS)),
        "progress": dice.below(5),
        "starts": dice.below(5),
        "budget": 100,
        "seen_at": dice.below(5),
        "draft_of": dice.below(5),
        "owner": dice.pick(TAGS),
        "owner_at": "2026-11-21T02:00:00Z",
        "number": 7,
        "phases": [phase(dice, number) for number in range(dice.below(4))],
        "links": [link(dice, number) for number in dict.fromkeys(dice.some(3, lambda: dice.below(4)))],
        "comments": [comment(dice, number) for number in range(dice.below(3))],
    }


def phase(dice: Dice, number: int) -> dict[str, Any]:
    """Return a phase with its microsteps."""
    steps = [microstep(dice, step) for step in range(dice.below(4))]
    return {"id": f"p{number}", "title": dice.pick(TEXTS), "description": text(dice), "microsteps": steps}


def microstep(dice: Dice, number: int) -> dict[str, Any]:
    """Return a microstep with its comments."""
    comments = [comment(dice, number) for number in range(dice.below(3))]
    return {"id": f"m{number}", "title": dice.pick(TEXTS), "done": bool(dice.below(2)), "comments": comments}


def link(dice: Dice, number: int) -> dict[str, Any]:
    """Return a link, known by two of its members."""
    return {"kind": ("file", "page")[number % 2], "to": number // 2, "title": dice.pick(TEXTS)}


def comment(dice: Dice, number: int) -> dict[str, Any]:
    """Return a comment; several may be of one minute."""
    return {"id": f"c{number}", "at": f"2026-11-21T02:0{dice.below(4)}:00Z", "text": dice.pick(TEXTS)}


def edited_plan(dice: Dice, given: dict[str, Any]) -> dict[str, Any]:
    """Return what up to six edits make of a plan, as people and programs make them."""
    done = dict(given)
    for _ in range(dice.pick((1, 2, 3, 0, 5, 6))):
        name = dice.pick(list(EDITS))
        if name in done:
            done[name] = EDITS[name](dice, done[name])
            if name == "owner":
                done["owner_at"] = _a_minute_later(dice)
    return done


def edited_all_over(dice: Dice, given: dict[str, Any]) -> dict[str, Any]:
    """Return a plan in which each member was edited or not, so that the sides meet nearly everywhere."""
    done = {
        name: EDITS[name](dice, member) if name in EDITS and dice.below(4) else member for name, member in given.items()
    }
    return {**done, "owner_at": _a_minute_later(dice)}


def _a_minute_later(dice: Dice) -> str:
    """Return a later time than the plan's; the same instant may be written in two ways."""
    minute = 1 + dice.below(4)
    return dice.pick(
        (f"2026-11-21T02:0{minute}:00Z", f"2026-11-21T02:0{minute}:00+00:00", f"2026-11-21T03:0{minute}:00+01:00")
    )


def _edited_status(dice: Dice, given: Any) -> Any:
    return dice.pick(STATUS) if dice.one_in(2) else dice.pick([*MOVES[given]])


def _edited_sentences(dice: Dice, given: str) -> str:
    return (
        given.rstrip("\n") + dice.pick(SENTENCES) + "\n"
        if dice.below(2)
        else given.replace(dice.pick(SENTENCES), dice.pick(SENTENCES), 1)
    )


def _edited_set(dice: Dice, given: list[Any]) -> list[Any]:
    tag = dice.pick(TAGS)
    return [other for other in given if other != tag] if tag in given else [*given, tag]


def _edited_steps(dice: Dice, given: list[Any]) -> list[Any]:
    if given and dice.below(2):
        place = dice.below(len(given))
        return given[:place] + given[place + 1 :]
    place = dice.below(len(given) + 1)
    return [*given[:place], dice.pick(TAGS), *given[place:]]


def _edited_comments(dice: Dice, given: list[Any]) -> list[Any]:
    action = dice.below(8)
    if given and action == 6:
        return given[1:]
    if given and action == 7:
        return [{**given[0], "text": dice.pick(TEXTS)}, *given[1:]]
    taken = {item["id"] for item in given}
    free = [number for number in range(12) if f"c{number}" not in taken]
    return [*given, comment(dice, dice.pick(free[:6]))]


def _edited_items(make: Callable[[Dice, int], Any], names: Sequence[str]) -> Callable[[Dice, list[Any]], list[Any]]:
    """Return an edit of a list whose items are known by a number: change one mostly; or add, take away, move."""

    def edit(dice: Dice, given: list[Any]) -> list[Any]:
        action = dice.below(10)
        if not given or action >= 8:
            fresh = make(dice, dice.below(7))
            place = dice.below(len(given) + 1)
            return given if any(_alike(fresh, item) for item in given) else [*given[:place], fresh, *given[place:]]
        place = dice.below(len(given))
        if action == 7:
            return moved(dice, given)
        if action == 6:
            return given[:place] + given[place + 1 :]
        name = dice.pick([name for name in names if name in given[place]])
        return [*given[:place], {**given[place], name: EDITS[name](dice, given[place][name])}, *given[place + 1 :]]

    return edit


def _alike(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    return all(one.get(name) == other.get(name) for name in ("id", "kind", "to"))


EDITS: dict[str, Callable[[Dice, Any], Any]] = {
    "title": lambda dice, _: dice.pick(TEXTS),
    "phases": _edited_items(phase, ("title", "description", "microsteps", "microsteps", "microsteps")),
    "microsteps": _edited_items(microstep, ("title", "done", "comments")),
    "description": edited_text,
    "notes": _edited_sentences,
    "tags": _edited_set,
    "comments": _edited_comments,
    "status": _edited_status,
    "links": _edited_items(link, ("title",)),
    "place": lambda dice, given: [dice.below(3), given[1]] if dice.below(2) else [given[0], dice.below(3)],
    "steps": _edited_steps,
    "progress": lambda dice, _: dice.below(9),
    "starts": lambda dice, _: dice.below(9),
    "budget": lambda dice, given: given + dice.below(9) - 4,
    "seen_at": lambda dice, _: dice.below(9),
    "draft_of": lambda dice, _: dice.below(9),
    "owner": lambda dice, _: dice.pick(TAGS),
    "done": lambda _, given: not given,
    "number": lambda dice, given: given + (1 if dice.one_in(4) else 0),
}

plans = thrown(lambda dice: three(dice, plan, edited_plan), least=100, most=700)

"""What has been chosen, what is still open, and what a choice throws away. Pure; choices are as `decisions.Choice` says."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from conflicts.core.decisions import MISSING, Choice, Decision, Hunk
from conflicts.core.equality import same, token

Choices = Mapping[str, Choice]


@dataclass(frozen=True, slots=True)
class Discarded:
    """A side's value that will not be sent: of a whole decision, or of one hunk of it (`hunk` is its number)."""

    decision: Decision
    side: str
    value: Any
    hunk: int | None = None


def of_hunk(choice: Choice | None, hunk: Hunk) -> Choice | None:
    """What a decision's choice says about one hunk; None when it says nothing about it."""
    if isinstance(choice, Mapping) and isinstance(choice.get("hunks"), Mapping):
        said: Choice | None = choice["hunks"].get(str(hunk.number))
        return said
    return choice


def open_hunks(decision: Decision, choices: Choices) -> list[Hunk]:
    """The hunks of a decision that still need a person."""
    choice = choices.get(decision.id)
    return [hunk for hunk in decision.hunks if hunk.asks and of_hunk(choice, hunk) is None]


def is_open(decision: Decision, choices: Choices) -> bool:
    """Whether a decision still needs a person."""
    if not decision.asks:
        return False
    if decision.hunks and isinstance(choices.get(decision.id), Mapping):
        return bool(open_hunks(decision, choices))
    return decision.id not in choices


def undecided(decisions: Sequence[Decision], choices: Choices) -> list[Decision]:
    """The decisions that still need a person, in document order."""
    return [decision for decision in decisions if is_open(decision, choices)]


def kept(decisions: Sequence[Decision], choices: Choices, before: Sequence[Decision] = ()) -> dict[str, Choice]:
    """The choices whose decision is still the same; those whose values have changed fall away.

    Of a text or a list that `before` knows and that changed elsewhere only, the hunks whose three sides are the same keep theirs.
    """
    known = {decision.id for decision in decisions}
    still = {name: choice for name, choice in choices.items() if name in known}
    now = {decision.path: decision for decision in decisions if decision.hunks}
    for old in before:
        new = now.get(old.path)
        if old.hunks and old.id in choices and old.id not in known and new and new.id not in still:
            hunks = _hunks_kept(old, choices[old.id], new)
            still |= {new.id: {"hunks": hunks}} if hunks else {}
    return still


def _hunks_kept(old: Decision, choice: Choice, new: Decision) -> dict[str, Choice]:
    still = {_sides(hunk): str(hunk.number) for hunk in new.hunks}
    return {still[_sides(hunk)]: pick for hunk, pick in _picks(old, choice) if _sides(hunk) in still}


def _picks(old: Decision, choice: Choice) -> list[tuple[Hunk, Choice]]:
    """What a choice says of each hunk."""
    said = ((hunk, of_hunk(choice, hunk)) for hunk in old.hunks)
    return [
        (hunk, pick)
        for hunk, pick in said
        if pick is not None and (isinstance(pick, str) or "value" in pick) and (hunk.asks or pick != choice)
    ]


def fallen(decisions: Sequence[Decision], choices: Choices, before: Sequence[Decision]) -> dict[str, Choice]:
    """What `kept` leaves behind, under the ids of `before`: of a text whose other hunks keep their choice, those hunks only."""
    known = {decision.id for decision in decisions}
    now = {decision.path: decision for decision in decisions if decision.hunks}
    gone: dict[str, Choice] = {}
    for old in before:
        if old.id not in choices or old.id in known:
            continue
        choice, new = choices[old.id], now.get(old.path)
        if old.hunks and new and _hunks_kept(old, choice, new):
            still = {_sides(hunk) for hunk in new.hunks}
            changed = {str(hunk.number): pick for hunk, pick in _picks(old, choice) if _sides(hunk) not in still}
            gone |= {old.id: {"hunks": changed}} if changed else {}
        else:
            gone[old.id] = choice
    return gone


def _sides(hunk: Hunk) -> str:
    return repr((hunk.base, hunk.local, hunk.remote))


def completed(decisions: Sequence[Decision], choices: Choices) -> dict[str, Choice]:
    """The choices with "base" where nothing was chosen yet, so that a preview can be built."""
    full = dict(choices)
    for decision in decisions:
        if not decision.asks:
            continue
        choice = full.get(decision.id)
        if choice is None and decision.hunks:
            choice = {"hunks": {}}
        if isinstance(choice, Mapping) and "hunks" in choice:
            asks = {str(hunk.number): "base" for hunk in decision.hunks if hunk.asks}
            choice = {"hunks": asks | dict(choice["hunks"])}
        full[decision.id] = "base" if choice is None else choice
    return full


def discarded(decisions: Sequence[Decision], choices: Choices) -> list[Discarded]:
    """What a side wrote that the choices leave out, in document order; places without a choice count as their action says."""
    lost: list[Discarded] = []
    for decision in decisions:
        choice = choices.get(decision.id)
        whole = isinstance(choice, Mapping) and "value" in choice
        if (
            decision.hunks
            and (choice is None or isinstance(choice, Mapping))
            and (not whole or _fits(decision, choice))
        ):
            for hunk in decision.hunks:
                said = of_hunk(choice, hunk) or ("" if hunk.asks else hunk.action)
                lost += [Discarded(decision, side, getattr(hunk, side), hunk.number) for side in _lost(hunk, said)]
        else:
            said = choice if choice is not None else ("" if decision.asks else decision.action)
            lost += [Discarded(decision, side, getattr(decision, side)) for side in _lost(decision, said)]
    return lost


def _lost(place: Decision | Hunk, choice: Choice) -> list[str]:
    """The sides that changed something here and are not part of what was chosen."""
    changed = [side for side in ("local", "remote") if getattr(place, side) != place.base]
    match choice:
        case "" | "same" | "both" | "both-reversed" | "suggestion":
            return []
        case "local" | "remote":
            other = "remote" if choice == "local" else "local"
            return [side for side in changed if side == other and getattr(place, other) != getattr(place, choice)]
        case str() if choice.startswith("auto:"):
            return []
        case {"value": written}:
            return [side for side in changed if not holds(written, getattr(place, side), place.base)]
        case _:
            return changed


def _fits(decision: Decision, choice: Choice | None) -> bool:
    """Whether a whole text or list that was written can be held against each hunk."""
    return isinstance(choice, Mapping) and isinstance(choice["value"], type(decision.hunks[0].base))


def holds(written: Any, side: Any, base: Any) -> bool:
    """Whether what was written by hand has in it all that a side made of the base: then nothing of that side is lost."""
    if side is MISSING or written is MISSING or same(written, side):
        return same(written, side)
    if isinstance(written, str) and isinstance(side, str):
        if side.strip():
            return side.strip() in written
        return isinstance(base, str) and base.strip() not in written
    if isinstance(written, Mapping) and isinstance(side, Mapping):
        return _has_fields(written, side, base if isinstance(base, Mapping) else {})
    if isinstance(written, list) and isinstance(side, list):
        return _has_items(written, side, base if isinstance(base, list) else [])
    return False


def _has_fields(written: Mapping[str, Any], side: Mapping[str, Any], base: Mapping[str, Any]) -> bool:
    names = (name for name in {**base, **side} if not same(side.get(name, MISSING), base.get(name, MISSING)))
    return all(holds(written.get(name, MISSING), side.get(name, MISSING), base.get(name, MISSING)) for name in names)


def _has_items(written: Sequence[Any], side: Sequence[Any], base: Sequence[Any]) -> bool:
    has, before, after = ({token(one) for one in items} for items in (written, base, side))
    new, gone = after - before, before - after
    return bool(new or gone) and new <= has and not gone & has

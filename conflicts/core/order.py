"""The order of a list whose items are matched by identity: which of three orders holds, or how they go together."""

from collections.abc import Hashable, Sequence
from itertools import pairwise
from typing import Final, NamedTuple

from conflicts.core import reasons
from conflicts.core.diff import Work

TOURNAMENT: Final = 500
"""How many common items the pairwise tournament compares at most."""

Keys = Sequence[Hashable]
_HEAD: Final = object()


class Order(NamedTuple):
    """An order of all items that any version has.

    `action` is "" where it agrees with the order of each version, so that there is nothing to decide; otherwise as in Decision.
    """

    keys: list[Hashable]
    action: str = ""
    reason: str = ""


def ordered(base: Keys, local: Keys, remote: Keys, work: Work, policy: str = "key") -> Order:
    """The order of the items of three versions: one side's where it alone moved items, else what both moves give, else a conflict."""
    order = _ordered(base, local, remote, work, policy)
    if order.action != "conflict" and all(_agrees(order.keys, keys) for keys in (base, local, remote)):
        return Order(order.keys)
    return order


def backed_by(first: Keys, *others: Keys) -> list[Hashable]:
    """The items of all versions: those of the first in its order, the others' behind what they follow, and at the end what ends them."""
    keys = list(first)
    ends: list[Sequence[Hashable]] = []
    for other in others:
        keys, end = _weave(keys, other)
        ends.append(end)
    return list(dict.fromkeys([*keys, *(key for end in reversed(ends) for key in end)])) if any(ends) else keys


def moved(base: Keys, side: Keys) -> bool:
    """Whether a side put items that it shares with the base in another order."""
    return _common(base, side) != _common(side, base)


def _ordered(base: Keys, local: Keys, remote: Keys, work: Work, policy: str) -> Order:
    moved_here, moved_upstream = moved(base, local), moved(base, remote)
    if moved_here and moved_upstream:
        return _both_moved(base, local, remote, work, policy)
    if moved_here:
        return Order(backed_by(local, remote, base), "local", reasons.REORDERED_HERE)
    if moved_upstream:
        return Order(backed_by(remote, local, base), "remote", reasons.REORDERED_UPSTREAM)
    keys = backed_by(base, local, remote)
    if all(_agrees(keys, side) for side in (local, remote)):
        return Order(keys)
    sorted_keys = _topological(base, local, remote)
    return Order(sorted_keys) if sorted_keys else Order(keys, "conflict", reasons.DIFFERENT_ORDER)


def _both_moved(base: Keys, local: Keys, remote: Keys, work: Work, policy: str) -> Order:
    if _common(local, remote) == _common(remote, local):
        return Order(backed_by(remote, local, base), "same", reasons.REORDERED_SAME)
    common = _common(_common(base, local), remote)
    affordable = len(common) <= TOURNAMENT and work.take(len(common) ** 2 // 2)
    won = _tournament(common, local, remote) if affordable else None
    if won is None:
        return Order(backed_by(base, local, remote), "conflict", reasons.DIFFERENT_ORDER)
    return Order(backed_by(won, local, remote, base), f"auto:{policy}", reasons.MERGED_MOVES)


def _tournament(common: list[Hashable], local: Keys, remote: Keys) -> list[Hashable] | None:
    """The order in which each pair stands as the side has it that turned it around; None when that makes a circle.

    Every pair has exactly one winner, so the order exists if and only if no two items win equally often (a transitive tournament).
    """
    count = len(common)
    here = {key: place for place, key in enumerate(local)}
    upstream = {key: place for place, key in enumerate(remote)}
    places = [(here[key], upstream[key]) for key in common]
    wins = [0] * count
    for first in range(count):
        mine, theirs = places[first]
        kept = 0
        for second in range(first + 1, count):
            later = places[second]
            if mine < later[0] and theirs < later[1]:
                kept += 1
            else:
                wins[second] += 1
        wins[first] += kept
    ranking = sorted(range(count), key=lambda place: -wins[place])
    if any(wins[place] != count - 1 - rank for rank, place in enumerate(ranking)):
        return None
    return [common[place] for place in ranking]


def _common(keys: Keys, other: Keys) -> list[Hashable]:
    """The keys that stand in the other sequence too, in their order here."""
    known = set(other)
    return [key for key in keys if key in known]


def _agrees(keys: Keys, part: Keys) -> bool:
    return _common(keys, part) == list(part)


def _weave(keys: list[Hashable], other: Keys) -> tuple[list[Hashable], list[Hashable]]:
    """The keys with those that only the other sequence has, each run behind the key that it follows there, and its last run apart."""
    known = set(keys)
    behind: dict[Hashable, list[Hashable]] = {}
    run: list[Hashable] = []
    follows: Hashable = _HEAD
    for key in other:
        if key not in known:
            run.append(key)
            continue
        if run:
            behind[follows] = run
            run = []
        follows = key
    if not behind:
        return keys, run
    woven = behind.pop(_HEAD, [])
    for key in keys:
        woven.append(key)
        woven += behind.get(key, ())
    return woven, run


def _topological(*sequences: Keys) -> list[Hashable] | None:
    """An order that agrees with all sequences, None when there is none (Kahn's algorithm; over a stack, so that runs stay together)."""
    after: dict[Hashable, list[Hashable]] = {}
    waits: dict[Hashable, int] = {}
    for keys in sequences:
        for key in keys:
            after.setdefault(key, [])
            waits.setdefault(key, 0)
        for key, follower in pairwise(keys):
            after[key].append(follower)
            waits[follower] += 1
    ready = [key for key in reversed(waits) if not waits[key]]
    found = []
    while ready:
        key = ready.pop()
        found.append(key)
        for follower in after[key]:
            waits[follower] -= 1
            if not waits[follower]:
                ready.append(follower)
    return found if len(found) == len(waits) else None

"""Lists whose items have no identity: merged element by element (diff3), or as one value."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from conflicts.core import reasons
from conflicts.core.choices import together
from conflicts.core.decisions import MISSING, Hunk
from conflicts.core.diff import Work, interned
from conflicts.core.diff3 import Stretch, diff3
from conflicts.core.equality import token
from conflicts.core.pieces import Pieces, gives_way
from conflicts.core.place import Finding
from conflicts.core.values import conflict, one_sided

Items = list[Any]


def sequence(base: Any, local: Items, remote: Items, work: Work, *, atomic: bool) -> Finding:
    """The finding for a list that is merged as a sequence; `base` may be MISSING."""
    finding = one_sided(base, local, remote)
    if base is MISSING or atomic:
        return finding or replace(conflict(base, local, remote), both=None if atomic else _both(local, remote))
    pieces = merge_elements(base, local, remote, work)
    action, reason = pieces.action("lcs"), reasons.MERGED_ELEMENTS
    if finding:
        action, reason = finding.action, finding.reason
    elif action == "conflict":
        reason = reasons.SAME_ELEMENTS
    else:
        action = "auto:lcs"
    return Finding("array", action, base, local, remote, reason, merged=pieces.merged(), pieces=pieces)


def _both(local: Items, remote: Items) -> Callable[[bool], Items]:
    def both(reverse: bool) -> Items:
        return list(together(remote, local) if reverse else together(local, remote))

    return both


def merge_elements(base: Items, local: Items, remote: Items, work: Work) -> Pieces:
    """The hunks of three versions of a list whose elements have no identity."""
    numbers = interned(*([token(item) for item in side] for side in (base, local, remote)))
    stretches = diff3(*numbers, work=work, text=False)
    hunks = tuple(
        Hunk(
            number,
            stretch.base.start,
            stretch.base.stop,
            base[stretch.base],
            local[stretch.local],
            remote[stretch.remote],
            stretch.action,
        )
        for number, stretch in enumerate(stretches)
    )
    return Pieces(hunks, _builder(stretches, hunks, remote))


def _builder(
    stretches: list[Stretch], hunks: tuple[Hunk, ...], remote: Items
) -> Callable[[Callable[[Hunk], Any]], Items]:
    def build(outcome: Callable[[Hunk], Any]) -> Items:
        outcomes = [outcome(hunk) for hunk in hunks]
        gone = gives_way(hunks, outcomes)
        merged: Items = []
        at = 0
        for hunk, stretch in zip(hunks, stretches, strict=True):
            merged += remote[at : stretch.remote.start]
            merged += [] if hunk.number in gone else outcomes[hunk.number]
            at = stretch.remote.stop
        return merged + remote[at:]

    return build

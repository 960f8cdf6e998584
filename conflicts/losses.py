"""What a resolution leaves out, in words: for the confirmation before it is sent, and for the history afterwards."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

from conflicts.core import MISSING, Choice, Decision
from conflicts.core.choosing import Discarded, discarded, of_hunk
from conflicts.core.equality import same
from conflicts.labels import Places
from conflicts.located import Finder, key_fields
from conflicts.models import Conflict, Round
from conflicts.readable import against, gist, plain
from conflicts.told import place_of

MOST = 200
LONGEST = 200


@dataclass(frozen=True, slots=True)
class Loss:
    """A value that is not sent: of which place (and hunk of it, counted from 1), on which side. `deleted` when it was a deletion.

    `replaced` when somebody wrote something else in its place.
    """

    label: str
    side: str
    hunk: int
    text: str
    deleted: bool
    replaced: bool = False


def losses_of(conflict: Conflict | Round, decisions: Sequence[Decision], choices: Mapping[str, Choice]) -> list[Loss]:
    """What these choices leave out; at most 200."""
    places = Places(*conflict.documents())
    return [
        _loss(one, places.label(one.decision), choices.get(one.decision.id))
        for one in discarded(decisions, choices)[:MOST]
    ]


def left_out_of(conflict: Conflict | Round, decisions: Sequence[Decision], document: Any) -> list[Loss]:
    """What a document that was merged by hand leaves out: the values of a side that do not stand at their places in it."""
    places = Places(*conflict.documents())
    finder = Finder(document, key_fields(conflict.read_rules()))
    taken: dict[str, Choice] = {}
    for one in decisions:
        value = finder.at(*places.way(one))
        here, there = same(value, one.local), same(value, one.remote)
        if not (here or there):
            taken[one.id] = {"value": value}
        elif here is not there:
            taken[one.id] = "local" if here else "remote"
    return losses_of(conflict, [one for one in decisions if one.id in taken], taken)


def _loss(lost: Discarded, label: str, choice: Choice | None) -> Loss:
    side = _("Local (queued)") if lost.side == "local" else _("Upstream (remote)")
    base = lost.decision.base if lost.hunk is None else lost.decision.hunks[lost.hunk].base
    deleted = lost.value is MISSING or (lost.hunk is not None and not lost.value)
    text = "" if deleted else _shown(base, lost.value)
    said = choice if lost.hunk is None else of_hunk(choice, lost.decision.hunks[lost.hunk])
    replaced = isinstance(said, Mapping) and "value" in said
    hunk = 0 if lost.hunk is None else place_of(lost.decision, lost.hunk)
    return Loss(label, side, hunk, text, deleted, replaced)


def _shown(base: Any, value: Any) -> str:
    """What a side wrote, short: of objects, what it changed."""
    shown = against(base, value) if isinstance(value, dict | list) else plain(value)
    lines = [
        (f"{line.name}: " if line.name else "") + "".join(piece.text for piece in line.pieces if piece.mark != "del")
        for line in shown.lines[:3]
    ]
    whole = "; ".join(lines) or gist(value)
    return whole if len(whole) <= LONGEST else f"{whole[: LONGEST - 1]}…"

"""Deciding a conflict: the result is rebuilt here from the documents and the choices, and queued to be sent.

1. The lane is locked, then the conflict; it must still be open, and be the one that was seen (its `digest`).
2. The document follows from base, local, remote, rules and choices, or is the one that was merged by hand; a merged document
   from the page is never taken for the result of choices.
3. What was written by hand must fit the kind; faults that a side had already are not held against it.
4. The item is queued with the result, against the version that the decisions were made on. Should the upstream have moved, it
   refuses, and the conflict comes back with every choice that still stands.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from conflicts.actions.shared import log, take
from conflicts.core import MISSING, Choice, ChoiceError
from conflicts.core.choosing import discarded
from conflicts.core.decisions import Decision
from conflicts.core.limits import TooDeep, check_depth
from conflicts.core.verdict import Verdict, judge
from conflicts.delivery import delivery
from conflicts.errors import AlreadyDecided, Moved, Undecided
from conflicts.models import Conflict, Draft, write
from conflicts.profiles import profile
from conflicts.states import ConflictState
from portal.kit import clock, jsontext
from portal.kit.errors import Fault, Invalid
from portal.kit.viewer import Viewer

LARGEST = 4 * 1024 * 1024
"""Bytes of a document that somebody wrote in: two sides of the largest size that an item may have, twice."""
MOST_PLACES = 50
"""So many places are named in the log."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Resolution:
    """What somebody decided: a choice for each decision that asks, or a whole document merged by hand."""

    choices: Mapping[str, Choice] | None = None
    document: Any = MISSING

    @property
    def by_hand(self) -> bool:
        """Whether a whole document was written."""
        return self.document is not MISSING


def resolve(*, viewer: Viewer, conflict_id: UUID, digest: str, resolution: Resolution, hold: float = 0.0) -> Conflict:
    """The conflict, decided; its result is sent, after `hold` seconds in which it can be taken back.

    Raises AlreadyDecided, Moved, Undecided (a fault for each open decision), or Invalid with pointers to what was written wrongly.
    """
    with transaction.atomic():
        conflict = take(viewer, conflict_id)
        if conflict.conflict_state is not ConflictState.OPEN:
            raise AlreadyDecided(_faster(conflict))
        if digest != conflict.digest:
            raise Moved
        result, verdict = examine(conflict, resolution)
        now = clock.now()
        conflict.choices = jsontext.dump(dict(resolution.choices or {}))
        conflict.manual, conflict.result, conflict.settled = resolution.by_hand, write(result), True
        conflict.state, conflict.stale = ConflictState.DECIDED, 0
        conflict.resolved_at, conflict.resolved_by, conflict.rounds = now, viewer.name, 0
        conflict.revision += 1
        conflict.save()
        Draft.objects.for_org(viewer).filter(conflict=conflict, user_id=viewer.user_id or 0).delete()
        delivery().send(viewer, conflict, after=now + timedelta(seconds=hold) if hold else None)
        log(conflict, "conflict.resolved", viewer, **_told(resolution, verdict))
    return conflict


def examine(conflict: Conflict, resolution: Resolution) -> tuple[Any, Verdict]:
    """The document that a resolution makes (MISSING when nothing is left), checked; the same for the preview and the submit."""
    base, local, remote = conflict.documents()
    choices = resolution.choices or {}
    try:
        verdict = judge(base, local, remote, conflict.read_rules(), choices)
    except ChoiceError as error:
        raise Invalid.at(f"/choices/{error.decision}", error.problem) from error
    known = {decision.id for decision in verdict.merge.decisions}
    if unknown := [name for name in choices if name not in known]:
        said = _("There is no such decision in this conflict.")
        raise Invalid(said, faults=[Fault(f"/choices/{jsontext.escape(name)}", said) for name in unknown])
    if resolution.by_hand:
        result, place = resolution.document, "/document"
    elif verdict.settled:
        result, place = verdict.result, "/result"
    else:
        raise Undecided(_open(len(verdict.asks)), faults=[_unanswered(decision) for decision in verdict.asks])
    if resolution.by_hand or _wrote(choices):
        _check(conflict, result, place)
    return result, verdict


def _check(conflict: Conflict, result: Any, place: str) -> None:
    """Raises Invalid for what cannot be kept, and for faults that neither side had before."""
    if result is MISSING:
        return
    if len(write(result).encode()) > LARGEST:
        raise Invalid.at(place, _("A document may have %d bytes.") % LARGEST)
    try:
        check_depth(result)
    except TooDeep as error:
        raise Invalid.at(place, str(error)) from error
    faults = profile(conflict.kind).faults
    before = {fault for side in conflict.documents()[1:] if side is not MISSING for fault in faults(side)}
    new = [Fault(place + fault.pointer, fault.detail) for fault in faults(result) if fault not in before]
    if new:
        raise Invalid(_("The merged document does not fit its kind."), faults=new)


def _wrote(choices: Any) -> bool:
    """Whether a choice holds something that was written by hand."""
    if not isinstance(choices, Mapping):
        return False
    return "value" in choices or any(_wrote(choice) for choice in choices.values())


def _unanswered(decision: Decision) -> Fault:
    return Fault(f"/choices/{decision.id}", _("Not decided yet: %s") % (decision.path or "/"))


def _open(n: int) -> str:
    return ngettext("%d decision is not made yet.", "%d decisions are not made yet.", n) % n


def _faster(conflict: Conflict) -> str:
    if conflict.resolved_by and conflict.resolved_at:
        return _("%(who)s decided it at %(when)s UTC.") % {
            "who": conflict.resolved_by,
            "when": f"{conflict.resolved_at:%H:%M:%S}",
        }
    return _("It is no longer open.")


def _told(resolution: Resolution, verdict: Verdict) -> dict[str, Any]:
    """How it was decided, for the log: places and sides, no values."""
    if resolution.by_hand:
        return {"how": "by hand"}
    places = {decision.id: decision.path or "/" for decision in verdict.merge.decisions}
    how = {places[name]: _side(choice) for name, choice in list(verdict.choices.items())[:MOST_PLACES]}
    lost = {(one.decision.id, one.side) for one in discarded(verdict.merge.decisions, verdict.choices)}
    return {"how": how, "decided": len(verdict.choices), "discarded": len(lost)}


def _side(choice: Choice) -> str:
    if isinstance(choice, str):
        return choice
    return "written" if "value" in choice else "by hunks"

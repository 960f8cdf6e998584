"""Taking a resolution back while the upstream has not got it: one that a person made, or one that rules made."""

from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext as _

from conflicts.actions.keep_draft import keep_draft
from conflicts.actions.shared import log, take
from conflicts.delivery import OnItsWay, delivery
from conflicts.models import Conflict, Draft
from conflicts.readable import pretty
from conflicts.states import ConflictState
from portal.kit import jsontext
from portal.kit.viewer import Viewer


def undo(*, viewer: Viewer, conflict_id: UUID) -> Conflict:
    """The conflict, open again, with the choices as they were. Raises OnItsWay when it is being sent or was delivered.

    A document that was written by hand becomes the viewer's draft.
    """
    with transaction.atomic():
        conflict = take(viewer, conflict_id)
        if conflict.conflict_state not in (ConflictState.DECIDED, ConflictState.MERGED):
            raise OnItsWay(_("The conflict is %s now.") % conflict.conflict_state.slug)
        delivery().take_back(viewer, conflict)
        if conflict.manual and viewer.user_id is not None:
            own = Draft.objects.for_org(viewer).filter(conflict=conflict, user_id=viewer.user_id).first()
            choices = jsontext.load(own.choices) if own else {}
            keep_draft(viewer=viewer, conflict_id=conflict.pk, choices=choices, manual=pretty(conflict.read_result()))
        conflict.state, conflict.manual = ConflictState.OPEN, False
        conflict.result, conflict.settled = "", False
        conflict.resolved_at, conflict.resolved_by = None, ""
        conflict.revision += 1
        conflict.save()
        log(conflict, "conflict.undone", viewer)
    return conflict

"""Closing an outage: it is over, and a person says why."""

from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from portal.kit import clock
from portal.kit.errors import Conflicting, Fault
from portal.kit.viewer import Viewer
from resilience.health.actions.outages import (
    end,
    masked,
    one_line,
    outage_of,
    past_faults,
    text_faults,
)
from resilience.health.actions.reassess import down_by_itself, read_maintained, reassess
from resilience.health.actions.steering import refuse, shown
from resilience.health.core.states import State
from resilience.health.models import Note, Outage


def close_outage(
    *,
    viewer: Viewer,
    outage_id: int,
    reason: str,
    ended_at: datetime | None = None,
    although_failing: bool = False,
) -> Outage:
    """The outage, over since `ended_at` (now unless said); the reason stands among its notes.

    While its component is still down an outage opens again at once by itself: who closes one all the same says so with
    `although_failing` (else Conflicting). One that is over already stays as it is (Conflicting).
    """
    reason = one_line(reason)
    missing = [] if reason else [Fault("/reason", _("Say why, so that the next person knows."))]
    refuse([*(missing or text_faults(reason, "/reason")), *past_faults(ended_at, "/ended_at")])
    reason = masked(reason)
    with transaction.atomic():
        outage = outage_of(viewer, outage_id)
        refuse_over(outage)
        again = opens_again(outage)
        if again and not although_failing:
            detail = _("%s is still down: the outage opens again at once.") % outage.component.name
            raise Conflicting(detail, faults=[Fault("/although_failing", detail)])
        now = clock.now()
        ended = min(ended_at or now, now)
        if ended < outage.began_at:
            refuse([Fault("/ended_at", _("It cannot end before it began."))])
        Note.objects.create(outage=outage, at=now, author=viewer.name, text=reason)
        end(outage, viewer, ended, reason=shown(reason), still_down=again)
        reassess([outage.component_id], now=now, maintained=read_maintained(outage.component, now))
    return outage


def opens_again(outage: Outage) -> bool:
    """Whether its component is down by itself, so that an outage comes back at once (reassess.py)."""
    if outage.component.state != State.DOWN:
        return False
    return not outage.by_hand or down_by_itself(outage.component)


def refuse_over(outage: Outage) -> None:
    """Raises Conflicting when it is over."""
    if outage.ended_at is None:
        return
    if outage.closed_by:
        raise Conflicting(_("%s closed this outage meanwhile. Nothing was changed.") % outage.closed_by)
    raise Conflicting(_("This outage ended by itself meanwhile. Nothing was changed."))

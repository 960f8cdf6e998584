"""What every action on an outage needs first: the right one, under lock, texts and moments that hold, and its event."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from django.utils.translation import gettext as _

from portal.events.record import record
from portal.kit import clock
from portal.kit.errors import Fault, Forbidden, NotFound
from portal.kit.masking import mask_text
from portal.kit.viewer import Permission, Viewer
from resilience.health.actions.steering import OURS
from resilience.health.core.eta import Expected, Source
from resilience.health.expecting import expected_for, keep
from resilience.health.models import Outage

LONGEST_TEXT, LONGEST_NOTE = 300, 1_000
FURTHEST = timedelta(days=366)
SLACK = timedelta(minutes=1)
"""Clocks differ, and people name whole minutes: so far ahead, "now" is still now."""


def outage_of(viewer: Viewer, outage_id: int) -> Outage:
    """The outage, locked until the transaction ends; NotFound for a stranger, Forbidden without the right to operate."""
    rows = Outage.objects.for_org(viewer).select_related("component__organization", "component__upstream")
    outage = rows.select_for_update(of=("self",)).filter(pk=outage_id).first()
    if outage is None:
        raise NotFound
    if outage.component.organization_id is None:
        raise Forbidden(OURS)
    viewer.require(Permission.OPERATE, outage.component.organization_id)
    return outage


def text_faults(text: object, pointer: str, *, most: int = LONGEST_TEXT, lines: bool = False) -> list[Fault]:
    """What is wrong with a text that a person wrote: no text, too long, or with control characters (line breaks aside, with `lines`)."""
    if not isinstance(text, str):
        return [Fault(pointer, _("This must be a text."))]
    if len(text) > most:
        return [Fault(pointer, _("At most %d characters fit here.") % most)]
    plain = text.replace("\r\n", "").replace("\n", "").replace("\t", "") if lines else text
    return [] if plain.isprintable() else [Fault(pointer, _("It holds control characters. Leave them out."))]


def one_line(text: Any) -> Any:
    """The text without spaces at its ends and line breaks within; what is no text stays, to be refused."""
    return " ".join(text.split()) if isinstance(text, str) else text


def masked(text: str, *, most: int = LONGEST_TEXT) -> str:
    """The text as it is kept and shown to all who can see the outage: without what looks like a secret."""
    return mask_text(text)[:most]


def past_faults(at: datetime | None, pointer: str) -> list[Fault]:
    """What is wrong with a moment that has to have been, within a year."""
    if at is None:
        return []
    if at.tzinfo is None:
        return [Fault(pointer, _("A time needs its offset, as in 2026-11-21T02:47:00Z."))]
    now = clock.now()
    if at > now + SLACK:
        return [Fault(pointer, _("This moment is still to come. Name one that has been, or leave it out for now."))]
    return [Fault(pointer, _("This is more than a year ago."))] if at < now - FURTHEST else []


def coming_faults(at: datetime | None, pointer: str) -> list[Fault]:
    """What is wrong with a moment that has to come, within a year."""
    if at is None:
        return []
    if at.tzinfo is None:
        return [Fault(pointer, _("A time needs its offset, as in 2026-11-21T03:30:00Z."))]
    now = clock.now()
    if at <= now:
        return [Fault(pointer, _("This moment is past. Choose one that is still to come, or say it in words."))]
    return [Fault(pointer, _("This is more than a year ahead."))] if at > now + FURTHEST else []


def expect(outage: Outage, at: datetime | None, text: str) -> None:
    """Writes into the row (unsaved) what a person expects; where they say nothing, what can be told from what is planned and what was."""
    if at or text:
        keep(outage, Expected(Source.PERSON, at, text))
    else:
        keep(outage, expected_for(outage.component, outage, clock.now()))


def end(outage: Outage, viewer: Viewer, ended_at: datetime, *, reason: str, still_down: bool) -> None:
    """Ends an outage by a person's word, with its event. Who calls has locked it and checked the moment."""
    outage.ended_at, outage.closed_by = ended_at, viewer.name
    outage.save(update_fields=["ended_at", "closed_by"])
    seconds = round((ended_at - outage.began_at).total_seconds())
    said = {"reason": reason, "ended_at": iso(ended_at), "seconds": seconds, "still_down": still_down}
    tell_outage("outage.closed", viewer, outage, said)


def tell_outage(verb: str, viewer: Viewer, outage: Outage, data: Mapping[str, Any]) -> None:
    """Writes the event of what a person did to an outage."""
    component = outage.component
    organization = component.organization
    record(
        verb=verb,
        subject=f"outage:{outage.pk}",
        actor=viewer.name,
        organization_id=component.organization_id,
        organization_name=organization.name if organization else "",
        data={"component": component.slug, "upstream": component.upstream_id, **data},
        request_id=viewer.request_id,
    )


def iso(at: datetime | None) -> str | None:
    """A moment as events keep it."""
    return at.isoformat(timespec="seconds") if at else None

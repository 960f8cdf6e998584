"""What the pages of outages show: one with its story, and what is needed to write about it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.utils.translation import gettext as _

from portal.events.models import Event
from portal.kit import clock
from portal.kit.errors import NotFound
from portal.kit.viewer import Permission, Viewer
from portal.web import formats
from resilience.health import words
from resilience.health.expecting import earliest_of
from resilience.health.marks import Mark, expectations, written
from resilience.health.models import Component, Outage
from resilience.health.partly import delivers, held_up, is_out, is_partly
from resilience.health.providers import Impact
from resilience.health.timelines import happened

AFTER = timedelta(minutes=1)
MOST = 200
"""So many things that happened are told, the newest."""


@dataclass(frozen=True, slots=True)
class Story:
    """An outage as its page tells it. `delivers`: changes go out all the same.

    `source`, `spread` and `overdue` say what the expected end rests on.
    """

    outage: Outage
    title: str
    partly: bool
    delivers: bool
    severity: str
    opened: str
    source: str
    spread: str
    overdue: bool
    earliest: datetime | None
    lasted: timedelta
    impacts: Sequence[Impact]
    happened: Sequence[Mark]
    may_operate: bool

    @property
    def component(self) -> Component:
        """What is or was out."""
        return self.outage.component

    @property
    def active(self) -> bool:
        """Whether it goes on."""
        return self.outage.ended_at is None


def outage_of(viewer: Viewer, outage_id: int) -> Outage:
    """The outage with all that is told of it; raises NotFound."""
    rows = Outage.objects.for_org(viewer).told().select_related("because_of__component", "component__upstream__breaker")
    outage = rows.filter(pk=outage_id).first()
    if outage is None:
        raise NotFound
    return outage


def story(viewer: Viewer, outage: Outage) -> Story:
    """All of an outage that the viewer may see."""
    component, now = outage.component, clock.now()
    lasted = (outage.ended_at or now) - outage.began_at
    active = outage.ended_at is None
    return Story(
        outage=outage,
        title=_title(outage, formats.age(lasted)),
        partly=is_partly(outage),
        delivers=active and delivers(outage),
        severity=words.severity(outage),
        opened=words.opened(outage),
        source=words.expected_source(outage),
        spread=words.spread(outage),
        overdue=active and outage.expected_at is not None and outage.expected_at < now,
        earliest=earliest_of(outage, now) if active and outage.expected_at is None else None,
        lasted=lasted,
        impacts=held_up(viewer, outage),
        happened=_happened(viewer, outage),
        may_operate=component.organization_id is not None and viewer.can(Permission.OPERATE, component.organization_id),
    )


def _title(outage: Outage, span: str) -> str:
    said = {"name": outage.component.name, "is_out": is_out(outage), "span": span}
    if outage.ended_at is None:
        return _("%(name)s %(is_out)s, %(span)s so far") % said
    return (
        _("%(name)s was partly out for %(span)s") if is_partly(outage) else _("%(name)s was out for %(span)s")
    ) % said


def _happened(viewer: Viewer, outage: Outage) -> list[Mark]:
    """From its beginning until a little after its end, the newest first, as the component's timeline tells it; and what was expected."""
    now = clock.now()
    until = (outage.ended_at or now) + AFTER
    said = Event.objects.for_org(viewer).about(f"outage:{outage.pk}").filter(verb="outage.expected")[:MOST]
    learnt = written([outage], until, now + AFTER)  # which may be long after it
    found = [*happened(outage.component, [outage], outage.began_at, until), *expectations(said), *learnt]
    return sorted(found, key=lambda mark: mark.place, reverse=True)[:MOST]

"""What the pages of outages show: one with its story, and what is needed to write about it."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.utils.translation import gettext as _

from portal.events.models import Event
from portal.kit import clock
from portal.kit.errors import NotFound
from portal.kit.viewer import SYSTEM, Permission, Viewer
from portal.web import formats
from resilience.health import words
from resilience.health.expecting import earliest_of
from resilience.health.models import Component, Note, Outage
from resilience.health.providers import Impact, impacts
from resilience.health.timelines import turns

AFTER = timedelta(minutes=1)
MOST = 200
"""So many things that happened are told, the newest."""
VERBS = ("outage.expected", "outage.closed")


@dataclass(frozen=True, slots=True)
class Happened:
    """One thing that happened. `lines`: a person wrote it, its line breaks count."""

    at: datetime
    icon: str
    tone: str
    text: str
    who: str = ""
    lines: bool = False


@dataclass(frozen=True, slots=True)
class Story:
    """An outage as its page tells it. `source`, `spread` and `overdue` say what the expected end rests on."""

    outage: Outage
    title: str
    severity: str
    opened: str
    source: str
    spread: str
    overdue: bool
    earliest: datetime | None
    lasted: timedelta
    impacts: Sequence[Impact]
    happened: Sequence[Happened]
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
    outage = Outage.objects.for_org(viewer).told().select_related("because_of__component").filter(pk=outage_id).first()
    if outage is None:
        raise NotFound
    return outage


def story(viewer: Viewer, outage: Outage) -> Story:
    """All of an outage that the viewer may see."""
    component, now = outage.component, clock.now()
    lasted = (outage.ended_at or now) - outage.began_at
    upstream_id = component.upstream_id
    said = {"name": component.name, "span": formats.age(lasted)}
    active = outage.ended_at is None
    return Story(
        outage=outage,
        title=_("%(name)s is out, %(span)s so far") % said if active else _("%(name)s was out for %(span)s") % said,
        severity=words.severity(outage),
        opened=words.opened(outage),
        source=words.expected_source(outage),
        spread=words.spread(outage),
        overdue=active and outage.expected_at is not None and outage.expected_at < now,
        earliest=earliest_of(outage, now) if active and outage.expected_at is None else None,
        lasted=lasted,
        impacts=impacts(viewer, [upstream_id]) if active and upstream_id is not None else [],
        happened=sorted(_happened(viewer, outage), key=lambda one: one.at)[: -MOST - 1 : -1],
        may_operate=component.organization_id is not None and viewer.can(Permission.OPERATE, component.organization_id),
    )


def _happened(viewer: Viewer, outage: Outage) -> Iterator[Happened]:
    """From its beginning until a little after its end, in the words of the component's timeline."""
    if outage.by_hand:
        yield Happened(outage.began_at, "flag", "bad", _("It began."))
        yield Happened(outage.noticed_at, "edit", "idle", _("The outage was recorded."), outage.opened_by)
    else:
        yield Happened(outage.noticed_at, "down", "bad", _("Outage opened."))
    for note in Note.objects.for_org(viewer).filter(outage=outage).order_by("-pk")[:MOST]:
        yield Happened(note.at, "note", "idle", note.text, note.author, lines=True)
    for event in Event.objects.for_org(viewer).about(f"outage:{outage.pk}").filter(verb__in=VERBS)[:MOST]:
        yield _told(event)
    until = (outage.ended_at or clock.now()) + AFTER
    for mark in turns(outage.component, outage.began_at, until):
        yield Happened(mark.at, mark.icon, mark.tone, mark.word)


def _told(event: Event) -> Happened:
    who = "" if event.actor == SYSTEM else event.actor
    said: dict[str, Any] = json.loads(event.data) if event.data else {}
    if event.verb == "outage.closed":
        text = _("The outage was closed.") if who else _("Outage closed.")
        return Happened(event.at, "synced", "ok", text, who)
    before = _expectation(said.get("before") or {})
    text = _("Expected back: %(now)s. Before: %(before)s.")
    return Happened(event.at, "retrying", "idle", text % {"now": _expectation(said), "before": before}, who)


def _expectation(said: dict[str, Any]) -> str:
    """A moment, words, or both, as an event keeps them."""
    at = said.get("at")
    parts = [words.moment_of(datetime.fromisoformat(at))] if isinstance(at, str) else []
    parts += [text] if isinstance(text := said.get("text"), str) and text else []
    return ", ".join(parts) or _("nobody knows")

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
from portal.web.vocabulary import sign
from resilience.breakers import words as breaker_words
from resilience.breakers.models import Transition
from resilience.health import words
from resilience.health.expecting import earliest_of
from resilience.health.models import Component, Flip, Note, Outage
from resilience.health.providers import Impact, impacts

BEFORE, AFTER = timedelta(minutes=10), timedelta(minutes=5)
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
    since, until = outage.began_at - BEFORE, (outage.ended_at or clock.now()) + AFTER
    yield Happened(outage.began_at, "flag", "bad", _("It began."))
    if outage.by_hand:
        yield Happened(outage.noticed_at, "edit", "idle", _("The outage was recorded."), outage.opened_by)
    else:
        yield Happened(outage.noticed_at, "down", "bad", _("The outage opened by itself."))
    for note in Note.objects.for_org(viewer).filter(outage=outage).order_by("-pk")[:MOST]:
        yield Happened(note.at, "note", "idle", note.text, note.author, lines=True)
    for event in Event.objects.for_org(viewer).about(f"outage:{outage.pk}").filter(verb__in=VERBS)[:MOST]:
        yield _told(event)
    flips = Flip.objects.for_org(viewer).filter(component_id=outage.component_id, at__gte=since, at__lte=until)
    for flip in flips.select_related("probe").order_by("-at")[:MOST]:
        yield _flipped(flip, outage.component)
    if outage.component.upstream_id is not None:
        moves = Transition.objects.for_org(viewer).filter(breaker_id=outage.component.upstream_id)
        for move in moves.filter(at__gte=since, at__lte=until).order_by("-pk")[:MOST]:
            yield _moved(move)


def _told(event: Event) -> Happened:
    who = "" if event.actor == SYSTEM else event.actor
    said: dict[str, Any] = json.loads(event.data) if event.data else {}
    if event.verb == "outage.closed":
        text = _("The outage was closed.") if who else _("It ended by itself.")
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


def _flipped(flip: Flip, component: Component) -> Happened:
    shown = sign("no_data" if flip.after == "none" else flip.after)
    said = {"name": flip.probe.name if flip.probe else component.name, "word": str(shown.word).lower()}
    text = _("Probe %(name)s: %(word)s") % said if flip.probe else _("%(name)s: %(word)s") % said
    return Happened(flip.at, shown.icon, shown.tone, f"{text}. {flip.reason}" if flip.reason else f"{text}.")


def _moved(move: Transition) -> Happened:
    shown = sign(move.after.replace("-", "_"))
    said = {"after": breaker_words.state_word(move.after), "cause": breaker_words.cause(move)}
    return Happened(move.at, shown.icon, shown.tone, _("Breaker %(after)s: %(cause)s") % said)

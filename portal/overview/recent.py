"""Recent events in words."""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import groupby
from typing import Any
from uuid import UUID

from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from portal.events.models import Event
from portal.kit import clock
from portal.kit.viewer import Viewer
from portal.web.formats import age, moment, number
from resilience.health.core.states import Severity
from resilience.health.models import Component, Outage
from resilience.health.partly import partly
from syncqueue.models import Item

SHOWN = 8
MOST_FOLDED = 500
QUIET = (
    "item.queued",
    "item.in_flight",
    "item.synced",
    "item.retrying",
    "item.superseded",
    "item.conflict",
    "breaker.half-opened",
    "health.up",
    "health.down",
    "health.none",
    "probe.checked",
    "breaker.reopened",
    "account.signed_in",
    "account.signed_out",
    "account.profile_changed",
)
"""The everyday moves: the queue's figures tell of items, the audit log of everything."""

WORDS: Mapping[str, tuple[str, str, str | Promise]] = {
    "item.queued": ("queued", "idle", gettext_lazy("An item was queued")),
    "item.in_flight": ("in-flight", "move", gettext_lazy("An item is being sent")),
    "item.retrying": ("retrying", "warn", gettext_lazy("An item is to be tried again")),
    "item.synced": ("synced", "ok", gettext_lazy("An item was delivered")),
    "item.failed": ("failed", "bad", gettext_lazy("An item failed")),
    "item.conflict": ("conflict", "ask", gettext_lazy("An item is in conflict")),
    "item.superseded": ("superseded", "idle", gettext_lazy("A later item stands for an item")),
    "conflict.opened": ("conflict", "ask", gettext_lazy("A conflict needs a decision")),
    "conflict.reopened": ("conflict", "ask", gettext_lazy("A conflict needs another look")),
    "conflict.merged": ("conflict", "idle", gettext_lazy("A conflict was settled by rule")),
    "conflict.resolved": ("synced", "ok", gettext_lazy("A conflict was decided")),
    "conflict.undone": ("conflict", "ask", gettext_lazy("A resolution was taken back")),
    "item.cancelled": ("cancelled", "idle", gettext_lazy("An item was cancelled")),
    "item.stepped_over": ("step-over", "idle", gettext_lazy("A failed item was stepped over")),
    "breaker.opened": ("open", "bad", gettext_lazy("The breaker opened")),
    "breaker.reopened": ("open", "bad", gettext_lazy("A test failed, the breaker is open again")),
    "breaker.half-opened": ("half-open", "warn", gettext_lazy("The breaker is half-open and tests")),
    "breaker.closed": ("closed", "ok", gettext_lazy("The breaker closed")),
    "breaker.reset": ("closed", "idle", gettext_lazy("The breaker was reset")),
    "breaker.forced-open": ("open", "bad", gettext_lazy("The breaker was forced open")),
    "breaker.forced-closed": ("closed", "warn", gettext_lazy("The breaker was forced closed")),
    "breaker.forced-disabled": ("closed", "warn", gettext_lazy("The breaker was disabled")),
    "upstream.created": ("add", "idle", gettext_lazy("The upstream was added")),
    "upstream.updated": ("edit", "idle", gettext_lazy("The upstream was changed")),
    "upstream.paused": ("paused", "idle", gettext_lazy("The upstream was paused")),
    "upstream.resumed": ("play", "idle", gettext_lazy("The upstream was resumed")),
    "upstream.tested": ("upstreams", "idle", gettext_lazy("The connection was tested")),
    "lane.healed": ("lanes", "idle", gettext_lazy("A lane was put right")),
    "account.signed_in": ("person", "idle", gettext_lazy("Signed in")),
    "account.signed_out": ("leave", "idle", gettext_lazy("Signed out")),
    "account.sign_in_failed": ("slow", "warn", gettext_lazy("A sign-in failed")),
    "account.password_changed": ("tokens", "idle", gettext_lazy("A password was changed")),
    "account.password_reset": ("tokens", "idle", gettext_lazy("A password was reset")),
    "account.profile_changed": ("person", "idle", gettext_lazy("A profile was changed")),
    "health.up": ("up", "ok", gettext_lazy("A component is up")),
    "health.slow": ("slow", "warn", gettext_lazy("A component is slow")),
    "health.down": ("down", "bad", gettext_lazy("A component is down")),
    "health.none": ("no-data", "idle", gettext_lazy("Nothing is known of a component any more")),
    "health.maintenance": ("paused", "idle", gettext_lazy("A component is in maintenance")),
    "component.added": ("health", "idle", gettext_lazy("A service is watched")),
    "component.updated": ("health", "idle", gettext_lazy("How a component is watched was changed")),
    "component.removed": ("health", "idle", gettext_lazy("A service is not watched any more")),
    "probe.added": ("health", "idle", gettext_lazy("A probe was added")),
    "probe.updated": ("health", "idle", gettext_lazy("A probe was changed")),
    "probe.removed": ("health", "idle", gettext_lazy("A probe was removed")),
    "probe.checked": ("health", "idle", gettext_lazy("A probe was asked at once")),
    "outage.opened": ("down", "bad", gettext_lazy("An outage opened")),
    "outage.recorded": ("down", "bad", gettext_lazy("An outage was recorded")),
    "outage.noted": ("note", "idle", gettext_lazy("An update was written")),
    "outage.expected": ("retrying", "idle", gettext_lazy("It was said when it is back")),
    "outage.corrected": ("down", "bad", gettext_lazy("An outage began earlier")),
    "outage.closed": ("synced", "ok", gettext_lazy("An outage ended")),
    "maintenance.planned": ("paused", "idle", gettext_lazy("Maintenance was planned")),
    "maintenance.called_off": ("cancelled", "idle", gettext_lazy("Maintenance was called off")),
    "organization.updated": ("members", "idle", gettext_lazy("An organization was changed")),
    "member.added": ("members", "idle", gettext_lazy("A member was added")),
    "member.removed": ("members", "idle", gettext_lazy("A member was removed")),
    "member.role_changed": ("members", "idle", gettext_lazy("A member's role was changed")),
    "token.created": ("tokens", "idle", gettext_lazy("A token was made")),
    "token.revoked": ("tokens", "idle", gettext_lazy("A token was revoked")),
    "kind.rules_changed": ("kinds", "idle", gettext_lazy("The merge rules of a kind were changed")),
    "project.created": ("projects", "idle", gettext_lazy("A project was added")),
    "project.edited": ("projects", "idle", gettext_lazy("A project was changed")),
    "plan.added": ("projects", "idle", gettext_lazy("A plan was added to the list")),
    "plan.moved": ("projects", "idle", gettext_lazy("A plan went to another project")),
    "organization.created": ("members", "idle", gettext_lazy("An organization was added")),
    "events.retained": ("audit", "idle", gettext_lazy("Old events were removed")),
}


FOLDED: Mapping[str, Callable[[int], str]] = {
    "conflict.merged": lambda n: ngettext("A conflict was settled by rule", "%(n)s conflicts were settled by rule", n),
    "conflict.opened": lambda n: ngettext("A conflict needs a decision", "%(n)s conflicts need a decision", n),
    "item.failed": lambda n: ngettext("An item failed", "%(n)s items failed", n),
    "item.cancelled": lambda n: ngettext("An item was cancelled", "%(n)s items were cancelled", n),
    "probe.added": lambda n: ngettext("A probe was added", "%(n)s probes were added", n),
}
"""What comes many at a time is one line: several conflicts in a row push nothing else out."""

PLACES: Mapping[str, str] = {
    "item": "/resilience/queue/%s",
    "conflict": "/conflicts/%s",
    "project": "/projects/%s",
    "plan": "/projects/plans/%s",
    "outage": "/settings/health/outages/%s",
}
"""Where the subjects of events have pages of their own."""


def href_of(subject: str) -> str:
    """The page of an event's subject; "" where it has none."""
    kind, _colon, name = subject.partition(":")
    return PLACES[kind] % name if kind in PLACES else ""


@dataclass(frozen=True, slots=True)
class Told:
    """One event as the overview shows it."""

    at: datetime
    icon: str
    tone: str
    word: str | Promise
    about: str
    detail: str
    href: str
    actor: str


def recent(viewer: Viewer, names: Mapping[int, str]) -> list[Told]:
    """The last events that people want to know about. `names` are the upstreams' by their ids."""
    rows = Event.objects.for_org(viewer).order_by("-id")
    single = list(rows.exclude(verb__in=(*QUIET, *FOLDED))[:SHOWN])
    since = single[-1].pk if len(single) == SHOWN else 0
    many = list(rows.filter(verb__in=tuple(FOLDED), pk__gt=since)[:MOST_FOLDED])
    alike = _alike(sorted([*single, *many], key=lambda event: -event.pk))[:SHOWN]
    newest = [events[0] for events in alike]
    told = _told(newest, names, entities(viewer, newest), _watched(viewer, newest), _partly_out(viewer, newest))
    return [_together(one, events) for one, events in zip(told, alike, strict=True)]


def _alike(newest_first: Iterable[Event]) -> list[list[Event]]:
    """Each event by itself; of those between two others that come many at a time the ones of a kind together."""
    found: list[list[Event]] = []
    for many, run in groupby(newest_first, key=lambda event: event.verb in FOLDED):
        if not many:
            found += [[event] for event in run]
            continue
        kinds: dict[str, list[Event]] = {}
        for event in run:
            kinds.setdefault(event.verb, []).append(event)
        found += kinds.values()
    return found


def _together(one: Told, events: Sequence[Event]) -> Told:
    """The line of the newest, which stands for all of them."""
    if len(events) == 1:
        return one
    word = FOLDED[events[0].verb](len(events)) % {"n": number(len(events))}
    actors = {event.actor for event in events}
    return replace(one, word=word, about="", detail="", href="", actor=one.actor if len(actors) == 1 else "")


def _watched(viewer: Viewer, events: Sequence[Event]) -> dict[tuple[int | None, str], str]:
    """What the components are called that these events are about, by organization and slug."""
    slugs = {str(json.loads(event.data).get("component", "")) for event in events if event.data} - {""}
    rows = Component.objects.for_org(viewer).filter(slug__in=slugs) if slugs else Component.objects.none()
    return {(org, slug): name for org, slug, name in rows.values_list("organization_id", "slug", "name")}


def _partly_out(viewer: Viewer, events: Sequence[Event]) -> set[int]:
    """Those of these events by which a component counts as slow because a person recorded that little is missing."""
    slow = {event.pk: int(event.subject.partition(":")[2]) for event in events if event.verb == "health.slow"}
    of = Outage.objects.for_org(viewer).filter(component__in=slow.values()).exclude(opened_by="") if slow else ()
    little = [one for one in of if partly(one.severity, one.opened_by)]
    return {
        event.pk
        for event in events
        for one in little
        if slow.get(event.pk) == one.component_id
        and one.began_at <= event.at
        and (one.ended_at is None or event.at < one.ended_at)
    }


def entities(viewer: Viewer, events: Sequence[Event]) -> dict[int, str]:
    """What the entities are called that these events are about, by the events' ids."""
    items = {event.pk: found for event in events if (found := _item_of(event))}
    lanes = Item.objects.for_org(viewer).filter(pk__in=set(items.values()))
    called = {pk: title or name for pk, title, name in lanes.values_list("pk", "lane__title", "lane__entity_id")}
    return {event_id: called[item] for event_id, item in items.items() if item in called}


def _item_of(event: Event) -> UUID | None:
    kind, _colon, subject = event.subject.partition(":")
    if kind == "conflict":
        subject = json.loads(event.data).get("item", "") if event.data else ""
    try:
        return UUID(subject) if kind in ("item", "conflict") else None
    except ValueError:
        return None


def _told(
    events: Iterable[Event],
    names: Mapping[int, str],
    called: Mapping[int, str],
    watched: Mapping[tuple[int | None, str], str],
    partly_out: set[int],
) -> Iterable[Told]:
    for event in events:
        data: dict[str, Any] = json.loads(event.data) if event.data else {}
        kind, _colon, subject = event.subject.partition(":")
        icon, tone, word = WORDS.get(event.verb, ("info", "idle", event.verb.replace("_", " ").replace(".", " ")))
        word = _("A component is partly out") if event.pk in partly_out else word
        if event.verb == "outage.recorded" and partly(data.get("severity", Severity.MAJOR), event.actor):
            icon, tone = "slow", "warn"
        upstream_id = int(subject) if kind == "upstream" and subject.isdigit() else data.get("upstream")
        at = names.get(upstream_id, "") if isinstance(upstream_id, int) else ""
        if slug := data.get("component"):
            at = watched.get((event.organization_id, slug)) or at or data.get("name") or slug
        if probe := data.get("probe"):
            at = f"{at}, {probe}"
        about, when = called.get(event.pk, at), _when(event, data)
        yield Told(when, icon, tone, word, about, _detail(event, data), href_of(event.subject), event.actor)


def _when(event: Event, data: Mapping[str, Any]) -> datetime:
    """When it happened: an outage ended as its page says, and not when that was noticed."""
    if event.verb == "outage.closed" and data.get("ended_at"):
        return datetime.fromisoformat(data["ended_at"])
    return event.at


def _detail(event: Event, data: Mapping[str, Any]) -> str:
    """Why, or what it came to."""
    if event.verb == "outage.expected":
        at = datetime.fromisoformat(data["at"]) if data.get("at") else None
        said = [moment(at, timezone.localtime(clock.now()).date())] if at else []
        return ", ".join([*said, *([data["text"]] if data.get("text") else [])])
    if event.verb == "outage.closed" and "seconds" in data:
        return _("It took %s.") % age(data["seconds"])
    return str(data.get("reason", "")) or (_("Erased.") if data.get("erased") else "")

"""The audit log: who did what, and what happened by itself, newest first."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import render
from django.utils.cache import patch_cache_control, patch_vary_headers
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET

from portal.events.models import Event, EventQuerySet
from portal.kit.errors import Invalid
from portal.kit.viewer import Viewer
from portal.overview.recent import WORDS, entities, href_of
from portal.web.parts import part_of
from resilience.upstreams.models import Upstream

PAGE = 50
MOST_NEW = 100
SHOWN_DATA = 6
LONGEST = 120
GROUPS: Sequence[tuple[str, str | Promise]] = (
    ("item.", gettext_lazy("Items")),
    ("conflict.", gettext_lazy("Conflicts")),
    ("lane.", gettext_lazy("Lanes")),
    ("project.", gettext_lazy("Projects")),
    ("upstream.", gettext_lazy("Upstreams")),
    ("kind.", gettext_lazy("Kinds")),
    ("member.", gettext_lazy("Members")),
    ("token.", gettext_lazy("Tokens")),
)


@dataclass(frozen=True, slots=True)
class Asked:
    """What the address asks for. `before` and `after` are event ids, 0 for none."""

    verb: str = ""
    subject: str = ""
    actor: str = ""
    before: int = 0
    after: int = 0

    @classmethod
    def read(cls, query: QueryDict) -> "Asked":
        """The filter of an address. Raises Invalid for a place that is no event's id."""
        texts = {name: query.get(name, "").strip()[:LONGEST] for name in ("verb", "subject", "actor")}
        if any("\0" in text for text in texts.values()):
            raise Invalid(_("A filter holds no control characters."))
        return cls(**texts, before=_id(query, "before"), after=_id(query, "after"))

    @property
    def narrow(self) -> bool:
        """Whether anything is filtered."""
        return bool(self.verb or self.subject or self.actor)

    def events(self, viewer: Viewer) -> EventQuerySet:
        """The events that fit, of the viewer's organizations."""
        return Event.objects.for_org(viewer).matching(verb=self.verb, subject=self.subject, actor=self.actor)


@dataclass(frozen=True, slots=True)
class Row:
    """One event as the page shows it."""

    event: Event
    icon: str
    tone: str
    word: str | Promise
    about: str
    href: str
    said: Sequence[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Page:
    """A page of rows; `before` leads to older ones and `after` to newer ones, 0 where there are none."""

    rows: Sequence[Row]
    before: int
    after: int


@require_GET
def audit(request: HttpRequest) -> HttpResponse:
    """The page, its list, or its live fragment."""
    viewer: Viewer = request.chosen  # type: ignore[attr-defined]
    asked = Asked.read(request.GET)
    part = part_of(request)
    template = f"overview/audit.html#{part}" if part in ("list", "live") else "overview/audit.html"
    context = {"asked": asked, "page": page_of(viewer, asked), "groups": GROUPS, "stream": "events"}
    if part == "live":
        context["added"] = _new_since(viewer, asked, request.GET.get("shown", ""))
    response = render(request, template, context)
    patch_vary_headers(response, ["HX-Request", "HX-Target"])
    patch_cache_control(response, no_store=True, private=True)
    return response


def page_of(viewer: Viewer, asked: Asked) -> Page:
    """The page that `asked` names, by keyset: one range of the index, nothing is counted."""
    events = asked.events(viewer)
    if asked.after:
        found = list(events.filter(id__gt=asked.after).order_by("id")[: PAGE + 1])
        more_newer, found = len(found) > PAGE, found[:PAGE][::-1]
        more_older = True
    else:
        rows = events.filter(id__lt=asked.before) if asked.before else events
        found = list(rows.order_by("-id")[: PAGE + 1])
        more_older, found = len(found) > PAGE, found[:PAGE]
        more_newer = asked.before > 0
    if asked.after and not found:
        return page_of(viewer, replace(asked, after=0))
    shown = _rows(viewer, found)
    newest, oldest = (found[0].pk, found[-1].pk) if found else (max(asked.before - 1, 0), 0)
    return Page(shown, before=oldest if more_older else 0, after=newest if more_newer else 0)


def _rows(viewer: Viewer, events: Sequence[Event]) -> list[Row]:
    told = {event.pk: _data(event) for event in events}
    ids = {found for event in events if (found := _upstream(event, told[event.pk])) is not None}
    names = dict(Upstream.objects.for_org(viewer).filter(pk__in=ids).values_list("pk", "slug")) if ids else {}
    called = entities(viewer, events)
    return [_row(event, told[event.pk], names, called.get(event.pk, "")) for event in events]


def _row(event: Event, data: Mapping[str, Any], names: Mapping[int, str], called: str) -> Row:
    plain = event.verb.replace("_", " ").replace(".", " ").capitalize()
    icon, tone, word = WORDS.get(event.verb, ("info", "idle", plain))
    about = called or names.get(_upstream(event, data) or 0, "")
    said = [(key.replace("_", " "), str(value)[:200]) for key, value in data.items() if key != "upstream"]
    return Row(event, icon, tone, word, about, href_of(event.subject), said[:SHOWN_DATA])


def _data(event: Event) -> dict[str, Any]:
    data = json.loads(event.data) if event.data else {}
    return data if isinstance(data, dict) else {}


def _upstream(event: Event, data: Mapping[str, Any]) -> int | None:
    kind, _colon, subject = event.subject.partition(":")
    if kind == "upstream":
        return int(subject) if subject.isdigit() else None
    found = data.get("upstream")
    return found if isinstance(found, int) else None


def _new_since(viewer: Viewer, asked: Asked, shown: str) -> int:
    """How many events are newer than those that the page shows; on later pages nothing is new."""
    newest = max((int(each) for each in shown.split(",") if each.isdigit() and len(each) < 19), default=0)
    if asked.before or asked.after:
        return 0
    newer = asked.events(viewer).filter(id__gt=newest).order_by("-id")
    return len(newer.values_list("id")[:MOST_NEW])


def _id(query: QueryDict, name: str) -> int:
    text = query.get(name, "")
    if not text:
        return 0
    if not (text.isascii() and text.isdigit() and len(text) < 19):
        raise Invalid.at(f"?{name}", _("This is no place in the audit log."))
    return int(text)

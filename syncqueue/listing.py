"""Lists of items: what a filter means, and pages of it by keyset, without ever counting rows.

Open items come by urgency, then the oldest first; finished ones the newest first. Each upstream is read through its own index
range (upstream, state, id) and the ranges are merged, so that a page costs the same at a thousand rows and at a million.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from heapq import merge
from itertools import islice
from uuid import UUID

from django.db.models import Q
from django.utils.translation import gettext as _

from portal.kit.errors import Invalid
from portal.kit.viewer import Viewer
from resilience.upstreams.models import Upstream
from syncqueue.core.states import OPEN_BELOW, ItemState
from syncqueue.models import Item, ItemQuerySet

PAGE = 50
RELATED = ("lane", "upstream", "organization", "project")
STATES = {state.slug: state for state in ItemState}
Place = tuple[int, UUID]
"""Where an item stands in the list: its state and its id (which sorts by the time of intake)."""

_HEX = re.compile(r"[0-9a-f]{8,32}\Z")


@dataclass(frozen=True, slots=True)
class Filter:
    """What to list. All are texts as they stand in the address; empty means any. `state` empty means all open items."""

    state: str = ""
    upstream: str = ""
    kind: str = ""
    project: str = ""
    entity: str = ""
    text: str = ""
    older: str = ""

    @classmethod
    def read(cls, query: Mapping[str, str]) -> "Filter":
        """The filter of an address. Raises Invalid for a state or an age that does not exist."""
        found = cls(**{field.name: query.get(field.name, "").strip().replace("\x00", "") for field in fields(cls)})
        if found.state and found.state not in STATES:
            raise Invalid.at("/state", _("There is no state %s.") % found.state[:40])
        if found.older and not (found.older.isascii() and found.older.isdigit() and len(found.older) < 9):
            raise Invalid.at("/older", _("The age has to be a number of seconds."))
        return found

    @property
    def finished(self) -> bool:
        """Whether it lists items that are done with, the newest first."""
        return bool(self.state) and STATES[self.state] >= OPEN_BELOW

    @property
    def narrow(self) -> bool:
        """Whether anything but the state is filtered."""
        return any((self.upstream, self.kind, self.project, self.entity, self.text, self.older))

    def condition(self, now: datetime) -> Q:
        """What an item has to fulfil, its upstream aside."""
        asked = Q(state=STATES[self.state]) if self.state else Q(state__lt=OPEN_BELOW)
        if self.kind:
            asked &= Q(kind=self.kind)
        if self.project:
            asked &= Q(project__slug=self.project)
        if self.entity:
            entity_type, colon, entity_id = self.entity.partition(":")
            asked &= (
                Q(lane__entity_type=entity_type, lane__entity_id=entity_id) if colon else Q(lane__entity_id=self.entity)
            )
        if self.older:
            asked &= Q(created_at__lt=now - timedelta(seconds=int(self.older)))
        return asked & about(self.text) if self.text else asked


def about(text: str) -> Q:
    """Items that have this text in their entity's title or id, in their payload, or as the beginning of their own id."""
    plain = text.lower().replace("-", "")
    if _HEX.match(plain):
        low, high = UUID(hex=plain.ljust(32, "0")), UUID(hex=plain.ljust(32, "f"))
        return Q(id__gte=low, id__lte=high) | Q(lane__entity_id__icontains=text)
    return Q(lane__title__icontains=text) | Q(lane__entity_id__icontains=text) | Q(payload__icontains=text)


@dataclass(frozen=True, slots=True)
class Page:
    """Some items in their order, and the cursors of the pages before and after; "" where there is none."""

    items: list[Item]
    before: str = ""
    after: str = ""


def write_cursor(place: Place) -> str:
    """A place as it stands in an address."""
    return f"{place[0]}-{place[1].hex}"


def read_cursor(text: str) -> Place:
    """The place of a cursor. Raises Invalid for one that we did not write."""
    state, _dash, identifier = text.partition("-")
    try:
        return ItemState(int(state)).value, UUID(hex=identifier)
    except ValueError:
        raise Invalid.at(
            "/cursor", _("This page's address is not one of ours. Start again at the first page.")
        ) from None


def page(viewer: Viewer, asked: Filter, *, now: datetime, after: str = "", before: str = "", size: int = PAGE) -> Page:
    """A page of what `viewer` may read: the first, the one after a cursor, or the one before it."""
    back = bool(before)
    start = read_cursor(before or after) if before or after else None
    falling = asked.finished is not back
    upstreams = Upstream.objects.for_org(viewer).filter(**({"slug": asked.upstream} if asked.upstream else {}))
    ranges = [
        _range(Item.objects.for_org(viewer).filter(asked.condition(now), upstream_id=pk), start, falling, size + 1)
        for pk in upstreams.values_list("pk", flat=True)
    ]
    places = list(islice(merge(*ranges, reverse=falling), size + 1))
    more, shown = len(places) > size, places[:size]
    if back:
        shown.reverse()
    items = shown_again(viewer, [pk for _state, pk in shown])
    if not shown:
        return Page(items)
    leads_on, leads_back = (True, more) if back else (more, start is not None)
    return Page(
        items,
        before=write_cursor(shown[0]) if leads_back else "",
        after=write_cursor(shown[-1]) if leads_on else "",
    )


def _range(items: ItemQuerySet, start: Place | None, falling: bool, size: int) -> list[Place]:
    """The next places of one upstream: first those in the state of `start`, then those of the states after it."""
    order = ("-state", "-id") if falling else ("state", "id")
    if start is None:
        return list(items.order_by(*order).values_list("state", "id")[:size])
    state, identifier = start
    beyond, further = ("id__lt", "state__lt") if falling else ("id__gt", "state__gt")
    same = items.filter(state=state, **{beyond: identifier}).order_by(*order).values_list("state", "id")[:size]
    found = list(same)
    if len(found) < size:
        found += items.filter(**{further: state}).order_by(*order).values_list("state", "id")[: size - len(found)]
    return found


def shown_again(viewer: Viewer, ids: Sequence[UUID]) -> list[Item]:
    """The items with these ids as they are now, in the same order; those that were deleted are left out."""
    rows = Item.objects.for_org(viewer).select_related(*RELATED).light().in_bulk(ids)
    return [rows[pk] for pk in ids if pk in rows]

"""Everything that an item's page shows, read once."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from hashlib import sha256
from typing import Any
from uuid import UUID

from django.utils.translation import gettext as _

from conflicts.labels import label_at
from conflicts.models import Conflict
from conflicts.review import Settled, merged_by_rule
from portal.kit.errors import NotFound
from portal.kit.masking import mask_text
from portal.kit.viewer import Permission, Viewer
from portal.web.formats import duration
from resilience.breakers.figures import most_attempts
from syncqueue.adapters.documents import wire
from syncqueue.core import outgoing
from syncqueue.core.changes import Absent, FieldChange, beside, changed_fields
from syncqueue.core.states import ItemState
from syncqueue.deeds import Deed, deeds
from syncqueue.facts import Known, gather
from syncqueue.listing import RELATED, Filter, page, write_cursor
from syncqueue.models import Attempt, Item
from syncqueue.reasons import Reason, reason
from syncqueue.story import Story, story

SHOWN_AHEAD = 4
MOST_ATTEMPTS = 50
TONES = {"delivered": "ok", "retry": "warn", "conflict": "ask", "rejected": "bad", "unknown": "warn"}
ICONS = {"delivered": "synced", "retry": "failed", "conflict": "conflict", "rejected": "failed", "unknown": "slow"}


@dataclass(frozen=True, slots=True)
class Card:
    """An item in the lane strip; `place` counts from the gate. A card without an item stands for `more` others."""

    item: Item | None
    place: int = 0
    here: bool = False
    more: int = 0


@dataclass(frozen=True, slots=True)
class Exchange:
    """One request of an attempt and its answer, masked, as text."""

    request: str
    answer: str
    summary: str


@dataclass(frozen=True, slots=True)
class Tried:
    """One attempt as the timeline shows it."""

    attempt: Attempt
    sentence: str
    tone: str
    icon: str
    exchanges: list[Exchange]


@dataclass(frozen=True, slots=True)
class Moment:
    """One place of the timeline: an attempt (the `latest` or an earlier one), or what somebody did."""

    at: datetime
    tried: Tried | None = None
    deed: Deed | None = None
    latest: bool = False


@dataclass(frozen=True, slots=True)
class Acts:
    """What the viewer may do with the item now."""

    send: bool = False
    cancel: bool = False
    delete: bool = False
    step_over: bool = False

    @property
    def any(self) -> bool:
        """Whether there is anything to do."""
        return self.send or self.cancel or self.delete or self.step_over


@dataclass(frozen=True, slots=True)
class ItemPage:
    """One item with all that its page needs."""

    item: Item
    known: Known
    why: Reason
    story: Story
    cards: list[Card]
    changes: list[FieldChange]
    remote: str | None
    payload: str
    timeline: list[Moment]
    most_attempts: int
    next_attempt: int | None
    intact: bool | None
    acts: Acts
    may_operate: bool
    previous: UUID | None
    following: UUID | None
    conflict: Conflict | None
    merged: list[Settled]

    @property
    def state(self) -> str:
        """The slug of its state."""
        return self.item.item_state.slug

    @property
    def name(self) -> str:
        """What the entity is called."""
        return self.item.lane.title or self.item.lane.entity_id

    @property
    def operation(self) -> str:
        """What it does to its entity, in one word."""
        return {"create": _("creates"), "update": _("changes"), "delete": _("deletes")}.get(self.item.operation, "")


def item_page(viewer: Viewer, item_id: UUID, now: datetime) -> ItemPage:
    """The page of one item. Raises NotFound for one that the viewer may not see."""
    item = Item.objects.for_org(viewer).select_related(*RELATED).filter(pk=item_id).first()
    if item is None:
        raise NotFound
    known = replace(gather(viewer, [item])[0], carries=_carries(viewer, item))
    erased = not item.payload and item.operation != "delete"
    waits = item.item_state in (ItemState.QUEUED, ItemState.RETRYING)
    previous, following = _neighbours(viewer, item, now)
    conflict = Conflict.objects.for_org(viewer).filter(item_id=item.pk).first()
    return ItemPage(
        item=item,
        known=known,
        why=reason(known, now),
        story=story(known, now),
        cards=_cards(viewer, known) if item.item_state.open and not item.stepped_over else [],
        changes=[] if erased else _changes(item, conflict),
        remote=None if conflict else _remote(item),
        payload=json.dumps(item.read_payload(), ensure_ascii=False, indent=2) if item.payload else "",
        timeline=_timeline(viewer, item),
        most_attempts=most_attempts(item.upstream),
        next_attempt=item.sends + 1 if waits else None,
        intact=None if erased else item.intact,
        acts=_acts(viewer, item),
        may_operate=viewer.can(Permission.OPERATE, item.organization_id),
        previous=previous,
        following=following,
        conflict=conflict,
        merged=merged_by_rule(conflict) if conflict and conflict.by_rule else [],
    )


def _carries(viewer: Viewer, item: Item) -> int:
    """How many later changes go out with it."""
    if outgoing.load(item.outgoing).joined is None:
        return 0
    return Item.objects.for_org(viewer).filter(lane=item.lane_id, superseded_by=item.pk).count()


def _changes(item: Item, conflict: Conflict | None) -> list[FieldChange]:
    """Field by field; beside what the upstream has where no conflict shows that better."""
    base: Any = item.read_base() if item.base else Absent.UNKNOWN
    if base is Absent.UNKNOWN and conflict and conflict.base_known and conflict.base:
        base = conflict.documents()[0]
    payload = item.read_payload()
    changes = changed_fields(base, payload, form=item.form, operation=item.operation)
    if item.item_state is ItemState.CONFLICT and conflict is None:
        changes = beside(changes, item.read_remote() if item.remote else Absent.NOT_SET)
    return [replace(change, label=label_at(change.pointer, base, payload)) for change in changes if change.pointer]


def _remote(item: Item) -> str | None:
    """What a conflict is about: the document as the upstream has it, as text; empty where it has none. None without a conflict."""
    if item.item_state is not ItemState.CONFLICT:
        return None
    return json.dumps(item.read_remote(), ensure_ascii=False, indent=2) if item.remote else ""


def _neighbours(viewer: Viewer, item: Item, now: datetime) -> tuple[UUID | None, UUID | None]:
    """The items before and after it in the list that it stands in."""
    asked = Filter() if item.item_state.open else Filter(state=item.item_state.slug)
    here = write_cursor((item.state, item.pk))
    before = page(viewer, asked, now=now, before=here, size=1).items
    after = page(viewer, asked, now=now, after=here, size=1).items
    return (before[0].pk if before else None, after[0].pk if after else None)


def _cards(viewer: Viewer, known: Known) -> list[Card]:
    """The lane up to the gate, newest first: this item, those before it, and how many follow."""
    item, lane = known.item, known.lane
    lead = list(
        Item.objects.for_org(viewer).open().filter(lane=lane, stepped_over=False).light().order_by("seq")[:SHOWN_AHEAD]
    )
    cards = [Card(one, place, one.pk == item.pk) for place, one in enumerate(lead, start=1)]
    last = len(lead)
    if not any(card.here for card in cards):
        between = known.ahead - len(lead)
        cards += [Card(None, more=between)] if between > 0 else []
        cards.append(Card(item, known.ahead + 1, here=True))
        last = known.ahead + 1
    if lane.depth > last:
        cards.append(Card(None, more=lane.depth - last))
    return cards[::-1]


def _timeline(viewer: Viewer, item: Item) -> list[Moment]:
    """Attempts and deeds, newest first."""
    tried = [Moment(one.attempt.started_at, tried=one, latest=n == 0) for n, one in enumerate(_tried(viewer, item))]
    done = [Moment(deed.at, deed=deed) for deed in deeds(viewer, item)]
    return sorted([*done, *tried], key=lambda one: one.at, reverse=True)


def _tried(viewer: Viewer, item: Item) -> list[Tried]:
    attempts = Attempt.objects.for_org(viewer).filter(item=item).order_by("-number")[:MOST_ATTEMPTS]
    return [_told(attempt, item) for attempt in attempts]


def _told(attempt: Attempt, item: Item) -> Tried:
    exchanges = json.loads(attempt.exchanges) if attempt.exchanges else []
    took = f" {_('after')} {duration(attempt.seconds)}" if attempt.seconds is not None else ""
    match attempt.outcome:
        case "delivered":
            sentence = (attempt.reason or _("Delivered")) + (f" ({attempt.status})" if attempt.status else "") + took
        case "":
            under_way = item.item_state is ItemState.IN_FLIGHT and attempt.number == item.sends
            sentence = _("is being sent") if under_way else _("Its worker was lost. The outcome is unknown.")
        case _:
            sentence = attempt.reason or (f"{attempt.status}{took}" if attempt.status else _("No answer") + took)
    tone = TONES.get(attempt.outcome, "move")
    icon = ICONS.get(attempt.outcome, "in-flight")
    return Tried(attempt, sentence, tone, icon, [_exchange(one, item) for one in exchanges])


def _exchange(kept: dict[str, Any], item: Item) -> Exchange:
    status = kept.get("status")
    answer = [f"{status}"] if status else []
    if kept.get("error"):
        answer.append(str(kept["error"]))
    answer += _headers(kept.get("answer_headers"))
    if kept.get("answer_extract"):
        answer += ["", str(kept["answer_extract"])]
    request = [f"{kept.get('method', '')} {kept.get('url', '')}", *_headers(kept.get("request_headers"))]
    if kept.get("request_digest"):
        request += ["", _body(kept, item)]
    summary = " · ".join(part for part in (str(status or ""), duration(kept.get("seconds"))) if part)
    return Exchange("\n".join(request), "\n".join(answer) or _("No answer came."), summary)


def _body(kept: dict[str, Any], item: Item) -> str:
    """The body as it was sent: attempts keep its digest only, so it is what the item carries where that has this digest."""
    keys = str(item.upstream.routes.get(item.lane.entity_type, {}).get("document") or "").split("/")
    what = outgoing.load(item.outgoing)
    carried = [part.payload for part in (what.merged, what.joined) if part]
    for payload in [*carried, item.read_payload()] if item.payload else carried:
        body = payload
        for key in reversed([key for key in keys if key]):
            body = {key: body}
        if sha256(wire(body)).hexdigest() == kept["request_digest"]:
            return mask_text(json.dumps(body, indent=1, ensure_ascii=False))
    return _("Body: %(n)d bytes, sha256 %(digest)s") % {
        "n": kept.get("request_size", 0),
        "digest": kept["request_digest"][:16],
    }


def _headers(headers: Any) -> list[str]:
    pairs: Sequence[tuple[str, str]] = list(headers.items()) if isinstance(headers, dict) else list(headers or [])
    return [f"{name}: {value}" for name, value in pairs]


def _acts(viewer: Viewer, item: Item) -> Acts:
    state, flying = item.item_state, item.item_state is ItemState.IN_FLIGHT
    operates = viewer.can(Permission.OPERATE, item.organization_id)
    return Acts(
        send=operates and state in (ItemState.FAILED, ItemState.CONFLICT, ItemState.RETRYING),
        cancel=operates and state.open and not flying,
        delete=viewer.can(Permission.ADMINISTER, item.organization_id) and not flying and bool(item.payload),
        step_over=operates and state in (ItemState.FAILED, ItemState.CONFLICT) and not item.stepped_over,
    )

"""Items as JSON for the REST API."""

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from conflicts.models import Conflict
from portal.kit.viewer import Viewer
from portal.web.formats import duration
from resilience.breakers.models import Breaker
from syncqueue.core import outgoing
from syncqueue.core.states import LaneState
from syncqueue.facts import Known, gather
from syncqueue.models import Attempt, Item, Lane
from syncqueue.reasons import reason

MOST_ATTEMPTS = 50
_PLAIN = [
    "kind",
    "operation",
    "form",
    "seq",
    "actor",
    "assigned_by",
    "client_id",
    "client_seq",
    "txn",
    "occurred_at",
    "idempotency_key",
    "base_version",
    "created_at",
    "finished_at",
    "attempts",
    "outcome_unknown",
    "code",
    "reason",
]


def represent_all(viewer: Viewer, items: Sequence[Item], now: datetime) -> list[dict[str, Any]]:
    """The items as JSON, in the same order. Their lane, upstream, organization and project are to be loaded."""
    return [_item(known, now) for known in gather(viewer, items)]


def represent_new(viewer: Viewer, items: Sequence[Item], now: datetime) -> list[dict[str, Any]]:
    """Items that were just made, as JSON, in the same order. Most are first in their lane: those cost two queries together."""
    lanes = Lane.objects.for_org(viewer).in_bulk({item.lane_id for item in items})
    breakers = Breaker.objects.for_org(viewer).in_bulk({item.upstream_id for item in items})
    for item in items:
        item.lane = lanes[item.lane_id]
    behind = [item for item in items if item.lane.depth - (item.lane.tail_seq - item.seq) > 1]
    known = {one.item.pk: one for one in gather(viewer, behind)} if behind else {}
    return [
        _item(known.get(item.pk) or Known(item, head=item, breaker=breakers.get(item.upstream_id)), now)
        for item in items
    ]


def represent_whole(viewer: Viewer, item: Item, now: datetime) -> dict[str, Any]:
    """One item with its payload, lane and attempts."""
    known = gather(viewer, [item])[0]
    attempts = Attempt.objects.for_org(viewer).filter(item=item).order_by("-number")[:MOST_ATTEMPTS]
    return {
        **_item(known, now),
        "payload": item.read_payload(),
        "base": item.read_base(),
        "remote": item.read_remote(),
        "remote_version": item.remote_version,
        "sent": _sent(item),
        "conflict": _conflict(viewer, item),
        "superseded_by": str(item.superseded_by) if item.superseded_by else None,
        "lane": _lane(known),
        "history": [_attempt(attempt) for attempt in attempts],
    }


def _item(known: Known, now: datetime) -> dict[str, Any]:
    item = known.item
    return {
        "id": str(item.pk),
        "state": item.item_state.slug,
        "why": _why(known, now),
        "organization": item.organization.slug,
        "upstream": item.upstream.slug,
        "project": item.project.slug if item.project else None,
        "entity_type": item.lane.entity_type,
        "entity_id": item.lane.entity_id,
        "title": item.lane.title,
        **{name: getattr(item, name) for name in _PLAIN},
        "next_attempt_at": item.retry_at,
        "requests": item.sends,
    }


def _sent(item: Item) -> dict[str, Any] | None:
    """What goes out instead of the payload, when the item was merged or stands for others."""
    part = outgoing.load(item.outgoing).sent
    return {"operation": part.operation, "form": part.form, "payload": part.payload} if part else None


def _conflict(viewer: Viewer, item: Item) -> str | None:
    found = Conflict.objects.for_org(viewer).filter(item_id=item.pk).values_list("pk", flat=True).first()
    return str(found) if found else None


def _why(known: Known, now: datetime) -> str:
    found = reason(known, now)
    return f"{found.text} {found.then} {duration(found.until - now)}." if found.until else found.text


def _lane(known: Known) -> dict[str, Any]:
    lane = known.lane
    return {
        "state": LaneState(lane.state).name.lower(),
        "depth": lane.depth,
        "head": str(known.head.pk) if known.head else None,
        "ahead": known.ahead,
        "version": lane.version,
        "held_by": lane.held_by,
        "held_reason": lane.held_reason,
    }


def _attempt(attempt: Attempt) -> dict[str, Any]:
    names = ("number", "started_at", "finished_at", "outcome", "counted", "status", "seconds", "reason", "worker")
    exchanges = json.loads(attempt.exchanges) if attempt.exchanges else []
    return {**{name: getattr(attempt, name) for name in names}, "exchanges": exchanges}

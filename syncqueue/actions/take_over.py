"""Freeing the lanes of a holder that is gone: its lease ran out, or it is known to be dead.

The epoch grows, which fences the old holder off. What it was sending has an unknown outcome: the item is sent again with the same
Idempotency-Key, and its adapter recognises a write of ours that did arrive.
"""

from collections.abc import Callable
from typing import Any

from django.db import connection, transaction

from portal.events.models import Event
from portal.kit import clock, jsontext
from portal.kit.viewer import SYSTEM
from resilience.breakers.models import Lease
from syncqueue import store
from syncqueue.core.states import ItemState, LaneState
from syncqueue.models import Attempt, Item, Lane

BATCH = 200
REASON = "The worker that was sending it is gone. It may have arrived, so it is sent again with the same key."


def take_over(*, is_gone: Callable[[str], bool], by: str) -> int:
    """How many lanes were freed, of those whose lease ran out or whose owner `is_gone`."""
    freed = 0
    while ids := _abandoned(is_gone):
        with transaction.atomic():
            freed += _free(ids, is_gone, by)
        if len(ids) < BATCH:
            break
    return freed


def _abandoned(is_gone: Callable[[str], bool]) -> list[int]:
    now = clock.now()
    leased = Lane.objects.unscoped().filter(state=LaneState.LEASED)
    gone = [owner for owner in leased.order_by().values_list("lease_owner", flat=True).distinct() if is_gone(owner)]
    expired = leased.filter(lease_until__lt=now).values_list("pk", flat=True)[:BATCH]
    orphaned = leased.filter(lease_owner__in=gone).values_list("pk", flat=True)[:BATCH] if gone else []
    return sorted({*expired, *orphaned})[:BATCH]


def _free(ids: list[int], is_gone: Callable[[str], bool], by: str) -> int:
    """Locks the lanes first and looks again: the holder may have finished meanwhile."""
    now, tally = clock.now(), store.Tally()
    lanes = list(Lane.objects.unscoped().filter(pk__in=ids, state=LaneState.LEASED).order_by("pk").select_for_update())
    lanes = [lane for lane in lanes if is_gone(lane.lease_owner) or (lane.lease_until and lane.lease_until < now)]
    flying = Item.objects.unscoped().filter(lane__in=lanes, state=ItemState.IN_FLIGHT)
    items = {item.lane_id: item for item in flying.only("id", "lane_id", "upstream_id", "organization_id", "kind")}
    Attempt.objects.unscoped().filter(item__in=items.values(), finished_at=None).update(
        finished_at=now, outcome=Attempt.Outcome.UNKNOWN, reason=REASON
    )
    Item.objects.unscoped().filter(pk__in=[item.pk for item in items.values()]).update(
        state=ItemState.RETRYING, outcome_unknown=True, retry_at=now, code="outcome-unknown", reason=REASON
    )
    Lease.objects.filter(owner__in={lane.lease_owner for lane in lanes}).delete()
    events: list[Any] = []
    for lane in lanes:
        Lane.objects.unscoped().filter(pk=lane.pk).update(
            state=LaneState.HELD if lane.held_by else LaneState.READY,
            epoch=lane.epoch + 1,
            ready_at=now,
            lease_owner="",
            lease_until=None,
        )
        if item := items.get(lane.pk):
            tally.move(item.upstream_id, ItemState.IN_FLIGHT, ItemState.RETRYING)
            events.append(_event(item, lane, by, now))
    Event.objects.bulk_create(events)
    with connection.cursor() as cursor:
        tally.write(cursor, 0)
    return len(lanes)


def _event(item: Item, lane: Lane, by: str, now: Any) -> Event:
    return Event(
        at=now,
        organization_id=item.organization_id,
        actor=by or SYSTEM,
        verb="item.retrying",
        subject=f"item:{item.pk}",
        data=jsontext.dump(
            {
                "lane": lane.pk,
                "upstream": item.upstream_id,
                "kind": item.kind,
                "reason": REASON,
                "from": lane.lease_owner,
            }
        ),
    )

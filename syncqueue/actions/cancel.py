"""Taking an item out of its lane, undelivered."""

from uuid import UUID

from django.db import transaction

from conflicts.actions import close
from portal.kit import clock
from portal.kit.viewer import Permission, Viewer
from syncqueue.actions.shared import Hand, take
from syncqueue.core.states import ItemState
from syncqueue.models import Item

CANCELLABLE = (ItemState.QUEUED, ItemState.RETRYING, ItemState.FAILED, ItemState.CONFLICT)


def cancel(*, viewer: Viewer, item_id: UUID, reason: str = "") -> Item:
    """The item, cancelled: it will not be sent, its payload is kept. One in flight cannot be cancelled."""
    with transaction.atomic():
        hand = take(viewer, item_id, Permission.OPERATE)
        hand.require(*CANCELLABLE)
        withdraw(hand)
        hand.log("item.cancelled", reason)
    return hand.item


def withdraw(hand: Hand) -> None:
    """Moves the item out of its lane. Without the conflict that was the lane's last, what comes goes on from what the upstream has."""
    gone = 0 if hand.item.stepped_over else 1
    if hand.item.item_state is ItemState.CONFLICT and hand.lane.depth == gone:
        hand.lane.version, hand.lane.chain_base, hand.lane.chain_client = hand.item.remote_version, "", ""
        hand.lane.save(update_fields=["version", "chain_base", "chain_client"])
    hand.move(ItemState.CANCELLED, finished_at=clock.now(), retry_at=None)
    close.withdrawn(hand.item.pk, now=clock.now())
    hand.settle_lane(gone=gone)

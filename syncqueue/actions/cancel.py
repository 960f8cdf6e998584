"""Taking an item out of its lane, undelivered."""

from uuid import UUID

from django.db import transaction

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
    """Moves the item out of its lane."""
    gone = 0 if hand.item.stepped_over else 1
    hand.move(ItemState.CANCELLED, finished_at=clock.now(), retry_at=None)
    hand.settle_lane(gone=gone)

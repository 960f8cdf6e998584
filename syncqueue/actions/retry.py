"""Sending an item again: a dead letter, a conflict that somebody settled elsewhere, or one that waits for its next try."""

from uuid import UUID

from django.db import transaction

from portal.kit.viewer import Permission, Viewer
from syncqueue.actions.shared import take
from syncqueue.core.states import ItemState
from syncqueue.models import Item


def retry(*, viewer: Viewer, item_id: UUID, reason: str = "") -> Item:
    """The item, queued again with its attempts given back. One that was stepped over goes to its lane's end."""
    with transaction.atomic():
        hand = take(viewer, item_id, Permission.OPERATE)
        hand.require(ItemState.FAILED, ItemState.CONFLICT, ItemState.RETRYING)
        if hand.item.stepped_over:
            hand.to_the_end()
        hand.move(ItemState.QUEUED, attempts=0, retry_at=None, code="", reason="")
        hand.settle_lane(at_once=True)
        hand.log("item.queued", reason, by="retry")
    return hand.item

"""Letting a lane go on without its failed or conflicting head."""

from uuid import UUID

from django.db import transaction

from portal.kit.viewer import Permission, Viewer
from syncqueue.actions.shared import take
from syncqueue.core.states import ItemState
from syncqueue.models import Item


def step_over(*, viewer: Viewer, item_id: UUID, reason: str = "") -> Item:
    """The failed or conflicting item, still as it is but no longer in the way of those behind it."""
    with transaction.atomic():
        hand = take(viewer, item_id, Permission.OPERATE)
        hand.require(ItemState.FAILED, ItemState.CONFLICT)
        if not hand.item.stepped_over:
            hand.item.stepped_over = True
            hand.item.save(update_fields=["stepped_over"])
            hand.settle_lane(gone=1)
            hand.log("item.stepped_over", reason)
    return hand.item

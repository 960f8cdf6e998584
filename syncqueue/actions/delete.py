"""Deleting an item: it is cancelled if it still waits, and everything that it carried is erased."""

from uuid import UUID

from django.db import transaction

from portal.kit.viewer import Permission, Viewer
from syncqueue.actions.cancel import CANCELLABLE, withdraw
from syncqueue.actions.shared import take
from syncqueue.core.states import ItemState
from syncqueue.models import Attempt, Item

FINISHED = (ItemState.SYNCED, ItemState.SUPERSEDED, ItemState.CANCELLED)


def delete(*, viewer: Viewer, item_id: UUID, reason: str = "") -> Item:
    """The item without its payload, base and recorded answers; the row stays, so that its key is not used twice."""
    with transaction.atomic():
        hand = take(viewer, item_id, Permission.ADMINISTER)
        hand.require(*CANCELLABLE, *FINISHED)
        if hand.item.item_state in CANCELLABLE:
            withdraw(hand)
        for name in ("payload", "base", "remote"):
            setattr(hand.item, name, "")
        hand.item.save(update_fields=["payload", "base", "remote"])
        hand.lane.title = ""  # it may come out of what is erased; the next delivery tells it again
        hand.lane.save(update_fields=["title"])
        Attempt.objects.for_org(viewer).filter(item=hand.item).update(exchanges="")
        hand.log("item.cancelled", reason, erased=True)
    return hand.item

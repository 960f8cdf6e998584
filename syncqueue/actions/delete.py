"""Deleting an item: it is cancelled if it still waits, and everything that it carried is erased."""

from uuid import UUID

from django.db import transaction

from conflicts.actions import close
from portal.kit.viewer import Permission, Viewer
from syncqueue.actions.cancel import CANCELLABLE, withdraw
from syncqueue.actions.shared import take
from syncqueue.core.states import ItemState
from syncqueue.models import Attempt, Item, Snapshot

CARRIED = ["payload", "base", "remote", "outgoing"]

FINISHED = (ItemState.SYNCED, ItemState.SUPERSEDED, ItemState.CANCELLED)


def delete(*, viewer: Viewer, item_id: UUID, reason: str = "") -> Item:
    """The item without its payload, base and recorded answers; the row stays, so that its key is not used twice."""
    with transaction.atomic():
        hand = take(viewer, item_id, Permission.ADMINISTER)
        hand.require(*CANCELLABLE, *FINISHED)
        if hand.item.item_state in CANCELLABLE:
            withdraw(hand)
        for name in CARRIED:
            setattr(hand.item, name, "")
        hand.item.save(update_fields=CARRIED)
        close.erased(hand.item.pk)
        of_this = (hand.item.client_id or hand.item.actor, hand.item.base_version)
        Snapshot.objects.for_org(viewer).filter(lane=hand.lane, client=of_this[0], base_version=of_this[1]).delete()
        hand.lane.title = ""  # it may come out of what is erased; the next delivery tells it again
        hand.lane.save(update_fields=["title"])
        Attempt.objects.for_org(viewer).filter(item=hand.item).update(exchanges="")
        hand.log("item.cancelled", reason, erased=True)
    return hand.item

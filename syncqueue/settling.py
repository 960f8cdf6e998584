"""The queue as the conflicts see it: it holds the lane, sends a result, takes it back, and asks the upstream."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import F
from django.utils.translation import gettext as _

from conflicts.core import MISSING
from conflicts.delivery import OnItsWay
from conflicts.errors import NoAnswer
from conflicts.models import Conflict
from portal.kit.errors import NotFound
from portal.kit.viewer import Permission, Viewer
from syncqueue.actions.shared import Hand, take
from syncqueue.adapters.base import Entity, Fetched, Gone
from syncqueue.asking import ask
from syncqueue.core import outgoing
from syncqueue.core.reconcile import part_of
from syncqueue.core.states import ItemState
from syncqueue.models import Item, Lane

TAKEN_BACK = (ItemState.QUEUED, ItemState.RETRYING, ItemState.FAILED)
"""A resolution can be taken back while its item is in one of these states: the upstream has not got it."""


class Queue:
    """Implements `conflicts.delivery.Delivery`."""

    def lock(self, viewer: Viewer, item_id: UUID) -> None:
        """Locks the lane of the item until the transaction ends; raises NotFound for one that the viewer may not see."""
        lane_id = Item.objects.for_org(viewer).filter(pk=item_id).values_list("lane_id", flat=True).first()
        if lane_id is None:
            raise NotFound
        Lane.objects.for_org(viewer).select_for_update().get(pk=lane_id)

    def send(self, viewer: Viewer, conflict: Conflict, *, after: datetime | None) -> None:
        """Queues the item again with the conflict's result, to be sent at once or not before `after`."""
        hand = take(viewer, conflict.item_id, Permission.OPERATE)
        hand.require(ItemState.CONFLICT)
        if hand.item.stepped_over:
            hand.to_the_end()
        _base, _local, remote = conflict.documents()
        part = part_of(conflict.read_result(), remote, conflict.remote_version)
        _say(hand, outgoing.Outgoing(outgoing.load(hand.item.outgoing).joined, part))
        hand.move(ItemState.QUEUED, attempts=0, retry_at=after, code="", reason="", remote=conflict.remote)
        hand.settle_lane()
        hand.log("item.queued", "", by="resolve")

    def take_back(self, viewer: Viewer, conflict: Conflict) -> None:
        """Puts the item back into conflict; raises OnItsWay when it is too late."""
        hand = take(viewer, conflict.item_id, Permission.OPERATE)
        item = hand.item
        if item.item_state not in TAKEN_BACK or item.outcome_unknown:
            raise OnItsWay(_("The item is %s now.") % item.item_state.slug.replace("_", " "))
        _say(hand, outgoing.load(item.outgoing).without_merge())
        hand.move(ItemState.CONFLICT, retry_at=None, code="conflict", reason=_("The resolution was taken back."))
        hand.settle_lane()
        hand.log("item.conflict", "", by="undo")

    def behind(self, viewer: Viewer, item_ids: Sequence[UUID]) -> Mapping[UUID, int]:
        """How many later changes of the same entity wait behind each item, by the depth of its lane: it is the lane's head."""
        rows = Item.objects.for_org(viewer).filter(pk__in=item_ids, stepped_over=False)
        return {pk: max(0, depth - 1) for pk, depth in rows.values_list("pk", F("lane__depth"))}

    def latest(self, viewer: Viewer, conflict: Conflict) -> tuple[Any, str, datetime | None]:
        """What the upstream has now: its document (MISSING when gone), version and time of change. Asks it; raises NoAnswer."""
        (found,) = ask([(conflict.upstream, Entity(conflict.entity_type, conflict.entity_id))])
        match found:
            case Fetched(document=document, version=version, changed_at=changed_at):
                return document, version or "", changed_at
            case Gone():
                return MISSING, "", None
            case refused:
                raise NoAnswer(f"{refused.reason.rstrip('.')}.")


def _say(hand: Hand, what: outgoing.Outgoing) -> None:
    """Writes what goes out, with the checksum that covers it."""
    hand.item.outgoing = what.dump()
    hand.item.checksum = hand.item.sum()
    hand.item.save(update_fields=["outgoing", "checksum"])

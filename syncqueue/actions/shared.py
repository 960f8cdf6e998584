"""What the actions on one item have in common: find it, lock its lane before it, move it, and say so in the log."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db import connection
from django.utils.translation import gettext as _

from portal.events.record import record
from portal.kit import clock
from portal.kit.errors import Conflicting, NotFound
from portal.kit.viewer import Permission, Viewer
from syncqueue import store
from syncqueue.core.states import MOVES, ItemState, LaneState, lane_after
from syncqueue.models import Item, Lane


class WrongState(Conflicting):
    """This cannot be done in the item's present state. Look at it again."""

    code = "wrong-state"


@dataclass(slots=True)
class Hand:
    """One item in an admin's hand, with its lane locked (the lane first: the pumps do the same)."""

    viewer: Viewer
    item: Item
    lane: Lane
    tally: store.Tally

    def require(self, *states: ItemState) -> None:
        """Raises WrongState unless the item is in one of these states."""
        if self.item.item_state not in states:
            raise WrongState(_("The item is %s now.") % self.item.item_state.slug.replace("_", " "))

    def move(self, state: ItemState, **changes: Any) -> None:
        """Moves the item; illegal moves are a programming error."""
        before = self.item.item_state
        if state not in MOVES[before]:
            raise WrongState(_("The item is %s now.") % before.slug.replace("_", " "))
        self.item.state = state
        for name, value in changes.items():
            setattr(self.item, name, value)
        self.item.save(update_fields=["state", *changes])
        self.tally.move(self.item.upstream_id, before, state)

    def to_the_end(self) -> None:
        """An item that was stepped over takes its lane's last place."""
        self.lane.tail_seq += 1
        self.lane.depth += 1
        self.lane.save(update_fields=["tail_seq"])
        self.item.seq = self.lane.tail_seq
        self.item.stepped_over = False
        self.item.save(update_fields=["seq", "stepped_over"])

    def settle_lane(self, *, gone: int = 0, at_once: bool = False) -> None:
        """Gives an unleased lane the state that its present head asks for; a leased one is left to its holder."""
        now = clock.now()
        self.lane.depth -= gone
        fields = ["depth"]
        if self.lane.state != LaneState.LEASED:
            head = Item.objects.unscoped().open().filter(lane=self.lane, stepped_over=False).order_by("seq").first()
            state = lane_after(head.item_state if head else None, held=bool(self.lane.held_by))
            self.lane.state = state
            waits = head.retry_at if head and head.retry_at and not at_once else now
            self.lane.ready_at = max(now, waits)
            self.lane.blocked_since = (self.lane.blocked_since or now) if state is LaneState.BLOCKED else None
            fields += ["state", "ready_at", "blocked_since"]
        self.lane.save(update_fields=fields)

    def log(self, verb: str, reason: str, **data: Any) -> None:
        """Writes the event (which wakes those who wait) and the counters; the last thing in the transaction."""
        record(
            verb=verb,
            subject=f"item:{self.item.pk}",
            actor=self.viewer.name,
            organization_id=self.item.organization_id,
            organization_name=self.item.organization.name,
            data={"lane": self.lane.pk, "upstream": self.item.upstream_id, "reason": reason, **data},
            request_id=self.viewer.request_id,
        )
        with connection.cursor() as cursor:
            self.tally.write(cursor, self.item.pk.int)


def take(viewer: Viewer, item_id: UUID, permission: Permission) -> Hand:
    """The item with its lane locked, inside the caller's transaction. Raises NotFound or Forbidden."""
    lane_id = Item.objects.for_org(viewer).filter(pk=item_id).values_list("lane_id", flat=True).first()
    if lane_id is None:
        raise NotFound
    lane = Lane.objects.for_org(viewer).select_for_update().get(pk=lane_id)
    item = Item.objects.for_org(viewer).select_related("organization", "upstream").get(pk=item_id)
    viewer.require(permission, item.organization_id)
    return Hand(viewer, item, lane, store.Tally())

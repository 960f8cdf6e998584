"""The states of an item and of a lane, and every move between them.

The numbers sort by urgency, so that "what needs a hand first, then the oldest" is one index range; open items are those below 60.
docs/states.md draws both machines; a database trigger refuses any other move of an item.
"""

from enum import IntEnum


class ItemState(IntEnum):
    """Where an item is on its way."""

    CONFLICT = 10
    FAILED = 20
    IN_FLIGHT = 30
    RETRYING = 40
    QUEUED = 50
    SYNCED = 60
    SUPERSEDED = 70
    CANCELLED = 80

    @property
    def open(self) -> bool:
        """Whether the item still waits for something."""
        return self < OPEN_BELOW

    @property
    def slug(self) -> str:
        """The state's name in addresses and in the API: "in_flight"."""
        return self.name.lower()


OPEN_BELOW = 60

MOVES: dict[ItemState, frozenset[ItemState]] = {
    ItemState.QUEUED: frozenset(
        {ItemState.IN_FLIGHT, ItemState.FAILED, ItemState.CONFLICT, ItemState.SUPERSEDED, ItemState.CANCELLED}
    ),
    ItemState.IN_FLIGHT: frozenset(
        {ItemState.SYNCED, ItemState.RETRYING, ItemState.CONFLICT, ItemState.FAILED, ItemState.QUEUED}
    ),
    ItemState.RETRYING: frozenset(
        {
            ItemState.IN_FLIGHT,
            ItemState.FAILED,
            ItemState.QUEUED,
            ItemState.CONFLICT,
            ItemState.SUPERSEDED,
            ItemState.CANCELLED,
        }
    ),
    ItemState.CONFLICT: frozenset({ItemState.QUEUED, ItemState.SYNCED, ItemState.CANCELLED}),
    ItemState.FAILED: frozenset({ItemState.QUEUED, ItemState.CONFLICT, ItemState.CANCELLED}),
    ItemState.SYNCED: frozenset(),
    ItemState.SUPERSEDED: frozenset(),
    ItemState.CANCELLED: frozenset(),
}


class LaneState(IntEnum):
    """What a lane does now."""

    IDLE = 0
    READY = 1
    LEASED = 2
    BLOCKED = 3
    HELD = 4


def lane_after(head: ItemState | None, *, held: bool = False) -> LaneState:
    """The state of an unleased lane with this head: None when nothing is open."""
    if head is None:
        return LaneState.IDLE
    if held:
        return LaneState.HELD
    if head in (ItemState.CONFLICT, ItemState.FAILED):
        return LaneState.BLOCKED
    return LaneState.READY

"""What the conflicts need of the queue that they hold up. The queue registers itself; tests may register another.

Lock order: a conflict's lane first, then the conflict itself, as the pumps do.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol
from uuid import UUID

from conflicts.models import Conflict
from portal.kit.errors import Conflicting
from portal.kit.viewer import Viewer


class OnItsWay(Conflicting):
    """It is being sent, or was sent already, so it cannot be taken back. What was discarded stays readable here."""

    code = "on-its-way"


class Delivery(Protocol):
    """The queue, as a conflict sees it. All but `behind` and `latest` run inside the caller's transaction."""

    def lock(self, viewer: Viewer, item_id: UUID) -> None:
        """Locks the lane of the item until the transaction ends; raises NotFound for one that the viewer may not see."""

    def send(self, viewer: Viewer, conflict: Conflict, *, after: datetime | None) -> None:
        """Queues the item again with `conflict.result`, to be sent at once or not before `after`."""

    def take_back(self, viewer: Viewer, conflict: Conflict) -> None:
        """Puts the item back into conflict; raises OnItsWay when it is too late."""

    def behind(self, viewer: Viewer, item_ids: Sequence[UUID]) -> Mapping[UUID, int]:
        """How many later changes of the same entity wait behind each item."""

    def latest(self, viewer: Viewer, conflict: Conflict) -> tuple[Any, str, datetime | None]:
        """What the upstream has now: its document (MISSING when gone), version and time of change. Asks it; raises Unavailable."""


_registered: dict[str, Delivery] = {}


def register(delivery: Delivery) -> None:
    """Says which queue it is."""
    _registered["queue"] = delivery


def delivery() -> Delivery:
    """The queue that was registered when Django started."""
    return _registered["queue"]

"""The end of a conflict: the upstream has the result, the item was cancelled, or its contents are to be erased."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from conflicts.models import Conflict, Draft, Round
from conflicts.states import OVER, ConflictState


def delivered(item_ids: Sequence[UUID], *, now: datetime) -> None:
    """The results of these items are upstream."""
    if item_ids:
        over = {"state": ConflictState.DELIVERED, "finished_at": now}
        Conflict.objects.unscoped().filter(item_id__in=item_ids, state__lt=OVER).update(**over)


def withdrawn(item_id: UUID, *, now: datetime) -> None:
    """The item of a conflict was cancelled: nothing is sent."""
    over = {"state": ConflictState.WITHDRAWN, "finished_at": now}
    Conflict.objects.unscoped().filter(item_id=item_id, state__lt=OVER).update(**over)


def erased(item_id: UUID) -> None:
    """Nothing of what the item carried is readable any more."""
    nothing = {"base": "", "local": "", "remote": "", "result": "", "choices": "{}", "title": ""}
    found = Conflict.objects.unscoped().filter(item_id=item_id)
    Draft.objects.unscoped().filter(conflict__in=found).delete()
    Round.objects.unscoped().filter(conflict__in=found).delete()
    found.update(**nothing)


def forgotten(item_ids: Sequence[UUID]) -> int:
    """How many conflicts went with these items, which were removed because of their age."""
    _total, by_model = Conflict.objects.unscoped().filter(item_id__in=item_ids).delete()
    return by_model.get("conflicts.Conflict", 0)

"""What is around a conflict: who else decides it, and which ones come before and after."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from conflicts.core import Decision
from conflicts.core.choosing import is_open
from conflicts.models import Conflict, Draft
from conflicts.states import ConflictState
from portal.kit import jsontext
from portal.kit.viewer import Viewer


@dataclass(frozen=True, slots=True)
class Other:
    """Somebody else who is deciding too."""

    name: str
    decided: int
    saved_at: datetime


def others_of(viewer: Viewer, conflict: Conflict, asking: Sequence[Decision]) -> list[Other]:
    """Who else has chosen something in an open conflict, the latest three."""
    if conflict.conflict_state is not ConflictState.OPEN:
        return []
    rows = (
        Draft.objects.for_org(viewer)
        .filter(conflict=conflict)
        .exclude(user_id=viewer.user_id or 0)
        .order_by("-saved_at")
    )
    found = []
    for row in rows[:3]:
        theirs = jsontext.load(row.choices)
        found.append(
            Other(row.name, sum(1 for one in asking if one.id in theirs and not is_open(one, theirs)), row.saved_at)
        )
    return found


def neighbours(viewer: Viewer, conflict: Conflict) -> dict[str, Any]:
    """How many open conflicts are older, how many there are, and the next one."""
    waiting = Conflict.objects.for_org(viewer).open()
    after = waiting.filter(pk__gt=conflict.pk).values_list("pk", flat=True).first()
    first = waiting.exclude(pk=conflict.pk).values_list("pk", flat=True).first()
    return {
        "before": waiting.filter(pk__lt=conflict.pk).count(),
        "total": waiting.count(),
        "next_id": after or first,
    }

"""What conflicts tell other pages: their count in the navigation, and the live topic "conflicts"."""

from collections.abc import Sequence
from typing import Any

from django.utils.translation import gettext as _

from conflicts.inbox import open_count
from portal.kit.viewer import Role, Viewer
from portal.live.core.entries import Entry
from portal.web.navigation import Count

TOPIC = "conflicts"
VERBS = ("conflict.",)
MOST_NAMED = 100


def conflict_count(viewer: Viewer) -> Count | None:
    """How many conflicts wait for a person; loud when there are any."""
    n = open_count(viewer) if viewer.organization_ids else 0
    return Count(n, _("need a decision"), "ask") if n else None


def snapshot(organization_ids: frozenset[int]) -> dict[str, Any]:
    """{"open": how many wait} over these organizations."""
    viewer = Viewer(user_id=None, name="", roles=dict.fromkeys(organization_ids, Role.VIEWER))
    return {"open": open_count(viewer)}


def digest(entries: Sequence[Entry]) -> dict[str, Any]:
    """What changed: the ids of conflicts, the newest first, and how often which verb."""
    newest = sorted(entries, key=lambda entry: -entry.id)
    moves: dict[str, int] = {}
    for entry in newest:
        moves[entry.verb] = moves.get(entry.verb, 0) + 1
    names = dict.fromkeys(entry.subject.partition(":")[2] for entry in newest)
    return {"changed": list(names)[:MOST_NAMED], "more": len(names) > MOST_NAMED, "moves": moves, "notices": []}

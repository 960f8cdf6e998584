"""What breakers tell other pages: their count in the navigation, and the live topic "breakers"."""

from collections.abc import Sequence
from typing import Any

from django.utils.translation import gettext as _

from portal.kit.viewer import Role, Viewer
from portal.live.core.entries import Entry
from portal.web.navigation import Count
from resilience.breakers.models import Breaker
from resilience.patterns.typing import State

TOPIC = "breakers"
VERBS = ("breaker.",)
MOST_NAMED = 100


def open_count(viewer: Viewer) -> Count | None:
    """How many breakers are open, without those in planned maintenance; loud when there are any."""
    n = _open(viewer)
    return Count(n, _("open"), "bad") if n else None


def _open(viewer: Viewer) -> int:
    if not viewer.organization_ids:
        return 0
    return Breaker.objects.for_org(viewer).unplanned().filter(state=State.OPEN.value).count()


def snapshot(organization_ids: frozenset[int]) -> dict[str, Any]:
    """{"open": how many are open} over these organizations."""
    return {"open": _open(Viewer(user_id=None, name="", roles=dict.fromkeys(organization_ids, Role.VIEWER)))}


def digest(entries: Sequence[Entry]) -> dict[str, Any]:
    """What changed: the upstreams' ids, the newest first, and how often which verb."""
    newest = sorted(entries, key=lambda entry: -entry.id)
    moves: dict[str, int] = {}
    for entry in newest:
        moves[entry.verb] = moves.get(entry.verb, 0) + 1
    names = dict.fromkeys(entry.subject.partition(":")[2] for entry in newest)
    changed = [int(name) for name in names if name.isdigit()]
    return {"changed": changed[:MOST_NAMED], "more": len(changed) > MOST_NAMED, "moves": moves, "notices": []}

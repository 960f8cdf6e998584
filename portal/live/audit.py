"""The topic of the audit page: that there are new events, and the newest of them."""

from collections.abc import Sequence
from typing import Any

from portal.live.core.entries import Entry

MOST_SHOWN = 20


def digest(entries: Sequence[Entry]) -> dict[str, Any]:
    """How many events are new, and the newest of them, newest first."""
    newest = sorted(entries, key=lambda entry: -entry.id)[:MOST_SHOWN]
    return {
        "new": len(entries),
        "events": [
            {"id": e.id, "at": e.at.isoformat(), "verb": e.verb, "subject": e.subject, "actor": e.actor} for e in newest
        ],
    }


def snapshot(organization_ids: frozenset[int]) -> dict[str, Any]:
    """Nothing: the page itself shows the present."""
    return {}

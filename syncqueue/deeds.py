"""What people did to an item, as its page tells it: read from the log, where each deed stands with its reason."""

import json
from dataclasses import dataclass
from datetime import datetime

from django.utils.translation import gettext as _

from portal.events.models import Event
from portal.kit.viewer import Viewer
from syncqueue.models import Item

MOST = 50


@dataclass(frozen=True, slots=True)
class Deed:
    """Somebody did something, and why they did it."""

    at: datetime
    word: str
    actor: str
    reason: str


def deeds(viewer: Viewer, item: Item) -> list[Deed]:
    """What people did to the item, newest first, at most 50. Moves of items stay in the log for 30 days."""
    verbs = ("item.queued", "item.cancelled", "item.stepped_over")
    events = Event.objects.for_org(viewer).about(f"item:{item.pk}").filter(verb__in=verbs)[:MOST]
    found = (_deed(event) for event in events)
    return [deed for deed in found if deed is not None]


def _deed(event: Event) -> Deed | None:
    data = json.loads(event.data) if event.data else {}
    match event.verb:
        case "item.cancelled":
            word = _("Deleted") if data.get("erased") else _("Cancelled")
        case "item.stepped_over":
            word = _("Stepped over")
        case _ if data.get("by") == "retry":
            word = _("Sent again")
        case _:
            return None
    return Deed(event.at, word, event.actor, str(data.get("reason") or ""))

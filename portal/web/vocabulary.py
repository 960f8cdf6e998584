"""The status vocabulary: each state is a shape, a word and a tone, and fills its ground only when it needs a hand."""

from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _


@dataclass(frozen=True, slots=True)
class Sign:
    """How a state is shown: `icon` names a symbol of icons.svg."""

    icon: str
    word: str | Promise
    tone: str = "idle"
    loud: bool = False


UNKNOWN = Sign("no-data", _("No data"))

SIGNS: dict[str, Sign] = {
    # items
    "queued": Sign("queued", _("Queued")),
    "in_flight": Sign("in-flight", _("In flight"), "move"),
    "retrying": Sign("retrying", _("Retrying"), "warn"),
    "synced": Sign("synced", _("Synced"), "ok"),
    "conflict": Sign("conflict", _("Conflict"), "ask", loud=True),
    "failed": Sign("failed", _("Failed"), "bad", loud=True),
    "superseded": Sign("superseded", _("Superseded")),
    "cancelled": Sign("cancelled", _("Cancelled")),
    # lanes
    "held": Sign("held", _("Held")),
    "stuck": Sign("held", _("Stuck"), "bad", loud=True),
    # upstreams
    "up": Sign("up", _("Up"), "ok"),
    "slow": Sign("slow", _("Slow"), "warn"),
    "down": Sign("down", _("Down"), "bad", loud=True),
    "no_data": UNKNOWN,
    "none": UNKNOWN,
    "paused": Sign("paused", _("Paused")),
    "maintenance": Sign("paused", _("Maintenance")),
    # the whole
    "healthy": Sign("up", _("Healthy"), "ok"),
    "degraded": Sign("slow", _("Degraded"), "warn", loud=True),
    "unhealthy": Sign("down", _("Unhealthy"), "bad", loud=True),
    "unknown": UNKNOWN,
    # gates and breakers
    "closed": Sign("closed", _("Closed"), "ok"),
    "half_open": Sign("half-open", _("Half-open"), "warn"),
    "open": Sign("open", _("Open"), "bad", loud=True),
}


def sign(state: str) -> Sign:
    """The sign of a state; what is unknown is drawn as no data, never as good."""
    return SIGNS.get(state, UNKNOWN)

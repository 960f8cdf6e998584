"""What needs a hand now, the most urgent first: decisions, stuck lanes, upstreams that are down, dead letters."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Min
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from portal.kit.viewer import Viewer
from portal.web.formats import number
from resilience.upstreams.models import Upstream
from resilience.upstreams.standing import Standing
from syncqueue.core.states import ItemState, LaneState
from syncqueue.models import Item, Lane

MOST_STUCK = 1_000


@dataclass(frozen=True, slots=True)
class Need:
    """One row: what it is, what follows from it, since when, and the one thing to do."""

    tone: str
    icon: str
    sentence: str
    consequence: str
    since: datetime | None
    since_word: str
    href: str
    button: str


def needs(
    viewer: Viewer, counts: Mapping[str, int], upstreams: list[Upstream], standings: Mapping[int, Standing]
) -> list[Need]:
    """The rows of "Needs you now"."""
    found = [_conflicts(viewer, counts["conflict"])] if counts["conflict"] else []
    found += _out(upstreams, standings)
    if counts["failed"]:
        found.append(_failed(viewer, counts["failed"]))
    found += _paused(upstreams, standings)
    return found


def _oldest(viewer: Viewer, state: ItemState) -> datetime | None:
    items = Item.objects.for_org(viewer).filter(state=state)
    oldest: datetime | None = items.aggregate(oldest=Min("created_at"))["oldest"]
    return oldest


def _held_back(viewer: Viewer) -> tuple[int, int]:
    """How many lanes are stuck behind a dead letter, and how many items stand behind their heads."""
    heads = Item.objects.for_org(viewer).filter(state=ItemState.FAILED, stepped_over=False)
    stuck = Lane.objects.for_org(viewer).filter(state=LaneState.BLOCKED, pk__in=heads.values("lane"))
    depths = stuck.values_list("depth", flat=True)[:MOST_STUCK]
    return len(depths), sum(max(depth - 1, 0) for depth in depths)


def _conflicts(viewer: Viewer, n: int) -> Need:
    sentence = ngettext("%(n)s item is in conflict", "%(n)s items are in conflict", n) % {"n": number(n)}
    return Need(
        "ask",
        "conflict",
        sentence,
        _("Both sides changed the same thing. Later changes of the same entities wait behind them."),
        _oldest(viewer, ItemState.CONFLICT),
        _("oldest"),
        "/conflicts",
        _("Settle them"),
    )


def _failed(viewer: Viewer, n: int) -> Need:
    lanes, behind = _held_back(viewer)
    said = {"lanes": number(lanes), "n": number(behind)}
    if lanes:
        stuck = ngettext("%(lanes)s lane is stuck", "%(lanes)s lanes are stuck", lanes) % said
        waits = ngettext("%(n)s later change waits behind.", "%(n)s later changes wait behind.", behind) % said
        consequence = f"{stuck}; {waits}" if behind else f"{stuck}."
    else:
        consequence = _("No lane is stuck behind them.")
    return Need(
        "bad",
        "failed",
        ngettext("%(n)s item failed", "%(n)s items failed", n) % {"n": number(n)},
        _("No retry mended this by itself.") + " " + consequence,
        _oldest(viewer, ItemState.FAILED),
        _("oldest"),
        "/resilience/queue?state=failed",
        _("Review"),
    )


def _out(upstreams: list[Upstream], standings: Mapping[int, Standing]) -> list[Need]:
    found = []
    for upstream in upstreams:
        standing = standings[upstream.pk]
        if standing.out_since is None:
            continue
        n = standing.waiting
        waiting = ngettext("%(n)s change waits, none is lost.", "%(n)s changes wait, none is lost.", n) % {
            "n": number(n)
        }
        found.append(
            Need(
                "bad",
                "open",
                _("%(upstream)s is down") % {"upstream": upstream.slug},
                waiting + " " + _("It is tried again by itself."),
                standing.out_since,
                _("down"),
                f"/resilience/queue?upstream={upstream.slug}",
                _("Show what waits"),
            )
        )
    return sorted(found, key=lambda need: need.since.timestamp() if need.since else 0)


def _paused(upstreams: list[Upstream], standings: Mapping[int, Standing]) -> list[Need]:
    return [
        Need(
            "idle",
            "paused",
            _("%(upstream)s is paused by %(who)s") % {"upstream": upstream.slug, "who": upstream.paused_by},
            ngettext("%(n)s change waits.", "%(n)s changes wait.", standings[upstream.pk].waiting)
            % {"n": number(standings[upstream.pk].waiting)},
            upstream.paused_at,
            _("paused"),
            "/settings/upstreams",
            _("Show upstream"),
        )
        for upstream in upstreams
        if upstream.paused_at
    ]

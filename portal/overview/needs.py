"""What needs a hand now, the most urgent first: decisions, what is down, dead letters, a growing backlog, what is paused."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Min, Sum
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from portal.kit import clock
from portal.kit.viewer import Viewer
from portal.policy import current
from portal.web.formats import age, moment, number
from resilience.health.models import Component, Outage
from resilience.health.partly import delivers, is_out, is_partly
from resilience.upstreams.models import Upstream
from resilience.upstreams.standing import Standing
from syncqueue.core.states import ItemState, LaneState
from syncqueue.models import Item, Lane, Sample

MOST_STUCK = 1_000
GROWING_OVER = timedelta(minutes=10)


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
    down = _down(viewer, upstreams, standings)
    found += [need for need in down if need.tone == "bad"]
    if counts["failed"]:
        found.append(_failed(viewer, counts["failed"]))
    found += [need for need in down if need.tone != "bad"]  # partly out
    found += _backlog(viewer, upstreams, standings)
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


def _down(viewer: Viewer, upstreams: list[Upstream], standings: Mapping[int, Standing]) -> list[Need]:
    """Upstreams that are out, and other services in an outage: each with when it is expected back, as far as somebody knows.

    What is in planned maintenance needs no hand.
    """
    active = Outage.objects.for_org(viewer).active().unplanned().select_related("component__upstream__breaker")
    by_upstream = {outage.component.upstream_id: outage for outage in active}
    names = {upstream.pk: upstream.name for upstream in upstreams}
    out = {pk: standing.out_since for pk, standing in standings.items() if standing.out_since}
    known = Component.objects.for_org(viewer).unplanned().filter(upstream__in=out).values_list("upstream_id", flat=True)
    out = {pk: out[pk] for pk in known if pk is not None} if out else {}
    found = [
        _one_down(names[pk], _waits(standings[pk].waiting), out.get(pk), by_upstream.get(pk))
        for pk in dict.fromkeys([*out, *by_upstream])
        if pk in names
    ]
    found += [_one_down(one.component.name, "", None, one) for one in active if one.component.upstream_id is None]
    return sorted(found, key=lambda need: need.since.timestamp() if need.since else 0)


def _waits(n: int) -> str:
    """How much waits; "" when nothing does."""
    if not n:
        return ""
    return ngettext("%(n)s change waits, none is lost.", "%(n)s changes wait, none is lost.", n) % {"n": number(n)}


def _one_down(name: str, waits: str, out_since: datetime | None, outage: Outage | None) -> Need:
    if outage and outage.expected_at:
        overdue = outage.expected_at < clock.now()
        said = {"time": moment(outage.expected_at, timezone.localtime(clock.now()).date())}
        back = (_("Overdue: expected back %(time)s.") if overdue else _("Expected back about %(time)s.")) % said
    elif outage and outage.by_hand:
        back = _("%(who)s recorded it.") % {"who": outage.opened_by}
    elif out_since:
        back = _("It is tried again by itself.")
    else:
        back = _("It ends by itself when its probes find it up.")
    partly = outage is not None and is_partly(outage)
    said = {"upstream": name, "is_out": is_out(outage) if outage else _("is down")}
    return Need(
        "warn" if partly else "bad",
        "down",
        _("%(upstream)s %(is_out)s") % said,
        back if outage and delivers(outage) else f"{waits} {back}".strip(),
        outage.began_at if outage else out_since,
        _("partly out") if partly else _("down"),
        f"/settings/health/outages/{outage.pk}" if outage else "/resilience/breakers",
        _("Show outage") if outage else _("Show breaker"),
    )


def _backlog(viewer: Viewer, upstreams: list[Upstream], standings: Mapping[int, Standing]) -> list[Need]:
    """That what waits for upstreams which answer is much, and grows: then it is more than they can take."""
    free = [one.pk for one in upstreams if not one.paused_at and standings[one.pk].out_since is None]
    now = sum(standings[pk].waiting for pk in free)
    if now < current().queue_management.alert_on_backlog_size:
        return []
    since = clock.now() - GROWING_OVER
    samples = Sample.objects.for_org(viewer).filter(upstream_id__in=free, at__gte=since)
    first = samples.order_by("at").values_list("at", flat=True).first()
    before = samples.filter(at=first).aggregate(waiting=Sum("waiting"))["waiting"] if first else None
    if first is None or before is None or now <= before:
        return []
    said = {"n": number(now), "more": number(now - before), "age": age(clock.now() - first)}
    return [
        Need(
            "warn",
            "queue",
            _("%(n)s changes wait, and more are coming than go out") % said,
            _("%(more)s more than %(age)s ago, at upstreams that answer.") % said,
            first,
            _("grows"),
            "/resilience/queue?state=queued",
            _("Show what waits"),
        )
    ]


def _paused(upstreams: list[Upstream], standings: Mapping[int, Standing]) -> list[Need]:
    return [
        Need(
            "idle",
            "paused",
            _("%(upstream)s is paused by %(who)s") % {"upstream": upstream.name, "who": upstream.paused_by},
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

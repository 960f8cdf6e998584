"""What the queue tells other pages: its count in the navigation, and the banner while something is down."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import F, FilteredRelation, Q
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from portal.kit import clock
from portal.kit.viewer import Viewer
from portal.web.formats import age, moment, number
from portal.web.navigation import Banner, Count
from resilience.breakers.models import Breaker
from resilience.health.core.states import Importance, Severity, State
from resilience.health.models import Component
from resilience.health.partly import partly
from resilience.health.standing import href_of
from resilience.patterns.typing import State as BreakerState
from syncqueue import figures

NAMED = 3
READ = (
    *("name", "slug", "state", "since", "importance", "organization__slug", "upstream__slug", "upstream__critical"),
    "upstream__paused_at",
    *(f"upstream__breaker__{name}" for name in ("state", "opened_at", "forced", "forced_by", "forced_until")),
)


def queue_count(viewer: Viewer) -> Count | None:
    """How many items failed, or else how many wait. Those in conflict have an entry of their own."""
    if not viewer.organization_ids:
        return None
    counts = figures.totals(figures.by_upstream(viewer))
    if counts["failed"]:
        return Count(counts["failed"], _("failed"), "bad")
    return Count(counts["waiting"], _("waiting"))


@dataclass(frozen=True, slots=True)
class _Out:
    """What is down or in an outage, or what a person stopped (`stopped_by`). `since` is the outage's, as pages have it.

    `partly`: a person recorded that little is missing; `kept`: changes for it are kept back meanwhile.
    """

    component: Component
    breaker: Breaker | None
    down: bool
    since: datetime | None
    expected_at: datetime | None
    severe: bool
    stopped_by: str = ""
    partly: bool = False
    kept: bool = True


def queue_banner(viewer: Viewer) -> Banner | None:
    """One line while something is down and not in planned maintenance: since when, how many wait, what is safe, when it is back."""
    found = _out(viewer)
    out = [one for one in found if not one.stopped_by]
    if not found:
        return None
    kept = _kept(viewer, out or found)
    if not out:
        who = ", ".join(sorted({one.stopped_by for one in found}))
        sentence = _("%(names)s: stopped by %(who)s.") % {"names": _names(found), "who": who}
        return Banner(_("Stopped"), f"{sentence} {kept}", "warn", "open", "/resilience/breakers", _("Show why"))
    now, tone = clock.now(), "bad" if any(one.severe for one in out) else "warn"
    told = " ".join(filter(None, (_since(out, now), kept, _back(out, now))))
    href, link = _where(out)
    return Banner(_("Outage"), told, tone, "down", href, link)


def _out(viewer: Viewer) -> list[_Out]:
    """What of the viewer's organizations is out, the longest first: what is down, or has an outage, automatic or recorded."""
    if not viewer.organization_ids:
        return []
    goes_on = FilteredRelation("outages", condition=Q(outages__ended_at__isnull=True))
    known = Component.objects.for_org(viewer).unplanned().filter(organization__isnull=False).alias(goes_on=goes_on)
    breaker_out = Q(upstream__breaker__isnull=False) & ~Q(upstream__breaker__state=BreakerState.CLOSED.value)
    rows = known.filter(Q(state=State.DOWN.value) | Q(goes_on__isnull=False) | breaker_out)
    rows = rows.select_related("organization", "upstream__breaker").only(*READ)
    outage = {name: F(f"goes_on__{name}") for name in ("began_at", "expected_at", "severity", "opened_by")}
    found = [_read(component) for component in rows.annotate(**outage)]
    return sorted((one for one in found if one), key=lambda one: (one.since is None, one.since, one.component.name))


def _read(one: Any) -> _Out | None:
    """What a component (with its outage, if one goes on) is out for; None when it is not: its breaker alone is held by a person."""
    breaker: Breaker | None = getattr(one.upstream, "breaker", None)
    tripped = breaker is not None and breaker.out and not breaker.force
    down = tripped or one.state == State.DOWN.value
    if one.began_at is None and not down:
        stopped = breaker is not None and breaker.forced_open
        return _Out(one, breaker, False, None, None, False, breaker.forced_by) if breaker and stopped else None
    opened = breaker.opened_at if breaker else None
    since = one.began_at or (one.since if one.state == State.DOWN.value else opened)
    little = one.began_at is not None and partly(one.severity, one.opened_by, down=down)
    severe = not little and (one.weighs is Importance.CRITICAL or one.severity == Severity.CRITICAL.value)
    stopped = (breaker is not None and breaker.forced_open) or getattr(one.upstream, "paused_at", None) is not None
    return _Out(one, breaker, down, since, one.expected_at, severe, partly=little, kept=stopped or not little)


def _since(out: Sequence[_Out], now: datetime) -> str:
    """What is out, and for how long. An outage in which something still answers is called no more than that."""
    said = {"names": _names(out), "age": age(now - out[0].since) if out[0].since else ""}
    if all(one.down for one in out):
        text = ngettext(
            "%(names)s has been down for %(age)s.", "%(names)s are down, for %(age)s at the longest.", len(out)
        )
    elif all(one.partly for one in out):
        text = ngettext(
            "%(names)s has been partly out for %(age)s.",
            "%(names)s are partly out, for %(age)s at the longest.",
            len(out),
        )
    else:
        text = ngettext(
            "%(names)s has had an outage for %(age)s.",
            "%(names)s have had outages, for %(age)s at the longest.",
            len(out),
        )
    return text % said


def _where(out: Sequence[_Out]) -> tuple[str, str]:
    """What the banner leads to."""
    if len(out) > 1:
        return "/settings/health", _("Show all that is out")
    component = out[0].component
    if component.upstream is not None and out[0].kept:
        return f"/resilience/queue?upstream={component.upstream.slug}", _("Show what waits")
    return href_of(component), _("Show the outage")


def _names(out: Sequence[_Out]) -> str:
    """The first of them by their names, and how many more there are."""
    names = [one.component.name for one in out]
    if len(names) <= NAMED:
        return _(" and ").join(filter(None, (", ".join(names[:-1]), names[-1])))
    more = ngettext("%(n)s more", "%(n)s more", len(names) - NAMED) % {"n": number(len(names) - NAMED)}
    return _(" and ").join((", ".join(names[:NAMED]), more))


def _kept(viewer: Viewer, out: Sequence[_Out]) -> str:
    """What becomes of changes meanwhile; "" where nothing is sent to any of them, or all of it arrives."""
    upstreams = {one.component.upstream_id for one in out if one.kept} - {None}
    if not upstreams:
        return ""
    counters = figures.by_upstream(viewer)
    waiting = sum(figures.totals({0: counters.get(pk or 0, {})})["waiting"] for pk in upstreams)
    if not waiting:
        return _("Changes are taken in and kept; none waits yet.")
    said = ngettext("%(n)s waits, none is lost.", "%(n)s wait, none is lost.", waiting) % {"n": number(waiting)}
    return _("Changes are taken in and kept; %(waiting)s") % {"waiting": said}


def _back(out: Sequence[_Out], now: datetime) -> str:
    """When the last of them is expected back; where that is not known of each, that it is not known."""
    moments = [one.expected_at for one in out if one.expected_at is not None]
    if len(moments) < len(out):
        return _("When it is back is not known yet.") if len(out) == 1 else _("When all are back is not known yet.")
    last = max(moments)
    said = {"time": moment(last, timezone.localtime(now).date())}
    return (_("Expected back about %(time)s.") if last > now else _("Overdue: expected back %(time)s.")) % said

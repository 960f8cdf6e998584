"""What the queue tells other pages: its count in the navigation, and the banner while an upstream is down."""

from collections.abc import Sequence
from datetime import datetime

from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from portal.kit import clock
from portal.kit.viewer import Viewer
from portal.web.formats import age, moment, number
from portal.web.navigation import Banner, Count
from resilience.breakers.models import Breaker
from resilience.health.core.states import State
from resilience.health.models import Outage
from syncqueue import figures

NAMED = 3


def queue_count(viewer: Viewer) -> Count | None:
    """How many items failed, or else how many wait. Those in conflict have an entry of their own."""
    if not viewer.organization_ids:
        return None
    counts = figures.totals(figures.by_upstream(viewer))
    if counts["failed"]:
        return Count(counts["failed"], _("failed"), "bad")
    return Count(counts["waiting"], _("waiting"))


def queue_banner(viewer: Viewer) -> Banner | None:
    """One line while an upstream is down and not in planned maintenance: since when, how many wait, what is safe, when it is back."""
    breakers = Breaker.objects.for_org(viewer).out()
    breakers = breakers.exclude(upstream__component__state=State.MAINTENANCE.value)
    out = list(breakers.select_related("upstream").order_by("opened_at"))
    if not out:
        return None
    counters = figures.by_upstream(viewer)
    waiting = sum(figures.totals({0: counters.get(breaker.upstream_id, {})})["waiting"] for breaker in out)
    now, first = clock.now(), out[0]
    names, kept = _names(out), _kept(waiting)
    if all(breaker.forced_open for breaker in out):
        who = ", ".join(sorted({breaker.forced_by for breaker in out}))
        sentence = _("%(names)s: stopped by %(who)s.") % {"names": names, "who": who}
        return Banner(_("Stopped"), f"{sentence} {kept}", "warn", "open", "/resilience/breakers", _("Show why"))
    sentence = ngettext(
        "%(names)s has been down for %(age)s.", "%(names)s are down, for %(age)s at the longest.", len(out)
    ) % {"names": names, "age": age(now - first.opened_at) if first.opened_at else ""}
    href = f"/resilience/queue?upstream={first.upstream.slug}" if len(out) == 1 else "/settings/health?state=down"
    link = _("Show what waits") if len(out) == 1 else _("Show all that is down")
    worst = any(breaker.upstream.critical for breaker in out)
    told = " ".join(filter(None, (sentence, kept, _back(viewer, out, now))))
    return Banner(_("Outage"), told, "bad" if worst else "warn", "down", href, link)


def _names(out: Sequence[Breaker]) -> str:
    """The first of them by their names, and how many more there are."""
    names = [breaker.upstream.name for breaker in out]
    if len(names) <= NAMED:
        return _(" and ").join(filter(None, (", ".join(names[:-1]), names[-1])))
    more = ngettext("%(n)s more", "%(n)s more", len(names) - NAMED) % {"n": number(len(names) - NAMED)}
    return _(" and ").join((", ".join(names[:NAMED]), more))


def _kept(waiting: int) -> str:
    """What becomes of changes meanwhile."""
    if not waiting:
        return _("Changes are taken in and kept; none waits yet.")
    said = ngettext("%(n)s waits, none is lost.", "%(n)s wait, none is lost.", waiting) % {"n": number(waiting)}
    return _("Changes are taken in and kept; %(waiting)s") % {"waiting": said}


def _back(viewer: Viewer, out: Sequence[Breaker], now: datetime) -> str:
    """When the last of them is expected back; where that is not known of each, that it is not known."""
    outages = Outage.objects.for_org(viewer).active()
    known = outages.filter(component__upstream__in=[breaker.upstream_id for breaker in out])
    moments = [at for at in known.values_list("expected_at", flat=True) if at is not None]
    if len(moments) < len(out):
        return _("When it is back is not known yet.") if len(out) == 1 else _("When all are back is not known yet.")
    last = max(moments)
    said = {"time": moment(last, timezone.localtime(now).date())}
    return (_("Expected back about %(time)s.") if last > now else _("Overdue: expected back %(time)s.")) % said

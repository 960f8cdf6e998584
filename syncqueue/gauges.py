"""What the queue tells other pages: its count in the navigation, and the banner while an upstream is down."""

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from portal.kit import clock
from portal.kit.viewer import Viewer
from portal.web.formats import age, number
from portal.web.navigation import Banner, Count
from resilience.breakers.models import Breaker
from syncqueue import figures


def queue_count(viewer: Viewer) -> Count | None:
    """How many items failed, or else how many wait. Those in conflict have an entry of their own."""
    if not viewer.organization_ids:
        return None
    counts = figures.totals(figures.by_upstream(viewer))
    if counts["failed"]:
        return Count(counts["failed"], _("failed"), "bad")
    return Count(counts["waiting"], _("waiting"))


def queue_banner(viewer: Viewer) -> Banner | None:
    """One line while an upstream is down: since when, how many wait, what is safe, when it is tried again."""
    breakers = Breaker.objects.for_org(viewer).out()
    out = list(breakers.select_related("upstream").order_by("opened_at"))
    if not out:
        return None
    counters = figures.by_upstream(viewer)
    waiting = sum(figures.totals({0: counters.get(breaker.upstream_id, {})})["waiting"] for breaker in out)
    now, first = clock.now(), out[0]
    said = {
        "names": ", ".join(breaker.upstream.slug for breaker in out),
        "age": age(now - first.opened_at) if first.opened_at else "",
        "n": number(waiting),
    }
    if all(breaker.forced_open for breaker in out):
        said["who"] = ", ".join(sorted({breaker.forced_by for breaker in out}))
        kept = _("%(names)s: stopped by %(who)s. Changes are taken in and kept; %(n)s waiting, none is lost.") % said
        return Banner(_("Stopped"), kept, "warn", "open", "/resilience/breakers", _("Show why"))
    sentence = ngettext(
        "%(names)s has been down for %(age)s. Changes are taken in and kept; %(n)s waiting, none is lost.",
        "%(names)s are down, the first for %(age)s. Changes are taken in and kept; %(n)s waiting, none is lost.",
        len(out),
    )
    href = f"/resilience/queue?upstream={first.upstream.slug}"
    return Banner(_("Outage"), sentence % said, "warn", "open", href, _("Show what waits"))

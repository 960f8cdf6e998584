"""The times in which upstreams were down, partly out or slow, as stretches of a chart."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime

from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from portal.kit.viewer import Viewer
from portal.web.charts import Span
from portal.web.formats import age, moment
from resilience.breakers.models import Breaker
from resilience.health.core.states import State
from resilience.health.models import Flip, Outage
from resilience.health.partly import partly


def troubles(viewer: Viewer, since: datetime, now: datetime, upstream: str = "") -> list[Span]:
    """What was wrong with upstreams from `since` to `now`, in order, those that overlap joined into one.

    What is out in planned maintenance now is no trouble.
    """
    return _joined(sorted(_found(viewer, since, now, upstream), key=lambda span: span.start))


def _found(viewer: Viewer, since: datetime, now: datetime, upstream: str) -> Iterator[Span]:
    outages = Outage.objects.for_org(viewer).unplanned().filter(component__upstream__isnull=False)
    outages = outages.filter(Q(ended_at__isnull=True) | Q(ended_at__gt=since))
    breakers = Breaker.objects.for_org(viewer).unplanned().out()
    if upstream:
        outages = outages.filter(component__upstream__slug=upstream)
        breakers = breakers.filter(upstream__slug=upstream)
    open_ones = {breaker.pk: breaker for breaker in breakers.select_related("upstream")}
    told: set[int] = set()
    little: list[tuple[int, datetime, datetime]] = []
    for one in outages.select_related("component__upstream"):
        component, end = one.component, one.ended_at or now
        pk, name = component.upstream_id or 0, component.upstream.name if component.upstream else ""
        if one.ended_at is None:
            told.add(pk)
        down = one.ended_at is None and (pk in open_ones or component.state == State.DOWN.value)
        if partly(one.severity, one.opened_by):
            little.append((component.pk, one.began_at, end))
        if partly(one.severity, one.opened_by, down=down):
            yield Span(one.began_at, end, _partly(name, one.began_at, one.ended_at, now), "warn")
        else:
            yield Span(one.began_at, end, _down(name, one.began_at, one.ended_at, now))
    for pk, breaker in open_ones.items():
        if breaker.opened_at and pk not in told:
            yield Span(breaker.opened_at, now, _down(breaker.upstream.name, breaker.opened_at, None, now))
    yield from _slow(viewer, since, now, upstream, little)


def _down(name: str, began: datetime, ended: datetime | None, now: datetime) -> str:
    if ended is None:
        said = {"upstream": name, "time": moment(began, timezone.localtime(now).date())}
        return _("%(upstream)s down since %(time)s") % said
    return _("%(upstream)s down, %(span)s") % {"upstream": name, "span": age(ended - began)}


def _partly(name: str, began: datetime, ended: datetime | None, now: datetime) -> str:
    if ended is None:
        said = {"upstream": name, "time": moment(began, timezone.localtime(now).date())}
        return _("%(upstream)s partly out since %(time)s") % said
    return _("%(upstream)s partly out, %(span)s") % {"upstream": name, "span": age(ended - began)}


def _slow(
    viewer: Viewer, since: datetime, now: datetime, upstream: str, little: Sequence[tuple[int, datetime, datetime]]
) -> Iterator[Span]:
    """From each flip to slow to the next flip of the same component. What begins within an outage of which a person said that
    little is missing (`little`) is that outage's."""
    flips = Flip.objects.for_org(viewer).of_components().filter(component__upstream__isnull=False, at__gt=since)
    if upstream:
        flips = flips.filter(component__upstream__slug=upstream)
    begun: dict[tuple[int, str], datetime] = {}
    found = flips.order_by("at").values_list("component", "component__upstream__name", "at", "before", "after")
    for pk, name, at, before, after in found:
        one = (pk, name)
        if before == State.SLOW and at > (start := begun.pop(one, since)) and not _within(pk, start, little):
            yield _slow_span(name, start, at)
        if after == State.SLOW:
            begun[one] = at
    for (pk, name), at in begun.items():
        if not _within(pk, at, little):
            yield _slow_span(name, at, now)


def _within(component_id: int, at: datetime, little: Sequence[tuple[int, datetime, datetime]]) -> bool:
    return any(pk == component_id and began <= at <= ended for pk, began, ended in little)


def _slow_span(name: str, start: datetime, end: datetime) -> Span:
    return Span(start, end, _("%(upstream)s slow, %(span)s") % {"upstream": name, "span": age(end - start)}, "warn")


def _joined(spans: Sequence[Span]) -> list[Span]:
    """Stretches of the same tone that overlap are one, which says how many upstreams it tells of."""
    joined: list[tuple[Span, int]] = []
    for span in spans:
        at = next((i for i, (one, _n) in enumerate(joined) if one.tone == span.tone and span.start <= one.end), None)
        if at is None:
            joined.append((span, 1))
        else:
            one, n = joined[at]
            joined[at] = (replace(one, end=max(one.end, span.end)), n + 1)
    return [one if n == 1 else replace(one, name=_many(n, one.tone)) for one, n in joined]


def _many(n: int, tone: str) -> str:
    if tone == "bad":
        return ngettext("%(n)d upstream down", "%(n)d upstreams down", n) % {"n": n}
    return ngettext("%(n)d upstream slow or partly out", "%(n)d upstreams slow or partly out", n) % {"n": n}

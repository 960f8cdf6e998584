"""The times in which upstreams were down or slow, as stretches of a chart."""

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

NAMED = 3
"""So many stretches, the longest, carry their names: more would write over each other."""


def troubles(viewer: Viewer, since: datetime, now: datetime, upstream: str = "") -> list[Span]:
    """What was wrong with upstreams from `since` to `now`, in order, those that overlap joined into one.

    What is out in planned maintenance now is no trouble.
    """
    return _named(_joined(sorted(_found(viewer, since, now, upstream), key=lambda span: span.start)))


def _found(viewer: Viewer, since: datetime, now: datetime, upstream: str) -> Iterator[Span]:
    outages = Outage.objects.for_org(viewer).unplanned().filter(component__upstream__isnull=False)
    outages = outages.filter(Q(ended_at__isnull=True) | Q(ended_at__gt=since))
    breakers = Breaker.objects.for_org(viewer).unplanned().out()
    if upstream:
        outages = outages.filter(component__upstream__slug=upstream)
        breakers = breakers.filter(upstream__slug=upstream)
    told = set()
    found = outages.values_list("component__upstream", "component__upstream__name", "began_at", "ended_at")
    for pk, name, began, ended in found:
        if ended is None:
            told.add(pk)
        yield Span(began, ended or now, _down(name, began, ended, now))
    for pk, name, opened in breakers.values_list("upstream", "upstream__name", "opened_at"):
        if opened and pk not in told:
            yield Span(opened, now, _down(name, opened, None, now))
    yield from _slow(viewer, since, now, upstream)


def _down(name: str, began: datetime, ended: datetime | None, now: datetime) -> str:
    if ended is None:
        said = {"upstream": name, "time": moment(began, timezone.localtime(now).date())}
        return _("%(upstream)s down since %(time)s") % said
    return _("%(upstream)s down, %(span)s") % {"upstream": name, "span": age(ended - began)}


def _slow(viewer: Viewer, since: datetime, now: datetime, upstream: str) -> Iterator[Span]:
    """From each flip to slow to the next flip of the same component."""
    flips = Flip.objects.for_org(viewer).of_components().filter(component__upstream__isnull=False, at__gt=since)
    if upstream:
        flips = flips.filter(component__upstream__slug=upstream)
    begun: dict[tuple[int, str], datetime] = {}
    found = flips.order_by("at").values_list("component", "component__upstream__name", "at", "before", "after")
    for pk, name, at, before, after in found:
        one = (pk, name)
        if before == State.SLOW and at > begun.get(one, since):
            yield _slow_span(name, begun.pop(one, since), at)
        if after == State.SLOW:
            begun[one] = at
    for (_pk, name), at in begun.items():
        yield _slow_span(name, at, now)


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
    return ngettext("%(n)d upstream slow", "%(n)d upstreams slow", n) % {"n": n}


def _named(spans: Sequence[Span]) -> list[Span]:
    longest = sorted(spans, key=lambda span: span.start - span.end)[:NAMED]
    return [span if span in longest else replace(span, name="") for span in spans]

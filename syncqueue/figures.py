"""The queue's figures: from counters and samples, never by counting rows."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Sum
from django.utils.translation import gettext as _

from portal.kit.viewer import Viewer
from portal.web.charts import Chart, Point, Span, line_chart, volume_chart
from portal.web.formats import age, number
from resilience.upstreams.models import Upstream
from syncqueue.core.states import ItemState
from syncqueue.models import Counter, Sample

MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
WINDOWS = (timedelta(minutes=20), timedelta(hours=1), timedelta(hours=6))
COLUMNS = 72
SINCE_EVER = ("enqueued", "delivered", "refused", "retried", "merged", "coalesced")
WAITING = (ItemState.QUEUED.slug, ItemState.RETRYING.slug, ItemState.IN_FLIGHT.slug)


def by_upstream(viewer: Viewer, upstream: str = "") -> dict[int, dict[str, int]]:
    """The counters of each upstream that the viewer may read: the slugs of item states, "delivered", "refused" and so on."""
    counters = Counter.objects.for_org(viewer)
    if upstream:
        counters = counters.filter(upstream__slug=upstream)
    found: dict[int, dict[str, int]] = defaultdict(dict)
    for upstream_id, name, value in counters.values_list("upstream_id", "name").annotate(Sum("value")).order_by():
        found[upstream_id][name] = value
    return dict(found)


def totals(counters: Mapping[int, Mapping[str, int]]) -> dict[str, int]:
    """The sums over all upstreams, with "open", "waiting" and every state's slug; nothing is below zero."""
    sums = {state.slug: 0 for state in ItemState} | dict.fromkeys(SINCE_EVER, 0)
    for counted in counters.values():
        for name, value in counted.items():
            sums[name] = sums.get(name, 0) + value
    sums = {name: max(value, 0) for name, value in sums.items()}
    sums["open"] = sum(sums[state.slug] for state in ItemState if state.open)
    sums["waiting"] = sum(sums[slug] for slug in WAITING)
    return sums


@dataclass(frozen=True, slots=True)
class History:
    """Minute by minute, over all upstreams together; None where nothing was sampled."""

    start: datetime
    minutes: int
    waiting: list[Point]
    delivered: list[Point]
    refused: list[Point]
    hour_ago: Mapping[int, int]
    """What each upstream had taken since ever, by its first sample of the last hour."""

    @property
    def span(self) -> str:
        """The stretch of time in words: "6 h"."""
        return age(self.minutes * 60).replace("\u00a000\u00a0" + _("min"), "")


def history(viewer: Viewer, *, now: datetime, waiting: int, upstream: str = "") -> History:
    """The last 6 hours, or as much as there is. `waiting` is the figure of this moment, which ends the line, if there is one."""
    samples = Sample.objects.for_org(viewer).filter(at__gte=now - WINDOWS[-1], at__lte=now)
    if upstream:
        samples = samples.filter(upstream__slug=upstream)
    rows = list(samples.order_by("at").values_list("at", "upstream_id", "waiting", "delivered", "refused"))
    span = next(
        (window for window in WINDOWS if rows and rows[0][0] >= now - window), WINDOWS[-1] if rows else WINDOWS[0]
    )
    start = (now - span).replace(second=0, microsecond=0)
    slots = [start + MINUTE * step for step in range(int(span / MINUTE) + 1)]
    sums = _Sums()
    for row in rows:
        sums.take(*row)
    return History(
        start,
        len(slots) - 1,
        [*(Point(at, sums.waiting.get(at)) for at in slots), Point(now, waiting if rows or waiting else None)],
        [Point(at, sums.delivered.get(at)) for at in slots],
        [Point(at, sums.refused.get(at)) for at in slots],
        {upstream_id: delivered for at, upstream_id, _waiting, delivered, _refused in rows[::-1] if at >= now - HOUR},
    )


def delivered_last_hour(
    upstreams: Iterable[Upstream], counters: Mapping[int, Mapping[str, int]], seen: History, now: datetime
) -> int | None:
    """How many items these upstreams took in the last hour, up to this moment; None where that is not known of any."""
    known = {one.pk: 0 if one.created_at >= now - HOUR else seen.hour_ago.get(one.pk) for one in upstreams}
    took = [
        max(counters.get(upstream_id, {}).get("delivered", 0) - before, 0)
        for upstream_id, before in known.items()
        if before is not None
    ]
    return sum(took) if took else None


class _Sums:
    """Samples of several upstreams added up: what waits at a minute, and what was delivered and refused since the one before."""

    def __init__(self) -> None:
        self.waiting: dict[datetime, int] = defaultdict(int)
        self.delivered: dict[datetime, int] = defaultdict(int)
        self.refused: dict[datetime, int] = defaultdict(int)
        self._last: dict[int, tuple[datetime, int, int]] = {}

    def take(self, at: datetime, upstream_id: int, waiting: int, delivered: int, refused: int) -> None:
        minute = at.replace(second=0, microsecond=0)
        self.waiting[minute] += waiting
        before = self._last.get(upstream_id)
        if before is not None and minute - before[0] <= 2 * MINUTE:
            self.delivered[minute] += max(delivered - before[1], 0)
            self.refused[minute] += max(refused - before[2], 0)
        self._last[upstream_id] = (minute, delivered, refused)


def waiting_chart(seen: History, spans: Sequence[Span]) -> Chart:
    """How many items waited, minute by minute."""
    values = [point.value for point in seen.waiting if point.value is not None]
    if not values:
        return line_chart("waiting", _("Nothing was measured yet."), seen.waiting, label="", heads=(_("Waiting"),))
    last = int(values[-1])
    label = _("%(n)s waiting") % {"n": number(last)}
    summary = _("Waiting items over the last %(span)s: %(last)s now, %(most)s at the most.") % {
        "span": seen.span,
        "last": number(last),
        "most": number(max(values)),
    }
    return line_chart("waiting", summary, seen.waiting, label=label, heads=(_("Waiting"),), spans=spans)


def throughput_chart(seen: History) -> Chart:
    """How many items a minute were delivered and refused."""
    step = max(-(-len(seen.delivered) // COLUMNS), 1)
    good, bad = _means(seen.delivered, step), _means(seen.refused, step)
    known = [point.value for point in good if point.value is not None]
    summary = _("Delivered items a minute over the last %(span)s: %(last)s now, %(most)s at the most.") % {
        "span": seen.span,
        "last": number(known[-1] if known else None, 1),
        "most": number(max(known, default=0), 1),
    }
    return volume_chart("throughput", summary, good, bad, heads=(_("Delivered a minute"), _("Refused a minute")))


def _means(points: Sequence[Point], step: int) -> list[Point]:
    found = []
    for end in range(len(points), 0, -step):
        part = points[max(end - step, 0) : end]
        known = [point.value for point in part if point.value is not None]
        found.append(Point(part[-1].at, sum(known) / len(known) if known else None))
    return found[::-1]

"""What the queue tells health: what waits for each upstream and since when, what an outage holds up, and which requests nobody answered.

From counters, samples and index lookups: it costs the same with a thousand items and with millions. Who asks has checked what may be seen.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from itertools import pairwise

from django.db.models import Count, Min, OuterRef, Subquery, Sum
from django.db.models.expressions import RawSQL
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from conflicts.models import Conflict
from portal.kit import clock
from portal.kit.viewer import Viewer
from portal.web.formats import CAP, age, capped, number
from resilience.health.providers import Impact, Load
from resilience.upstreams.models import Upstream
from syncqueue.core.states import ItemState, LaneState
from syncqueue.models import Attempt, Counter, Item, Lane, Sample

_MOVING = (ItemState.QUEUED, ItemState.RETRYING, ItemState.IN_FLIGHT)
_NAMES = tuple(state.slug for state in (*_MOVING, ItemState.FAILED, ItemState.CONFLICT))
NAMED = 3
HOUR = timedelta(hours=1)
DEPTHS = 300
LAST_ATTEMPTS = 2_000
"""So many attempts are looked at to tell whether anything answers: enough for a score, and no more however busy the queue is."""


def load(upstream_ids: Sequence[int]) -> Mapping[int, Load]:
    """What waits for each of these upstreams, in three queries at most."""
    counts = _counts(upstream_ids)
    waiting = {upstream: _waiting(of) for upstream, of in counts.items()}
    oldest = _oldest([upstream for upstream, n in waiting.items() if n])
    conflicts = _oldest_conflicts([upstream for upstream, of in counts.items() if of.get(ItemState.CONFLICT.slug)])
    return {
        upstream: Load(
            waiting=waiting[upstream],
            in_flight=of.get(ItemState.IN_FLIGHT.slug, 0),
            failed=of.get(ItemState.FAILED.slug, 0),
            conflicts=of.get(ItemState.CONFLICT.slug, 0),
            oldest_at=oldest.get(upstream),
            conflict_at=conflicts.get(upstream),
        )
        for upstream, of in counts.items()
    }


def impact(viewer: Viewer, upstream_ids: Sequence[int]) -> Sequence[Impact]:
    """What waits because of these upstreams, in how many lanes, and whose it is."""
    upstreams = list(
        Upstream.objects.for_org(viewer).filter(pk__in=upstream_ids).select_related("organization").order_by("pk")
    )
    if not upstreams:
        return []
    counts = _counts([upstream.pk for upstream in upstreams])
    waiting = {upstream.pk: _waiting(counts.get(upstream.pk, {})) for upstream in upstreams}
    total = sum(waiting.values())
    stuck, stuck_lanes = _stuck(list(waiting)) if total else (0, 0)
    lines = [Impact(_("Waiting"), _changes(total, list(waiting), stuck_lanes), total, _href(upstreams), _("none lost"))]
    rate = _rate(upstreams[0].pk) if total > stuck and len(upstreams) == 1 else 0.0
    if rate:
        lines.append(_drained(total - stuck, stuck, rate))
    owners: dict[str, int] = defaultdict(int)
    for upstream in upstreams:
        owners[upstream.organization.name] += waiting[upstream.pk]
    if len(viewer.organization_ids) > 1:
        most = sorted(owners.items(), key=lambda one: (-one[1], one[0]))
        named = ", ".join(f"{name} {number(n)}" for name, n in most[:NAMED])
        rest = ngettext("%(n)s more", "%(n)s more", len(most) - NAMED) % {"n": number(len(most) - NAMED)}
        lines.append(Impact(_("Organizations"), named, len(owners), more=rest if len(most) > NAMED else ""))
    return lines


def _rate(upstream_id: int) -> float:
    """How many were delivered a minute, over those minutes of the last hour in which any were; 0 where that is not known."""
    rows = Sample.objects.unscoped().filter(upstream_id=upstream_id, at__gte=clock.now() - HOUR).order_by("at")
    seen = list(rows.values_list("at", "delivered"))
    gained = [
        (max(after - before, 0), (later - earlier).total_seconds() / 60)
        for (earlier, before), (later, after) in pairwise(seen)
    ]
    busy = [(n, minutes) for n, minutes in gained if n and minutes]
    return sum(n for n, _minutes in busy) / sum(minutes for _n, minutes in busy) if busy else 0.0


def _drained(moving: int, stuck: int, rate: float) -> Impact:
    """How long it takes to send what waits, once the upstream is back; what is stuck waits for a person."""
    said = {"span": age(max(round(moving / rate), 1) * 60), "n": number(max(round(rate), 1))}
    words = ngettext(
        "in about %(span)s, at %(n)s item a minute", "in about %(span)s, at %(n)s items a minute", max(round(rate), 1)
    )
    more = _("as in the last hour")
    if stuck:
        stays = ngettext("%(n)s in a stuck lane stays", "%(n)s in stuck lanes stay", stuck) % {"n": capped(stuck)}
        more = f"{more}; {stays}"
    return Impact(_("Then drained"), words % said, round(max(moving / rate, 1)), more=more)


def depths(upstream_id: int, since: datetime, until: datetime) -> Sequence[tuple[datetime, int]]:
    """How much waited for this upstream, minute by minute, thinned to 300 steps with the most of each; none before the samples begin."""
    rows = Sample.objects.unscoped().filter(upstream_id=upstream_id, at__gte=since, at__lte=until)
    found = list(rows.order_by("at").values_list("at", "waiting"))
    step = -(-len(found) // DEPTHS) or 1
    parts = (found[start : start + step] for start in range(0, len(found), step))
    return [(part[0][0], max(waiting for _at, waiting in part)) for part in parts]


def calls(since: datetime) -> Mapping[int, tuple[int, int]]:
    """How many of the last attempts since then were answered at all, and how many were not, by upstream."""
    ids = Attempt.objects.unscoped().order_by("-pk").values_list("pk", flat=True)[:LAST_ATTEMPTS]
    newest = list(ids)
    if not newest:
        return {}
    rows = Attempt.objects.unscoped().filter(pk__gte=newest[-1], finished_at__gte=since)
    answered: dict[int, list[int]] = defaultdict(lambda: [0, 0])
    for upstream, outcome, status in rows.values_list("item__upstream_id", "outcome", "status"):
        nobody = status is None and outcome in (Attempt.Outcome.RETRY, Attempt.Outcome.UNKNOWN)
        answered[upstream][nobody] += 1
    return {upstream: (good, bad) for upstream, (good, bad) in answered.items()}


def _counts(upstream_ids: Sequence[int]) -> dict[int, dict[str, int]]:
    rows = Counter.objects.unscoped().filter(upstream_id__in=upstream_ids, name__in=_NAMES)
    found: dict[int, dict[str, int]] = defaultdict(dict)
    summed = rows.values_list("upstream_id", "name").annotate(total=Sum("value")).filter(total__gt=0).order_by()
    for upstream, name, total in summed:
        found[upstream][name] = total
    return found


def _waiting(counts: Mapping[str, int]) -> int:
    return sum(counts.get(state.slug, 0) for state in _MOVING)


def _oldest(upstream_ids: Sequence[int]) -> dict[int, datetime]:
    """Since when the oldest moving item of each waits: one look into the index for each state, for ids sort by time."""
    if not upstream_ids:
        return {}
    mine = Item.objects.unscoped().filter(upstream_id=OuterRef("pk")).order_by("id").values("created_at")
    first = {state.slug: Subquery(mine.filter(state=state.value)[:1]) for state in _MOVING}
    rows = Upstream.objects.unscoped().filter(pk__in=upstream_ids).annotate(**first)
    found = {}
    for upstream, *moments in rows.values_list("pk", *first):
        known = [at for at in moments if at is not None]
        if known:
            found[upstream] = min(known)
    return found


def _oldest_conflicts(upstream_ids: Sequence[int]) -> dict[int, datetime]:
    """Since when the oldest open conflict of each waits; by organization, for that is how the index of open conflicts begins."""
    if not upstream_ids:
        return {}
    owners = Upstream.objects.unscoped().filter(pk__in=upstream_ids).values("organization_id")
    rows = Conflict.objects.unscoped().open().filter(organization_id__in=owners, upstream_id__in=upstream_ids)
    return dict(rows.order_by().values_list("upstream_id").annotate(Min("opened_at")))


def _changes(total: int, upstream_ids: Sequence[int], stuck_lanes: int) -> str:
    if not total:
        return _("nothing")
    lanes = min(_moving_lanes(upstream_ids) + stuck_lanes, CAP)
    changes = ngettext("%(n)s change", "%(n)s changes", total) % {"n": number(total)}
    where = ngettext("%(n)s lane", "%(n)s lanes", lanes) % {"n": capped(lanes)}
    return _("%(changes)s in %(lanes)s") % {"changes": changes, "lanes": where}


def _moving_lanes(upstream_ids: Sequence[int]) -> int:
    """How many lanes go on by themselves, up to 10,000. Literals: SQLite takes a partial index only when it can read the condition."""
    lanes = Lane.objects.unscoped().filter(upstream_id__in=upstream_ids)
    each = [RawSQL(str(state.value), []) for state in (LaneState.READY, LaneState.LEASED)]  # noqa: S611 - constants
    return sum(lanes.filter(state=one).values("pk")[:CAP].count() for one in each)


def _stuck(upstream_ids: Sequence[int]) -> tuple[int, int]:
    """How much waits in lanes whose head waits for a person or that are held, and in how many such lanes; 10,000 of each at most."""
    blocked = RawSQL(str(LaneState.BLOCKED.value), [])  # noqa: S611 - a constant
    lanes = Lane.objects.unscoped().filter(upstream_id__in=upstream_ids, state__gte=blocked)
    moving = [state.value for state in _MOVING]
    behind = Item.objects.unscoped().open().filter(lane__in=lanes, stepped_over=False, state__in=moving)
    some = behind.order_by().values("pk", "lane_id")[:CAP]
    counted = some.aggregate(items=Count("pk"), lanes=Count("lane_id", distinct=True))
    return counted["items"], counted["lanes"]


def _href(upstreams: Sequence[Upstream]) -> str:
    return f"/resilience/queue?upstream={upstreams[0].slug}" if len(upstreams) == 1 else "/resilience/queue"

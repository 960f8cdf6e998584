"""How upstreams stand: what waits for each, and whether its breaker is open. Counters and breakers tell; no rows are counted."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import timedelta

from django.db.models import Sum

from portal.kit import clock
from resilience.breakers.models import Breaker
from resilience.upstreams.standing import Standing
from syncqueue.core.states import ItemState
from syncqueue.models import Counter, Sample

_WAITING = (ItemState.QUEUED.slug, ItemState.RETRYING.slug, ItemState.IN_FLIGHT.slug)
_DELIVERED = "delivered"
_NAMES = (_DELIVERED, *_WAITING, ItemState.FAILED.slug, ItemState.CONFLICT.slug)


def standings(upstream_ids: Sequence[int]) -> Mapping[int, Standing]:
    """The standing of each of these upstreams. Who asks has checked that they may be seen."""
    counts: dict[int, dict[str, int]] = defaultdict(dict)
    counters = Counter.objects.unscoped().filter(upstream_id__in=upstream_ids, name__in=_NAMES)
    for upstream_id, name, total in counters.values_list("upstream_id", "name").annotate(Sum("value")):
        counts[upstream_id][name] = max(total, 0)
    breakers = Breaker.objects.unscoped().resting(clock.now()).in_bulk(upstream_ids)
    return {upstream_id: _standing(counts[upstream_id], breakers.get(upstream_id)) for upstream_id in upstream_ids}


def inflow(upstream_id: int) -> float | None:
    """How many changes came in for this upstream each minute, over the minutes of the last hour that were sampled; None without two."""
    since = clock.now() - timedelta(hours=1)
    samples = list(Sample.objects.unscoped().filter(upstream_id=upstream_id, at__gte=since).order_by("at"))
    if len(samples) < 2:
        return None
    first, last = samples[0], samples[-1]
    came = last.waiting - first.waiting + last.delivered - first.delivered + last.refused - first.refused
    return max(came * 60.0 / (last.at - first.at).total_seconds(), 0.0)


def _standing(counts: Mapping[str, int], breaker: Breaker | None) -> Standing:
    return Standing(
        waiting=sum(counts.get(name, 0) for name in _WAITING),
        failed=counts.get(ItemState.FAILED.slug, 0),
        conflicts=counts.get(ItemState.CONFLICT.slug, 0),
        delivered=counts.get(_DELIVERED, 0),
        out_since=breaker.opened_at if breaker else None,
        next_try_at=breaker.open_until if breaker else None,
        spared_until=breaker.spared_until if breaker and not breaker.out else None,
        reason=breaker.why if breaker else "",
    )

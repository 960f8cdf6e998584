"""How upstreams stand: what waits for each, and whether its gate is closed. Counters and gates tell; no rows are counted."""

from collections import defaultdict
from collections.abc import Mapping, Sequence

from django.db.models import Q, Sum

from portal.kit import clock
from resilience.upstreams.standing import Standing
from syncqueue.core.states import ItemState
from syncqueue.models import Counter, Gate

_WAITING = (ItemState.QUEUED.slug, ItemState.RETRYING.slug, ItemState.IN_FLIGHT.slug)
_DELIVERED = "delivered"
_NAMES = (_DELIVERED, *_WAITING, ItemState.FAILED.slug, ItemState.CONFLICT.slug)


def standings(upstream_ids: Sequence[int]) -> Mapping[int, Standing]:
    """The standing of each of these upstreams. Who asks has checked that they may be seen."""
    counts: dict[int, dict[str, int]] = defaultdict(dict)
    counters = Counter.objects.unscoped().filter(upstream_id__in=upstream_ids, name__in=_NAMES)
    for upstream_id, name, total in counters.values_list("upstream_id", "name").annotate(Sum("value")):
        counts[upstream_id][name] = max(total, 0)
    stopped = Q(closed_since__isnull=False) | Q(delay_until__gt=clock.now())
    gates = {gate.upstream_id: gate for gate in Gate.objects.filter(stopped, upstream_id__in=upstream_ids)}
    return {upstream_id: _standing(counts[upstream_id], gates.get(upstream_id)) for upstream_id in upstream_ids}


def _standing(counts: Mapping[str, int], gate: Gate | None) -> Standing:
    return Standing(
        waiting=sum(counts.get(name, 0) for name in _WAITING),
        failed=counts.get(ItemState.FAILED.slug, 0),
        conflicts=counts.get(ItemState.CONFLICT.slug, 0),
        delivered=counts.get(_DELIVERED, 0),
        out_since=gate.closed_since if gate else None,
        next_try_at=gate.next_try_at if gate else None,
        spared_until=gate.delay_until if gate and not gate.closed_since else None,
        reason=gate.reason if gate else "",
    )


def try_at_once(upstream_id: int) -> None:
    """The upstream is reached in another way now: nobody waits any longer for what was known of the old one."""
    Gate.objects.filter(upstream_id=upstream_id).update(delay_until=None, next_try_at=None)

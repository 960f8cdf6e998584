"""What is known about items beyond their own rows: their lane's head, who stands before them, their upstream's breaker.

Gathered for a whole page of items in a handful of queries, however long the lanes are.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from django.db.models import OuterRef, Q, Subquery

from portal.kit.viewer import Viewer
from resilience.breakers.models import Breaker
from syncqueue.core.states import ItemState
from syncqueue.models import Attempt, Item, Lane

LOOK = 50
"""Within so many numbers before an item, those that still wait are counted one by one; beyond, the numbers' distance is told."""


@dataclass(frozen=True, slots=True)
class Known:
    """One item with its surroundings. `ahead` counts the open items before it, `about` when that is an upper bound.

    `carrier` is the earlier item that it went out with, when it was superseded; `carries` counts the later ones that go out with it.
    """

    item: Item
    head: Item | None = None
    ahead: int = 0
    about: bool = False
    breaker: Breaker | None = None
    attempt: Attempt | None = None
    carrier: Item | None = None
    carries: int = 0

    @property
    def first(self) -> bool:
        """Whether it is its lane's head."""
        return self.head is not None and self.head.pk == self.item.pk

    @property
    def lane(self) -> Lane:
        """Its lane."""
        return self.item.lane


@dataclass(slots=True)
class _Gathered:
    heads: dict[int, Item] = field(default_factory=dict)
    before: dict[int, list[int]] = field(default_factory=dict)
    breakers: dict[int, Breaker] = field(default_factory=dict)
    attempts: dict[UUID, Attempt] = field(default_factory=dict)
    carriers: dict[UUID, Item] = field(default_factory=dict)


def gather(viewer: Viewer, items: Sequence[Item]) -> list[Known]:
    """The items with what is known about each, in the same order. Their `lane` and `upstream` are to be loaded."""
    still = [item for item in items if item.item_state.open]
    found = _Gathered()
    if still:
        found.heads = _heads(viewer, {item.lane_id for item in still})
        found.before = _before(viewer, still, found.heads)
        found.breakers = Breaker.objects.for_org(viewer).in_bulk({item.upstream_id for item in still})
        flying = [item.pk for item in still if item.item_state is ItemState.IN_FLIGHT]
        under_way = Attempt.objects.for_org(viewer).filter(item_id__in=flying, finished_at__isnull=True)
        found.attempts = {attempt.item_id: attempt for attempt in under_way.order_by("number")}
    carriers = {item.superseded_by for item in items if item.superseded_by}
    if carriers:
        found.carriers = Item.objects.for_org(viewer).light().in_bulk(carriers)
    return [_known(item, found) for item in items]


def _known(item: Item, found: _Gathered) -> Known:
    if not item.item_state.open:
        return Known(item, carrier=found.carriers.get(item.superseded_by) if item.superseded_by else None)
    head = found.heads.get(item.lane_id)
    distance = item.seq - head.seq if head and not item.stepped_over else 0
    about = distance > LOOK
    ahead = distance if about else sum(1 for seq in found.before.get(item.lane_id, ()) if seq < item.seq)
    return Known(
        item,
        head=head,
        ahead=0 if item.stepped_over else ahead,
        about=about,
        breaker=found.breakers.get(item.upstream_id),
        attempt=found.attempts.get(item.pk),
    )


def _heads(viewer: Viewer, lane_ids: Iterable[int]) -> dict[int, Item]:
    waiting = Item.objects.for_org(viewer).open().filter(lane=OuterRef("pk"), stepped_over=False).order_by("seq")
    lanes = Lane.objects.for_org(viewer).filter(pk__in=list(lane_ids)).annotate(head=Subquery(waiting.values("pk")[:1]))
    ids = [head for head in lanes.values_list("head", flat=True) if head]
    rows = Item.objects.for_org(viewer).light().filter(pk__in=ids)
    return {item.lane_id: item for item in rows}


def _before(viewer: Viewer, items: Sequence[Item], heads: dict[int, Item]) -> dict[int, list[int]]:
    """The numbers of the open items of each lane, from its head on, as far as this page needs them."""
    last: dict[int, int] = {}
    for item in items:
        head = heads.get(item.lane_id)
        if head and 0 < item.seq - head.seq <= LOOK:
            last[item.lane_id] = max(item.seq, last.get(item.lane_id, 0))
    if not last:
        return {}
    asked = Q()
    for lane_id, seq in last.items():
        asked |= Q(lane_id=lane_id, seq__gte=heads[lane_id].seq, seq__lt=seq)
    rows = Item.objects.for_org(viewer).open().filter(asked, stepped_over=False).values_list("lane_id", "seq")
    found: dict[int, list[int]] = defaultdict(list)
    for lane_id, seq in rows:
        found[lane_id].append(seq)
    return found

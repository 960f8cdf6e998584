"""Checking what is stored against itself, and rebuilding what is derived: lanes' states and depths, and counters.

Items and conflicts are never changed here. A damaged item (its checksum does not fit) is named; the pump refuses to send it.
"""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

from django.db import connection, transaction
from django.db.models import Count, F, Max, OuterRef, Q, Subquery, Sum

from conflicts.models import Conflict
from conflicts.states import ConflictState
from portal.events.record import record
from portal.kit import clock
from portal.kit.viewer import SYSTEM
from syncqueue import store
from syncqueue.core.states import OPEN_BELOW, ItemState, LaneState, lane_after
from syncqueue.models import Counter, Item, Lane

CHUNK = 2_000


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that does not fit: which thing, what is wrong, and whether it was put right now."""

    subject: str
    wrong: str
    repaired: bool


def verify(*, repair: bool) -> list[Finding]:
    """Everything that does not fit, in lanes, counters, items and conflicts."""
    return [*heal_lanes(repair=repair), *_depths(repair), *_counters(repair), *_checksums(), *_conflicts()]


def heal_lanes(*, repair: bool) -> list[Finding]:
    """Unleased lanes whose state does not follow from their head (a lost wake-up would show here)."""
    head = (
        Item.objects.unscoped()
        .filter(lane=OuterRef("pk"), state__lt=OPEN_BELOW, stepped_over=False)
        .order_by("seq")
        .values("state")[:1]
    )
    lanes = Lane.objects.unscoped().exclude(state=LaneState.LEASED).annotate(head=Subquery(head))
    wrong = lanes.exclude(
        Q(head=None, state=LaneState.IDLE)
        | Q(head__in=[ItemState.CONFLICT, ItemState.FAILED], held_by="", state=LaneState.BLOCKED)
        | Q(head__in=[ItemState.QUEUED, ItemState.RETRYING], held_by="", state=LaneState.READY)
        | (Q(head__isnull=False, state=LaneState.HELD) & ~Q(held_by=""))
    )
    return [_heal(lane_id, repair) for lane_id in wrong.values_list("pk", flat=True)]


def _heal(lane_id: int, repair: bool) -> Finding:
    with transaction.atomic():
        lane = Lane.objects.unscoped().select_for_update().get(pk=lane_id)
        head = Item.objects.unscoped().open().filter(lane=lane, stepped_over=False).order_by("seq").first()
        state = lane_after(head.item_state if head else None, held=bool(lane.held_by))
        fits = lane.state in (state, LaneState.LEASED) and (head is None or head.state != ItemState.IN_FLIGHT)
        wrong = f"is {LaneState(lane.state).name.lower()}, but its head asks for {state.name.lower()}"
        if repair and not fits:
            if head is not None and head.state == ItemState.IN_FLIGHT:
                _unsent(head)
            lane.state, lane.ready_at = state, clock.now()
            lane.save(update_fields=["state", "ready_at"])
            record(verb="lane.healed", subject=f"lane:{lane.pk}", actor=SYSTEM, organization_id=lane.organization_id)
    return Finding(f"lane {lane_id} ({lane})", wrong, repair)


def _unsent(head: Item) -> None:
    """An item that is in flight in a lane that nobody holds: its outcome is unknown."""
    head.state, head.outcome_unknown, head.retry_at = ItemState.RETRYING, True, clock.now()
    head.save(update_fields=["state", "outcome_unknown", "retry_at"])
    tally = store.Tally()
    tally.move(head.upstream_id, ItemState.IN_FLIGHT, ItemState.RETRYING)
    with connection.cursor() as cursor:
        tally.write(cursor, 0)


def _depths(repair: bool) -> Iterator[Finding]:
    waiting = Q(items__state__lt=OPEN_BELOW, items__stepped_over=False)
    lanes = Lane.objects.unscoped().annotate(waits=Count("items", filter=waiting), last=Max("items__seq"))
    for lane_id, said, waits in lanes.exclude(depth=F("waits")).values_list("pk", "depth", "waits").iterator(CHUNK):
        yield Finding(f"lane {lane_id}", f"says {said} items wait, but {waits} do", repair)
        if repair:
            _recount(lane_id)
    for lane_id, tail, last in (
        lanes.filter(last__gt=F("tail_seq")).values_list("pk", "tail_seq", "last").iterator(CHUNK)
    ):
        yield Finding(f"lane {lane_id}", f"has numbers beyond its tail {tail}", repair)
        if repair:
            Lane.objects.unscoped().filter(pk=lane_id, tail_seq__lt=last).update(tail_seq=last)


def _recount(lane_id: int) -> None:
    with transaction.atomic():
        lane = Lane.objects.unscoped().select_for_update().get(pk=lane_id)
        lane.depth = Item.objects.unscoped().open().filter(lane=lane, stepped_over=False).count()
        lane.save(update_fields=["depth"])


def _counters(repair: bool) -> list[Finding]:
    """One transaction, so that both are looked at in one moment."""
    findings = []
    with transaction.atomic(), connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("LOCK TABLE syncqueue_counter IN SHARE ROW EXCLUSIVE MODE")
        actual: dict[tuple[int, str], int] = defaultdict(int)
        for upstream_id, state, number in (
            Item.objects.unscoped().order_by().values_list("upstream_id", "state").annotate(number=Count("pk"))
        ):
            actual[upstream_id, ItemState(state).slug] = number
        kept: dict[tuple[int, str], int] = defaultdict(int)
        slugs = [state.slug for state in ItemState]
        sums = Counter.objects.unscoped().filter(name__in=slugs).order_by().values_list("upstream_id", "name")
        for upstream_id, name, total in sums.annotate(total=Sum("value")):
            kept[upstream_id, name] = total
        tally = store.Tally()
        for key in sorted(set(actual) | set(kept)):
            if actual[key] != kept[key]:
                findings.append(
                    Finding(
                        f"counter {key[1]} of upstream {key[0]}",
                        f"says {kept[key]}, but there are {actual[key]}",
                        repair,
                    )
                )
                tally.add(*key, actual[key] - kept[key])
        if repair:
            tally.write(cursor, 0)
    return findings


def _checksums() -> Iterator[Finding]:
    items = Item.objects.unscoped().open().select_related("lane").order_by("pk")
    for item in items.iterator(CHUNK):
        if not item.intact:
            yield Finding(f"item {item.pk}", "was damaged: its checksum does not fit what is stored", repaired=False)


FITTING = {
    ConflictState.OPEN: {ItemState.CONFLICT},
    ConflictState.DECIDED: {ItemState.QUEUED, ItemState.RETRYING, ItemState.IN_FLIGHT, ItemState.FAILED},
    ConflictState.MERGED: {ItemState.QUEUED, ItemState.RETRYING, ItemState.IN_FLIGHT, ItemState.FAILED},
    ConflictState.DELIVERED: {ItemState.SYNCED},
    ConflictState.WITHDRAWN: {ItemState.CANCELLED},
}
"""The states that an item may be in while its conflict is in each of these. An open one may be asked for again."""


def _conflicts() -> Iterator[Finding]:
    item = Item.objects.unscoped().filter(pk=OuterRef("item_id")).values("state")[:1]
    rows = Conflict.objects.unscoped().annotate(of_item=Subquery(item)).order_by("pk")
    for conflict_id, state, of_item in rows.values_list("pk", "state", "of_item").iterator(CHUNK):
        looking = state == ConflictState.OPEN and of_item is not None and ItemState(of_item).open
        if of_item is None or not (looking or ItemState(of_item) in FITTING[ConflictState(state)]):
            told = "is gone" if of_item is None else f"is {ItemState(of_item).slug}"
            wrong = f"is {ConflictState(state).slug}, but its item {told}"
            yield Finding(f"conflict {conflict_id}", wrong, repaired=False)

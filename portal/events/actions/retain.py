"""Retention: the one way by which events leave the log."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from django.db import transaction
from django.db.models import Q

from portal.events.models import Event, EventRetention
from portal.events.record import record
from portal.kit.viewer import SYSTEM

KEEP_MOVES = timedelta(days=30)
KEEP_REST = timedelta(days=400)
BATCH = 1_000
FAR_PAST = datetime(1970, 1, 1, tzinfo=UTC)
MOVES = Q(verb__startswith="item.") | Q(verb__startswith="lane.")


@dataclass(frozen=True, slots=True)
class Retained:
    """How many events one run removed."""

    moves: int
    rest: int


def retain(*, now: datetime, alive: Callable[[], bool] = lambda: True) -> Retained:
    """Removes moves of items and lanes older than 30 days and everything else older than 400 days.

    It goes in batches, each its own transaction, so that writers never wait long; `alive` is asked between them, and its
    False ends the run early. What was removed is itself an event.
    """
    removed = Retained(
        moves=_remove(MOVES, before=now - KEEP_MOVES, alive=alive),
        rest=_remove(~MOVES, before=now - KEEP_REST, alive=alive),
    )
    if removed.moves or removed.rest:
        data = {"moves": removed.moves, "rest": removed.rest}
        record(verb="events.retained", subject="events:log", actor=SYSTEM, data=data, at=now)
    return removed


@contextmanager
def deletable(*, before: datetime) -> Iterator[None]:
    """Lets events older than `before` be deleted within the block; its one transaction also puts the moment back."""
    with transaction.atomic():
        EventRetention.objects.update_or_create(id=1, defaults={"delete_before": before})
        yield
        EventRetention.objects.update_or_create(id=1, defaults={"delete_before": FAR_PAST})


def _remove(which: Q, *, before: datetime, alive: Callable[[], bool]) -> int:
    """Deletes the matching events older than `before`, oldest first, and counts them."""
    removed, reached = 0, FAR_PAST
    while alive():
        old = Event.objects.unscoped().filter(which, at__gte=reached, at__lt=before).order_by("at")
        batch = list(old.values_list("id", "at")[:BATCH])
        if not batch:
            break
        with deletable(before=before):
            removed += Event.objects.unscoped().filter(id__in=[event_id for event_id, _ in batch]).delete()[0]
        reached = batch[-1][1]
    return removed

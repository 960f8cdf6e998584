"""Keeping the tables small and the charts fed."""

from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.db import connection, transaction
from django.db.models import Exists, OuterRef, Sum

from conflicts.actions import close
from portal.events.actions.retain import retain
from portal.kit import clock
from syncqueue import store
from syncqueue.core.states import OPEN_BELOW, ItemState, LaneState
from syncqueue.models import Counter, Item, Lane, Sample

BATCH = 500
SAMPLES_DAYS = 8
WAITING = {ItemState.QUEUED.slug, ItemState.RETRYING.slug, ItemState.IN_FLIGHT.slug}


def sample() -> bool:
    """Whether this minute's figures were written now, one row an upstream; False when they stood there already."""
    minute = clock.now().replace(second=0, microsecond=0)
    if Sample.objects.unscoped().filter(at=minute).exists():
        return False
    totals: dict[int, dict[str, int]] = {}
    counted = Counter.objects.unscoped().values_list("upstream_id", "name").annotate(total=Sum("value")).order_by()
    for upstream_id, name, total in counted:
        totals.setdefault(upstream_id, {})[name] = total
    rows = [
        Sample(
            upstream_id=upstream_id,
            at=minute,
            waiting=max(0, sum(total for name, total in named.items() if name in WAITING)),
            delivered=named.get("delivered", 0),
            refused=named.get("refused", 0),
        )
        for upstream_id, named in totals.items()
    ]
    Sample.objects.bulk_create(rows, ignore_conflicts=True)
    return True


def clean_up() -> int:
    """How many finished items were removed because of their age (with their attempts); empty lanes, samples and events go too."""
    oldest = clock.now() - timedelta(days=settings.SYNCQUEUE["keep_finished_days"])
    removed = 0
    while ids := _finished_before(oldest):
        with transaction.atomic():
            removed += _remove(ids)
    _remove_empty_lanes(oldest)
    Sample.objects.unscoped().filter(at__lt=clock.now() - timedelta(days=SAMPLES_DAYS)).delete()
    retain(now=clock.now())
    return removed


def _finished_before(oldest: datetime) -> list[UUID]:
    finished = Item.objects.unscoped().filter(state__gte=OPEN_BELOW, finished_at__lt=oldest)
    return list(finished.order_by("finished_at").values_list("pk", flat=True)[:BATCH])


def _remove(ids: list[UUID]) -> int:
    items = Item.objects.unscoped().filter(pk__in=ids, state__gte=OPEN_BELOW)
    tally = store.Tally()
    for upstream_id, state in items.values_list("upstream_id", "state"):
        tally.move(upstream_id, ItemState(state), None)
    _, removed = items.delete()
    close.forgotten(ids)
    with connection.cursor() as cursor:
        tally.write(cursor, 0)
    return removed.get("syncqueue.Item", 0)


def _remove_empty_lanes(oldest: datetime) -> None:
    """A lane without items is forgotten when it was not used for as long: the next change of its entity asks for the version."""
    empty = Lane.objects.unscoped().filter(state=LaneState.IDLE, depth=0, ready_at__lt=oldest)
    with transaction.atomic():
        ids = list(
            empty.exclude(Exists(Item.objects.unscoped().filter(lane=OuterRef("pk")))).values_list("pk", flat=True)[
                :BATCH
            ]
        )
        locked = Lane.objects.unscoped().filter(pk__in=ids).select_for_update().order_by("pk")
        unused = [lane.pk for lane in locked if lane.state == LaneState.IDLE and lane.depth == 0]
        Lane.objects.unscoped().filter(pk__in=unused).delete()

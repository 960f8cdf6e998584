"""Removing what is too old: transitions by age and number, and what processes published that are gone."""

from datetime import timedelta

from portal.kit import clock
from resilience.breakers.models import Breaker, Transition, TransitionQuerySet, Window

KEPT = timedelta(days=90)
MOST = 1_000
"""So many transitions of one breaker are kept at most, and the one that opened it: a long outage shall not fill the disk."""
GONE = timedelta(days=1)
"""What a process counted that has published nothing for so long tells nobody anything."""
BATCH = 5_000


def clean_up() -> int:
    """How many rows were removed, of all organizations."""
    now = clock.now()
    removed = _remove(Transition.objects.unscoped().filter(at__lt=now - KEPT))
    for breaker_id in Breaker.objects.unscoped().values_list("pk", flat=True):
        mine = Transition.objects.unscoped().filter(breaker=breaker_id)
        why = mine.opened().values_list("pk", flat=True)[:1]
        for too_many in mine.order_by("-pk").values_list("pk", flat=True)[MOST : MOST + 1]:
            removed += _remove(mine.filter(pk__lte=too_many).exclude(pk__in=list(why)))
    return removed + Window.objects.unscoped().filter(at__lt=now - GONE).delete()[0]


def _remove(rows: TransitionQuerySet) -> int:
    removed = 0
    while batch := list(rows.values_list("pk", flat=True)[:BATCH]):
        removed += Transition.objects.unscoped().filter(pk__in=batch).delete()[0]
    return removed

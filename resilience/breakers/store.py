"""The breakers' rows: read by all, moved by compare-and-set, timed by the database's clock.

A transition, its event and the windows that caused it are one transaction. Nothing here knows which process calls.
"""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import IntegrityError, InterfaceError, InternalError, OperationalError, connection, transaction
from django.db.models import F

from portal.events.record import record
from portal.kit.viewer import SYSTEM
from resilience.breakers.core.shared import Shared
from resilience.breakers.models import Breaker, Lease, Total, Transition, Window, values_of
from resilience.patterns.typing import State
from resilience.upstreams.models import Upstream

TRIES = 20
"""So often a compare-and-set is tried again before it gives up: each loss means that somebody else moved it."""
OVERLAP = timedelta(seconds=10)
"""Changes are read again for this long, since transactions do not commit in the order of their times."""

ADD = (
    f"INSERT INTO {Total._meta.db_table} (breaker_id, name, value) VALUES (%s, %s, %s) ON CONFLICT (breaker_id, name)"
    f" DO UPDATE SET value = {Total._meta.db_table}.value + excluded.value"
)
PASSING = (OperationalError, InterfaceError, InternalError)
"""What a database answers while it is away, busy or read-only. Any other error would come back however often a write is tried."""

Step = Callable[[Shared, datetime], Shared | None]


class TooBusy(Exception):
    """A breaker's row kept changing under a compare-and-set."""


@dataclass(frozen=True, slots=True)
class Why:
    """What the record of a move says: its cause ("trip", "cool-down", "test", "person", …), who did it, and what was counted."""

    cause: str
    actor: str = SYSTEM
    process: str = ""
    window: Mapping[str, Any] | None = None
    request_id: str = ""


def database_now() -> datetime:
    """The database's clock."""
    sqlite = connection.vendor == "sqlite"
    with connection.cursor() as cursor:
        cursor.execute("SELECT strftime('%Y-%m-%dT%H:%M:%f+00:00', 'now')" if sqlite else "SELECT clock_timestamp()")
        (said,) = cursor.fetchone()
    return datetime.fromisoformat(said) if sqlite else said


class Store:
    """The tables behind the breakers, with the clock that times them."""

    def __init__(self, now: Callable[[], datetime] = database_now) -> None:
        self.now = now

    def ensure(self, upstream_ids: Iterable[int]) -> None:
        """Makes sure that each of these upstreams has its row."""
        now = self.now()
        Breaker.objects.bulk_create(
            [Breaker(upstream_id=upstream_id, touched=now, since=now) for upstream_id in upstream_ids],
            ignore_conflicts=True,
        )

    def move(self, upstream_id: int, step: Step, why: Why) -> Shared | None:
        """The breaker after `step`, written if nobody else moved it meanwhile, else decided anew; None when `step` wants nothing.

        Raises TooBusy, and Breaker.DoesNotExist when there is no such upstream any more.
        """
        for _ in range(TRIES):
            with transaction.atomic():
                row = Breaker.objects.unscoped().get(pk=upstream_id)
                now = self.now()
                before = row.shared()
                after = step(before, now)
                if after is None:
                    return None
                values = {**values_of(after), "touched": now}
                if (after.state is State.CLOSED) != (before.state is State.CLOSED):
                    values["rejected"] = 0
                held = Breaker.objects.unscoped().filter(pk=upstream_id, version=before.version)
                if held.update(**values):
                    if after.generation != before.generation:
                        self._tell(row, before, after, now, why)
                    return after
        raise TooBusy(f"The breaker of upstream {upstream_id} changed {TRIES} times while it was to be moved.")

    def _tell(self, row: Breaker, before: Shared, after: Shared, now: datetime, why: Why) -> None:
        Transition.objects.create(
            breaker=row,
            at=now,
            before=before.state.value,
            after=after.state.value,
            cause=why.cause,
            reason=after.reason[:300],
            forced=after.forced,
            actor=why.actor,
            process=why.process,
            window=json.dumps(why.window, ensure_ascii=False) if why.window else "",
            lasted=(now - before.since).total_seconds() if before.since else None,
            rejected=row.rejected if before.state is not State.CLOSED else 0,
        )
        if after.state is not before.state:
            _add({row.pk: {f"{before.state}>{after.state}": 1}})
        upstream = Upstream.objects.unscoped().select_related("organization").get(pk=row.pk)
        record(
            verb=f"breaker.{_verb(before, after)}",
            subject=f"upstream:{row.pk}",
            actor=why.actor,
            organization_id=upstream.organization_id,
            organization_name=upstream.organization.name,
            data={
                "slug": upstream.slug,
                "from": before.state.value,
                "cause": why.cause,
                "reason": after.reason[:300],
                **({"until": after.forced_until.isoformat()} if after.forced and after.forced_until else {}),
            },
            request_id=why.request_id,
            at=now,
        )

    def lease(self, upstream_id: int, *, generation: int, places: int, seconds: float, owner: str) -> int | None:
        """The lease (its id) of a place for one half-open call; None when all are taken or the generation is over."""
        with transaction.atomic():
            now = self.now()
            current = Breaker.objects.unscoped().filter(
                pk=upstream_id, generation=generation, state=State.HALF_OPEN.value
            )
            if not current.exists():
                return None
            mine = Lease.objects.filter(breaker_id=upstream_id)
            mine.filter(expires_at__lte=now).delete()
            mine.exclude(generation=generation).delete()
            taken = set(mine.values_list("place", flat=True))
        for place in (place for place in range(places) if place not in taken):
            try:
                with transaction.atomic():
                    held = Lease.objects.create(
                        breaker_id=upstream_id,
                        place=place,
                        generation=generation,
                        owner=owner,
                        expires_at=now + timedelta(seconds=seconds),
                    )
            except IntegrityError:
                continue
            return held.pk
        return None

    def give_back(self, lease: int) -> None:
        """The place is free again; not one that ran out and is somebody else's by now."""
        Lease.objects.filter(pk=lease).delete()

    def give_back_all(self, owner: str) -> None:
        """Every place of this owner is free again."""
        Lease.objects.filter(owner=owner).delete()

    def read(self, upstream_ids: Sequence[int]) -> tuple[datetime, list[tuple[int, Shared]]]:
        """The database's time, and these breakers."""
        rows = Breaker.objects.unscoped().filter(pk__in=upstream_ids)
        return self.now(), [(row.pk, row.shared()) for row in rows]

    def changed(self, since: datetime | None) -> tuple[datetime, list[tuple[int, Shared]]]:
        """The database's time, and each breaker that changed since (all of them for None), some of them once more."""
        rows = Breaker.objects.unscoped()
        now = self.now()
        if since is not None:
            rows = rows.filter(touched__gte=since - OVERLAP)
        return now, [(row.pk, row.shared()) for row in rows]

    def publish(
        self,
        process: str,
        windows: Sequence[tuple[int, int, Mapping[str, Any]]],
        refused: Mapping[int, int],
        counted: Mapping[int, Mapping[str, int]] | None = None,
    ) -> bool:
        """Writes what this process counts, as (upstream, generation, figures), and how many calls it refused since the last time.

        `counted` is added to the totals: how many calls ended how since the last time, by upstream and name.
        What is about upstreams that are no more is left out. True, once it is written.
        """
        with transaction.atomic():
            now = self.now()
            ids = {pk for pk, _, _ in windows} | set(counted or {})
            there = Breaker.objects.unscoped().filter(pk__in=ids)
            known = set(there.values_list("pk", flat=True))
            Window.objects.bulk_create(
                [
                    Window(breaker_id=pk, process=process, at=now, generation=generation, figures=json.dumps(figures))
                    for pk, generation, figures in windows
                    if pk in known
                ],
                update_conflicts=True,
                unique_fields=["breaker", "process"],
                update_fields=["at", "generation", "figures"],
            )
            for pk, count in sorted(refused.items()):
                Breaker.objects.unscoped().filter(pk=pk).update(rejected=F("rejected") + count)
            _add({pk: counts for pk, counts in (counted or {}).items() if pk in known})
        return True

    def hold(self, process: str) -> None:
        """What a process has published holds still."""
        Window.objects.unscoped().filter(process=process).update(at=self.now())

    def forget(self, process: str) -> None:
        """What a process that ends has published is gone with it."""
        Window.objects.unscoped().filter(process=process).delete()


def _add(counted: Mapping[int, Mapping[str, int]]) -> None:
    """Adds to the totals, in one order for everybody, after whatever else its transaction locks."""
    rows = sorted((pk, name, count) for pk, counts in counted.items() for name, count in counts.items() if count)
    if rows:
        with connection.cursor() as cursor:
            cursor.executemany(ADD, rows)


def _verb(before: Shared, after: Shared) -> str:
    if after.forced and after.forced != before.forced:
        return f"forced-{after.forced}"
    if after.state is before.state:
        return "reset"
    if after.state is State.OPEN:
        return "opened" if before.state is State.CLOSED else "reopened"
    return "half-opened" if after.state is State.HALF_OPEN else "closed"

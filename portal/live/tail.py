"""The thread that reads the log as it grows: one per web process, and only while somebody listens."""

import logging
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import psycopg
from django.db import Error, connection
from django.db.models import Max, Q

from portal.events.models import Event
from portal.live.core.entries import Entry
from portal.live.core.position import Position

COLUMNS = ("id", "at", "organization_id", "actor", "verb", "subject", "data")
PAGE = 1_000
MOST_PAGES = 5
LOOK_SECONDS = 0.1
POLL_SECONDS = 0.5
SLOW_LOOKS = 20
logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Batch:
    """What one look found. `settled` is the id to resume from; `skipped` says that there was too much to read all."""

    entries: Sequence[Entry]
    settled: int
    skipped: bool = False


class Tail:
    """Reads new events and hands them to `deliver`, which is called in the tail's own thread.

    The first batch is empty and says that everything committed from now on will be told.
    """

    def __init__(self, deliver: Callable[[Batch], None]) -> None:
        self._deliver = deliver
        self._stopped = threading.Event()
        self._position = Position()
        self._thread = threading.Thread(target=self._run, name="live-tail", daemon=True)

    def start(self) -> None:
        """Begins to read."""
        self._thread.start()

    def stop(self) -> None:
        """Asks the thread to end; it does so within half a second."""
        self._stopped.set()

    def _run(self) -> None:
        begun = False
        while not self._stopped.is_set():
            try:
                if not begun:
                    self._begin()
                    begun = True
                self._follow()
            except (Error, psycopg.Error):
                logger.warning("The log cannot be read at the moment; live pages wait.", exc_info=True)
                connection.close()
                self._stopped.wait(1.0)
        connection.close()

    def _begin(self) -> None:
        newest = Event.objects.unscoped().order_by("-id").values_list("id", flat=True)[:PAGE]
        ids = list(newest)
        self._position = Position(ids[-1] - 1 if ids else 0)
        self._position.take(ids, now=time.monotonic())
        self._deliver(Batch((), self._position.settled))

    def _follow(self) -> None:
        if connection.vendor == "postgresql":
            self._follow_postgresql()
        else:
            self._follow_sqlite()

    def _follow_sqlite(self) -> None:
        """Asks every 100 ms whether another connection has committed (4 µs), and looks every 2 s in any case."""
        known, looks = None, 0
        with connection.cursor() as cursor:
            while not self._stopped.wait(LOOK_SECONDS):
                version = cursor.execute("PRAGMA data_version").fetchone()
                looks += 1
                if version != known or looks >= SLOW_LOOKS:
                    known, looks = version, 0
                    self._look()

    def _follow_postgresql(self) -> None:
        """Waits for the bell that a trigger rings, and looks every half second for those who did not ring."""
        with connection.cursor() as cursor:
            cursor.execute("LISTEN breakwater")
        pause = POLL_SECONDS
        while not self._stopped.is_set():
            for _ in connection.connection.notifies(timeout=pause, stop_after=1):
                pass
            found = self._look()
            pause = LOOK_SECONDS if found else POLL_SECONDS
            if found:
                self._stopped.wait(LOOK_SECONDS / 4)

    def _look(self) -> bool:
        """Delivers what is new; whether there was something."""
        if not self._position.gaps and self._newest() <= self._position.last:
            return False
        found: list[Entry] = []
        for _ in range(MOST_PAGES):
            page = self._read(id__gt=self._position.last)
            self._position.take([entry.id for entry in page], now=time.monotonic())
            found += page
            if len(page) < PAGE:
                break
        else:
            self._position.skip_to(self._newest())
            self._deliver(Batch((), self._position.settled, skipped=True))
            return True
        gaps = self._position.gaps
        if gaps:
            late = self._read(id__in=gaps[-PAGE:])
            self._position.take([entry.id for entry in late], now=time.monotonic())
            found += late
        if found:
            self._deliver(Batch(found, self._position.settled))
        return bool(found)

    def _newest(self) -> int:
        """The newest id, by the cheapest question there is: it is asked all day long."""
        with connection.cursor() as cursor:
            cursor.execute("SELECT max(id) FROM events_event")
            return int(cursor.fetchone()[0] or 0)

    def _read(self, **which: object) -> list[Entry]:
        rows = Event.objects.unscoped().filter(**which).order_by("id").values_list(*COLUMNS)[:PAGE]
        return [Entry(*row) for row in rows]


def read_since(last: int, organization_ids: frozenset[int], *, most: int) -> list[Entry] | None:
    """The events after `last` of these organizations, and of none; None when there are more than `most` or `last` lies ahead."""
    events = Event.objects.unscoped()
    newest = events.aggregate(newest=Max("id"))["newest"] or 0
    if last > newest or newest - last > most * 100:
        return None
    ours = Q(organization_id__in=organization_ids) | Q(organization_id=None)
    rows = events.filter(ours, id__gt=last).order_by("id").values_list(*COLUMNS)
    found = [Entry(*row) for row in rows[: most + 1]]
    return found if len(found) <= most else None

"""Keeping all duties of all machines from running, while something is done that they must not see half-way."""

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta

from django.db import DatabaseError, connection, connections

from portal.duties.core.locks import Hold, is_held
from portal.duties.models import ProcessingLock
from portal.kit import processes
from portal.kit.errors import Error

ASK_FOR = timedelta(seconds=60)
ASK_EVERY = 20.0
PATIENCE = 30.0


class StillRunning(Error):
    """Duties are still running, so nothing was changed. Stop the workers, then try again."""


@contextmanager
def hold_back(*, duties: Sequence[str], tell: Callable[[str], None], patience: float = PATIENCE) -> Iterator[None]:
    """For the length of the block no duty runs, on no machine.

    1. asks each to stop; the request ends with this process, or a minute after its last renewal;
    2. waits until the locks are free or stale, at most `patience` seconds (StillRunning then);
    3. renews the request while the block runs, and takes it back afterwards.
    """
    me = processes.myself()
    names = sorted({*duties, *ProcessingLock.objects.values_list("duty", flat=True)})
    ProcessingLock.objects.ask_to_stop(names, me, ASK_FOR)
    done = threading.Event()
    renewer = threading.Thread(target=_renew_until, args=(done, names), name="hold back", daemon=True)
    try:
        _wait_until_free(names, tell, patience)
        renewer.start()
        yield
    finally:
        done.set()
        if renewer.is_alive():
            renewer.join()
        ProcessingLock.objects.let_run(me)


def held(duties: Sequence[str] | None = None) -> list[Hold]:
    """The locks that somebody holds now."""
    names = list(ProcessingLock.objects.values_list("duty", flat=True)) if duties is None else duties
    holds, clock = ProcessingLock.objects.holds(names)
    return [hold for hold in holds.values() if is_held(hold, clock, processes.known_dead)]


def locks_exist() -> bool:
    """Whether the database has the table of locks yet."""
    return ProcessingLock._meta.db_table in connection.introspection.table_names()


def _wait_until_free(names: Sequence[str], tell: Callable[[str], None], patience: float) -> None:
    deadline = time.monotonic() + patience
    told = False
    while running := held(names):
        if not told:
            tell("Waiting for " + ", ".join(f"{hold.duty} ({hold.owner})" for hold in running))
            told = True
        if time.monotonic() > deadline:
            raise StillRunning("Still running: " + ", ".join(hold.owner for hold in running))
        time.sleep(0.1)


def _renew_until(done: threading.Event, names: Sequence[str]) -> None:
    try:
        while not done.wait(ASK_EVERY):
            try:
                ProcessingLock.objects.ask_to_stop(names, processes.myself(), ASK_FOR)
            except DatabaseError:  # a migration holds the table: nobody else can write there either
                connections.close_all()
    finally:
        connections.close_all()

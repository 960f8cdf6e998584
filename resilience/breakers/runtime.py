"""The breakers of one process, and what keeps them in line with those of the others.

A process that delivers calls `start()`: from then on one thread, with a connection of its own, writes what happened here
(trips, the results of half-open calls, rests that an upstream asked for), reads what changed elsewhere twice a second, and publishes
what this process counts once a second. Calls that are let through or refused do none of that: they look at memory.

Without `start()` (a page, a command, most tests) nothing runs in the background: a breaker is read when it is asked for, and written in
the caller's own connection.

While the database cannot be reached, each process goes on by itself: its own window opens its breaker, its own clock lets it test, and
`storage_degraded` says so. What it could not write waits (a bounded queue; what describes a state that has moved on is dropped by the
compare-and-set), and what the others decided meanwhile holds when the database is back.
"""

import logging
import os
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import suppress
from datetime import datetime
from typing import TypeVar

from django.core.exceptions import ObjectDoesNotExist
from django.db import DatabaseError, connection

from resilience.breakers.figures import Figures
from resilience.breakers.shared import SharedBreaker
from resilience.breakers.store import PASSING, Store, TooBusy
from resilience.patterns.forks import renew_after_fork
from resilience.patterns.typing import Clock

log = logging.getLogger(__name__)
T = TypeVar("T")
Job = Callable[[], None]

POLL = 0.5
"""Seconds between two looks at what changed elsewhere: a trip is known everywhere within a second."""
PUBLISH = 1.0
"""Seconds between two writings of what is counted here."""
BEAT = 30.0
"""Seconds after which what was published is said to hold still: what is older is of a process that is gone."""
MOST_JOBS = 1_000
"""So many writes wait at most while the database is away; then the oldest are dropped."""
PATIENCE = 2.0
"""Seconds that a call waits for the right to test a half-open breaker."""


class Runtime:
    """The breakers of this process, by upstream. `owner` names it in leases and windows."""

    def __init__(self, *, owner: str = "", store: Store | None = None, clock: Clock = time.monotonic) -> None:
        self._named = bool(owner)
        self.owner = owner or f"process-{os.getpid()}"
        self.store = store or Store()
        self.clock = clock
        self.storage_degraded = False
        self._breakers: dict[int, SharedBreaker] = {}
        self._jobs: deque[tuple[Job, Job]] = deque()
        self._wake = threading.Event()
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._seen: datetime | None = None
        self._published = 0.0
        self._beaten = 0.0
        renew_after_fork(self)

    @property
    def started(self) -> bool:
        """Whether a thread of its own keeps it in line with the others."""
        return self._thread is not None

    def of(self, upstream_id: int, name: str, figures: Figures) -> SharedBreaker:
        """The breaker of this upstream, with these figures. New ones are read from the database; without `start()`, known ones too."""
        breaker = self._breakers.get(upstream_id)
        if breaker is None:
            self._try(lambda: self.store.ensure([upstream_id]))
            made = SharedBreaker(upstream_id, name, figures, host=self, clock=self.clock)
            breaker = self._breakers.setdefault(upstream_id, made)
            self._read([upstream_id])
        elif breaker.config != figures.config:
            breaker.reconfigure(figures.config)
        if not self.started:
            self._work()
            self._read([upstream_id])
        return breaker

    def __iter__(self) -> Iterator[SharedBreaker]:
        """The breakers that this process has used so far, for those who collect their figures."""
        return iter(list(self._breakers.values()))

    def start(self) -> None:
        """Keeps the breakers in line with those of the other processes, in a thread of its own, until `stop()`."""
        if self._thread is None:
            self._stop.clear()
            self._thread = threading.Thread(target=self._run, name="breakers", daemon=True)
            self._thread.start()

    def stop(self) -> None:
        """Writes what is left, gives every lease back, and ends the thread."""
        thread, self._thread = self._thread, None
        if thread is not None:
            self._stop.set()
            self._wake.set()
            thread.join(timeout=5.0)

    def submit(self, job: Job, lost: Job) -> None:
        """Has something written soon, in the order of the calls; at once without `start()`. Never waits, never raises.

        `lost` is called instead when it has waited for so long that more came after it than may wait.
        """
        self._jobs.append((job, lost))
        with suppress(IndexError):  # the thread may take one in between
            while len(self._jobs) > MOST_JOBS:
                self._jobs.popleft()[1]()
        if self.started:
            self._wake.set()
        else:
            self._work()

    def ask(self, question: Callable[[], T | None], unwanted: Callable[[T], object]) -> T | None:
        """An answer of the database, for a caller that has to wait for it; None when it cannot be had in time.

        An answer that comes when nobody waits for it any more is `unwanted`; a question that is not begun by then is not asked.
        """
        if not self.started:
            return self._try(question)
        if self.storage_degraded:
            return None
        answer: Future[T | None] = Future()
        self.submit(lambda: self._answer(answer, question), lambda: None)
        try:
            return answer.result(timeout=PATIENCE)
        except TimeoutError:
            if not answer.cancel():
                answer.add_done_callback(lambda late: _unless_none(late.result(), unwanted))
            return None

    def _answer(self, answer: "Future[T | None]", question: Callable[[], T | None]) -> None:
        if answer.set_running_or_notify_cancel():
            found = None
            try:
                found = self._try(question)
            finally:
                answer.set_result(found)

    def round(self) -> None:
        """One round of the thread: writes, reads what changed elsewhere, publishes when it is time."""
        self._work()
        self._read(None)
        if self.clock() - self._published >= PUBLISH:
            self._published = self.clock()
            self._publish()
        if self.started and self.clock() - self._beaten >= BEAT:
            self._beaten = self.clock()
            self._try(lambda: self.store.hold(self.owner))

    def _run(self) -> None:
        try:
            while not self._stop.is_set():
                self._wake.wait(POLL)
                self._wake.clear()
                try:
                    self.round()
                except Exception:
                    log.exception("%s could not do its round; it tries again", self.owner)
            self._work()
            self._publish()
            self._try(self._leave)
        finally:
            connection.close()

    def _work(self) -> None:
        """Writes what waits. What the database does not take now is tried again in the next round, in the same order."""
        while self._jobs:
            try:
                job, lost = self._jobs.popleft()
            except IndexError:  # another thread took it
                return
            try:
                job()
            except PASSING:
                self._jobs.appendleft((job, lost))
                self._trouble()
                return
            except Exception:
                log.exception("%s could not write what a breaker did", self.owner)

    def _read(self, upstream_ids: list[int] | None) -> None:
        """Takes over what the database says of these breakers, or of all that changed since the last look.

        After a time without the database all are read: they may have moved here where they did not there.
        """
        found = self._try(lambda: self.store.read(upstream_ids) if upstream_ids else self.store.changed(self._seen))
        if found is None:
            return
        now, rows = found
        if upstream_ids is None:
            self._seen = now
        self.storage_degraded = False
        for upstream_id, shared in rows:
            if breaker := self._breakers.get(upstream_id):
                breaker.take_over(shared, now)
        for breaker in list(self._breakers.values()):
            if breaker.force_is_over(now):
                self._try(breaker.end_force)

    def _publish(self) -> None:
        windows, counted = [], {}
        for upstream_id, breaker in list(self._breakers.items()):
            if (figures := breaker.news()) is not None:
                windows.append((upstream_id, breaker.generation, figures))
            if counts := breaker.newly_counted():
                counted[upstream_id] = counts
        refused = {pk: counts["rejected"] for pk, counts in counted.items() if "rejected" in counts}
        if (windows or counted) and not self._try(lambda: self.store.publish(self.owner, windows, refused, counted)):
            for upstream_id in {pk for pk, _, _ in windows} | set(counted):
                self._breakers[upstream_id].untell(counted.get(upstream_id, {}))

    def _leave(self) -> None:
        self.store.give_back_all(self.owner)
        self.store.forget(self.owner)

    def _try(self, work: Callable[[], T]) -> T | None:
        try:
            return work()
        except (*PASSING, TooBusy):
            self._trouble()
        except ObjectDoesNotExist:  # the upstream is no more
            pass
        except DatabaseError:
            log.exception("%s could not do what a breaker asked of the database", self.owner)
        return None

    def _trouble(self) -> None:
        if not self.storage_degraded:
            log.exception("%s cannot reach the database; its breakers go on by themselves", self.owner)
        self.storage_degraded, self._seen = True, None
        with suppress(DatabaseError):
            if not connection.in_atomic_block:
                connection.close()

    def _after_fork(self) -> None:
        """A child has neither the thread nor what it was to write, and is a process of its own."""
        self.owner = self.owner if self._named else f"process-{os.getpid()}"
        self._jobs, self._thread, self._seen = deque(), None, None
        self._wake, self._stop = threading.Event(), threading.Event()


def _unless_none(found: T | None, then: Callable[[T], object]) -> None:
    if found is not None:
        then(found)

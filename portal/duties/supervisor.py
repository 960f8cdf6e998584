"""Keeps the duties running on this machine: owns a django-q2 cluster, hands duties to it, and starts it anew when it breaks."""

import fcntl
import logging
import os
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from django.conf import settings
from django.db import DatabaseError, connections
from django_q.conf import Conf
from django_q.models import OrmQ
from django_q.tasks import async_task

from portal.duties.cluster import Cluster
from portal.duties.core.locks import END_WITHIN, Hold, is_held, is_stopped
from portal.duties.core.supervision import SHORT_RUN, Enqueued, Seen, Step, next_step, pause_after, restart_pause
from portal.duties.models import ProcessingLock
from portal.duties.tasks import RUN_DUTY
from portal.kit import processes
from portal.kit.errors import Error
from portal.kit.processes import Bell

log = logging.getLogger(__name__)
WATCH_EVERY = 1.0


class AlreadyRunning(Error):
    """A worker of this name already runs here. Stop it first, or give this one a name of its own in BREAKWATER_WORKER_NAME."""


@dataclass(slots=True)
class Watched:
    """What the supervisor remembers of one duty."""

    enqueued: Enqueued | None = None
    failures: int = 0
    not_before: float = 0.0


@dataclass(slots=True)
class Supervisor:
    """Runs until SIGTERM or SIGINT.

    Each second, and at once when a process of the cluster ends:
    1. a dead process of the cluster: the whole group is killed and started anew (django-q2 replaces single processes, but
       one that died with a lock of the shared queues in its hands stops the cluster for good);
    2. a duty whose lock is not held is enqueued, here and nowhere else;
    3. a duty that was enqueued and is not held 10 s later: the cluster is broken, see 1.
    """

    duties: Sequence[str]
    announce: Callable[[str], None] = field(default=lambda _line: None)
    cluster: Cluster | None = None
    starts: list[float] = field(default_factory=list)
    watched: dict[str, Watched] = field(default_factory=dict)

    def run(self) -> None:
        """Supervises until it is asked to end, and leaves no process behind."""
        processes.adopt_orphans()
        Conf.WORKERS = max(Conf.WORKERS, len(self.duties) + 2)
        with only_one(Path(settings.BREAKWATER_HOME), Conf.CLUSTER_NAME) as lock:
            bell = Bell(signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
            try:
                while bell.rung is None:
                    self.tend(bell, lock)
                    bell.wait(WATCH_EVERY)
                    processes.reap()
            finally:
                self.end()
                bell.close()

    def tend(self, bell: Bell, lock: int) -> None:
        """One round."""
        if self.cluster is not None and (dead := self.cluster.dead_member()):
            self.break_down(f"process {dead.pid} of the cluster is dead", bell)
        if self.cluster is None:
            self.start(bell, lock)
        elif not self.tend_duties():
            self.break_down("it does not take up its duties", bell)

    def start(self, bell: Bell, lock: int) -> None:
        """Starts a cluster, unless too many were started of late."""
        now = time.monotonic()
        if self.starts and now - self.starts[-1] < restart_pause(self.starts, now):
            return
        self.starts = [*self.starts[-20:], now]
        try:
            OrmQ.objects.filter(key=Conf.CLUSTER_NAME).delete()  # what the last cluster was handed
            self.watched = {name: Watched() for name in self.duties}
            self.tend_duties()
        except DatabaseError as error:
            log.warning("The database does not answer: %s", error)
            connections.close_all()
            return
        self.cluster = Cluster(before_start=lambda: _leave_supervisor(bell, lock))
        if not self.cluster.wait_for_members():
            self.break_down("it did not start", bell)
            return
        bell.watch(member.pid for member in self.cluster.members)
        self.announce(f"workers {self.cluster.pid} with {Conf.WORKERS} processes, for {', '.join(self.duties)}")

    def break_down(self, why: str, bell: Bell) -> None:
        """Kills the cluster; the next round starts another."""
        log.warning("The workers are started anew: %s.", why)
        bell.forget()
        if self.cluster is not None:
            self.cluster.kill()
        self.cluster = None
        bell.wait(0)

    def tend_duties(self) -> bool:
        """Enqueues the duties that nobody runs. False when the cluster left one untouched."""
        try:
            holds, clock = ProcessingLock.objects.holds(self.duties)
            steps = [self.tend_duty(name, _seen(holds.get(name), clock)) for name in self.duties]
        except DatabaseError as error:
            log.warning("The database does not answer: %s", error)
            connections.close_all()
            return True
        return Step.RESTART not in steps

    def tend_duty(self, name: str, seen: Seen) -> Step:
        """Decides about one duty, and enqueues it when that is due."""
        now, watched = time.monotonic(), self.watched[name]
        ran = watched.enqueued is not None and seen.fence != watched.enqueued.fence
        if ran and not seen.held and watched.enqueued is not None:
            short = now - watched.enqueued.at < SHORT_RUN
            watched.failures = watched.failures + 1 if short else 0
            watched.not_before, watched.enqueued = now + pause_after(watched.failures), None
        elif seen.stopped or (seen.held and not ran):  # what was enqueued finds somebody there, or must not run
            watched.enqueued = None
        step = next_step(seen, watched.enqueued, watched.not_before, now)
        if step is Step.ENQUEUE:
            async_task(RUN_DUTY, name, task_name=name)
            watched.enqueued = Enqueued(now, seen.fence)
        return step

    def end(self) -> None:
        """Asks our duties to end, gives them 5 s, and ends the cluster."""
        if self.cluster is None:
            return
        bound = time.monotonic() + END_WITHIN
        try:
            for hold in self.held_here():
                if hold.holder is not None:
                    os.kill(hold.holder.pid, signal.SIGTERM)
            while self.held_here() and time.monotonic() < bound:
                time.sleep(0.05)
        except (DatabaseError, ProcessLookupError) as error:
            log.warning("The duties could not be asked to end: %s", error)
        self.cluster.kill()
        self.cluster = None

    def held_here(self) -> list[Hold]:
        """The duties that this cluster runs now."""
        members = self.cluster.members if self.cluster else []
        holds, _clock = ProcessingLock.objects.holds(self.duties)
        return [hold for hold in holds.values() if hold.holder in members and not processes.known_dead(hold.holder)]


def _seen(hold: Hold | None, clock: datetime) -> Seen:
    if hold is None:
        return Seen(held=False, stopped=False, fence=0)
    return Seen(
        held=is_held(hold, clock, processes.known_dead),
        stopped=is_stopped(hold, clock, processes.known_dead),
        fence=hold.fence,
    )


def _leave_supervisor(bell: Bell, lock: int) -> None:
    """What the cluster must not keep of its supervisor."""
    bell.close()
    os.close(lock)
    for name in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(name, signal.SIG_DFL)


@contextmanager
def only_one(home: Path, name: str) -> Iterator[int]:
    """A file lock that a second supervisor of this name cannot get. A predecessor has ten seconds to end."""
    handle = os.open(home / f"worker-{name}.lock", os.O_RDWR | os.O_CREAT, 0o600)
    deadline = time.monotonic() + 10
    while True:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            break
        except BlockingIOError:
            if time.monotonic() > deadline:
                raise AlreadyRunning(f"The lock is {home / f'worker-{name}.lock'}.") from None
            time.sleep(0.2)
    try:
        yield handle
    finally:
        os.close(handle)

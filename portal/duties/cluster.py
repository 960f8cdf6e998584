"""One django-q2 cluster as a tree of processes that lives and dies as a whole."""

import gc
import logging
import os
import signal
import sys
import time
from collections.abc import Callable
from contextlib import suppress

from django.db import connections
from django_q.cluster import Cluster as QCluster
from django_q.conf import Conf

from portal.kit import processes
from portal.kit.processes import Process

log = logging.getLogger(__name__)
STARTS_WITHIN = 15.0


class Cluster:
    """A running cluster: the process that django-q2 calls parent, its sentinel, and the sentinel's pusher, monitor, workers.

    It is forked from a process that has Django loaded, so that a new one works within a fraction of a second, in a session
    of its own, and each of its processes dies with the one that forked it.
    """

    def __init__(self, before_start: Callable[[], None]) -> None:
        connections.close_all()  # an open connection must not be shared with a fork
        sys.stdout.flush()
        gc.freeze()
        self.started_at = time.monotonic()
        parent = os.getpid()
        self.pid = os.fork()
        if self.pid == 0:
            _be_cluster(parent, before_start)
        self.members: list[Process] = []

    def wait_for_members(self) -> bool:
        """Whether all processes are there. `members` knows them from then on."""
        deadline = self.started_at + STARTS_WITHIN
        while time.monotonic() < deadline and processes.start_time(self.pid):
            found = self._tree()
            if len(found) >= Conf.WORKERS + 4:  # parent, sentinel, monitor, pusher
                self.members = [Process(processes.host(), pid, start) for pid, start in found.items()]
                return True
            time.sleep(0.02)
        return False

    def _tree(self) -> dict[int, str]:
        sentinels = processes.children(self.pid)
        pids = [self.pid, *sentinels, *(pid for sentinel in sentinels for pid in processes.children(sentinel))]
        return {pid: start for pid in pids if (start := processes.start_time(pid))}

    def dead_member(self) -> Process | None:
        """A process of the cluster that is gone; None when all live."""
        return next((member for member in self.members if processes.known_dead(member)), None)

    def kill(self) -> None:
        """Ends every process of the cluster at once."""
        everyone = self.members or [Process(processes.host(), pid, start) for pid, start in self._tree().items()]
        for end in (os.killpg, os.kill):  # it may not lead its group yet
            with suppress(ProcessLookupError):
                end(self.pid, signal.SIGKILL)
        deadline = time.monotonic() + 5
        while time.monotonic() < deadline:
            processes.reap()
            if all(processes.known_dead(member) for member in everyone):
                return
            time.sleep(0.01)
        log.critical("The cluster %s could not be killed.", self.pid)


def _be_cluster(parent: int, before_start: Callable[[], None]) -> None:
    """The life of the forked process. Never returns."""
    try:
        os.setsid()
        before_start()
        processes.die_with_parent()
        if os.getppid() != parent:
            return
        processes.forks_die_with_parent()
        cluster = QCluster()
        cluster.start()
        cluster.sentinel.join()
    except BaseException:
        log.exception("The cluster failed.")
    finally:
        os._exit(1)

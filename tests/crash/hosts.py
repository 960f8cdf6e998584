"""Worker hosts that are killed at random and come back, as a service manager brings them back.

Used by the main thread only: a child's parent is the thread that started it, and it gets its signal when that thread ends.
"""

import os
import random
import signal
import subprocess
from pathlib import Path

from tests.support import processes
from tests.support.portal import Portal


class Hosts:
    """One `manage.py worker` for each name; what ends is started again by `tend`."""

    def __init__(self, portal: Portal, names: list[str]) -> None:
        self.portal = portal
        self.names = names
        self.members: dict[str, subprocess.Popen[str]] = {}
        self.killed: list[str] = []

    def tend(self) -> None:
        """Start every host that does not run."""
        for name in self.names:
            if name not in self.members or self.members[name].poll() is not None:
                settings = {"BREAKWATER_WORKER_NAME": name}
                self.members[name] = self.portal.start("worker", log=f"{name}.log", settings=settings)

    def kill_one(self, rng: random.Random) -> None:
        """Kill one process of one host's tree with SIGKILL, drawn at random."""
        self.tend()  # a host that was just killed is no victim
        name = rng.choice(self.names)
        victims = processes.tree(self.members[name].pid)
        victim = rng.choice(victims)
        what = describe(victim)
        try:
            os.kill(victim, signal.SIGKILL)
        except ProcessLookupError:
            return
        self.killed.append(f"{name}: {victim}, {victims.index(victim) + 1} of {len(victims)} ({what})")


def describe(pid: int) -> str:
    """Return how a process calls itself."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace").strip()[-60:]
    except OSError:
        return "gone"

"""Programs that run together: started, restarted when they die, and ended together."""

import os
import signal
import subprocess
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from portal.duties.core.supervision import restart_pause
from portal.kit import processes
from portal.kit.processes import Bell

ENDS_WITHIN = 8.0


@dataclass(frozen=True, slots=True)
class Program:
    """Something to keep running: its name for people, its command, and what it is for."""

    name: str
    command: Sequence[str]
    purpose: str


@dataclass(slots=True)
class Member:
    """A program and its present process."""

    program: Program
    process: subprocess.Popen[bytes] | None = None
    starts: list[float] = field(default_factory=list)

    def start_if_due(self, now: float) -> bool:
        """Starts it unless it runs or was started too often of late. A child dies with us, however we end."""
        if self.process is not None or (self.starts and now - self.starts[-1] < restart_pause(self.starts, now)):
            return False
        self.starts = [*self.starts[-20:], now]
        self.process = subprocess.Popen(
            self.program.command,
            stdin=subprocess.DEVNULL,
            start_new_session=True,
            preexec_fn=processes.child_of(os.getpid()),  # noqa: PLW1509  # no threads here
        )
        return True

    def has_ended(self) -> int | None:
        """The exit status, once, after it ended."""
        if self.process is None or (status := self.process.poll()) is None:
            return None
        self.process = None
        return status


class Crew:
    """Runs programs until SIGTERM, SIGINT or SIGHUP. Sleeps while nothing happens."""

    def __init__(self, programs: Sequence[Program], say: Callable[[str], None]) -> None:
        self.members = [Member(program) for program in programs]
        self.say = say

    def run(self, idle: Callable[[], float | None]) -> signal.Signals:
        """Keeps all running; `idle` is called at each turn and says how long to sleep at most (None: until something happens)."""
        processes.adopt_orphans()
        bell = Bell(signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
        try:
            while bell.rung is None:
                waiting = self.tend(bell)
                pauses = [pause for pause in (idle(), waiting) if pause is not None]
                bell.wait(min(pauses) if pauses else None)
            return bell.rung
        finally:
            self.end()
            bell.close()

    def tend(self, bell: Bell) -> float | None:
        """Starts what does not run. Gives the seconds until the next look when something must wait for its start."""
        for member in self.members:
            status = member.has_ended()
            if status is not None:
                how = f"status {status}" if status >= 0 else f"signal {-status}"
                self.say(f"  {member.program.name:<10} ended with {how}; it is started again")
        started = [member for member in self.members if member.start_if_due(time.monotonic())]
        for member in started:
            pid = member.process.pid if member.process else 0
            self.say(f"  {member.program.name:<10} process {pid:<7} {member.program.purpose}")
        bell.forget()
        bell.watch(member.process.pid for member in self.members if member.process)
        return 1.0 if any(member.process is None for member in self.members) else None

    def end(self) -> None:
        """Asks all to end, and ends them after 8 s."""
        running = [member.process for member in self.members if member.process]
        for process in running:
            process.terminate()
        deadline = time.monotonic() + ENDS_WITHIN
        for process in running:
            try:
                process.wait(max(deadline - time.monotonic(), 0.1))
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

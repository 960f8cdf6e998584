"""Processes of this machine: who we are, who still lives, and children that never outlive their parent (Linux)."""

import ctypes
import os
import select
import signal
import socket
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from types import FrameType

PR_SET_PDEATHSIG = 1
PR_SET_CHILD_SUBREAPER = 36
LIBC = ctypes.CDLL(None, use_errno=True)
_forking_parent = 0


@dataclass(frozen=True, slots=True)
class Process:
    """One process for ever: ids are used again, so its start time (in ticks since boot) belongs to it."""

    host: str
    pid: int
    start: str

    def __str__(self) -> str:
        return f"{self.host} {self.pid} {self.start}"

    @classmethod
    def parse(cls, text: str) -> "Process | None":
        """The process that `str()` of it told; None for an empty text."""
        if not text:
            return None
        host, pid, start = text.rsplit(" ", 2)
        return cls(host, int(pid), start)


@lru_cache(maxsize=1)
def host() -> str:
    """This machine as processes see it: its name, its boot, and its space of process ids (containers may share a name)."""
    boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    space = Path("/proc/self/ns/pid").readlink().name.strip("pid:[]")
    return f"{os.uname().nodename}/{boot}/{space}"


def start_time(pid: int) -> str | None:
    """When a process started, in ticks since boot; None when it is gone (one that nobody waited for is gone too)."""
    fields = _stat(pid)
    return fields[19] if fields and fields[0] not in {"Z", "X"} else None


def myself() -> Process:
    """This process."""
    pid = os.getpid()
    return Process(host(), pid, start_time(pid) or "")


def known_dead(process: Process) -> bool:
    """Whether it ran on this machine and is certainly gone. About other machines nothing is known."""
    return process.host == host() and start_time(process.pid) != process.start


def children(pid: int) -> list[int]:
    """The ids of the processes that `pid` started and that still live."""
    try:
        tasks = list(Path(f"/proc/{pid}/task").iterdir())
        found = [int(word) for task in tasks for word in (task / "children").read_text().split()]
    except OSError:  # a kernel without this list
        found = [child for child in _all() if (fields := _stat(child)) and fields[1] == str(pid)]
    return [child for child in found if start_time(child)]


def _all() -> list[int]:
    return [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit()]


def _stat(pid: int) -> list[str]:
    """The fields of /proc/<pid>/stat after the name: [0] state, [1] parent, [19] start time."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return []


def die_with_parent(by: int = signal.SIGKILL) -> None:
    """Asks the kernel to send us `by` when the thread that started us ends, however it ends."""
    LIBC.prctl(PR_SET_PDEATHSIG, by, 0, 0, 0)


def adopt_orphans() -> None:
    """Makes this process the parent of what its children leave behind, so that `reap` can wait for it."""
    LIBC.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def reap() -> None:
    """Waits for every child that has ended, without blocking."""
    with suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass


def forks_die_with_parent() -> None:
    """From now on every fork of this process, and every fork of those forks, dies with the one that forked it.

    The kernel's own setting ends at each fork, so that the whole tree would not hear of a killed root.
    """
    os.register_at_fork(before=_remember_parent, after_in_child=_follow_parent)


def _remember_parent() -> None:
    global _forking_parent  # noqa: PLW0603
    _forking_parent = os.getpid()


def _follow_parent() -> None:
    die_with_parent()
    if os.getppid() != _forking_parent:
        os._exit(1)


def child_of(parent: int) -> Callable[[], None]:
    """What a new child does before it becomes its program: no inherited signal mask, and death with its parent."""

    def prepare() -> None:
        signal.pthread_sigmask(signal.SIG_SETMASK, [])
        die_with_parent()
        if os.getppid() != parent:
            os._exit(1)

    return prepare


class Bell:
    """Sleeps until a signal comes, a watched process ends, or time runs out; costs nothing meanwhile. Main thread only."""

    def __init__(self, *signals: signal.Signals) -> None:
        self.rung: signal.Signals | None = None
        self._poll = select.poll()
        self._reader, self._writer = socket.socketpair()
        for end in (self._reader, self._writer):
            end.setblocking(False)
        self._poll.register(self._reader, select.POLLIN)
        self._watched: dict[int, int] = {}
        self._before = {name: signal.signal(name, self._ring) for name in signals}
        self._wakeup = signal.set_wakeup_fd(self._writer.fileno(), warn_on_full_buffer=False)

    def _ring(self, number: int, _frame: FrameType | None) -> None:
        self.rung = signal.Signals(number)

    def watch(self, pids: Iterable[int]) -> None:
        """Wakes also when one of these ends. One that has ended already wakes at once."""
        for pid in pids:
            try:
                handle = os.pidfd_open(pid)
            except OSError:  # gone, or an old kernel: whoever waits with a timeout sees it then
                continue
            self._watched[handle] = pid
            self._poll.register(handle, select.POLLIN)

    def forget(self) -> None:
        """Watches no process any more."""
        for handle in self._watched:
            self._poll.unregister(handle)
            os.close(handle)
        self._watched.clear()

    def wait(self, seconds: float | None) -> bool:
        """Whether something rang within `seconds` (None: as long as it takes)."""
        found = self._poll.poll(None if seconds is None else max(seconds, 0) * 1000)
        with suppress(BlockingIOError):
            self._reader.recv(4096)
        return bool(found)

    def close(self) -> None:
        """Gives the signals back."""
        self.forget()
        signal.set_wakeup_fd(self._wakeup)
        for name, handler in self._before.items():
            signal.signal(name, handler)
        self._reader.close()
        self._writer.close()


def wait_until_gone(processes: Iterable[Process], seconds: float) -> bool:
    """Whether all of these are gone within `seconds`."""
    deadline = time.monotonic() + seconds
    left = list(processes)
    while left := [process for process in left if not known_dead(process)]:
        if time.monotonic() > deadline:
            return False
        time.sleep(0.01)
    return True

"""Child processes that die with the test which started them."""

import os
import select
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path


class DidNotStart(RuntimeError):
    """A helper process ended, or stayed silent, before it was ready."""


def start(
    command: Sequence[str | Path],
    *,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    log: Path | None = None,
    dies_by: str = "SIGKILL",
    inherit: bool = True,
) -> subprocess.Popen[str]:
    """Start a child in a session of its own that gets the signal `dies_by` when this process ends, however it ends.

    Its output goes to `log`; without one, stdout is a pipe and stderr is ours. `env` is added to our environment, or is all
    of it when the child does not `inherit`.
    """
    words = ["setpriv", "--pdeathsig", dies_by, *map(str, command)]
    environment = {**(os.environ if inherit else {}), **(env or {})}
    if log is None:
        return subprocess.Popen(
            words,
            env=environment,
            cwd=cwd,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
    with log.open("ab") as output:
        return subprocess.Popen(
            words,
            env=environment,
            cwd=cwd,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            text=True,
            start_new_session=True,
        )


def stop(process: subprocess.Popen[str], *, wait: float = 10, with_group: bool = False) -> None:
    """Ask a child to end, and make it end after `wait` seconds; `with_group` also ends what it started."""
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(wait)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
    if with_group:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
    if process.stdout is not None:
        process.stdout.close()


@contextmanager
def running(
    command: Sequence[str | Path],
    *,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Run a server for the length of the block and give the first line that it prints, which tells its address."""
    process = start(command, env=env, cwd=cwd)
    try:
        yield process, first_line(process)
    finally:
        stop(process)


def first_line(process: subprocess.Popen[str], *, seconds: float = 20) -> str:
    """Return the first line that a child prints, without its line end."""
    assert process.stdout is not None
    ready, _, _ = select.select([process.stdout], [], [], seconds)
    line = process.stdout.readline().strip() if ready else ""
    if not line:
        stop(process)
        raise DidNotStart(f"{process.args!r} printed nothing; it ended with {process.returncode}")
    return line


def tree(pid: int) -> list[int]:
    """Return the ids of a process and of everything below it, as /proc shows it at this moment."""
    children: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                stat = (entry / "stat").read_text()
            except OSError:
                continue
            fields = stat.rpartition(")")[2].split()
            if fields[0] != "Z":
                children.setdefault(int(fields[1]), []).append(int(entry.name))
    found, frontier = [], [pid]
    while frontier:
        found += frontier
        frontier = [child for parent in frontier for child in children.get(parent, [])]
    return found


def cpu_seconds(pids: Sequence[int]) -> float:
    """Return the processor time that these processes and their ended, waited-for children have used so far."""
    ticks = 0
    for pid in pids:
        try:
            stat = Path(f"/proc/{pid}/stat").read_text()
        except OSError:
            continue
        ticks += sum(map(int, stat.rpartition(")")[2].split()[11:15]))
    return ticks / os.sysconf("SC_CLK_TCK")


def wait_until_gone(pids: Sequence[int], *, seconds: float = 10) -> bool:
    """Wait until none of these processes is left; False when time ran out."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if not any(Path(f"/proc/{pid}").exists() for pid in pids):
            return True
        time.sleep(0.05)
    return False

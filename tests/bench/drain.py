"""One measurement: start workers on a full queue, and watch at the sink how it drains."""

import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.bench.sink import Counts, RunningSink
from tests.support import processes


@dataclass(frozen=True, slots=True)
class Measured:
    """What one runner reached; rates are between the first and the last change at the sink."""

    name: str
    count: int
    delivered: int
    per_second: float
    start_seconds: float
    cpu_per_thousand: float
    duplicates: int
    disorders: int
    intake_per_second: float | None = None
    note: str = ""


class RunnerFailed(RuntimeError):
    """A runner could not be filled, ended by itself, or delivered nothing."""


class Drain:
    """Watches one queue drain, with the processor time of its workers and servers."""

    def __init__(self, sink: RunningSink, directory: Path, *, limit_seconds: float = 180) -> None:
        self.sink = sink
        self.directory = directory
        self.limit_seconds = limit_seconds

    def run(
        self,
        name: str,
        command: Sequence[str | Path],
        *,
        count: int,
        env: Mapping[str, str] | None = None,
        servers: Sequence[int] = (),
        intake_seconds: float | None = None,
        note: str = "",
    ) -> Measured:
        """Start the workers, wait until `count` changes arrived or time is over, and end the workers."""
        self.sink.reset()
        log = self.directory / f"{name}.log"
        begun = time.monotonic()
        process = processes.start(command, env=env, log=log, dies_by="SIGTERM")
        try:
            before = self._cpu(process, servers, self._wait(process, 1, begun))
            counts = self._wait(process, count, begun)
            after = self._cpu(process, servers, counts)
            died = process.poll() is not None
        finally:
            processes.stop(process, with_group=True)
        counts = self.sink.counts()
        if counts.distinct == 0 or (died and counts.distinct < count):
            raise RunnerFailed(f"{name}: {counts.distinct} of {count}\n{log.read_text(errors='replace')[-3000:]}")
        seconds = max(counts.last - counts.first, 1e-9)
        return Measured(
            name=name,
            count=count,
            delivered=counts.distinct,
            per_second=counts.distinct / seconds,
            start_seconds=counts.first - begun,
            cpu_per_thousand=1000 * (after[0] - before[0]) / max(1, after[1] - before[1]),
            duplicates=counts.duplicates,
            disorders=counts.disorders,
            intake_per_second=count / intake_seconds if intake_seconds else None,
            note=note,
        )

    def _wait(self, process: subprocess.Popen[str], wanted: int, begun: float) -> Counts:
        while (counts := self.sink.counts()).distinct < wanted:
            if time.monotonic() - begun > self.limit_seconds:
                break
            if process.poll() is not None:
                break
            time.sleep(0.02)
        return counts

    def _cpu(self, process: subprocess.Popen[str], servers: Sequence[int], counts: Counts) -> tuple[float, int]:
        """Return the processor seconds used so far, and the changes delivered by then."""
        pids = [pid for root in (process.pid, *servers) for pid in processes.tree(root)]
        return processes.cpu_seconds(pids), counts.distinct

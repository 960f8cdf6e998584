"""A policy file that tests write, with clocks that stand still."""

import itertools
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from portal.policy.file import Place, PolicyFile

LONG_AGO = 1_700_000_000.0
_ticks = itertools.count()


def save(path: Path, content: str | bytes) -> None:
    """Writes a file as if that was long ago, later than the one before."""
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    moment = LONG_AGO + next(_ticks) * 10
    os.utime(path, (moment, moment))


@dataclass
class Clock:
    """Both clocks of a policy file; sleeping moves them."""

    time: float = LONG_AGO * 2
    slept: list[float] = field(default_factory=list)
    looks: int = 0

    def __call__(self) -> float:
        return self.time

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.time += seconds


def opened(path: Path, clock: Clock, place: Callable[[], Place] | None = None) -> PolicyFile:
    """A policy file at `path` as a process that starts now sees it."""

    def there() -> Place:
        clock.looks += 1
        return Place(path, path.name, path.parent / "kept" / "policy.yml")

    return PolicyFile(place or there, monotonic=clock, wall=clock, sleep=clock.sleep)

"""Whether a score gets better or worse: the mean of the last third of its snapshots less the mean of the first third."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

LEAST = 6
STEADY = 3.0


class Direction(StrEnum):
    """Where a score goes."""

    IMPROVING = "improving"
    STABLE = "stable"
    DECLINING = "declining"


@dataclass(frozen=True, slots=True)
class Trend:
    """The direction, by how many points, and over how long."""

    direction: Direction
    delta: float
    span: timedelta


def trend(snapshots: Sequence[tuple[datetime, float | None]]) -> Trend | None:
    """The trend of these scores in order of time; None when fewer than six of them are known. Less than 3 points is stable."""
    known = [(at, score) for at, score in snapshots if score is not None]
    if len(known) < LEAST:
        return None
    third = len(known) // 3
    delta = _mean([score for _, score in known[-third:]]) - _mean([score for _, score in known[:third]])
    moved = Direction.IMPROVING if delta > 0 else Direction.DECLINING
    return Trend(moved if abs(delta) >= STEADY else Direction.STABLE, delta, known[-1][0] - known[0][0])


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)

"""What the supervisor does about a duty and about a cluster that died. Pure: monotonic seconds are passed in."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

HELD_WITHIN = 10.0
SHORT_RUN = 5.0
FREE_RESTARTS = 6
RESTART_WINDOW = 60.0
LONGEST_PAUSE = 30.0


class Step(Enum):
    """What to do about one duty now."""

    WAIT = "wait"
    ENQUEUE = "enqueue"
    RESTART = "restart"


@dataclass(frozen=True, slots=True)
class Enqueued:
    """A duty that was handed to the cluster and not yet seen running."""

    at: float
    fence: int


@dataclass(frozen=True, slots=True)
class Seen:
    """A duty as its lock tells it now."""

    held: bool
    stopped: bool
    fence: int


def next_step(seen: Seen, enqueued: Enqueued | None, not_before: float, now: float) -> Step:
    """Enqueue what nobody runs; a cluster that leaves a duty untouched for 10 s is broken and must be started anew."""
    if seen.held or seen.stopped:
        return Step.WAIT
    if enqueued is None or seen.fence != enqueued.fence:  # never handed over, or it ran and has ended
        return Step.ENQUEUE if now >= not_before else Step.WAIT
    return Step.RESTART if now - enqueued.at >= HELD_WITHIN else Step.WAIT


def pause_after(failures: int) -> float:
    """Seconds to wait before the next start after so many runs in a row that ended at once: 0, 1, 2, 4, … 30."""
    return 0.0 if failures <= 0 else min(2.0 ** (failures - 1), LONGEST_PAUSE)


def restart_pause(starts: Sequence[float], now: float) -> float:
    """Seconds to wait before a cluster is started again: none for six starts a minute, then 1, 2, 4, … 30."""
    recent = sum(1 for start in starts if now - start < RESTART_WINDOW)
    return pause_after(recent - FREE_RESTARTS + 1)

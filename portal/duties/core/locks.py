"""When a duty's lock may be taken, and when its holder has to end. Pure: `now` and what is known of processes are passed in."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from portal.kit.processes import Process

BEAT = 2.0
STALE = timedelta(seconds=10)
RUN = 600.0
END_WITHIN = 5.0

IsDead = Callable[[Process], bool]


@dataclass(frozen=True, slots=True)
class Hold:
    """What a lock's row says: who holds it, since which fence, when it last beat, and who asked it to stop until when."""

    duty: str
    fence: int = 0
    owner: str = ""
    holder: Process | None = None
    heartbeat_at: datetime | None = None
    stopper: Process | None = None
    stop_until: datetime | None = None


def is_held(hold: Hold, now: datetime, is_dead: IsDead) -> bool:
    """Whether somebody runs the duty: the last beat is younger than 10 s and its process is not known to be dead."""
    if hold.holder is None or hold.heartbeat_at is None:
        return False
    return now - hold.heartbeat_at < STALE and not is_dead(hold.holder)


def is_stopped(hold: Hold, now: datetime, is_dead: IsDead) -> bool:
    """Whether the duty must not run now. A request to stop ends with its time, and with the process that made it."""
    if hold.stopper is None or hold.stop_until is None:
        return False
    return now < hold.stop_until and not is_dead(hold.stopper)


def is_free(hold: Hold, now: datetime, is_dead: IsDead) -> bool:
    """Whether the lock may be taken."""
    return not is_held(hold, now, is_dead) and not is_stopped(hold, now, is_dead)


def owner_name(duty: str, fence: int, process: Process) -> str:
    """The name of one holding of a duty, unique for ever: `pump-0#17@host:4711`. It starts with the duty's name and "#"."""
    return f"{duty}#{fence}@{process.host.partition('/')[0]}"[: 80 - 12] + f":{process.pid}"

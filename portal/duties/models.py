"""Who runs what in the background."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from django.db import models
from django.db.models.functions import Now

from portal.duties.core.locks import Hold, is_free, owner_name
from portal.kit import processes
from portal.kit.processes import Process

NEVER = datetime.min.replace(tzinfo=UTC)


class ProcessingLockQuerySet(models.QuerySet["ProcessingLock"]):
    """The moves of a lock. Each is one compare-and-set, and the database's clock is the only one: hosts' clocks differ."""

    def holds(self, duties: Iterable[str]) -> tuple[dict[str, Hold], datetime]:
        """What the locks of these duties say, with the moment of reading; a duty that never ran is left out."""
        rows = list(self.filter(duty__in=list(duties)).annotate(clock=Now()))
        return {row.duty: row.hold() for row in rows}, _clock(rows[0]) if rows else NEVER

    def take(self, duty: str, me: Process) -> Hold | None:
        """The lock of `duty`, ours from now on; None when somebody else holds it or it is asked to stop."""
        self.bulk_create([self.model(duty=duty)], ignore_conflicts=True)
        row = self.annotate(clock=Now()).get(duty=duty)
        seen, clock = row.hold(), _clock(row)
        if not is_free(seen, clock, processes.known_dead):
            return None
        fence = seen.fence + 1
        owner = owner_name(duty, fence, me)
        unchanged = self.filter(duty=duty, fence=seen.fence, stopped_by=row.stopped_by)
        if seen.heartbeat_at is not None:
            unchanged = unchanged.filter(heartbeat_at__lte=seen.heartbeat_at)
        taken = unchanged.update(
            owner=owner, host=me.host, pid=me.pid, process_start=me.start, fence=fence, heartbeat_at=Now()
        )
        return Hold(duty=duty, fence=fence, owner=owner, holder=me, heartbeat_at=clock) if taken else None

    def beat(self, hold: Hold) -> tuple[Hold, datetime] | None:
        """Says that the holder lives, and tells what the lock says now; None when it was taken over."""
        if not self.filter(duty=hold.duty, fence=hold.fence, owner=hold.owner).update(heartbeat_at=Now()):
            return None
        row = self.annotate(clock=Now()).get(duty=hold.duty)
        return row.hold(), _clock(row)

    def release(self, hold: Hold, *, well: bool = False) -> bool:
        """Gives the lock back, if it is still ours. One that ended `well` leaves its last beat: the next holder is about to come."""
        ours = self.filter(duty=hold.duty, fence=hold.fence, owner=hold.owner)
        return bool(ours.update(owner="", host="", pid=None, process_start="", heartbeat_at=Now() if well else None))

    def ask_to_stop(self, duties: Iterable[str], me: Process, span: timedelta) -> None:
        """Keeps these duties from running for `span`, or as long as this process lives if that is shorter."""
        names = list(duties)
        self.bulk_create([self.model(duty=name) for name in names], ignore_conflicts=True)
        self.filter(duty__in=names).update(stopped_by=str(me), stop_until=Now() + span)

    def let_run(self, me: Process) -> None:
        """Takes back what `ask_to_stop` asked for."""
        self.filter(stopped_by=str(me)).update(stopped_by="", stop_until=None)


class ProcessingLock(models.Model):
    """Who runs a duty now. `fence` grows with each take-over; until `stop_until`, `stopped_by` wants it not to run."""

    duty = models.CharField(max_length=40, primary_key=True)
    owner = models.CharField(max_length=80, blank=True, default="")
    host = models.CharField(max_length=255, blank=True, default="")
    pid = models.PositiveIntegerField(null=True)
    process_start = models.CharField(max_length=40, blank=True, default="")
    fence = models.PositiveIntegerField(default=0)
    heartbeat_at = models.DateTimeField(null=True)
    stopped_by = models.CharField(max_length=300, blank=True, default="")
    stop_until = models.DateTimeField(null=True)

    objects = ProcessingLockQuerySet.as_manager()

    def __str__(self) -> str:
        return self.duty

    def hold(self) -> Hold:
        """The row as the rules see it."""
        return Hold(
            duty=self.duty,
            fence=self.fence,
            owner=self.owner,
            holder=Process(self.host, self.pid, self.process_start) if self.pid else None,
            heartbeat_at=self.heartbeat_at,
            stopper=Process.parse(self.stopped_by),
            stop_until=self.stop_until,
        )


def _clock(row: ProcessingLock) -> datetime:
    """The database's time, where a query asked for it."""
    read: datetime = vars(row)["clock"]
    return read

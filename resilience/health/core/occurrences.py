"""When planned maintenance takes place.

A plan is once, from `starts_at` to `ends_at`, or recurring: a cron line of five fields says on the clock of its zone when
a window starts, and each lasts so many minutes of real time. Where the clock jumps over a start, the window starts at the
first moment after the gap; where the clock shows a start twice, the first one counts. A plan that is called off ends at that
moment; what was before it stays true. Windows are half-open: one that ends at 04:00 is over at 04:00.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from itertools import islice, pairwise, takewhile
from typing import Generic, Protocol, TypeVar
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from cronsim import CronSim, CronSimError

LONGEST = timedelta(days=7)
"""The longest window of a recurring plan."""
MOST = 10_000
"""So many starts of one plan are looked at in one question."""
FIELDS = 5
SECOND = timedelta(seconds=1)
ANY_TIME = datetime(2026, 1, 1, tzinfo=UTC)


class Planned(Protocol):
    """What a plan says; `Maintenance` is one. `schedule` is empty for once, `ends_at` None for a recurring one without an end."""

    @property
    def starts_at(self) -> datetime: ...
    @property
    def ends_at(self) -> datetime | None: ...
    @property
    def schedule(self) -> str: ...
    @property
    def minutes(self) -> int: ...
    @property
    def time_zone(self) -> str: ...
    @property
    def called_off_at(self) -> datetime | None: ...


PlanT = TypeVar("PlanT", bound=Planned)


@dataclass(frozen=True, slots=True, order=True)
class Window:
    """One time of maintenance, in UTC: from `starts_at` up to and without `ends_at`."""

    starts_at: datetime
    ends_at: datetime

    def holds(self, at: datetime) -> bool:
        """Whether `at` is within it."""
        return self.starts_at <= at < self.ends_at


@dataclass(frozen=True, slots=True)
class Active(Generic[PlanT]):
    """A plan whose window is now."""

    plan: PlanT
    window: Window


def active_at(plans: Iterable[PlanT], now: datetime) -> list[Active[PlanT]]:
    """Those whose window is at `now`, the one that ends last first."""
    found = [Active(plan, window) for plan in plans if (window := window_at(plan, now))]
    return sorted(found, key=lambda one: one.window.ends_at, reverse=True)


def window_at(plan: Planned, now: datetime) -> Window | None:
    """The window of this plan that holds `now`; None when there is none."""
    return next((window for window in windows_between(plan, now, now + SECOND) if window.holds(now)), None)


def next_window(plan: Planned, now: datetime) -> Window | None:
    """The first window that starts after `now`; None when none will, or the schedule cannot be read."""
    end = _end(plan)
    start = next(_starts(plan, now), None)
    if start is None or (end is not None and start >= end):
        return None
    window = Window(start, _until(plan, start, end))
    return window if window.ends_at > start else None


def next_windows(plan: Planned, now: datetime, n: int) -> list[Window]:
    """The first `n` windows that start after `now`."""
    found: list[Window] = []
    while len(found) < n and (window := next_window(plan, found[-1].starts_at if found else now)):
        found.append(window)
    return found


def windows_between(plan: Planned, since: datetime, until: datetime) -> list[Window]:
    """The windows that share a moment with the time from `since` up to `until`, whole, in order; those that touch or overlap are one."""
    end = _end(plan)
    length = timedelta(minutes=plan.minutes) if plan.schedule else max((end or since) - plan.starts_at, timedelta(0))
    starts = takewhile(
        lambda start: start < until and (end is None or start < end), _starts(plan, since - length - SECOND)
    )
    found = (Window(start, _until(plan, start, end)) for start in starts)
    return [window for window in joined(found) if window.ends_at > since]


def joined(windows: Iterable[Window]) -> list[Window]:
    """The same times, in order, with those that touch or overlap as one."""
    found: list[Window] = []
    for window in sorted(windows):
        if found and window.starts_at <= found[-1].ends_at:
            found[-1] = Window(found[-1].starts_at, max(found[-1].ends_at, window.ends_at))
        elif window.ends_at > window.starts_at:
            found.append(window)
    return found


def over_at(plans: Sequence[Planned], now: datetime) -> datetime | None:
    """When the maintenance of `now` is over: the end of the last of those that follow each other without a gap; None when there is none."""
    until = None
    for _step in range(100):
        ends = [window.ends_at for plan in plans if (window := window_at(plan, until or now))]
        if not ends:
            break
        until = max(ends)
    return until


def is_over(plan: Planned, now: datetime) -> bool:
    """Whether nothing of it is now or comes later."""
    return window_at(plan, now) is None and next_window(plan, now) is None


def readable(schedule: str) -> bool:
    """Whether this is a cron line of five fields that comes about at all."""
    return next(_ticks(schedule, UTC, ANY_TIME), None) is not None


def overlaps_itself(schedule: str, minutes: int) -> bool:
    """Whether a window would start before the one before it has ended, not counting the changes of summer time."""
    starts = list(islice(_ticks(schedule, UTC, ANY_TIME), 200))
    return any(later - start < timedelta(minutes=minutes) for start, later in pairwise(starts))


def zone_of(name: str) -> ZoneInfo | None:
    """The zone of this name; None when there is none."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return None


def _end(plan: Planned) -> datetime | None:
    """The moment from which on nothing of it holds."""
    ends = [one for one in (plan.ends_at, plan.called_off_at) if one is not None]
    return min(ends, default=None)


def _until(plan: Planned, start: datetime, end: datetime | None) -> datetime:
    if not plan.schedule:
        return end or start
    until = start + timedelta(minutes=plan.minutes)
    return until if end is None else min(until, end)


def _starts(plan: Planned, after: datetime) -> Iterator[datetime]:
    """The starts of its windows after `after`, in UTC, rising."""
    if not plan.schedule:
        yield from [plan.starts_at.astimezone(UTC)] if plan.starts_at > after else []
        return
    zone = zone_of(plan.time_zone)
    if zone is None:
        return
    yield from _ticks(plan.schedule, zone, max(after, plan.starts_at - SECOND))


def _ticks(schedule: str, zone: tzinfo, after: datetime) -> Iterator[datetime]:
    """The moments after `after`, in UTC and rising; none when the schedule cannot be read."""
    if len(schedule.split()) != FIELDS:
        return
    try:
        ticks = CronSim(schedule, after.astimezone(zone))
    except CronSimError:
        return
    last = after
    for tick in islice(ticks, MOST):
        at = tick.astimezone(UTC)
        if at > last:  # an hour that the clock shows twice makes it step back
            last = at
            yield at

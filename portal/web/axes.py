"""The axes of charts and timelines: round figures at the side, round times below, each with its place in percent of the box."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from math import ceil

from django.utils import formats, timezone

from portal.web.formats import GAP

STEPS = (1, 2, 5)
LINES = 3
"""So many lines stand above the lowest."""
HOUR = 3600
DAY = 24 * HOUR
MOST_TICKS = 7
TIMES = (300, 900, 1800, HOUR, 2 * HOUR, 6 * HOUR, 12 * HOUR)
"""How far apart the times below a chart stand, in seconds."""


@dataclass(frozen=True, slots=True)
class Tick:
    """A line across or a time below: where (percent of the box) and what it says. `minor` ones go first when space is short."""

    at: str
    label: str
    minor: bool = False


def percent(value: float) -> str:
    """A share of the box as SVG wants it, in any language."""
    return f"{value:.2f}%"


def ceiling(highest: float) -> float:
    """The least of 5, 10, 20, 50, … that is not below the highest figure, so that the lines stand at round figures."""
    scale = 1.0
    while True:
        for step in STEPS:
            if highest <= step * scale * LINES:
                return step * scale * LINES
        scale *= 10


def dates_below(start: datetime, end: datetime) -> list[Tick]:
    """Round times below a chart of any length: hours, days or months."""
    if (end - start).total_seconds() <= 2 * DAY:
        return times_below(start, end, 0.82)
    first, last = timezone.localtime(start).date() + timedelta(days=1), timezone.localtime(end).date()
    days = (last - first).days
    if days > 100:
        shown = [day for day in _days(first, last) if day.day == 1 and day.month % (2 if days > 200 else 1) == 0]
    else:
        step = next((step for step in (1, 2, 5, 7, 14) if days / step <= MOST_TICKS), 30)
        shown = [day for day in _days(first, last) if (last - day).days % step == 0]
    whole = (end - start).total_seconds()
    ticks: list[Tick] = []
    for day in shown:
        share = (_midnight(day) - start).total_seconds() / whole
        if 0.03 < share < 0.9:
            label = formats.date_format(day, "M") if days > 100 else f"{day.day}{GAP}{formats.date_format(day, 'M')}"
            ticks.append(Tick(percent(share * 100), label, minor=len(ticks) % 2 == 0))
    return ticks


def _days(first: date, last: date) -> list[date]:
    return [first + timedelta(days=n) for n in range((last - first).days + 1)]


def _midnight(day: date) -> datetime:
    return timezone.make_aware(datetime.combine(day, time.min))


def times_below(start: datetime, end: datetime, most: float = 0.88) -> list[Tick]:
    """Round times below a plot; none close to its end, where "now" stands."""
    found = round_times(start, end, TIMES, MOST_TICKS)
    shown = [(share, at) for share, at in found if 0.04 < share < most]
    return [Tick(percent(share * 100), clock(at), minor=n % 2 == 0) for n, (share, at) in enumerate(shown)]


def round_times(start: datetime, end: datetime, steps: Sequence[int], most: int) -> Iterator[tuple[float, datetime]]:
    """Round local times between two moments, by the least step (seconds) that makes no more than so many, with their shares of the way."""
    span = (end - start).total_seconds()
    step = next((step for step in steps if span / step <= most), steps[-1])
    local = timezone.localtime(start)
    midnight = local.replace(hour=0, minute=0, second=0, microsecond=0)
    at = midnight + timedelta(seconds=ceil((local - midnight).total_seconds() / step) * step)
    while at < end:
        yield (at - start).total_seconds() / span, at
        at += timedelta(seconds=step)


def clock(at: datetime) -> str:
    """The time of day for the reader."""
    return f"{timezone.localtime(at):%H:%M}"

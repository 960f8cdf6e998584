"""When an outage is likely to be over, and who says so.

In this order: what a person said, the end of a planned maintenance, the median of past outages that lasted longer than this one has by now
(at least three), the next test with as many good answers as are needed, else nobody knows. What was said does not move: when its time has
passed, it is overdue.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from statistics import median

LEAST_PAST = 3
MOST_PAST = 10


class Source(StrEnum):
    """Who says when it is over."""

    PERSON = "person"
    MAINTENANCE = "maintenance"
    PAST = "past"
    TEST = "test"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Expected:
    """The expected end of an outage. `low` and `high` are the middle half of `n` past outages, in seconds; `text` is a person's."""

    source: Source = Source.UNKNOWN
    at: datetime | None = None
    text: str = ""
    low: float | None = None
    high: float | None = None
    n: int = 0
    median: float | None = None

    def overdue(self, now: datetime) -> bool:
        """Whether its time has passed."""
        return self.at is not None and now > self.at


@dataclass(frozen=True, slots=True)
class NextTest:
    """When the component is asked next, how many good answers make it up again, and the seconds between two of them."""

    at: datetime
    needed: int = 1
    interval: float = 0.0

    @property
    def earliest(self) -> datetime:
        """When it can be up again, if all goes well from now on."""
        return self.at + timedelta(seconds=self.interval * max(self.needed - 1, 0))


def expected(
    *,
    began: datetime,
    now: datetime,
    said: tuple[datetime | None, str] | None = None,
    maintenance_ends: datetime | None = None,
    past: Sequence[float] = (),
    tests: Sequence[NextTest] = (),
) -> Expected:
    """When an outage that began at `began` is likely to be over. `past`: how many seconds earlier outages took, the newest first."""
    if said is not None and (said[0] is not None or said[1]):
        return Expected(Source.PERSON, said[0], said[1])
    if maintenance_ends is not None and maintenance_ends > now:
        return Expected(Source.MAINTENANCE, maintenance_ends)
    longer = [seconds for seconds in past[:MOST_PAST] if began + timedelta(seconds=seconds) > now]
    if len(longer) >= LEAST_PAST:
        middle = median(longer)
        low, high = quartiles(longer)
        return Expected(Source.PAST, began + timedelta(seconds=middle), "", low, high, len(longer), middle)
    if tests:
        return Expected(Source.TEST, max(test.earliest for test in tests))
    return Expected()


def quartiles(values: Sequence[float]) -> tuple[float, float]:
    """The quarter and the three quarters of these values, on a straight line between neighbours."""
    ordered = sorted(values)
    return _at(ordered, 0.25), _at(ordered, 0.75)


def _at(ordered: Sequence[float], share: float) -> float:
    place = share * (len(ordered) - 1)
    below = int(place)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (ordered[above] - ordered[below]) * (place - below)

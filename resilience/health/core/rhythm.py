"""The rhythms that people plan in, as cron lines and back."""

import re
from dataclasses import dataclass
from datetime import time
from enum import StrEnum


class Every(StrEnum):
    """How often: `WEEK` on a day of the week, `MONTH` on a day of the month."""

    DAY = "day"
    WORKDAY = "workday"
    WEEK = "week"
    MONTH = "month"


LAST = 0
"""The day of a month that stands for its last one."""


@dataclass(frozen=True, slots=True)
class Rhythm:
    """`at` on the clock; `day` is 1 (Monday) to 7 for a week, 1 to 31 or `LAST` for a month, and nothing otherwise."""

    every: Every
    at: time
    day: int = 1


_LINE = re.compile(r"(\d{1,2}) (\d{1,2}) (\*|L|\d{1,2}) \* (\*|1-5|[0-7])", re.IGNORECASE)


def cron_of(rhythm: Rhythm) -> str:
    """The cron line of five fields that says the same."""
    start = f"{rhythm.at.minute} {rhythm.at.hour}"
    match rhythm.every:
        case Every.DAY:
            return f"{start} * * *"
        case Every.WORKDAY:
            return f"{start} * * 1-5"
        case Every.WEEK:
            return f"{start} * * {rhythm.day % 7}"
        case Every.MONTH:
            return f"{start} {rhythm.day or 'L'} * *"


def rhythm_of(schedule: str) -> Rhythm | None:
    """The rhythm that a cron line is; None when it is another one."""
    found = _LINE.fullmatch(" ".join(schedule.split()))
    if found is None:
        return None
    minute, hour, day, weekday = found.groups()
    if int(minute) > 59 or int(hour) > 23:
        return None
    at = time(int(hour), int(minute))
    if day == "*":
        if weekday == "*":
            return Rhythm(Every.DAY, at)
        return Rhythm(Every.WORKDAY, at) if weekday == "1-5" else Rhythm(Every.WEEK, at, int(weekday) or 7)
    number = LAST if day in "lL" else int(day)
    fits = weekday == "*" and (day in "lL" or 1 <= number <= 31)
    return Rhythm(Every.MONTH, at, number) if fits else None

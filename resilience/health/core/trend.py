"""Whether a score gets better or worse: how far it has moved since it last turned."""

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


def trend(line: Sequence[tuple[datetime, float | None]]) -> Trend | None:
    """The trend of these scores in order of time, the last one the present; None when that or all but five are not known.

    It goes from the last turn to now: from the score that is farthest from the present one, and came after the last move of three points
    the other way. While all were less than 3 points from the present one it is stable, from the first of them.
    """
    known = [(at, score) for at, score in line if score is not None]
    if len(known) < LEAST or line[-1][1] is None:
        return None
    at, score = turn_at, turn = known[-1]
    for before_at, before in reversed(known):
        if abs(turn - score) >= STEADY and abs(before - turn) >= STEADY and (before > turn) is (score > turn):
            break
        if abs(before - score) > abs(turn - score):
            turn_at, turn = before_at, before
    if abs(score - turn) < STEADY:
        first_at, first = known[0]
        return Trend(Direction.STABLE, score - first, at - first_at)
    return Trend(Direction.IMPROVING if score > turn else Direction.DECLINING, score - turn, at - turn_at)

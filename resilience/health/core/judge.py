"""How a probe stands after one more result. Pure.

            1 good or slow                 3 failures in a row
    none ───────────────────▶ up ─────────────────────────────────▶ down
      │                      ▲  │ 3 slow in a row                  ▲  │ 2 good or slow in a row
      │ 3 failures in a row  │  ▼                                  │  ▼
      └──────▶ down          slow ─────────────────────────────────┘  up, or slow when all of them were
                      2 fast in a row: up

One bad result among good ones changes nothing, and one good one among bad ones changes nothing. A change began with the first result of
the row that brought it about, and is noticed with the last.
"""

from dataclasses import dataclass
from datetime import datetime

from resilience.health.core.states import State


@dataclass(frozen=True, slots=True)
class Standing:
    """How a probe stands: `failures`, `successes` and `slows` count results in a row (while it is slow, `successes` are fast ones).

    `streak_at` is when the row began that speaks against `state`; None when the last result agrees with it.
    """

    state: State = State.NONE
    since: datetime | None = None
    failures: int = 0
    successes: int = 0
    slows: int = 0
    streak_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Change:
    """A change of state, at the moment that it began."""

    before: State
    after: State
    at: datetime


def judge(
    standing: Standing, *, ok: bool, slow: bool = False, at: datetime, down_after: int = 3, up_after: int = 2
) -> tuple[Standing, Change | None]:
    """The standing after a result that was asked for `at`, and the change that it brought about, if any."""
    failures, successes, slows = _counted(standing, ok, slow)
    if _wanted(standing.state, ok, slow) is standing.state:
        return Standing(standing.state, standing.since, failures, successes, slows), None
    began = standing.streak_at if _goes_on(standing, ok, slow) and standing.streak_at else at
    counted = Standing(standing.state, standing.since, failures, successes, slows, began)
    after = _reached(counted, ok, down_after, up_after)
    if after is standing.state:
        return counted, None
    fast = 0 if after is State.SLOW else successes
    slowly = 0 if after is State.UP else slows
    return Standing(after, began, failures, fast, slowly), Change(standing.state, after, began)


def forgotten(standing: Standing, at: datetime) -> tuple[Standing, Change | None]:
    """The standing when nothing is known any more since `at`; what was counted before says nothing about what comes."""
    if standing.state is State.NONE:
        return Standing(State.NONE, standing.since), None
    return Standing(State.NONE, at), Change(standing.state, State.NONE, at)


def speaks_against(state: State, *, ok: bool, slow: bool) -> bool:
    """Whether a result may change a probe of this state, so that it should be judged at once."""
    return _wanted(state, ok, slow) is not state


def _counted(standing: Standing, ok: bool, slow: bool) -> tuple[int, int, int]:
    """Failures, successes and slow ones in a row."""
    if not ok:
        return standing.failures + 1, 0, 0
    if not slow:
        return 0, standing.successes + 1, 0
    return 0, 0 if standing.state is State.SLOW else standing.successes + 1, standing.slows + 1


def _reached(counted: Standing, ok: bool, down_after: int, up_after: int) -> State:
    """The state after a row that speaks against the present one."""
    state = counted.state
    if not ok:
        return State.DOWN if counted.failures >= down_after else state
    if state is State.NONE:
        return State.UP
    if state is State.DOWN:  # slow and fast in turn is up: what counts is that it answers
        up = State.SLOW if counted.slows >= up_after else State.UP
        return up if counted.successes >= up_after else state
    if state is State.SLOW:
        return State.UP if counted.successes >= up_after else state
    return State.SLOW if counted.slows >= down_after else state


def _wanted(state: State, ok: bool, slow: bool) -> State:
    """The state that a result speaks for."""
    if not ok:
        return State.DOWN
    return State.SLOW if slow else State.UP


def _goes_on(standing: Standing, ok: bool, slow: bool) -> bool:
    """Whether a result belongs to the row that already speaks against the state."""
    if not ok:
        return standing.failures > 0
    if standing.state is State.DOWN:
        return standing.successes > 0
    return standing.slows > 0 if slow else standing.successes > 0

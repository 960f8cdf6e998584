"""The moves of a shared breaker: whatever order they come in, what must hold holds."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resilience.breakers.core import shared as moves
from resilience.breakers.core.shared import DISABLED, FORCED_CLOSED, FORCED_OPEN, Shared
from resilience.patterns.config import BreakerConfig
from resilience.patterns.typing import State

pytestmark = pytest.mark.plain
START = datetime(2026, 11, 21, 12, tzinfo=UTC)
CONFIG = BreakerConfig(reset_timeout=60, reset_timeout_factor=2, reset_timeout_max=300, success_threshold=3)

Step = Callable[[Shared, datetime], Shared | None]


def _until(now: datetime) -> datetime:
    return now + timedelta(seconds=90)


STEPS: dict[str, Step] = {
    "trip": lambda known, now: moves.trip(known, now, CONFIG, "5 failures in a row"),
    "half_open": moves.half_open,
    "passed": lambda known, now: moves.passed(known, now, CONFIG),
    "failed": lambda known, now: moves.failed(known, now, CONFIG, "503"),
    "force_open": lambda known, now: moves.force_open(known, now, by="alice", reason="repairs", until=_until(now)),
    "force_closed": lambda known, now: moves.force_closed(known, now, by="alice", reason="ours", until=_until(now)),
    "disable": lambda known, now: moves.force_closed(
        known, now, by="alice", reason="noise", until=_until(now), disabled=True
    ),
    "reset": lambda known, now: moves.reset(known, now, reason="reset"),
    "test_now": lambda known, now: moves.test_now(known, now, reason="by hand"),
    "expire": moves.expire,
    "spare": lambda known, now: moves.spare(known, until=now + timedelta(seconds=20), reason="429"),
    "restarted": lambda known, now: moves.restarted(known, now, reason="another address"),
}
PAUSES = st.sampled_from([0.0, 1.0, 59.999, 60.0, 90.0, 4_000.0])
HISTORIES = st.lists(st.tuples(st.sampled_from(sorted(STEPS)), PAUSES), max_size=40)


def _walk(history: list[tuple[str, float]]) -> list[tuple[str, datetime, Shared, Shared | None]]:
    """Each step of a history with when it was, what was before and what came of it."""
    known, now, walked = Shared(since=START), START, []
    for name, pause in history:
        now += timedelta(seconds=pause)
        after = STEPS[name](known, now)
        walked.append((name, now, known, after))
        known = after or known
    return walked


@given(HISTORIES)
def test_every_change_is_a_new_version_and_each_change_of_state_a_new_generation(
    history: list[tuple[str, float]],
) -> None:
    """Neither ever goes back."""
    for _, _, before, after in _walk(history):
        if after is None:
            continue
        assert after.version > before.version
        assert after.generation >= before.generation
        if (after.state, after.forced) != (before.state, before.forced):
            assert after.generation > before.generation


@given(HISTORIES)
def test_each_state_has_its_own_fields_and_no_others(history: list[tuple[str, float]]) -> None:
    """Closed knows no cool-down, open always has one, half-open counts successes and is nobody's decree."""
    for _, now, _, after in _walk(history):
        match after:
            case None:
                continue
            case Shared(state=State.CLOSED):
                assert (after.opened_at, after.open_until, after.openings, after.successes) == (None, None, 0, 0)
                assert after.forced in ("", FORCED_CLOSED, DISABLED)
            case Shared(state=State.OPEN):
                assert after.open_until is not None
                assert after.opened_at is not None
                assert after.opened_at <= now
                assert after.openings >= 1
                assert after.forced in ("", FORCED_OPEN)
                assert after.successes == 0
            case _:
                assert after.open_until is None
                assert after.opened_at is not None
                assert 0 <= after.successes < CONFIG.success_threshold
                assert after.forced == ""
        assert bool(after.forced) == bool(after.forced_by) == (after.forced_until is not None)


@given(HISTORIES)
def test_since_is_when_it_came_to_its_state(history: list[tuple[str, float]]) -> None:
    """Also through decrees that leave the state as it is: an upstream that was never out gets no slow start from them."""
    for _, now, before, after in _walk(history):
        if after is not None:
            assert after.since == (before.since if after.state is before.state else now)


@given(HISTORIES, PAUSES)
def test_a_breaker_that_is_held_closed_never_trips_before_its_time_is_over(
    history: list[tuple[str, float]], pause: float
) -> None:
    """Nor does a disabled one; after that it trips at once, in one step."""
    for _, now, before, after in _walk(history):
        known = after or before
        later = now + timedelta(seconds=pause)
        tripped = STEPS["trip"](known, later)
        if known.forced in (FORCED_CLOSED, DISABLED) and known.forced_until and later < known.forced_until:
            assert tripped is None
        elif known.state is State.CLOSED:
            assert tripped is not None
            assert (tripped.state, tripped.forced) == (State.OPEN, "")


@given(HISTORIES)
def test_whatever_happened_it_can_close_again_without_anybody(history: list[tuple[str, float]]) -> None:
    """Forces end, cool-downs end, and enough good answers close it: there is no state to be stuck in."""
    walked = _walk(history)
    known, now = (walked[-1][3] or walked[-1][2], walked[-1][1]) if walked else (Shared(since=START), START)
    end = now + timedelta(hours=2)
    known = moves.expire(known, end) or known
    known = moves.half_open(known, end) or known
    for _ in range(CONFIG.success_threshold):
        known = moves.passed(known, end, CONFIG) or known
    assert (known.state, known.forced, known.openings) == (State.CLOSED, "", 0)


@given(HISTORIES, st.integers(1, 12))
def test_the_cool_down_grows_with_each_reopening_up_to_its_most(
    history: list[tuple[str, float]], reopenings: int
) -> None:
    """60, 120, 240, 300, 300 s, whatever was before; a closing in between begins again at 60."""
    walked = _walk([*history, ("reset", 0.0), ("trip", 0.0)])
    known, now = walked[-1][3], walked[-1][1]
    assert known is not None
    lasted = []
    for _ in range(reopenings):
        assert known.open_until is not None
        lasted.append((known.open_until - now).total_seconds())
        assert moves.half_open(known, known.open_until - timedelta(microseconds=1)) is None
        now = known.open_until
        known = moves.failed(moves.half_open(known, now) or known, now, CONFIG, "503")
        assert known is not None
    assert lasted == [60.0, 120.0, 240.0, *[300.0] * 9][:reopenings]


@given(HISTORIES)
def test_results_count_only_while_it_is_half_open(history: list[tuple[str, float]]) -> None:
    """A good or a bad answer says nothing about a breaker that is closed or open."""
    for _, now, before, after in _walk(history):
        known = after or before
        if known.state is not State.HALF_OPEN:
            assert STEPS["passed"](known, now) is None
            assert STEPS["failed"](known, now) is None


@given(HISTORIES)
def test_a_rest_is_only_ever_longer_until_a_person_ends_it(history: list[tuple[str, float]]) -> None:
    """It changes neither state nor generation: what is under way still counts."""
    for name, _, before, after in _walk(history):
        if name == "spare" and after is not None:
            assert after == replace(
                before, version=before.version + 1, spared_until=after.spared_until, spared_reason="429"
            )
            assert before.spared_until is None or before.spared_until < (after.spared_until or START)
        if name == "reset":
            assert after is not None
            assert after.spared_until is None


def test_a_forced_open_breaker_tests_by_itself_when_the_time_is_over() -> None:
    """Not before, whatever the cool-down would have been; and then nobody forces it any more."""
    forced = moves.force_open(Shared(since=START), START, by="alice", reason="repairs", until=_until(START))
    assert moves.half_open(forced, START + timedelta(seconds=89.9)) is None
    tests = moves.half_open(forced, _until(START))
    assert tests is not None
    assert (tests.state, tests.forced, tests.reason) == (State.HALF_OPEN, "", "the forced time is over")


def test_another_address_is_tested_at_once_unless_a_person_stopped_it() -> None:
    """What was known was about the old address; what a person said was about the upstream."""
    opened = STEPS["trip"](Shared(since=START), START)
    assert opened is not None
    tested = STEPS["restarted"](opened, START)
    assert tested is not None
    assert tested.state is State.HALF_OPEN
    forced = STEPS["force_open"](opened, START)
    assert forced is not None
    assert STEPS["restarted"](forced, START) is None

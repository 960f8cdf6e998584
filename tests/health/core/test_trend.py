"""The trend of a score: it needs six snapshots and three points."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resilience.health.core.trend import Direction, trend

pytestmark = pytest.mark.plain
START = datetime(2026, 11, 21, 12, tzinfo=UTC)
SCORES = st.lists(st.one_of(st.none(), st.integers(0, 100)), max_size=40)


def line(scores: list[int | None]) -> list[tuple[datetime, float | None]]:
    """A score each minute."""
    return [(START + n * timedelta(minutes=1), score) for n, score in enumerate(scores)]


@pytest.mark.parametrize(
    ("scores", "direction", "delta", "minutes"),
    [
        ([86, 86, 80, 70, 62, 62], Direction.DECLINING, -24, 4),
        ([40, 40, 40, 96, 97, 96, 96, 40], Direction.DECLINING, -57, 3),
        ([90, 90, 40, 41, 40, 89], Direction.IMPROVING, 49, 1),
        ([90, 92, 91, 90, 92, 91], Direction.STABLE, 1, 5),
        ([100, 98, 96, 97, 94, 92], Direction.DECLINING, -8, 5),
    ],
    ids=["falls", "fell after it rose", "rose after it fell", "wavers", "falls slowly"],
)
def test_it_goes_from_the_last_turn_to_now(scores: list[int], direction: Direction, delta: float, minutes: int) -> None:
    """The difference of two scores that a reader saw, with the time between them; what came before the turn does not hide it."""
    found = trend(line(list(scores)))
    assert found is not None
    assert (found.direction, found.delta, found.span) == (direction, delta, timedelta(minutes=minutes))


@given(SCORES)
def test_too_few(scores: list[int | None]) -> None:
    """There is a trend exactly when six are known, the present one among them."""
    known = sum(1 for score in scores if score is not None)
    assert (trend(line(scores)) is None) is (known < 6 or scores[-1] is None)


@given(SCORES)
def test_the_figure_and_the_word_agree(scores: list[int | None]) -> None:
    """What improves is above the score that it is held against by at least three points; upside down it declines by as many."""
    found = trend(line(scores))
    if found is None:
        return
    assert any(score is not None and score == (scores[-1] or 0) - found.delta for score in scores)
    said = Direction.STABLE if abs(found.delta) < 3 else Direction.IMPROVING if found.delta > 0 else Direction.DECLINING
    assert found.direction is said
    turned = trend(line([None if score is None else 100 - score for score in scores]))
    assert turned is not None
    assert (turned.delta, turned.span) == (-found.delta, found.span)


@given(st.integers(0, 100), st.integers(6, 40), st.floats(-2.9, 2.9))
def test_small_moves_are_none(score: int, n: int, by: float) -> None:
    """Less than three points is stable."""
    found = trend(line([score] * n)[: n // 2] + [(at, (s or 0) + by) for at, s in line([score] * n)[n // 2 :]])
    assert found is not None
    assert found.direction is Direction.STABLE

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


def test_declining() -> None:
    """The last third is lower than the first by this much, over this long."""
    found = trend(line([86, 86, 80, 70, 62, 62]))
    assert found is not None
    assert (found.direction, found.delta, found.span) == (Direction.DECLINING, -24, timedelta(minutes=5))


@given(SCORES)
def test_too_few(scores: list[int | None]) -> None:
    """There is a trend exactly when six are known."""
    known = sum(1 for score in scores if score is not None)
    assert (trend(line(scores)) is None) is (known < 6)


@given(SCORES)
def test_backwards(scores: list[int | None]) -> None:
    """The same scores the other way round go the other way."""
    there, back = trend(line(scores)), trend(line(scores[::-1]))
    assert (there is None) is (back is None)
    if there is not None and back is not None:
        assert there.delta == pytest.approx(-back.delta)
        assert (there.direction is Direction.STABLE) is (back.direction is Direction.STABLE)


@given(st.integers(0, 100), st.integers(6, 40), st.floats(-2.9, 2.9))
def test_small_moves_are_none(score: int, n: int, by: float) -> None:
    """Less than three points is stable."""
    found = trend(line([score] * n)[: n // 2] + [(at, (s or 0) + by) for at, s in line([score] * n)[n // 2 :]])
    assert found is not None
    assert found.direction is Direction.STABLE

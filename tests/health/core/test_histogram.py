"""Latencies in fixed buckets: they add up, they fit a column, and a percentile is within its bucket."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resilience.health.core.histogram import BOUNDS, SIZE, Histogram, index, merged
from resilience.health.models import Bucket

LATENCIES = st.lists(st.floats(0, 200_000), max_size=200)


@given(LATENCIES)
def test_text_and_back(latencies: list[float]) -> None:
    """The text holds all of it."""
    counted = Histogram.of(latencies)
    assert Histogram.read(str(counted)) == counted
    assert counted.n == len(latencies)


@given(LATENCIES, LATENCIES)
def test_adding_up(some: list[float], more: list[float]) -> None:
    """Two histograms together are the histogram of both."""
    assert merged([str(Histogram.of(some)), str(Histogram.of(more))]) == Histogram.of(some + more)


@given(LATENCIES, st.sampled_from([0.5, 0.9, 0.95, 0.99, 1.0]))
def test_a_percentile_is_in_its_bucket(latencies: list[float], share: float) -> None:
    """It lies in the bucket of the value that has this rank, and never above the largest."""
    [found] = Histogram.of(latencies).percentiles(share, most=max(latencies, default=None))
    if not latencies:
        assert found is None
        return
    ordered = sorted(latencies)
    rank = max(-(-len(ordered) * share // 1), 1)
    true = ordered[int(rank) - 1]
    place = index(true)
    low = BOUNDS[place - 1] if place else 0.0
    assert found is not None
    assert min(low, max(latencies)) <= found <= max(latencies)
    assert place == SIZE - 1 or found <= BOUNDS[place]


@given(LATENCIES)
def test_percentiles_rise(latencies: list[float]) -> None:
    """A higher share is never a shorter time."""
    found = [value for value in Histogram.of(latencies).percentiles(0.1, 0.5, 0.9, 0.99) if value is not None]
    assert found == sorted(found)


def test_on_a_straight_line() -> None:
    """Within a bucket the values are taken to lie evenly."""
    assert Histogram.of([25] * 10).percentiles(0.5, 1.0) == [25.0, 30.0]


@pytest.mark.parametrize("text", ["x", "3:", "3:a", "23:1,1,1", "-1:1"])
def test_what_is_none(text: str) -> None:
    """What is no histogram is not read as one."""
    with pytest.raises(ValueError, match=r".+"):
        Histogram.read(text)


def test_it_fits_its_column() -> None:
    """The fullest day of a probe that runs each second has room."""
    fullest = Histogram((86_400,) * SIZE)
    assert len(str(fullest)) <= (Bucket._meta.get_field("histogram").max_length or 0)

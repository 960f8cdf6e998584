"""How quickly an upstream that has just come back is sent to again."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syncqueue.core import ramp

pytestmark = pytest.mark.plain
SECONDS = st.floats(0.0, 60.0)
SLOW_STARTS = st.floats(0.5, 60.0)
SHARES = st.sampled_from([1.0, 1 / 2, 1 / 3, 1 / 8])


@given(st.lists(SECONDS, min_size=2, max_size=10), SLOW_STARTS)
def test_more_and_more_may_start_and_no_limit_is_left_at_the_end(moments: list[float], slow_start: float) -> None:
    """From nothing, ever faster, to everything."""
    steps = [ramp.started(moment, slow_start) for moment in sorted(moments)]
    assert all(one <= other for one, other in pairwise(steps))
    assert ramp.started(0.0, slow_start) == 0.0
    assert ramp.started(slow_start, slow_start) == float("inf")
    assert ramp.allowed(slow_start, slow_start, share=0.5, sent=10**6) is None
    assert 10 < ramp.started(slow_start / 10, slow_start) < 20


@given(SECONDS, SLOW_STARTS, SHARES, st.integers(0, 5_000))
def test_nobody_starts_more_than_his_part_and_one_who_has_not_started_may(
    elapsed: float, slow_start: float, share: float, sent: int
) -> None:
    """Pumps together stay within one start each of what one alone may."""
    may = ramp.allowed(elapsed, slow_start, share=share, sent=sent)
    total = ramp.started(elapsed, slow_start)
    if may is None:
        assert total == float("inf")
    elif sent == 0:
        assert may >= 1
        assert may <= total * share + 1
    else:
        assert may >= 0
        assert sent + may <= max(sent, total * share + 1)


@given(SLOW_STARTS, SHARES, st.integers(1, 2_000))
def test_who_waits_until_the_next_start_may_start(slow_start: float, share: float, sent: int) -> None:
    """And not long before: nobody wakes for nothing, nobody sleeps too long."""
    at = ramp.next_start(slow_start, share=share, sent=sent)
    assert 0 < at <= slow_start
    after = ramp.allowed(at + 0.01, slow_start, share=share, sent=sent)
    assert after is None or after >= 1
    if at < slow_start:
        assert ramp.allowed(at - 0.01, slow_start, share=share, sent=sent) == 0

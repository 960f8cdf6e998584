"""A retry budget keeps retries from becoming the outage."""

import math
import threading
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resilience.patterns.budget import RetryBudget
from resilience.patterns.errors import ConfigError, RetryBudgetExhausted
from resilience.patterns.forks import after_fork_in_child
from tests.patterns.clock import Clock

pytestmark = pytest.mark.plain


def test_a_few_are_always_granted() -> None:
    """A quiet service may retry its three a minute."""
    clock = Clock(0.0)
    budget = RetryBudget(clock=clock)
    assert [budget.try_take() for _ in range(5)] == [True, True, True, False, False]
    clock.advance(59)
    assert not budget.try_take()
    clock.advance(1)
    assert budget.try_take()


def test_a_share_of_the_calls_is_granted() -> None:
    """A fifth of a hundred calls."""
    budget = RetryBudget(0.2, clock=Clock())
    for _ in range(100):
        budget.count()
    assert sum(budget.try_take() for _ in range(50)) == 20
    assert budget.counts() == (100, 20)


def test_the_window_moves() -> None:
    """What is older than the window is forgotten, by tenths of it, and a long silence forgets it all."""
    clock = Clock(0.0)
    budget = RetryBudget(0.2, 3, 60.0, clock=clock)
    for _ in range(100):
        budget.count()
    assert all(budget.try_take() for _ in range(20))
    clock.advance(59.9)
    assert not budget.try_take()
    clock.advance(0.1)
    assert budget.counts() == (0, 0)
    budget.count()
    clock.advance(10**9)
    assert budget.counts() == (0, 0)


def test_a_clock_that_steps_back_is_no_step() -> None:
    """Nothing is forgotten and nothing is granted for it."""
    clock = Clock()
    budget = RetryBudget(minimum=1, clock=clock)
    assert budget.try_take()
    clock.advance(-500)
    assert not budget.try_take()
    clock.advance(500)
    assert not budget.try_take()


@given(st.lists(st.sampled_from(["count", "take", "wait"])), st.floats(0, 2), st.integers(0, 5))
def test_never_more_than_there_is(steps: list[str], ratio: float, minimum: int) -> None:
    """A retry is granted only while those in the window stay within the share, or within the minimum."""
    clock = Clock()
    budget = RetryBudget(ratio, minimum, 10.0, clock=clock)
    for step in steps:
        calls, retries = budget.counts()
        match step:
            case "count":
                budget.count()
            case "take":
                assert budget.try_take() == (retries + 1 <= max(minimum, ratio * calls))
            case _:
                clock.advance(0.7)


def test_threads_together_never_get_more() -> None:
    """Eight threads at once take what there is, and not one more."""
    budget = RetryBudget(0.0, 100, 1e6)
    start = threading.Barrier(8)
    granted: list[int] = []

    def work() -> None:
        start.wait()
        granted.append(sum(budget.try_take() for _ in range(50)))

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(granted) == 100


def test_by_hand() -> None:
    """Code with its own loop takes a retry or gets an error that says whose budget it was."""
    budget = RetryBudget(minimum=1, name="maps", clock=Clock())
    budget.take()
    with pytest.raises(RetryBudgetExhausted, match="maps"):
        budget.take()


def test_a_forked_child_has_a_lock_of_its_own() -> None:
    """The lock that another thread held at the fork would never be free again."""
    budget = RetryBudget()
    held = budget._lock
    with held:
        after_fork_in_child()
        assert budget.try_take()


@pytest.mark.parametrize(
    ("said", "field"),
    [
        ({"ratio": -0.1}, "ratio"),
        ({"ratio": math.inf}, "ratio"),
        ({"ratio": True}, "ratio"),
        ({"ratio": "a fifth"}, "ratio"),
        ({"minimum": -1}, "minimum"),
        ({"minimum": 1.5}, "minimum"),
        ({"minimum": True}, "minimum"),
        ({"window": 0}, "window"),
        ({"window": math.nan}, "window"),
        ({"window": True}, "window"),
        ({"window": "60"}, "window"),
    ],
)
def test_impossible_budgets(said: dict[str, Any], field: str) -> None:
    """The error names the field."""
    with pytest.raises(ConfigError, match=field):
        RetryBudget(**said)

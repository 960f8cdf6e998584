"""The waits between attempts."""

import random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resilience.patterns.backoff import Exponential, Fixed, Linear, backoff_of, delays
from resilience.patterns.errors import ConfigError

pytestmark = pytest.mark.plain

SECONDS = st.floats(0, 1e9)
CHANCE = st.floats(0, 1, exclude_max=True)
ATTEMPTS = st.integers(1, 10**6) | st.just(10**9)
PLAIN = st.sampled_from(["none", "full", "equal"])
FIXED = st.builds(Fixed, SECONDS, SECONDS, jitter=PLAIN)
LINEAR = st.builds(Linear, SECONDS, SECONDS, st.none() | SECONDS, jitter=PLAIN)
EXPONENTIAL = st.builds(Exponential, SECONDS, SECONDS, st.floats(1, 1e6) | st.integers(1, 10**6), jitter=PLAIN)
ANY = FIXED | LINEAR | EXPONENTIAL
ROUNDING = 1 + 1e-9


@given(ANY, ATTEMPTS, SECONDS, CHANCE)
def test_no_wait_is_negative_or_over_the_cap(backoff: Any, attempt: int, previous: float, chance: float) -> None:
    """Whatever the figures and the attempt, even the millionth, the wait is between zero and the cap, and nothing overflows."""
    assert 0 <= backoff.delay(attempt, previous, lambda: chance) <= backoff.cap


@given(SECONDS, SECONDS, st.floats(1, 1e6), ATTEMPTS, SECONDS, CHANCE)
def test_decorrelated_stays_between_the_first_wait_and_thrice_the_last(
    initial: float, cap: float, multiplier: float, attempt: int, previous: float, chance: float
) -> None:
    """At least the initial wait, at most three times the wait before, and the cap holds over both."""
    wait = Exponential(initial, cap, multiplier, "decorrelated").delay(attempt, previous, lambda: chance)
    low = min(initial, cap)
    assert low <= wait <= min(cap, 3 * max(previous, low)) * ROUNDING
    assert wait <= cap


@given(ANY, st.integers(1, 2_000), CHANCE)
def test_each_jitter_keeps_to_its_range(backoff: Any, attempt: int, chance: float) -> None:
    """None is the plain wait, full is below it, equal is its upper half."""
    plain = type(backoff)(**{name: getattr(backoff, name) for name in backoff.__slots__} | {"jitter": "none"})
    whole, wait = plain.delay(attempt, 0.0, lambda: chance), backoff.delay(attempt, 0.0, lambda: chance)
    low, high = {"none": (whole, whole), "full": (0, whole), "equal": (whole / 2, whole)}[backoff.jitter]
    assert low <= wait <= high


@given(ANY, st.integers(1, 3_000))
def test_without_jitter_waits_never_shrink(backoff: Any, attempt: int) -> None:
    """A later attempt waits at least as long."""
    plain = type(backoff)(**{name: getattr(backoff, name) for name in backoff.__slots__} | {"jitter": "none"})
    assert plain.delay(attempt, 0.0, random.random) <= plain.delay(attempt + 1, 0.0, random.random)


@given(ANY, ATTEMPTS, st.integers(0, 2**32))
def test_two_executions_do_not_disturb_each_other(backoff: Any, attempt: int, seed: int) -> None:
    """The same question has the same answer, whoever asked in between: nothing is kept."""
    first = backoff.delay(attempt, 0.0, random.Random(seed).random)
    backoff.delay(1, 0.0, random.random)
    assert backoff.delay(attempt, 0.0, random.Random(seed).random) == first


@pytest.mark.parametrize(
    ("backoff", "waits"),
    [
        (Fixed(2.0), [2, 2, 2, 2]),
        (Fixed(2.0, cap=1.5), [1.5, 1.5, 1.5, 1.5]),
        (Linear(1.0), [1, 2, 3, 4]),
        (Linear(1.0, cap=2.5, step=0.5), [1, 1.5, 2, 2.5]),
        (Linear(1.0, step=0.0), [1, 1, 1, 1]),
        (Exponential(1.0, 30, 2, "none"), [1, 2, 4, 8]),
        (Exponential(1.0, 5.0, 3, "none"), [1, 3, 5, 5]),
        (Exponential(0.0, 5.0, 3, "none"), [0, 0, 0, 0]),
        (Exponential(2.0, 5.0, 1, "none"), [2, 2, 2, 2]),
        (Exponential(1.0, 30, 2, "full"), [0.5, 1, 2, 4]),
        (Exponential(1.0, 30, 2, "equal"), [0.75, 1.5, 3, 6]),
        (Exponential(1.0, 30, 2, "decorrelated"), [2, 3.5, 5.75, 9.125]),
    ],
)
def test_schedules(backoff: Any, waits: list[float]) -> None:
    """The waits of one execution, with a chance of one half."""
    assert list(delays(backoff, 4, lambda: 0.5)) == waits


def test_the_figures_that_need_not_be_said() -> None:
    """They are part of what is promised."""
    assert Fixed() == Fixed(1.0, 3_600.0, "none")
    assert Linear() == Linear(1.0, 30.0, None, "none")
    assert Exponential() == Exponential(0.1, 30.0, 2.0, "full")


def test_an_initial_wait_of_zero_never_waits() -> None:
    """Nothing times anything stays nothing, even where the power would overflow."""
    assert Exponential(0.0, 5.0, 2, "none").delay(10**6, 0.0, random.random) == 0
    assert Exponential(1.0, 5.0, 2, "none").delay(10**6, 0.0, random.random) == 5


@pytest.mark.parametrize(("name", "kind"), [("fixed", Fixed), ("linear", Linear), ("exponential", Exponential)])
def test_a_strategy_by_name(name: Any, kind: type) -> None:
    """Each name stands for its backoff, with the figures given."""
    backoff = backoff_of(name, 1.0, 9.0, 3.0, "equal")
    assert type(backoff) is kind
    assert (backoff.initial, backoff.cap, backoff.jitter) == (1.0, 9.0, "equal")


@pytest.mark.parametrize(
    ("make", "field", "value"),
    [
        (lambda: Fixed(-1), "initial", -1),
        (lambda: Fixed(float("nan")), "initial", None),
        (lambda: Fixed(float("inf")), "initial", float("inf")),
        (lambda: Fixed(10**400), "initial", 10**400),
        (lambda: Fixed(True), "initial", True),
        (lambda: Fixed("1"), "initial", "1"),  # type: ignore[arg-type]
        (lambda: Linear(1, -2), "cap", -2),
        (lambda: Linear(step=-1), "step", -1),
        (lambda: Exponential(multiplier=0.5), "multiplier", 0.5),
        (lambda: Exponential(multiplier=float("inf")), "multiplier", float("inf")),
        (lambda: Exponential(multiplier=10**400), "multiplier", 10**400),
        (lambda: Exponential(multiplier=True), "multiplier", True),
        (lambda: Exponential(jitter="some"), "jitter", "some"),  # type: ignore[arg-type]
        (lambda: Fixed(jitter="decorrelated"), "jitter", "decorrelated"),
        (lambda: backoff_of("cubic", 1, 2), "strategy", "cubic"),  # type: ignore[arg-type]
    ],
)
def test_impossible_figures(make: Any, field: str, value: object) -> None:
    """The error names the field and the bad value."""
    with pytest.raises(ConfigError) as caught:
        make()
    assert caught.value.field == field
    assert value is None or caught.value.value == value

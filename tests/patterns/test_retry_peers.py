"""The same settings give the same attempts and waits as tenacity, the retry library that is used most."""

import random
import time
from collections.abc import Callable
from typing import Any

import pytest
import tenacity
import time_machine
from hypothesis import given
from hypothesis import strategies as st

from resilience.patterns.retry import Ports, Retry, RetryConfig, RetryPolicies

pytestmark = pytest.mark.plain

INITIAL = st.floats(0.001, 10)
MORE = st.floats(0, 100)
ATTEMPTS = st.integers(1, 12)
FAILURES = st.integers(0, 15)


class Down(Exception):
    """The service is down."""


def failing(failures: int, calls: list[int]) -> Callable[[], str]:
    """A function that works after so many failures."""

    def fn() -> str:
        calls.append(1)
        if len(calls) <= failures:
            raise Down
        return "served"

    return fn


def ours(config: RetryConfig, failures: int, **ports: Any) -> tuple[str, int, list[float]]:
    """The result, the number of calls and the waits."""
    calls: list[int] = []
    waits: list[float] = []
    retry = Retry(config, Ports(sleep=waits.append, **ports))
    try:
        result = retry.call(failing(failures, calls))
    except Down:
        result = "down"
    return result, len(calls), waits


def theirs(failures: int, **settings: Any) -> tuple[str, int, list[float]]:
    """The same of tenacity."""
    calls: list[int] = []
    waits: list[float] = []
    retry = tenacity.Retrying(sleep=waits.append, reraise=True, **settings)
    try:
        result = retry(failing(failures, calls))
    except Down:
        result = "down"
    return result, len(calls), waits


@given(INITIAL, ATTEMPTS, FAILURES)
def test_fixed(delay: float, attempts: int, failures: int) -> None:
    """The same wait each time."""
    assert ours(RetryPolicies.fixed(attempts, delay), failures) == theirs(
        failures, wait=tenacity.wait_fixed(delay), stop=tenacity.stop_after_attempt(attempts)
    )


@given(INITIAL, MORE, ATTEMPTS, FAILURES)
def test_linear(initial: float, more: float, attempts: int, failures: int) -> None:
    """A wait that grows by itself, up to the cap."""
    cap = initial + more
    config = RetryConfig(max_attempts=attempts, strategy="linear", initial_delay=initial, max_delay=cap, jitter="none")
    assert ours(config, failures) == theirs(
        failures,
        wait=tenacity.wait_incrementing(initial, initial, cap),
        stop=tenacity.stop_after_attempt(attempts),
    )


@given(INITIAL, MORE, st.integers(1, 10), ATTEMPTS, FAILURES)
def test_exponential(initial: float, more: float, multiplier: int, attempts: int, failures: int) -> None:
    """A wait that is multiplied, up to the cap."""
    cap = initial + more
    config = RetryConfig(
        max_attempts=attempts, initial_delay=initial, max_delay=cap, multiplier=multiplier, jitter="none"
    )
    result = theirs(
        failures,
        wait=tenacity.wait_exponential(multiplier=initial, max=cap, exp_base=multiplier),
        stop=tenacity.stop_after_attempt(attempts),
    )
    mine = ours(config, failures)
    assert mine[:2] == result[:2]
    assert mine[2] == pytest.approx(result[2])


@given(INITIAL, MORE, ATTEMPTS, FAILURES, st.integers(0, 2**32))
def test_full_jitter(initial: float, more: float, attempts: int, failures: int, seed: int) -> None:
    """With the same seed the very same draws."""
    cap = initial + more
    config = RetryConfig(max_attempts=attempts, initial_delay=initial, max_delay=cap)
    random.seed(seed)
    result = theirs(
        failures,
        wait=tenacity.wait_random_exponential(multiplier=initial, max=cap),
        stop=tenacity.stop_after_attempt(attempts),
    )
    mine = ours(config, failures, rng=random.Random(seed).random)
    assert mine[:2] == result[:2]
    assert mine[2] == pytest.approx(result[2])


@given(st.integers(1, 10), st.integers(0, 200), st.integers(0, 30))
def test_deadline(initial: int, deadline: int, failures: int) -> None:
    """A wait that would not end before the deadline is not begun, in a time that only sleeping moves."""
    limit = deadline + 0.5  # no wait ends just then, where a rounding would decide
    config = RetryConfig(max_attempts=1_000, initial_delay=initial, max_delay=1_000, jitter="none", deadline=limit)
    mine: list[float] = []
    other: list[float] = []
    calls: list[int] = []

    with time_machine.travel(0, tick=False) as traveller:

        def sleep(waits: list[float], seconds: float) -> None:
            waits.append(seconds)
            traveller.shift(seconds)

        retry = tenacity.Retrying(
            sleep=lambda seconds: sleep(other, seconds),
            wait=tenacity.wait_exponential(multiplier=initial, max=1_000),
            stop=tenacity.stop_before_delay(limit),
        )
        ports = Ports(sleep=lambda seconds: sleep(mine, seconds), clock=time.monotonic)
        for call in (Retry(config, ports).call, retry):
            calls.clear()
            try:
                call(failing(failures, calls))
            except (Down, tenacity.RetryError):
                assert len(calls) <= failures
    assert mine == other


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit])
def test_neither_retries_an_interrupt(error: type[BaseException]) -> None:
    """Both let it through."""
    calls: list[int] = []

    def stop() -> None:
        calls.append(1)
        raise error

    for call in (tenacity.Retrying(reraise=True), Retry().call):
        with pytest.raises(error):
            call(stop)
    assert len(calls) == 2

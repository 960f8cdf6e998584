"""What is retried, and settings that cannot be."""

import math
import socket
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resilience.patterns.backoff import Exponential, Fixed, Linear, delays
from resilience.patterns.errors import (
    BulkheadFullError,
    CircuitOpenError,
    ConfigError,
    DeadlineExceeded,
    RetryBudgetExhausted,
    UnknownPolicy,
)
from resilience.patterns.retry import RetryConfig, RetryPolicies

pytestmark = pytest.mark.plain


class Answered(Exception):
    """An HTTP client's error."""

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.response = SimpleNamespace(status_code=status, headers={})


class Coded(Exception):
    """An error with a code."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


@pytest.mark.parametrize(
    ("retry_on", "error", "retried"),
    [
        (None, ValueError(), True),
        (ConnectionError, ConnectionResetError(), True),
        (ConnectionError, ValueError(), False),
        ("503", Answered(503), True),
        ("503", Answered(500), False),
        (("TIMEOUT", "NETWORK_ERROR", "503"), TimeoutError(), True),
        (["TIMEOUT", "NETWORK_ERROR", "503"], socket.gaierror(), True),
        ({"TIMEOUT", ValueError}, ValueError(), True),
        ({"TIMEOUT", ValueError}, Coded("TIMEOUT"), True),
        ({"TIMEOUT", ValueError}, KeyError(), False),
        ((), ValueError(), False),
        ((ValueError,), KeyError(), False),
        (lambda error: "unavailable" in str(error), Coded("temporarily unavailable"), True),
        (lambda error: "unavailable" in str(error), Coded("gone"), False),
    ],
)
def test_by_code_type_or_predicate(retry_on: Any, error: Exception, retried: bool) -> None:
    """Codes and types can stand in one collection; a predicate alone decides."""
    assert RetryConfig(retry_on=retry_on).is_retryable(error) is retried


@pytest.mark.parametrize("retry_on", [None, Exception, lambda error: True])
@pytest.mark.parametrize(
    "error",
    [
        CircuitOpenError("a"),
        BulkheadFullError("a"),
        RetryBudgetExhausted("a"),
        ConfigError("a", 1, "b"),
        UnknownPolicy("a"),
    ],
)
def test_a_refusal_is_never_retried(retry_on: Any, error: Exception) -> None:
    """Not even when asked to: the answer would be the same, or a retry is what it was raised to prevent."""
    assert not RetryConfig(retry_on=retry_on).is_retryable(error)


def test_ignored_errors_come_first() -> None:
    """What is ignored is not retried, whatever else holds."""
    config = RetryConfig(retry_on=OSError, ignored_errors=(FileNotFoundError,))
    assert config.is_retryable(ConnectionError())
    assert not config.is_retryable(FileNotFoundError())


def test_a_timeout_of_an_attempt_is_retried() -> None:
    """DeadlineExceeded is a failure as any other."""
    assert RetryConfig().is_retryable(DeadlineExceeded(1.0))


def test_a_predicate_that_raises_says_no(caplog: pytest.LogCaptureFixture) -> None:
    """Its own error is logged, and does not take the place of the one that it was asked about."""
    assert not RetryConfig(retry_on=lambda error: error.nothing).is_retryable(ValueError())  # type: ignore[attr-defined]
    assert "retry_on raised; a ValueError is not counted in" in caplog.text


@pytest.mark.parametrize(
    ("config", "waits"),
    [
        (RetryPolicies.fixed(3, 1.0), [1, 1, 1, 1]),
        (RetryPolicies.fixed(3, 90.0), [90, 90, 90, 90]),
        (RetryPolicies.linear(3, 2.0), [1.5, 3, 4.5, 6]),
        (RetryPolicies.exponential(5, 0.1, 30.0), [0.05, 0.1, 0.2, 0.4]),
        (RetryPolicies.api_rate_limit(), [0.75, 1.5, 3, 6]),
        (RetryPolicies.network(), [0.25, 0.5, 1, 2]),
        (RetryConfig(backoff=Fixed(7.0)), [7, 7, 7, 7]),
        (RetryConfig(), [0.05, 0.1, 0.2, 0.4]),
    ],
)
def test_the_waits_of_the_usual_cases(config: RetryConfig, waits: list[float]) -> None:
    """With a chance of one half."""
    assert list(delays(config, 4, lambda: 0.5)) == waits


@pytest.mark.parametrize(
    ("config", "yes", "no"),
    [
        (
            RetryPolicies.api_rate_limit(),
            [Answered(429), Answered(503), Coded("RATE_LIMIT")],
            [Answered(500), OSError()],
        ),
        (
            RetryPolicies.network(),
            [ConnectionError(), TimeoutError(), socket.gaierror(), Answered(502), Answered(504), DeadlineExceeded(1)],
            [Answered(500), Answered(429), FileNotFoundError(), ValueError()],
        ),
    ],
)
def test_what_the_usual_cases_retry(config: RetryConfig, yes: list[Exception], no: list[Exception]) -> None:
    """Only what a wait may heal."""
    assert [config.is_retryable(error) for error in yes] == [True] * len(yes)
    assert [config.is_retryable(error) for error in no] == [False] * len(no)


@given(st.sampled_from(["fixed", "linear", "exponential"]), st.floats(0, 100), st.floats(0, 100))
def test_the_named_strategies_are_those_of_the_backoffs(strategy: Any, initial: float, more: float) -> None:
    """The fields give the same waits as the backoff itself."""
    cap = initial + more
    config = RetryConfig(strategy=strategy, initial_delay=initial, max_delay=cap, multiplier=3, jitter="none")
    kinds: dict[str, Any] = {
        "fixed": Fixed(initial, cap),
        "linear": Linear(initial, cap),
        "exponential": Exponential(initial, cap, 3, "none"),
    }
    assert list(delays(config, 6, lambda: 0.5)) == list(delays(kinds[strategy], 6, lambda: 0.5))


def test_the_figures_that_need_not_be_said() -> None:
    """They are part of what is promised."""
    assert RetryConfig() == RetryConfig(
        max_attempts=3,
        initial_delay=0.1,
        max_delay=30.0,
        multiplier=2.0,
        strategy="exponential",
        jitter="full",
        retry_on=None,
        deadline=None,
        respect_retry_after=True,
        retry_after_max=300.0,
    )
    cases = (RetryPolicies.fixed(), RetryPolicies.linear(), RetryPolicies.exponential())
    assert [(one.max_attempts, one.initial_delay, one.max_delay) for one in cases] == [
        (3, 1, 1),
        (3, 1, 30),
        (3, 0.1, 30),
    ]
    assert (RetryPolicies.api_rate_limit().max_delay, RetryPolicies.network().max_delay) == (60, 10)


def test_configs_are_values() -> None:
    """Equal when they say the same, changed by replace(), which checks again."""
    config = RetryConfig(max_attempts=5)
    assert config == RetryConfig(max_attempts=5) != RetryConfig()
    assert config.replace(name="maps") == RetryConfig(max_attempts=5, name="maps")
    with pytest.raises(ConfigError, match="max_attempts"):
        config.replace(max_attempts=0)
    assert hash(config) == hash(RetryConfig(max_attempts=5))
    assert RetryConfig(retry_on=["503", OSError]) == RetryConfig(retry_on={OSError, "503"})


async def hook(*said: object) -> None:
    """Nobody would await it."""


@pytest.mark.parametrize(
    ("said", "field"),
    [
        ({"max_attempts": 0}, "max_attempts"),
        ({"max_attempts": 2.0}, "max_attempts"),
        ({"max_attempts": True}, "max_attempts"),
        ({"initial_delay": -1}, "initial_delay"),
        ({"initial_delay": math.nan}, "initial_delay"),
        ({"max_delay": math.inf}, "max_delay"),
        ({"initial_delay": 5, "max_delay": 1}, "max_delay"),
        ({"multiplier": 0.5}, "multiplier"),
        ({"strategy": "cubic"}, "strategy"),
        ({"jitter": "some"}, "jitter"),
        ({"strategy": "fixed", "jitter": "decorrelated"}, "jitter"),
        ({"backoff": 3}, "backoff"),
        ({"deadline": -1}, "deadline"),
        ({"retry_after_max": -1}, "retry_after_max"),
        ({"readers": (3,)}, "readers"),
        ({"ignored_errors": [ValueError]}, "ignored_errors"),
        ({"ignored_errors": (KeyboardInterrupt,)}, "ignored_errors"),
        ({"retry_on": KeyboardInterrupt}, "retry_on"),
        ({"retry_on": ("",)}, "retry_on"),
        ({"retry_on": (503,)}, "retry_on"),
        ({"retry_on": ({},)}, "retry_on"),
        ({"retry_on": 503}, "retry_on"),
        ({"on_retry": 3}, "on_retry"),
        ({"on_retry": hook}, "on_retry"),
    ],
)
def test_impossible_settings(said: dict[str, Any], field: str) -> None:
    """The error names the field and the bad value."""
    with pytest.raises(ConfigError, match=field) as caught:
        RetryConfig(**said)
    assert repr(caught.value.value) in str(caught.value)

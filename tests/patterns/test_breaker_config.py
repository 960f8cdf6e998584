"""An impossible setting is refused when it is made, with its name and its value."""

import math
from typing import Any

import pytest

from resilience.patterns.config import BreakerConfig
from resilience.patterns.errors import ConfigError

pytestmark = pytest.mark.plain

WHOLE = ["failure_threshold", "failures_in_window", "volume_threshold", "window_size", "success_threshold"]
RATES = ["failure_rate_threshold", "slow_call_rate_threshold"]
SECONDS = ["slow_call_duration", "call_timeout", "window_seconds", "reset_timeout", "reset_timeout_max"]
MAY_BE_NONE = {"failure_threshold", "failures_in_window", *RATES, "slow_call_duration", "call_timeout"}


@pytest.mark.parametrize(
    ("field", "value"),
    [
        *((field, value) for field in [*WHOLE, "half_open_max_calls"] for value in (0, -1, 1.5, "5", True)),
        *((field, value) for field in RATES for value in (0, -0.1, 1.01, math.nan, "1", True)),
        *(
            (field, value)
            for field in [*SECONDS, "half_open_lease"]
            for value in (0, -1.0, math.inf, math.nan, "1", True)
        ),
        *((field, None) for field in [*WHOLE, *SECONDS, "half_open_lease"] if field not in MAY_BE_NONE),
        *(("reset_timeout_factor", value) for value in (0.99, math.inf, math.nan, "2", None, True)),
        ("window", "calls"),
        ("ignored_errors", [ValueError]),
        ("ignored_errors", (ValueError, "KeyError")),
        ("ignored_errors", (KeyboardInterrupt,)),
        ("is_failure", True),
        ("is_failure_result", "no"),
    ],
)
def test_an_impossible_value_is_refused_with_its_name(field: str, value: object) -> None:
    """The message says which field, what it was given, and what it must be."""
    given: dict[str, Any] = {"slow_call_duration": 1.0, field: value}
    with pytest.raises(ConfigError) as caught:
        BreakerConfig(**given)
    assert caught.value.field == field
    assert caught.value.value is value
    assert str(caught.value) == f"{field} must be {caught.value.must}, not {value!r}"


def test_each_kind_of_value_is_told_what_it_must_be() -> None:
    """The sentence is one that an operator can act on."""
    said = {}
    for field in (
        "failure_threshold",
        "window_size",
        "reset_timeout",
        "call_timeout",
        "window",
        "reset_timeout_factor",
    ):
        with pytest.raises(ConfigError) as caught:
            BreakerConfig(**{field: -1})  # type: ignore[arg-type]
        said[field] = caught.value.must
    for field, value in (("failure_rate_threshold", 2), ("ignored_errors", 1), ("is_failure", 1)):
        with pytest.raises(ConfigError) as caught:
            BreakerConfig(**{field: value})  # type: ignore[arg-type]
        said[field] = caught.value.must
    assert said == {
        "failure_threshold": "a whole number of at least 1 or None",
        "window_size": "a whole number of at least 1",
        "reset_timeout": "a number of seconds above 0",
        "call_timeout": "a number of seconds above 0 or None",
        "window": 'either "count" or "time"',
        "reset_timeout_factor": "a number of at least 1",
        "failure_rate_threshold": "above 0 and at most 1, or None",
        "ignored_errors": "a tuple of subclasses of Exception",
        "is_failure": "callable",
    }


@pytest.mark.parametrize(
    ("given", "field", "must"),
    [
        ({"reset_timeout": 10, "reset_timeout_max": 9.9}, "reset_timeout_max", "at least reset_timeout (10)"),
        ({"slow_call_rate_threshold": 0.3}, "slow_call_duration", "set where slow_call_rate_threshold is"),
        ({"volume_threshold": 101}, "volume_threshold", "at most window_size (100), or it never trips"),
    ],
)
def test_values_that_do_not_fit_each_other_are_refused(given: dict[str, Any], field: str, must: str) -> None:
    """A window that can never be full enough, a longest wait below the shortest, slowness that nobody measures."""
    with pytest.raises(ConfigError) as caught:
        BreakerConfig(**given)
    assert (caught.value.field, caught.value.must) == (field, must)


def test_the_widest_values_that_are_possible_are_taken() -> None:
    """The limits themselves are allowed."""
    BreakerConfig(
        failure_threshold=None,
        failures_in_window=1,
        failure_rate_threshold=1,
        slow_call_duration=1e-9,
        slow_call_rate_threshold=1.0,
        volume_threshold=1,
        window_size=1,
        window_seconds=1e-3,
        reset_timeout=5,
        reset_timeout_factor=1,
        reset_timeout_max=5,
        success_threshold=1,
        half_open_max_calls=1,
        half_open_lease=1,
        call_timeout=1,
        ignored_errors=(ValueError, Exception),
        is_failure=bool,
        is_failure_result=bool,
    )
    BreakerConfig(window="time", volume_threshold=1_000)
    BreakerConfig(window_size=10, volume_threshold=10)
    BreakerConfig(failure_rate_threshold=None, slow_call_rate_threshold=None)


def test_settings_are_changed_by_making_others() -> None:
    """A config never changes, and the changed one is checked as well."""
    config = BreakerConfig()
    assert config.replace(window_size=20).window_size == 20
    assert config.window_size == 100
    with pytest.raises(ConfigError, match="window_size must be a whole number of at least 1, not 0"):
        config.replace(window_size=0)
    with pytest.raises(AttributeError):
        config.window_size = 3  # type: ignore[misc]


def test_the_time_for_which_it_stays_open_grows_to_its_limit_and_never_overflows() -> None:
    """Each opening out of half-open lasts `reset_timeout_factor` times longer, up to `reset_timeout_max`."""
    config = BreakerConfig(reset_timeout=10, reset_timeout_factor=2, reset_timeout_max=60)
    assert [config.open_seconds(n) for n in (0, 1, 2, 3, 4, 10**6)] == [10, 20, 40, 60, 60, 60]
    assert BreakerConfig(reset_timeout=10).open_seconds(10**6) == 10


def test_a_lease_is_never_shorter_than_the_time_a_call_may_take() -> None:
    """Otherwise a call that is allowed 120 s would lose its place after 60 s, and the breaker would never close."""
    assert BreakerConfig().lease_seconds == 60
    assert BreakerConfig(call_timeout=5).lease_seconds == 60
    assert BreakerConfig(call_timeout=120).lease_seconds == 120


def test_the_figures_to_start_with() -> None:
    """What a breaker does that nobody configured."""
    config = BreakerConfig()
    assert (config.failure_threshold, config.failures_in_window, config.failure_rate_threshold) == (5, None, 0.5)
    assert (config.slow_call_duration, config.slow_call_rate_threshold, config.volume_threshold) == (None, None, 10)
    assert (config.window, config.window_size, config.window_seconds) == ("count", 100, 60)
    assert (config.reset_timeout, config.reset_timeout_factor, config.reset_timeout_max) == (60, 1, 3600)
    assert (config.success_threshold, config.half_open_max_calls, config.half_open_lease) == (3, 3, 60)
    assert (config.call_timeout, config.ignored_errors, config.is_failure, config.is_failure_result) == (
        None,
        (),
        None,
        None,
    )

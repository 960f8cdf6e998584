"""Policies: what they hold, what they refuse, and how they describe themselves."""

import copy
import pickle
from typing import Any

import pytest

from resilience.patterns.bulkhead import BulkheadConfig
from resilience.patterns.config import BreakerConfig
from resilience.patterns.errors import ConfigError, UnknownPolicy
from resilience.patterns.policies import AI, API, CRITICAL, DATABASE, EXTERNAL, NO_FALLBACK, PRESETS, Policies, Policy
from resilience.patterns.retry_config import RetryConfig, RetryPolicies
from resilience.patterns.timeouts import TimeoutConfig

pytestmark = pytest.mark.plain


@pytest.mark.parametrize(
    ("preset", "failures", "reset", "attempts", "timeout", "places", "queue"),
    [
        (API, 5, 60.0, 3, 30.0, 50, 100),
        (AI, 3, 120.0, 3, 120.0, 10, 50),
        (DATABASE, 10, 30.0, 3, 30.0, 100, 200),
        (EXTERNAL, 5, 60.0, 3, 15.0, 20, 50),
        (CRITICAL, None, None, 5, 60.0, 5, 10),
    ],
)
def test_a_preset_has_its_figures(
    preset: Policy, failures: int | None, reset: float | None, attempts: int, timeout: float, places: int, queue: int
) -> None:
    """Breaker, retry, timeout and bulkhead of each preset; the critical one has no breaker."""
    breaker = preset.breaker
    assert (breaker and breaker.failure_threshold, breaker and breaker.reset_timeout) == (failures, reset)
    assert preset.retry is not None
    assert preset.bulkhead is not None
    assert (preset.retry.max_attempts, preset.timeout) == (attempts, timeout)
    assert (preset.bulkhead.max_concurrent, preset.bulkhead.max_queue) == (places, queue)
    assert preset.fallback is NO_FALLBACK


def test_the_presets_are_known_by_name() -> None:
    """Each under its own name, and nobody can put another one there."""
    assert list(PRESETS) == ["api", "ai", "database", "external", "critical"]
    assert all(PRESETS[name].name == name for name in PRESETS)
    with pytest.raises(TypeError):
        PRESETS["api"] = AI  # type: ignore[index]


def test_an_attempt_never_outlives_the_place_that_it_holds_half_open() -> None:
    """A half-open call of a preset keeps its place while it waits and runs."""
    for preset in PRESETS.values():
        if preset.breaker and preset.bulkhead:
            assert preset.breaker.lease_seconds >= (preset.attempt_seconds or 0)


def test_replace_changes_parts_and_checks_them_again() -> None:
    """The original stays as it is."""
    quick = API.replace(timeout=2.0, fallback=None)
    assert (quick.timeout, quick.fallback, API.timeout) == (2.0, None, 30.0)
    assert quick.breaker is API.breaker
    with pytest.raises(ConfigError, match="timeout"):
        API.replace(timeout=-1)


def test_a_part_that_does_not_exist_is_named_with_the_one_that_was_meant() -> None:
    """A typing error in replace says so; a word that is like none lists the parts."""
    with pytest.raises(ConfigError, match="did you mean 'timeout'"):
        API.replace(timout=2.0)
    with pytest.raises(ConfigError, match="fallback, deadline, retry"):
        API.replace(zzz=1)
    with pytest.raises(ConfigError):
        API.replace(_hash=1)


@pytest.mark.parametrize(
    "wrong",
    [
        {"name": ""},
        {"name": 7},
        {"retry": 3},
        {"retry": {"max_attempts": 3}},
        {"breaker": BulkheadConfig()},
        {"bulkhead": 5},
        {"timeout": 0},
        {"timeout": True},
        {"timeout": "5s"},
        {"timeout": float("nan")},
        {"timeout": float("inf")},
        {"deadline": -1.0},
        {"deadline": BreakerConfig()},
    ],
)
def test_an_impossible_policy_names_the_part_and_the_value(wrong: dict[str, Any]) -> None:
    """What cannot be is refused when it is made, not when it is first needed."""
    [field] = wrong
    with pytest.raises(ConfigError) as caught:
        Policy(**{"name": "mine"} | wrong)
    assert (caught.value.field, caught.value.value) == (field, wrong[field])


def test_a_timeout_may_not_hide_itself_from_retry_and_breaker() -> None:
    """A fallback belongs to the policy, outermost: one inside would make each timeout a success."""
    with pytest.raises(ConfigError, match="fallback"):
        Policy(name="mine", timeout=TimeoutConfig(timeout=1.0, fallback=1))
    assert Policy(name="mine", timeout=TimeoutConfig(timeout=1.0)).attempt_seconds == 1.0


def test_equal_policies_are_found_as_one_even_with_parts_that_have_no_hash() -> None:
    """A policy can be looked up, whatever its fallback is."""
    left, right = API.replace(fallback={"rows": []}), API.replace(fallback={"rows": []})
    assert left == right
    assert hash(left) == hash(right)
    assert left != API.replace(fallback={"rows": [1]})
    assert hash(API) != hash(API.replace(timeout=2.0))


def test_a_policy_survives_copying_and_pickling() -> None:
    """Also its word for having no fallback, which stays the one there is."""
    for again in (copy.deepcopy(DATABASE), pickle.loads(pickle.dumps(DATABASE))):
        assert again.name == "database"
        assert again.fallback is NO_FALLBACK
    assert repr(NO_FALLBACK) == "NO_FALLBACK"


def test_describe_prints_the_order_with_its_figures() -> None:
    """From the outside in, one line a part."""
    assert API.describe().splitlines() == [
        "Policy 'api', from the outside in:",
        "fallback  none: the error is raised",
        "deadline  none",
        (
            "retry     3 attempts, exponential waits of 0.1 s × 2 up to 30 s, jitter full, or as Retry-After asks up to 300 s;"
            " refusals are not retried"
        ),
        (
            "breaker   opens at 5 failures in a row or 50 % failures of the last 100 calls (rates from 10 calls on);"
            " tries again after 60 s; closes after 3 successes, 3 at a time"
        ),
        "bulkhead  50 at once, 100 wait for up to 30 s",
        "timeout   30 s for each attempt",
        "the call itself",
    ]


def cached() -> int:
    return 1


def test_describe_says_what_is_set_and_what_is_not() -> None:
    """Each part in its other forms."""
    bare = Policy(name="bare").describe()
    assert "retry     none: one attempt" in bare
    assert [line.split() for line in bare.splitlines()[4:7]] == [
        ["breaker", "none"],
        ["bulkhead", "none"],
        ["timeout", "none"],
    ]
    full = Policy(
        name="full",
        fallback=cached,
        deadline=90,
        retry=RetryPolicies.fixed(2, 0.5).replace(deadline=60, respect_retry_after=False),
        breaker=BreakerConfig(
            failure_threshold=None,
            failures_in_window=7,
            failure_rate_threshold=None,
            slow_call_duration=5,
            slow_call_rate_threshold=0.3,
            window="time",
        ),
        bulkhead=BulkheadConfig(max_concurrent=2),
        timeout=TimeoutConfig(timeout=4, mode="thread"),
    ).describe()
    assert "fallback  cached, when all else failed" in full
    assert "deadline  90 s for everything below together" in full
    assert "2 attempts, fixed waits of 0.5 s up to 0.5 s, jitter none, all within 60 s;" in full
    assert "opens at 7 failures within 60 s or 30 % of the last 60 s slower than 5 s (rates from 10 calls on);" in full
    assert "bulkhead  2 at once, none wait" in full
    assert "timeout   4 s for each attempt (thread where it is not async)" in full
    assert "fallback  [], when all else failed" in API.replace(fallback=[]).describe()


class Waits:
    def delay(self, attempt: int, previous: float, rng: object) -> float:
        return 1.0

    def __repr__(self) -> str:
        return "Waits()"


def test_describe_of_a_breaker_that_never_opens_and_of_a_backoff_of_ones_own() -> None:
    """The rare forms."""
    policy = Policy(
        name="odd",
        retry=RetryConfig(backoff=Waits()),
        breaker=BreakerConfig(failure_threshold=None, failure_rate_threshold=None),
        bulkhead=BulkheadConfig(max_queue=3),
    )
    assert "waits by Waits()" in policy.describe()
    assert "opens at nothing; tries again" in policy.describe()
    assert "10 at once, 3 wait\n" in policy.describe()


def test_an_unknown_policy_names_the_known_and_the_one_that_was_meant() -> None:
    """A typing error in a name says what there is."""
    with pytest.raises(UnknownPolicy, match="Did you mean 'database'") as caught:
        Policies().get("databse")
    assert caught.value.known == ("ai", "api", "critical", "database", "external")
    with pytest.raises(UnknownPolicy, match="Did you mean 'api'"):
        Policies().get("API")
    with pytest.raises(UnknownPolicy, match="Did you mean 'Maps'"):
        Policies({"Maps": API}).get("maps")
    with pytest.raises(UnknownPolicy):
        Policies().get(["api"])  # type: ignore[arg-type]


def test_policies_are_registered_by_name() -> None:
    """A new one joins the presets, one of the same name takes the other's place, and a policy is itself."""
    policies = Policies()
    mine = Policy(name="mine")
    policies.register(mine)
    policies.register(API.replace(timeout=1.0))
    assert policies.get("mine") is mine
    assert policies.get("api").timeout == 1.0
    assert policies.get(API) is API
    assert policies.names() == ["api", "ai", "database", "external", "critical", "mine"]
    assert Policies({}).names() == []

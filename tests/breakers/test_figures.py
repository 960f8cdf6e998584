"""Where the figures of an upstream come from, what happens to those that contradict each other, and when others hold."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.db import connection

from portal.policy import state
from resilience import patterns
from resilience.breakers.figures import PRESETS, Figures, checked, figures_of, most_attempts
from resilience.breakers.runtime import Runtime
from resilience.patterns.errors import ConfigError
from resilience.upstreams.core.draft import POLICIES
from resilience.upstreams.models import Upstream
from syncqueue.upstreams import Destinations
from tests.breakers.shared_world import down, up
from tests.policy.files import save
from tests.support.people import make_people, make_upstream

FILE = "circuit_breaker:\n  cooldown_ms: 90000\n  success_threshold: 2\nsync_backoff:\n  max_attempts: 7\n"


@pytest.fixture
def policy_file(tmp_path: Path, settings: Any) -> Iterator[Path]:
    """A policy file of the test's own in force; afterwards the usual one is."""
    path, usual = tmp_path / "policy.yml", settings.BREAKWATER_POLICY
    save(path, FILE)
    settings.BREAKWATER_POLICY = path
    assert state().faults == ()
    yield path
    settings.BREAKWATER_POLICY = usual
    state()


def upstream(policy: str = "api", **own: Any) -> Upstream:
    """One with this policy and these figures of its own; dots are written as two underscores."""
    return Upstream(
        slug="plans-api", policy=policy, figures={key.replace("__", "."): said for key, said in own.items()}
    )


def said(figures: Figures, key: str) -> tuple[object, str, bool]:
    """The value of a key as the file would write it, its source, and whether it is the upstream's own."""
    (found,) = (figure for figure in figures.table if figure.key == key)
    return found.value, found.source, found.own


def test_own_figures_come_first_then_the_policys_then_the_files_then_what_is_built_in(policy_file: Path) -> None:
    """Each with where it was said."""
    found = figures_of(upstream("ai", circuit_breaker__failure_threshold=4))
    assert said(found, "circuit_breaker.failure_threshold") == (4, "upstream", True)
    assert said(found, "circuit_breaker.cooldown_ms") == (120_000, "policy ai", False)
    value, source, own = said(found, "circuit_breaker.success_threshold")
    assert (value, source.endswith("policy.yml line 3"), own) == (2, True, False)
    assert said(found, "circuit_breaker.half_open_max_calls") == (3, "built in", False)
    plain = figures_of(upstream("api"))
    assert said(plain, "circuit_breaker.cooldown_ms")[0] == 90_000
    config = found.config
    assert (config.failure_threshold, config.reset_timeout, config.success_threshold) == (4, 120.0, 2)
    assert (found.max_attempts, most_attempts(upstream())) == (7, 7)
    assert most_attempts(upstream(sync_backoff__max_attempts=2)) == 2


def test_an_own_figure_is_over_the_policy_presets(policy_file: Path) -> None:
    """Also where the preset says something about the same key."""
    found = figures_of(upstream("database", circuit_breaker__cooldown_ms=1_500, circuit_breaker__slow_start_ms=0))
    assert (found.config.reset_timeout, found.slow_start) == (1.5, 0.0)
    assert found.config.failure_threshold == 10


def test_only_what_an_upstream_may_set_is_listed(policy_file: Path) -> None:
    """Backoff and breaker, each key once."""
    keys = [figure.key for figure in figures_of(upstream()).table]
    assert {key.split(".")[0] for key in keys} == {"circuit_breaker", "sync_backoff"}
    assert len(keys) == len(set(keys))


@pytest.mark.parametrize(
    "own",
    [
        {"circuit_breaker__volume_threshold": 500},
        {"circuit_breaker__slow_call_rate": 0.3},
        {"circuit_breaker__cooldown_ms": "soon"},
        {"circuit_breaker__failure_threshold": 0},
        {"circuit_breaker__failure_rate": [1]},
    ],
)
def test_own_figures_that_contradict_the_others_are_left_out_and_logged(
    policy_file: Path, own: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    """All of them: half of what somebody wanted is something else. The upstream is still delivered to."""
    found = figures_of(upstream("ai", circuit_breaker__success_threshold=9, **own))
    assert found == figures_of(upstream("ai"))
    assert "plans-api do not go together" in caplog.text
    with pytest.raises((ConfigError, TypeError, ValueError)):
        checked("ai", {key.replace("__", "."): value for key, value in own.items()})


def test_a_cool_down_beyond_the_longest_is_the_longest(policy_file: Path) -> None:
    """An upstream that sets only its cool-down need not know that there is a limit to its growth."""
    config = figures_of(upstream(circuit_breaker__cooldown_ms=7_200_000)).config
    assert (config.reset_timeout, config.reset_timeout_max) == (7_200.0, 7_200.0)


@pytest.mark.django_db
def test_another_policy_holds_in_a_running_pump(policy_file: Path) -> None:
    """With its next turn: the same breaker goes on with what it has counted, by the new figures."""
    row = make_upstream(make_people().tidewater)
    destinations = Destinations(Runtime(owner="host-a"))
    with connection.cursor() as cursor:
        destinations.refresh(cursor)
        before = destinations.get(row.pk)
        for _ in range(3):
            with pytest.raises(ConnectionError):
                before.breaker.call(down)
        save(policy_file, "circuit_breaker:\n  failure_threshold: 4\n  slow_start_ms: 3000\n")
        assert state().faults == ()
        destinations.refresh(cursor)
    after = destinations.get(row.pk)
    assert after.breaker is before.breaker
    assert (after.breaker.config.failure_threshold, after.slow_start) == (4, 3.0)
    assert not after.breaker.is_open
    with pytest.raises(ConnectionError):
        after.breaker.call(down)
    assert after.breaker.is_open


@pytest.mark.django_db
def test_a_policy_file_that_breaks_changes_nothing_for_a_running_pump(policy_file: Path) -> None:
    """The last good figures hold."""
    row = make_upstream(make_people().tidewater)
    destinations = Destinations(Runtime(owner="host-a"))
    with connection.cursor() as cursor:
        destinations.refresh(cursor)
        save(policy_file, "circuit_breaker:\n  failure_threshold: none of it\n")
        assert state().faults
        destinations.refresh(cursor)
    found = destinations.get(row.pk)
    assert found.breaker.config.reset_timeout == 90.0
    assert found.breaker.call(up) == "fine"


def test_a_half_open_place_is_kept_for_as_long_as_a_delivery_may_take(db: None) -> None:
    """Else the answers of a slow upstream would come when their places are gone, and it would be tested for ever."""
    tidewater = make_people().tidewater
    quick, slow = (
        make_upstream(tidewater, slug, timeout=timeout) for slug, timeout in (("quick", 5.0), ("slow", 300.0))
    )
    assert figures_of(quick).config.half_open_lease == 60.0
    assert figures_of(slow).config.half_open_lease > 2 * 300.0


def test_the_policies_that_an_upstream_may_name_are_those_that_are_known() -> None:
    """Each has its figures here, and there is no other."""
    assert set(POLICIES) == set(PRESETS) == set(patterns.PRESETS)

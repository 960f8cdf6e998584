"""One breaker for each name, and one place to ask how all of them are."""

import threading

import pytest

from resilience.patterns.breaker import BreakerConfig
from resilience.patterns.registry import Registry, breakers
from resilience.patterns.typing import State
from tests.patterns.breakers import fail
from tests.patterns.clock import Clock

pytestmark = pytest.mark.plain


def test_a_name_gets_one_breaker_with_the_settings_of_who_came_first() -> None:
    """Settings, or what makes them, which is not asked where the breaker is there."""
    registry = Registry(clock=Clock())
    one = registry.get_or_create("maps", BreakerConfig(window_size=20))
    assert registry.get_or_create("maps", BreakerConfig(window_size=30)) is one
    assert registry.get_or_create("maps", lambda: 1 // 0) is one  # type: ignore[arg-type,return-value]
    assert one.config.window_size == 20
    assert one.name == "maps"
    assert registry.get_or_create("db", lambda: BreakerConfig(window_size=40)).config.window_size == 40
    assert registry.get_or_create("ai").config == BreakerConfig()
    assert registry.names() == ["ai", "db", "maps"]
    assert [breaker.name for breaker in registry] == ["ai", "db", "maps"]
    assert (len(registry), "db" in registry, "x" in registry) == (3, True, False)
    assert registry.get("maps") is registry["maps"] is one
    assert registry.get("x") is None
    with pytest.raises(KeyError):
        registry["x"]


def test_its_clock_is_that_of_its_breakers() -> None:
    """So that a test has all of them in hand."""
    clock = Clock()
    registry = Registry(clock=clock)
    one = registry.get_or_create("maps")
    fail(one, 5)
    clock.advance(20)
    assert one.retry_after == 40


def test_health_says_who_is_well_and_who_is_not() -> None:
    """Half open is not well yet."""
    clock = Clock()
    registry = Registry(clock=clock)
    assert registry.health_status() == {
        "healthy": [],
        "unhealthy": [],
        "total": 0,
        "by_state": {State.CLOSED: 0, State.OPEN: 0, State.HALF_OPEN: 0},
    }
    for name in ("maps", "db", "ai"):
        registry.get_or_create(name)
    fail(registry["ai"], 5)
    clock.advance(60)
    registry["ai"].call(int)
    fail(registry["db"], 5)
    assert registry.health_status() == {
        "healthy": ["maps"],
        "unhealthy": ["ai", "db"],
        "total": 3,
        "by_state": {State.CLOSED: 1, State.OPEN: 1, State.HALF_OPEN: 1},
    }
    registry.reset_all()
    assert registry.health_status()["healthy"] == ["ai", "db", "maps"]


def test_one_listener_hears_all_breakers_also_those_to_come() -> None:
    """Until it leaves; calls are only told once somebody asked for them, so that they cost nothing before."""
    registry = Registry(clock=Clock())
    early = registry.get_or_create("early")
    states: list[tuple[str, str]] = []
    calls: list[tuple[str, str]] = []
    leave = registry.on_state_change(lambda change: states.append((change.name, change.current)))
    assert not early._on_call
    leave_calls = registry.on_call(lambda done: calls.append((done.name, done.verdict)))
    again = registry.on_call(lambda done: None)
    late = registry.get_or_create("late")
    late.call(int)
    fail(early, 5)
    assert states == [("early", "open")]
    assert calls == [("late", "success"), *[("early", "failure")] * 5]
    leave()
    leave_calls()
    again()
    early.reset()
    late.call(int)
    assert (len(states), len(calls)) == (1, 6)


def test_a_breaker_that_was_forgotten_is_heard_no_more() -> None:
    """Whoever holds it keeps it; the name gets a new one."""
    registry = Registry(clock=Clock())
    heard: list[object] = []
    registry.on_state_change(heard.append)
    registry.on_call(heard.append)
    one = registry.get_or_create("maps")
    registry.discard("maps")
    registry.discard("maps")
    fail(one, 5)
    assert heard == []
    assert registry.get_or_create("maps") is not one


def test_many_threads_that_ask_at_once_get_the_same_breaker() -> None:
    """And the listeners hear it once."""
    registry = Registry(clock=Clock())
    heard: list[object] = []
    registry.on_state_change(heard.append)
    start = threading.Barrier(16)
    got = []

    def ask() -> None:
        start.wait(10)
        got.append(registry.get_or_create("maps"))

    threads = [threading.Thread(target=ask) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert len(set(map(id, got))) == 1
    fail(got[0], 5)
    assert len(heard) == 1


def test_one_that_came_second_after_all_is_not_kept() -> None:
    """Between the look and the entry another thread may have made it."""
    registry = Registry(clock=Clock())

    def config() -> BreakerConfig:
        registry.get_or_create("maps")
        return BreakerConfig(window_size=20)

    one = registry.get_or_create("maps", config)
    assert one is registry["maps"]
    assert one.config.window_size == 100


def test_there_is_one_for_the_process_and_its_lock_is_new_in_a_child() -> None:
    """As all locks are."""
    assert isinstance(breakers, Registry)
    registry = Registry()
    old = registry._lock
    registry._after_fork()
    assert registry._lock is not old
    assert registry.get_or_create("x").call(int) == 0

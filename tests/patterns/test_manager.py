"""The manager: calls by name, one breaker and one bulkhead a name, and how all of them stand."""

import asyncio
import logging
import os
import threading
from collections.abc import Coroutine
from typing import Any

import pytest

from resilience.patterns.bulkhead import BulkheadConfig, Bulkheads
from resilience.patterns.config import BreakerConfig
from resilience.patterns.errors import BulkheadFullError, CircuitOpenError, ConfigError, UnknownPolicy
from resilience.patterns.managers import MOST_POLICIES, Manager
from resilience.patterns.policies import API, CRITICAL, Policies, Policy
from resilience.patterns.registry import Registry
from resilience.patterns.retry import Ports
from tests.patterns.clock import Clock

pytestmark = pytest.mark.plain


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def manager(clock: Clock) -> Manager:
    """A manager of its own, whose time stands still and whose waits end at once."""
    return Manager(breakers=Registry(clock=clock), ports=Ports(sleep=clock.advance, clock=clock))


def fail(*args: object) -> None:
    raise ConnectionError("away")


async def double(number: int) -> int:
    return number * 2


async def test_execute_and_aexecute_give_what_the_function_gives(manager: Manager) -> None:
    """By the name of a policy, by a policy, or by none, which is the api's."""
    assert manager.execute("db", divmod, 7, 2, policy="database") == (3, 1)
    assert manager.execute("db", dict, name=1, fn=2, policy=CRITICAL) == {"name": 1, "fn": 2}
    assert manager.execute("maps", int, "7") == 7
    assert await manager.aexecute("maps", double, 4, policy=API.replace(timeout=2.0)) == 8
    assert await manager.aexecute("maps", double, number=4) == 8
    assert manager.chain("maps").policy is API


def test_the_name_owns_breaker_and_bulkhead(manager: Manager) -> None:
    """Two policies under one name share them; two names share nothing."""
    manager.execute("maps", int, policy="api")
    manager.execute("maps", int, policy=API.replace(timeout=2.0))
    manager.execute("rates", int, policy="api")
    assert manager.breaker("maps").snapshot().calls == 2
    assert manager.bulkhead("maps").metrics().completed == 2
    assert manager.breakers.names() == manager.bulkheads.names() == ["maps", "rates"]


def test_a_policy_without_breaker_makes_none(manager: Manager) -> None:
    """Parts that a policy does not have are not there."""
    manager.execute("backup", int, policy="critical")
    assert (manager.breakers.names(), manager.bulkheads.names()) == ([], ["backup"])
    manager.execute("bare", int, policy=Policy(name="bare"))
    assert manager.bulkheads.names() == ["backup"]


def test_the_chain_of_a_name_and_policy_is_made_once(manager: Manager) -> None:
    """Equal policies are one; 20 threads that ask at once get one."""
    begin = threading.Barrier(20)
    got: list[object] = []

    def ask() -> None:
        begin.wait(10)
        got.append(manager.chain("maps", API.replace(timeout=2.0, fallback=[])))

    threads = [threading.Thread(target=ask) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert len(set(map(id, got))) == 1


def test_policies_made_for_each_call_do_not_pile_up(manager: Manager) -> None:
    """A timeout computed for each call costs time, not memory."""
    chain = manager.chain("maps", "api")
    for number in range(3 * MOST_POLICIES):
        manager.execute("maps", int, policy=API.replace(timeout=1.0 + number))
    assert len(manager._known) == MOST_POLICIES + 1
    assert manager.chain("maps", "api") is chain


def test_an_unknown_policy_is_an_error_with_a_hint(manager: Manager) -> None:
    """And nothing is called, nothing made."""
    with pytest.raises(UnknownPolicy, match="Did you mean 'database'"):
        manager.execute("db", fail, policy="databse")
    assert manager.breakers.names() == []


def test_an_async_function_given_to_execute_is_an_error(manager: Manager) -> None:
    """A coroutine that nobody awaits was never guarded."""

    def hidden() -> Coroutine[Any, Any, int]:
        return double(1)

    with pytest.raises(ConfigError, match="not async"):
        manager.execute("maps", double, 1)
    with pytest.raises(ConfigError):
        manager.execute("maps", hidden, policy=Policy(name="bare"))


def test_failures_open_the_breaker_of_the_name_only(manager: Manager, clock: Clock) -> None:
    """Three attempts a call: the second call finds it open."""
    for error in (ConnectionError, CircuitOpenError):
        with pytest.raises(error):
            manager.execute("maps", fail, policy="api")
    assert manager.breaker("maps").is_open
    assert manager.execute("rates", int, policy="api") == 0
    manager.breakers.reset_all()
    assert manager.execute("maps", int, policy="api") == 0


def test_an_assigned_policy_serves_the_calls_that_name_none(manager: Manager) -> None:
    """Before and after; the breaker and the bulkhead take over its figures without losing what they know."""
    chain = manager.chain("maps")
    lease = manager.bulkhead("maps").acquire()
    breaker = manager.breaker("maps")
    breaker.record_failure()
    manager.assign(
        "maps", API.replace(breaker=BreakerConfig(failure_threshold=2), bulkhead=BulkheadConfig(max_concurrent=1))
    )
    assert manager.chain("maps") is chain
    assert manager.breaker("maps") is breaker
    with pytest.raises(BulkheadFullError):
        manager.execute("maps", int)
    lease.release()
    with pytest.raises(CircuitOpenError):
        manager.execute("maps", fail)
    manager.assign("new", "critical")
    assert manager.chain("new").policy is CRITICAL
    assert manager.chain("new", "api").policy is API
    manager.assign("maps", "critical")
    assert chain.breaker is None


def test_a_policy_registered_again_reaches_whatever_goes_by_its_name(manager: Manager) -> None:
    """New figures hold for the next call, in what was decorated or compiled before as well."""
    mine = Policy(name="mine", breaker=BreakerConfig(), bulkhead=BulkheadConfig(max_concurrent=4))
    manager.register(mine)
    chain, other = manager.chain("maps", "mine"), manager.chain("maps", "api")
    manager.register(mine.replace(breaker=BreakerConfig(reset_timeout=5.0), bulkhead=None, fallback="cached"))
    assert manager.breaker("maps").config.reset_timeout == 5.0
    assert manager.bulkhead("maps").config.max_concurrent == 4
    assert (chain.call(fail), chain.bulkhead) == ("cached", None)
    assert other.policy is API
    manager.register(mine.replace(bulkhead=BulkheadConfig(max_concurrent=6), breaker=None))
    assert manager.bulkhead("maps").config.max_concurrent == 6


def test_other_figures_for_a_name_that_has_some_are_not_taken_silently(
    manager: Manager, caplog: pytest.LogCaptureFixture
) -> None:
    """The name keeps its figures, and the log says whose differ and how to change them."""
    manager.chain("maps", "api")
    assert caplog.records == []
    with caplog.at_level(logging.WARNING):
        manager.chain("maps", "ai")
    assert manager.breaker("maps").config == API.breaker
    told = [record.getMessage() for record in caplog.records]
    assert [text.split(" keeps ")[0] for text in told] == ["The breaker 'maps'", "The bulkhead 'maps'"]
    assert "policy 'ai'" in told[0]
    assert "assign()" in told[0]


def test_a_breaker_that_calls_of_its_name_do_not_ask_is_told_of(
    manager: Manager, caplog: pytest.LogCaptureFixture
) -> None:
    """Whichever was there first, the breaker or the policy without one: whoever forces it open has to know."""
    manager.chain("maps", "critical")
    manager.chain("rates", "critical")
    assert caplog.records == []
    manager.breaker("maps").force_open("it harms them")
    assert manager.execute("maps", int, policy="critical") == 0
    told = "The breaker 'maps' is not asked by calls under the policy 'critical', which has none"
    assert [record.getMessage().split(":")[0] for record in caplog.records] == [told]
    manager.chain("maps", Policy(name="bare"))
    assert "under the policy 'bare'" in caplog.records[1].getMessage()
    manager.breakers.discard("maps")
    manager.chain("db", "api")
    manager.breakers.discard("db")
    manager.breaker("db")
    assert len(caplog.records) == 2


def test_breaker_and_bulkhead_of_a_name_are_made_on_asking(manager: Manager) -> None:
    """By a config, by the policy assigned to the name, or else by the api's."""
    assert manager.breaker("a", BreakerConfig(reset_timeout=7.0)).config.reset_timeout == 7.0
    assert manager.bulkhead("a", BulkheadConfig(max_concurrent=7)).config.max_concurrent == 7
    assert manager.breaker("a") is manager.breaker("a", BreakerConfig())
    assert manager.bulkhead("a") is manager.bulkhead("a", BulkheadConfig())
    assert (manager.breaker("b").config, manager.bulkhead("b").config) == (API.breaker, API.bulkhead)
    manager.assign("c", Policy(name="bare"))
    assert (manager.breaker("c").config, manager.bulkhead("c").config) == (BreakerConfig(), BulkheadConfig())


def test_a_name_that_is_discarded_begins_anew(manager: Manager) -> None:
    """Its breaker, bulkhead, chains and policy go; others stay; twice does no harm."""
    manager.assign("maps", "critical")
    manager.chain("maps", "api")
    manager.chain("rates", "api")
    old = manager.breaker("maps")
    manager.discard("maps")
    manager.discard("maps")
    assert (manager.breakers.names(), manager.bulkheads.names()) == (["rates"], ["rates"])
    assert manager.chain("maps").policy is API
    assert manager.breaker("maps") is not old


def test_health_of_nothing_is_good(manager: Manager) -> None:
    """The shape stands, however little there is."""
    assert manager.health_status() == {
        "summary": {"healthy": True, "issues": []},
        "circuit_breakers": {"total": 0, "by_state": {"closed": 0, "open": 0, "half_open": 0}},
        "bulkheads": [],
    }


def test_health_says_what_is_wrong(manager: Manager, clock: Clock) -> None:
    """Breakers that refuse calls and full bulkheads, each in a sentence; one whose time is over, or with a free place, is no issue."""
    for name in ("closed", "forced", "half", "open", "over"):
        manager.breaker(name, BreakerConfig(failure_threshold=1, reset_timeout=30.0)).reset()
    manager.breaker("half").record_failure()
    manager.breaker("over").record_failure()
    clock.advance(30.0)
    permits = [manager.breaker("half").admit() for _ in range(2)]
    clock.advance(20.0)
    permits.append(manager.breaker("half").admit())
    manager.breaker("open").record_failure()
    manager.breaker("forced").force_open("repairs")
    lease = manager.bulkhead("small", BulkheadConfig(max_concurrent=1)).acquire()
    manager.bulkhead("roomy", BulkheadConfig(max_concurrent=1, max_queue=1)).acquire()
    health = manager.health_status()
    assert health["summary"] == {
        "healthy": False,
        "issues": [
            "The breaker 'forced' is open (repairs).",
            "The breaker 'half' is half open (reset-timeout); it tries again in 40 s.",
            "The breaker 'open' is open (consecutive-failures); it tries again in 30 s.",
            "The bulkhead 'small' is full, and so is its queue.",
        ],
    }
    assert health["circuit_breakers"] == {"total": 5, "by_state": {"closed": 1, "open": 3, "half_open": 1}}
    assert [one["name"] for one in health["bulkheads"]] == ["roomy", "small"]
    state = {"active": 1, "available": 0, "queued": 0, "max_queue": 0, "rejected": 0, "abandoned": 0}
    assert health["bulkheads"][1] == {"name": "small", "state": state, "utilization": 100.0}
    permits[0].done(manager.breaker("half").judge_result(1))
    assert "'half'" not in str(manager.health_status())
    lease.release()


def test_a_manager_takes_the_registries_that_it_is_given() -> None:
    """Nothing is shared unless asked for."""
    breakers, bulkheads, policies = Registry(), Bulkheads(), Policies({})
    manager = Manager(breakers=breakers, bulkheads=bulkheads, policies=policies)
    manager.execute("maps", int)
    assert (breakers.names(), bulkheads.names()) == (["maps"], ["maps"])
    with pytest.raises(UnknownPolicy, match="none"):
        manager.chain("maps", "api")
    assert Manager().breakers.names() == []


def test_many_tasks_and_threads_share_one_name(manager: Manager) -> None:
    """The limit of the name holds for all of them together."""
    inside: list[int] = []
    most: list[int] = []
    policy = Policy(name="two", bulkhead=BulkheadConfig(max_concurrent=2, max_queue=100))

    def work() -> None:
        inside.append(1)
        most.append(len(inside))
        inside.pop()

    async def work_later() -> None:
        inside.append(1)
        most.append(len(inside))
        await asyncio.sleep(0)
        inside.pop()

    async def tasks() -> None:
        await asyncio.gather(*(manager.aexecute("db", work_later, policy=policy) for _ in range(20)))

    threads = [
        threading.Thread(target=manager.execute, args=("db", work), kwargs={"policy": policy}) for _ in range(20)
    ]
    threads += [threading.Thread(target=lambda: asyncio.run(tasks())) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert (len(most), max(most) <= 2) == (60, True)


def test_a_fork_takes_no_lock_along(manager: Manager) -> None:
    """A child that is forked while another thread holds the manager's lock goes on."""
    held, go_on = threading.Event(), threading.Event()

    def hold() -> None:
        with manager._lock:
            held.set()
            go_on.wait(10)

    thread = threading.Thread(target=hold)
    thread.start()
    assert held.wait(10)
    child = os.fork()
    if child == 0:
        os._exit(manager.execute("maps", int, "7"))
    go_on.set()
    thread.join(10)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7


def test_what_a_fork_makes_anew(manager: Manager) -> None:
    """What the child does by itself, seen from here."""
    before = manager._lock
    manager._after_fork()
    assert manager._lock is not before

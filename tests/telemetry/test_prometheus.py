"""The metrics: their names, what they count, and that a call does not pay for them."""

import subprocess
import sys
import threading
from collections.abc import Iterator

import pytest
from prometheus_client import CollectorRegistry, generate_latest

from resilience.patterns import (
    BreakerConfig,
    Bulkhead,
    BulkheadConfig,
    BulkheadFullError,
    CircuitBreaker,
    CircuitOpenError,
    DeadlineExceeded,
    Manager,
    Policy,
    Registry,
    RetryConfig,
    Timeout,
    TimeoutConfig,
    execute_with_retry,
    retry_events,
    timeout_events,
    with_timeout,
)
from resilience.patterns.retry import Ports
from resilience.telemetry import prometheus
from tests.patterns.clock import Clock

pytestmark = pytest.mark.plain

SEED = {
    "circuit_breaker_state_changes_total",
    "circuit_breaker_calls_total",
    "retry_attempts_total",
    "timeout_operations_total",
    "bulkhead_executions_total",
}
NO_WAIT = Ports(sleep=lambda _: None)


class Scrape:
    """What Prometheus reads."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.registry = registry

    def value(self, name: str, /, **labels: str) -> float | None:
        """One figure, or None."""
        return self.registry.get_sample_value(name, labels)

    def text(self) -> str:
        """All of it."""
        return generate_latest(self.registry).decode()


@pytest.fixture
def manager() -> Manager:
    return Manager(ports=NO_WAIT)


@pytest.fixture
def scrape(manager: Manager) -> Iterator[Scrape]:
    registry = CollectorRegistry()
    collector = prometheus.register(manager=manager, registry=registry)
    yield Scrape(registry)
    collector.close()


def fail() -> None:
    raise ConnectionError("gone")


def works() -> str:
    return "fine"


def strict(threshold: int = 2, **changes: object) -> BreakerConfig:
    return BreakerConfig(failure_threshold=threshold, failure_rate_threshold=None).replace(**changes)


def test_the_names_of_the_guide_are_there(manager: Manager, scrape: Scrape) -> None:
    """Exactly those names, each with its type, as soon as there is something to count."""
    manager.bulkhead("b", BulkheadConfig(max_concurrent=1)).call(works)
    manager.breaker("b").force_open()
    with pytest.raises(ConnectionError):
        manager.execute("r", fail, policy=Policy(name="two", retry=RetryConfig(max_attempts=2)))
    clock = Clock()
    with pytest.raises(DeadlineExceeded):
        Timeout(TimeoutConfig(timeout=5.0, name="t"), clock=clock).call(clock_stops, clock)
    text = scrape.text()
    for name in SEED:
        assert f"# TYPE {name} counter" in text
        assert f"\n{name}{{" in text


def clock_stops(clock: Clock) -> None:
    clock.advance(9.0)
    raise TimeoutError


def test_calls_by_result_and_what_was_refused(manager: Manager, scrape: Scrape) -> None:
    """Successes, failures, refusals, ignored and slow calls."""
    breaker = manager.breaker("maps", strict(2, ignored_errors=(KeyError,), slow_call_duration=1.0))
    for _ in range(3):
        breaker.call(works)
    with pytest.raises(KeyError):
        breaker.call({}.__getitem__, "none")
    breaker.record_success(duration=2.0)
    for _ in range(2):
        with pytest.raises(ConnectionError):
            breaker.call(fail)
    with pytest.raises(CircuitOpenError):
        breaker.call(works)
    assert scrape.value("circuit_breaker_calls_total", name="maps", result="success") == 4
    assert scrape.value("circuit_breaker_calls_total", name="maps", result="failure") == 2
    assert scrape.value("circuit_breaker_rejected_total", name="maps") == 1
    assert scrape.value("circuit_breaker_ignored_total", name="maps") == 1
    assert scrape.value("circuit_breaker_slow_calls_total", name="maps") == 1


def test_state_changes_from_before_it_was_registered(manager: Manager) -> None:
    """A breaker counts its own changes, so nothing is missed by asking late; the label says from where, to where and why."""
    breaker = manager.breaker("maps", strict(1))
    with pytest.raises(ConnectionError):
        breaker.call(fail)
    breaker.reset()
    registry = CollectorRegistry()
    collector = prometheus.register(manager=manager, registry=registry)
    scrape = Scrape(registry)
    change = "circuit_breaker_state_changes_total"
    opened = {"name": "maps", "from": "closed", "to": "open", "reason": "consecutive-failures"}
    assert scrape.value(change, **opened) == 1
    assert scrape.value(change, **{**opened, "from": "open", "to": "closed", "reason": "reset"}) == 1
    collector.close()


def test_a_reason_that_is_no_fixed_word_is_no_label(manager: Manager, scrape: Scrape) -> None:
    """Words of people and of other programs would make a new series each."""
    manager.breaker("maps")._trip("because of ticket 4711")
    assert "4711" not in scrape.text()
    labels = {"name": "maps", "from": "closed", "to": "open", "reason": "other"}
    assert scrape.value("circuit_breaker_state_changes_total", **labels) == 1


def test_state_force_and_health(manager: Manager, scrape: Scrape) -> None:
    """One state is 1; a forgotten force is seen; the health score is there."""
    breaker = manager.breaker("maps")
    assert scrape.value("circuit_breaker_state", name="maps", state="closed") == 1
    assert scrape.value("circuit_breaker_health_score", name="maps") == 100
    breaker.force_open("maintenance of host 7")
    assert scrape.value("circuit_breaker_state", name="maps", state="closed") == 0
    assert scrape.value("circuit_breaker_state", name="maps", state="open") == 1
    assert scrape.value("circuit_breaker_state", name="maps", state="half_open") == 0
    assert scrape.value("circuit_breaker_forced", name="maps", forced="open") == 1
    assert scrape.value("circuit_breaker_forced", name="maps", forced="disabled") == 0
    assert scrape.value("circuit_breaker_health_score", name="maps") == 25
    assert "host 7" not in scrape.text()


def test_retries_and_giving_up(manager: Manager, scrape: Scrape) -> None:
    """Attempts after a failed one, and why there was none after the last."""
    policy = Policy(name="three", retry=RetryConfig(max_attempts=3, ignored_errors=(KeyError,)))
    manager.execute("maps", works, policy=policy)
    assert scrape.value("retry_attempts_total", name="maps") is None
    with pytest.raises(ConnectionError):
        manager.execute("maps", fail, policy=policy)
    with pytest.raises(KeyError):
        manager.execute("maps", {}.__getitem__, "none", policy=policy)
    assert scrape.value("retry_attempts_total", name="maps") == 2
    assert scrape.value("retry_give_ups_total", name="maps", reason="attempts") == 1
    assert scrape.value("retry_give_ups_total", name="maps", reason="not-retryable") == 1


def test_timeouts_and_abandoned_calls(scrape: Scrape) -> None:
    """A limit that was not kept, and a thread that goes on until it ends."""
    clock, let_go = Clock(), threading.Event()
    with pytest.raises(DeadlineExceeded):
        Timeout(TimeoutConfig(timeout=5.0, name="maps"), clock=clock).call(clock_stops, clock)
    assert scrape.value("timeout_operations_total", name="maps", result="ended") == 1
    with pytest.raises(DeadlineExceeded):
        with_timeout(let_go.wait, TimeoutConfig(timeout=0.01, mode="thread", name="maps"))
    assert scrape.value("timeout_operations_total", name="maps", result="abandoned") == 1
    assert scrape.value("timeout_abandoned_calls", name="maps") == 1
    let_go.set()
    for thread in threading.enumerate():
        if thread.name == "timeout-maps":
            thread.join()
    assert scrape.value("timeout_abandoned_calls", name="maps") == 0


def test_bulkhead_executions(manager: Manager, scrape: Scrape) -> None:
    """Got a place, had to wait for it first, got none; and how it stands now."""
    bulkhead = manager.bulkhead("maps", BulkheadConfig(max_concurrent=1, max_queue=1))
    bulkhead.call(works)
    lease, queued = bulkhead.acquire(), threading.Event()
    leave = bulkhead.on_event(lambda event: queued.set() if event.kind == "queued" else None)
    waiter = threading.Thread(target=bulkhead.call, args=(works,))
    waiter.start()
    assert queued.wait(5)
    with pytest.raises(BulkheadFullError):
        bulkhead.call(works)
    assert scrape.value("bulkhead_active", name="maps") == 1
    assert scrape.value("bulkhead_queued", name="maps") == 1
    assert scrape.value("bulkhead_max_concurrent", name="maps") == 1
    assert scrape.value("bulkhead_abandoned", name="maps") == 0
    lease.release()
    waiter.join(5)
    leave()
    for state, count in {"active": 3, "queued": 1, "rejected": 1}.items():
        assert scrape.value("bulkhead_executions_total", name="maps", state=state) == count


def test_a_counter_never_goes_down(manager: Manager, scrape: Scrape) -> None:
    """A place that is taken back from a waiter who has gone counted as taken for a moment: Prometheus would see a restart."""
    bulkhead = manager.bulkhead("maps", BulkheadConfig(max_concurrent=2))
    bulkhead.call(works)
    bulkhead._permits.active += 1
    assert scrape.value("bulkhead_executions_total", name="maps", state="active") == 2
    bulkhead._permits.active -= 1
    assert scrape.value("bulkhead_executions_total", name="maps", state="active") == 2


def test_breakers_that_somebody_else_holds() -> None:
    """A function that gives them is asked each time; those of one name are added up, and none is counted twice."""
    held: list[CircuitBreaker] = []
    registry = CollectorRegistry()
    collector = prometheus.collect_from(lambda: held, registry=registry)
    scrape = Scrape(registry)
    assert scrape.value("circuit_breaker_calls_total", name="a", result="success") is None
    held += [CircuitBreaker("a"), CircuitBreaker("a")]
    collector.collect_from(held)
    for breaker in held:
        breaker.call(works)
    held[1].force_open()
    assert scrape.value("circuit_breaker_calls_total", name="a", result="success") == 2
    assert scrape.value("circuit_breaker_state", name="a", state="open") == 1
    assert scrape.value("circuit_breaker_state", name="a", state="closed") == 1
    assert scrape.value("circuit_breaker_health_score", name="a") == 25
    collector.close()


def test_a_registry_of_breakers_will_do() -> None:
    """`Registry` can be iterated."""
    some, registry = Registry(), CollectorRegistry()
    some.get_or_create("b").call(works)
    collector = prometheus.collect_from(some, registry=registry)
    assert Scrape(registry).value("circuit_breaker_calls_total", name="b", result="success") == 1
    collector.close()


def test_twice_into_one_registry_is_refused_and_leaves_nothing_behind() -> None:
    """Prometheus would get each series twice."""
    registry = CollectorRegistry()
    first = prometheus.register(registry=registry)
    heard = len(retry_events)
    with pytest.raises(ValueError, match="uplicated"):
        prometheus.register(registry=registry)
    assert len(retry_events) == heard
    first.close()
    first.close()
    prometheus.register(registry=registry).close()
    assert len(retry_events) == heard - 1


def test_nothing_listens_on_the_way_of_a_call_that_works(manager: Manager, scrape: Scrape) -> None:
    """Breakers and bulkheads are read, not listened to; retries and timeouts speak only of failures."""
    manager.execute("maps", works, policy="api")
    breaker, bulkhead = manager.breaker("maps"), manager.bulkhead("maps")
    assert not breaker._on_call
    assert not bulkhead.heard
    assert breaker._look == CircuitBreaker("other", breaker.config)._look
    assert scrape.value("circuit_breaker_calls_total", name="maps", result="success") == 1


def test_a_scrape_while_calls_go_on(manager: Manager, scrape: Scrape) -> None:
    """Names come and go, and figures move, while they are read."""
    stop = threading.Event()

    def busy() -> None:
        number = 0
        while not stop.is_set():
            number += 1
            manager.execute(f"n{number % 7}", works, policy="api")
            if number % 50 == 0:
                manager.discard(f"n{number % 7}")

    workers = [threading.Thread(target=busy) for _ in range(2)]
    for worker in workers:
        worker.start()
    for _ in range(30):
        assert "circuit_breaker_state" in scrape.text()
    stop.set()
    for worker in workers:
        worker.join()


def test_no_arguments_in_labels(manager: Manager, scrape: Scrape) -> None:
    """What was called, with what, and what an error said is in no label."""
    with pytest.raises(ConnectionError):
        manager.execute("maps", lambda secret: fail(), "hunter2", policy="api")
    text = scrape.text()
    assert "hunter2" not in text
    assert "gone" not in text


def test_without_the_package_it_says_so_and_does_nothing() -> None:
    """Importing and registering work where prometheus-client is not installed, and the patterns go on."""
    program = """
import logging, sys
sys.modules["prometheus_client"] = None
logging.basicConfig(stream=sys.stdout, format="%(message)s")
from resilience.patterns import manager
from resilience.telemetry import prometheus
metrics = prometheus.register()
metrics.collect_from(manager.breakers)
print(manager.execute("a", lambda: 42, policy="api"), prometheus.installed)
metrics.close()
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == [
        "prometheus-client is not installed: no metrics of the resilience patterns are exported.",
        "42 False",
    ]


def test_nothing_is_left_behind_when_it_is_closed() -> None:
    """No listener stays."""
    before = len(retry_events), len(timeout_events)
    collector = prometheus.register(registry=CollectorRegistry())
    assert (len(retry_events), len(timeout_events)) == (before[0] + 1, before[1] + 1)
    collector.close()
    assert (len(retry_events), len(timeout_events)) == before


def test_retries_outside_of_any_manager_count_too(scrape: Scrape) -> None:
    """Their name is that of their config; without one it is empty."""
    with pytest.raises(ConnectionError):
        execute_with_retry(fail, RetryConfig(max_attempts=2, initial_delay=0, name="alone"))
    assert scrape.value("retry_attempts_total", name="alone") == 1


def test_a_bulkhead_that_is_gone_is_forgotten(manager: Manager, scrape: Scrape) -> None:
    """A name that was discarded is exported no more."""
    manager.bulkhead("maps", BulkheadConfig()).call(works)
    assert scrape.value("bulkhead_executions_total", name="maps", state="active") == 1
    manager.discard("maps")
    assert scrape.value("bulkhead_executions_total", name="maps", state="active") is None
    assert isinstance(manager.bulkhead("maps", BulkheadConfig()), Bulkhead)


def test_a_fork_counts_bulkheads_anew_and_holds_no_lock(manager: Manager) -> None:
    """A child's bulkheads are empty; what it was told before stays."""
    registry = CollectorRegistry()
    collector = prometheus.register(manager=manager, registry=registry)
    scrape, bulkhead, tally = Scrape(registry), manager.bulkhead("maps", BulkheadConfig()), collector._sources.tally
    bulkhead.call(works)
    assert scrape.value("bulkhead_executions_total", name="maps", state="active") == 1
    with tally._lock:  # a thread that is not there in the child
        bulkhead._after_fork()
        tally._after_fork()
        other = threading.Thread(target=scrape.text)
        other.start()
        other.join(5)
        assert not other.is_alive()
    assert scrape.value("bulkhead_executions_total", name="maps", state="active") == 0
    collector.close()

"""The spans: what is in them, whose they are, and that nobody pays for them before they are switched on."""

import asyncio
import contextvars
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import StatusCode

from resilience.patterns import (
    BreakerConfig,
    BulkheadConfig,
    CircuitBreaker,
    CircuitOpenError,
    DeadlineExceeded,
    Manager,
    Policy,
    Registry,
    RetryConfig,
    TimeoutConfig,
    execute_with_retry,
    fallback_events,
    retry_events,
    timeout_events,
    with_resilience,
)
from resilience.patterns.retry import Ports
from resilience.telemetry import tracing
from tests.patterns.clock import Clock

pytestmark = pytest.mark.plain

ALL = Policy(
    name="all",
    retry=RetryConfig(max_attempts=2, initial_delay=0.5, strategy="fixed", jitter="none"),
    breaker=BreakerConfig(failure_threshold=2, failure_rate_threshold=None, reset_timeout=60.0),
    bulkhead=BulkheadConfig(max_concurrent=1, max_queue=3),
    timeout=5.0,
)


class Traces:
    """What was exported, and the tracer that exports there."""

    def __init__(self) -> None:
        self.exporter = InMemorySpanExporter()
        self.provider = TracerProvider()
        self.provider.add_span_processor(SimpleSpanProcessor(self.exporter))
        self.tracer = self.provider.get_tracer("test")

    def spans(self) -> list[ReadableSpan]:
        """In the order of their ends."""
        return list(self.exporter.get_finished_spans())

    def only(self) -> ReadableSpan:
        """The one span there is."""
        (span,) = self.spans()
        return span


async def asleep(_: float) -> None:
    """No wait."""


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def manager(clock: Clock) -> Manager:
    return Manager(ports=Ports(sleep=lambda _: None, asleep=asleep, clock=clock), breakers=Registry(clock=clock))


@pytest.fixture
def traces() -> Iterator[Traces]:
    traces = Traces()
    off = tracing.switch_on(tracer_provider=traces.provider)
    yield traces
    off()
    assert not retry_events
    assert not timeout_events
    assert not fallback_events


def attributes(span: ReadableSpan) -> dict[str, object]:
    return dict(span.attributes or {})


def events(span: ReadableSpan, name: str) -> list[dict[str, object]]:
    return [dict(event.attributes or {}) for event in span.events if event.name == name]


def works() -> str:
    return "fine"


def fail() -> None:
    raise ConnectionError("the password is hunter2")


def test_a_call_that_works(manager: Manager, traces: Traces) -> None:
    """One span with the name of the guide; the four others are its attributes."""
    assert manager.execute("maps", works, policy=ALL) == "fine"
    span = traces.only()
    assert span.name == "resilience.operation"
    assert attributes(span) == {
        "resilience.name": "maps",
        "resilience.policy": "all",
        "circuit.state": "closed",
        "retry.attempt": 1,
        "timeout.exceeded": False,
        "bulkhead.queue_position": 0,
    }
    assert span.events == ()
    assert span.status.status_code is StatusCode.UNSET


def test_what_a_policy_has_not_is_no_attribute(manager: Manager, traces: Traces) -> None:
    """No word of parts that are not there."""
    manager.execute("bare", works, policy=Policy(name="bare"))
    assert attributes(traces.only()) == {"resilience.name": "bare", "resilience.policy": "bare"}


def test_failed_attempts_are_events_and_the_trip_too(manager: Manager, traces: Traces) -> None:
    """Each with its number, the error's type and code, and the wait; the span fails, without the error's text."""
    with pytest.raises(ConnectionError):
        manager.execute("maps", fail, policy=ALL)
    span = traces.only()
    assert attributes(span)["retry.attempt"] == 2
    assert attributes(span)["circuit.state"] == "closed"
    assert attributes(span)["error.type"] == "ConnectionError"
    error = {"error.type": "ConnectionError", "resilience.code": "NETWORK_ERROR", "resilience.name": "maps"}
    assert events(span, "retry.attempt") == [
        {"retry.attempt": 1, "retry.delay": 0.5, **error},
        {"retry.attempt": 2, "retry.end": "attempts", **error},
    ]
    (trip,) = events(span, "circuit.state")
    assert (trip["circuit.previous"], trip["circuit.state"]) == ("closed", "open")
    assert trip["circuit.reason"] == "consecutive-failures"
    assert span.status.status_code is StatusCode.ERROR
    assert span.status.description == "NETWORK_ERROR"
    assert "hunter2" not in span.to_json()


def test_a_call_that_is_refused_and_one_that_tests(manager: Manager, traces: Traces, clock: Clock) -> None:
    """The state in which the breaker met the call."""
    manager.execute("maps", works, policy=ALL)
    manager.breaker("maps").force_open()
    with pytest.raises(CircuitOpenError):
        manager.execute("maps", works, policy=ALL)
    manager.breaker("maps").reset()
    manager.breaker("maps")._trip("failure-rate")
    clock.advance(60.0)
    manager.execute("maps", works, policy=ALL)
    _, refused, tested = traces.spans()
    assert attributes(refused)["circuit.state"] == "open"
    assert attributes(refused)["resilience.code"] == "CIRCUIT_OPEN"
    assert attributes(tested)["circuit.state"] == "half_open"
    assert [event["circuit.state"] for event in events(tested, "circuit.state")] == ["half_open"]


def test_a_limit_that_was_not_kept(manager: Manager, traces: Traces, clock: Clock) -> None:
    """An attribute and an event with the seconds."""

    def slow() -> None:
        clock.advance(6.0)
        raise TimeoutError

    with pytest.raises(DeadlineExceeded):
        manager.execute("maps", slow, policy=ALL.replace(retry=None))
    span = traces.only()
    assert attributes(span)["timeout.exceeded"] is True
    assert events(span, "timeout.exceeded") == [
        {"resilience.name": "maps", "timeout.seconds": 5.0, "timeout.abandoned": False}
    ]
    assert attributes(span)["resilience.code"] == "TIMEOUT"


async def test_the_place_in_the_queue(manager: Manager, traces: Traces) -> None:
    """By the task that waited; spans of tasks at the same time do not mix."""
    gate, queued = asyncio.Event(), asyncio.Event()
    bulkhead = manager.bulkhead("maps", ALL.bulkhead)
    leave = bulkhead.on_event(lambda event: queued.set() if event.queued == 2 else None)

    async def wait() -> None:
        await gate.wait()

    tasks = [asyncio.create_task(manager.aexecute("maps", wait, policy=ALL)) for _ in range(3)]
    await queued.wait()
    gate.set()
    await asyncio.gather(*tasks)
    leave()
    spans = traces.spans()
    assert [attributes(span)["bulkhead.queue_position"] for span in spans] == [0, 1, 2]
    assert events(spans[2], "bulkhead.queue_position") == [{"resilience.name": "maps", "bulkhead.queue_position": 2}]


def test_an_answer_in_place_of_an_error_is_seen(manager: Manager, traces: Traces) -> None:
    """The span says which step answered and what it replaced, though the call looks well."""

    def cached() -> str:
        return "old"

    assert manager.execute("maps", fail, policy=ALL.replace(fallback=cached, retry=None)) == "old"
    span = traces.only()
    assert str(attributes(span)["resilience.fallback"]).endswith("cached")
    assert attributes(span)["error.type"] == "ConnectionError"
    assert len(events(span, "resilience.fallback")) == 1


def test_a_fallback_that_fails_too(manager: Manager, traces: Traces) -> None:
    """The event has no step; the span has the first error."""
    with pytest.raises(ConnectionError):
        manager.execute("maps", fail, policy=ALL.replace(fallback=fail, retry=None))
    assert "resilience.fallback" not in attributes(traces.only())
    assert events(traces.only(), "resilience.fallback")[0]["resilience.fallback"] == ""


def test_texts_of_errors_only_when_asked_for(manager: Manager) -> None:
    """`record_errors=True` puts them into the span."""
    traces = Traces()
    off = tracing.switch_on(tracer_provider=traces.provider, record_errors=True)
    with pytest.raises(ConnectionError):
        manager.execute("maps", fail, policy=ALL)
    off()
    assert "hunter2" in traces.only().to_json()


async def test_a_cancelled_call_is_no_failure(manager: Manager, traces: Traces) -> None:
    """The span ends, says so, and has no error status."""
    begun = asyncio.Event()

    async def wait() -> None:
        begun.set()
        await asyncio.Event().wait()

    task = asyncio.create_task(manager.aexecute("maps", wait, policy=ALL))
    await begun.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert attributes(traces.only())["error.type"] == "asyncio.exceptions.CancelledError"
    assert traces.only().status.status_code is StatusCode.UNSET


async def test_spans_follow_into_tasks_and_threads(manager: Manager, traces: Traces) -> None:
    """A span around the call is the parent; what the call does in tasks, in threads and in abandoned work is below it."""
    threaded = Policy(name="threaded", timeout=TimeoutConfig(timeout=30.0, mode="thread"))

    def inner(name: str) -> None:
        with traces.tracer.start_as_current_span(name):
            pass

    async def call() -> None:
        await asyncio.gather(asyncio.to_thread(inner, "to_thread"), asyncio.create_task(task()))

    async def task() -> None:
        inner("task")

    with traces.tracer.start_as_current_span("request"):
        await manager.aexecute("maps", call, policy=ALL)
        manager.execute("other", inner, "worker", policy=threaded)
    spans = {
        span.name if span.name != "resilience.operation" else str(attributes(span)["resilience.name"]): span
        for span in traces.spans()
    }
    parents = {name: span.parent.span_id if span.parent else None for name, span in spans.items()}
    ids = {name: span.context.span_id for name, span in spans.items() if span.context}
    assert parents["maps"] == parents["other"] == ids["request"]
    assert parents["to_thread"] == parents["task"] == ids["maps"]
    assert parents["worker"] == ids["other"]


def test_a_pool_of_threads_gets_a_copy_of_the_context(manager: Manager, traces: Traces) -> None:
    """As the page says: executors hand nothing on by themselves."""

    def inner() -> None:
        with traces.tracer.start_as_current_span("inner"):
            pass

    def call() -> None:
        with ThreadPoolExecutor(1) as pool:
            pool.submit(contextvars.copy_context().run, inner).result()

    manager.execute("maps", call, policy=ALL)
    inside, outside = traces.spans()
    assert inside.parent is not None
    assert outside.context is not None
    assert inside.parent.span_id == outside.context.span_id


def test_work_that_was_abandoned_writes_into_no_ended_span(
    manager: Manager, traces: Traces, caplog: pytest.LogCaptureFixture
) -> None:
    """A retry in a thread that goes on after its caller gave up is told to nobody."""
    let_go = threading.Event()

    def late() -> None:
        let_go.wait()
        with pytest.raises(ConnectionError):
            execute_with_retry(fail, RetryConfig(max_attempts=2, initial_delay=0))

    policy = Policy(name="threaded", timeout=TimeoutConfig(timeout=0.01, mode="thread"))
    with pytest.raises(DeadlineExceeded):
        Manager().execute("maps", late, policy=policy)
    let_go.set()
    for thread in threading.enumerate():
        if thread.name == "timeout-maps":
            thread.join()
    assert events(traces.only(), "timeout.exceeded")[0]["timeout.abandoned"] is True
    assert events(traces.only(), "retry.attempt") == []
    assert "ended span" not in caplog.text


def test_an_inner_operation_keeps_its_own(manager: Manager, traces: Traces) -> None:
    """Events go to the innermost span, and a foreign retry does not change the number of attempts."""

    def outer() -> None:
        with pytest.raises(ConnectionError):
            execute_with_retry(fail, RetryConfig(max_attempts=2, initial_delay=0, name="foreign"))
        with pytest.raises(ConnectionError):
            manager.execute("inner", fail, policy=ALL)

    manager.execute("outer", outer, policy=ALL)
    inside, outside = traces.spans()
    assert attributes(inside)["retry.attempt"] == 2
    assert attributes(outside)["retry.attempt"] == 1
    assert [event["resilience.name"] for event in events(outside, "retry.attempt")] == ["foreign", "foreign"]


def test_a_retry_with_a_name_of_its_own_counts(manager: Manager, traces: Traces) -> None:
    """The policy's retry is the span's, whatever it is called."""
    policy = Policy(name="named", retry=RetryConfig(max_attempts=2, name="mine"))
    with pytest.raises(ConnectionError):
        manager.execute("maps", fail, policy=policy)
    assert attributes(traces.only())["retry.attempt"] == 2


def test_decorators_and_chains_from_before_and_after(manager: Manager) -> None:
    """Switching on reaches what was decorated before, switching off everything; figures that change keep it on."""
    before = with_resilience("before", ALL, manager=manager)(works)
    traces = Traces()
    off = tracing.switch_on(tracer_provider=traces.provider)
    after = with_resilience("after", "api", manager=manager)(works)
    before()
    after()
    manager.register(manager.policies.get("api").replace(timeout=1.0))
    after()
    off()
    off()
    before()
    after()
    assert [attributes(span)["resilience.name"] for span in traces.spans()] == ["before", "after", "after"]


def test_off_leaves_nothing(manager: Manager) -> None:
    """The same callables as before, and no listener anywhere."""
    manager.execute("maps", works, policy=ALL)
    chain = manager.chain("maps", ALL)
    call, acall = chain.call, chain.acall
    off = tracing.switch_on(tracer_provider=Traces().provider)
    assert chain.call is not call
    assert manager.bulkhead("maps").heard
    off()
    assert chain.call is call
    assert chain.acall is acall
    assert not manager.bulkhead("maps").heard
    assert not manager.breaker("maps")._on_state_change._entries[1:]  # the registry's own stays


def test_switching_on_again_takes_the_place_of_what_was(manager: Manager) -> None:
    """One span for each call; the older switch does nothing any more."""
    first, second = Traces(), Traces()
    off_first = tracing.switch_on(tracer_provider=first.provider)
    off_second = tracing.switch_on(tracer_provider=second.provider)
    off_first()
    manager.execute("maps", works, policy=ALL)
    off_second()
    assert first.spans() == []
    assert len(second.spans()) == 1


def test_a_host_without_a_manager(traces: Traces) -> None:
    """`operation` is the same span around a block."""
    breaker = CircuitBreaker("warehouse", BreakerConfig(failure_threshold=1))
    with pytest.raises(ConnectionError), tracing.operation("warehouse", breaker=breaker, attributes={"kind": "test"}):
        breaker.call(fail)
    span = traces.only()
    assert span.name == "resilience.operation"
    assert attributes(span)["kind"] == "test"
    assert attributes(span)["circuit.state"] == "closed"
    assert events(span, "circuit.state")[0]["circuit.state"] == "open"


def test_a_host_while_it_is_off() -> None:
    """Nothing is made."""
    with tracing.operation("warehouse"):
        pass


def test_without_the_package_it_says_so_and_does_nothing() -> None:
    """Importing and switching on work where opentelemetry-api is not installed, and the patterns go on."""
    program = """
import logging, sys
sys.modules["opentelemetry"] = None
logging.basicConfig(stream=sys.stdout, format="%(message)s")
from resilience.patterns import manager
from resilience.telemetry import tracing
off = tracing.switch_on()
with tracing.operation("a"):
    print(manager.execute("a", lambda: 42, policy="api"), tracing.installed)
off()
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == [
        "opentelemetry-api is not installed: no spans of the resilience patterns are made.",
        "42 False",
    ]


def test_a_fork_holds_no_lock(manager: Manager, traces: Traces) -> None:
    """A child can make chains that are traced while a thread of its parent was making one."""
    assert tracing._on is not None
    lock = tracing._on._lock
    done: list[str] = []
    with lock:
        tracing._on._after_fork()
        other = threading.Thread(target=lambda: done.append(manager.execute("child", works, policy=ALL)))
        other.start()
        other.join(5)
    assert done == ["fine"]
    assert len(traces.spans()) == 1


def test_what_happens_outside_of_any_operation_is_told_to_nobody(manager: Manager, traces: Traces) -> None:
    """A retry alone and a forced breaker have no span."""
    manager.execute("maps", works, policy=ALL)
    with pytest.raises(ConnectionError):
        execute_with_retry(fail, RetryConfig(max_attempts=2, initial_delay=0))
    manager.breaker("maps").force_open()
    with tracing.operation("bare"):
        pass
    worked, bare = traces.spans()
    assert worked.events == ()
    assert attributes(bare) == {"resilience.name": "bare"}


def test_the_five_names_of_the_guide_are_in_one_trace(manager: Manager, traces: Traces) -> None:
    """As whoever searches an exported trace for them finds them."""
    manager.execute("maps", works, policy=ALL)
    text = traces.only().to_json()
    for name in (
        "resilience.operation",
        "circuit.state",
        "retry.attempt",
        "timeout.exceeded",
        "bulkhead.queue_position",
    ):
        assert f'"{name}"' in text

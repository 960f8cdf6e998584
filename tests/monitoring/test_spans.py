"""Deliveries, questions and probes as spans, while tracing is on; nothing at all while it is off."""

import asyncio
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext

import pytest
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import StatusCode

from resilience.health.asking import Ready
from resilience.health.asking import ask as ask_probe
from resilience.health.targets.base import Question, Tools
from resilience.outbound.client import Client
from resilience.telemetry import tracing
from syncqueue.actions.deliver import send
from syncqueue.adapters.base import Entity, Outcome
from syncqueue.asking import ask
from tests.monitoring.conftest import World
from tests.support.conflicts import desk
from tests.support.ports import free_port


@pytest.fixture
def spans() -> Iterator[InMemorySpanExporter]:
    """What is exported while tracing is on."""
    exporter, provider = InMemorySpanExporter(), TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    off = tracing.switch_on(tracer_provider=provider)
    yield exporter
    off()


def only(exporter: InMemorySpanExporter) -> ReadableSpan:
    """The one span there is."""
    [span] = exporter.get_finished_spans()
    return span


def deliver(world: World) -> Outcome:
    """What came of one delivery to a port at which nobody listens."""
    world.plans.address = f"http://127.0.0.1:{free_port()}/v1"
    world.plans.save(update_fields=["address"])
    world.enqueue("alice", payload={"title": "moonshine"})
    at = desk()
    [job] = at.turn([]).assignments
    destination = at.destinations.get(world.plans.pk)

    async def once() -> Outcome:
        async with Client(allowed_networks=["127.0.0.0/8"]) as client:
            return await send(client, destination, job)

    return asyncio.run(once())


def test_a_delivery_is_a_span(world: World, spans: InMemorySpanExporter) -> None:
    """With the upstream, the item, the breaker's state and what came of it; nothing of the change itself."""
    deliver(world)
    span = only(spans)
    said = dict(span.attributes or {})
    assert span.name == "resilience.operation"
    assert said["resilience.name"] == "plans-api"
    assert (said["resilience.outcome"], said["resilience.code"]) == ("retry", "connect-failed")
    assert (said["circuit.state"], said["retry.attempt"], said["timeout.exceeded"]) == ("closed", 1, False)
    assert said["breakwater.kind"] == "plan_edit"
    assert (span.status.status_code, span.status.description) == (StatusCode.ERROR, "connect-failed")
    assert "moonshine" not in span.to_json()


def test_a_question_is_a_span(world: World, spans: InMemorySpanExporter) -> None:
    """What a page asks an upstream."""
    world.plans.address = f"http://127.0.0.1:{free_port()}/v1"
    ask([(world.plans, Entity("plan", "p-1"))])
    said = dict(only(spans).attributes or {})
    assert (said["resilience.name"], said["resilience.code"]) == ("plans-api", "connect-failed")


def test_a_probe_is_a_span(spans: InMemorySpanExporter) -> None:
    """With its kind and whether it was well; what the target said stays out."""
    address = f"127.0.0.1:{free_port()}"

    async def once() -> None:
        async with Client(allowed_networks=["127.0.0.0/8"]) as client:
            with ThreadPoolExecutor(1) as threads:
                await ask_probe(Ready(Question("tcp", address, timeout=2.0), address), Tools(client, threads))

    asyncio.run(once())
    span = only(spans)
    said = dict(span.attributes or {})
    assert said["resilience.name"] == f"probe {address}"
    assert (said["breakwater.probe"], said["resilience.outcome"]) == ("tcp", "failed")
    assert span.status.status_code is StatusCode.ERROR


def test_switched_off_nothing_is_made(world: World) -> None:
    """No span, and what would fill one is not even put together."""
    assert isinstance(tracing.operation("x"), nullcontext)
    tracing.note(lambda: pytest.fail("nobody listens"))
    deliver(world)


def test_outside_of_a_span_nothing_is_noted(spans: InMemorySpanExporter) -> None:
    """While tracing is on, too."""
    tracing.note(lambda: pytest.fail("there is no span"))
    with tracing.operation("x"):
        tracing.note(lambda: {"a": 1, "empty": "", "none": None})
    assert dict(only(spans).attributes or {}) == {"resilience.name": "x", "a": 1}

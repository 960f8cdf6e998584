"""The examples of the resilience guide, said in Python: what a developer who comes from there will write first."""

import asyncio
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from resilience.patterns import (
    AI,
    API,
    CRITICAL,
    DATABASE,
    EXTERNAL,
    BreakerConfig,
    Bulkhead,
    BulkheadConfig,
    BulkheadFullError,
    CircuitBreaker,
    CircuitOpenError,
    DeadlineExceeded,
    Manager,
    Policy,
    Ports,
    Registry,
    Retry,
    RetryConfig,
    RetryPolicies,
    State,
    TimeoutConfig,
    TimeoutManager,
    policy,
    set_testing,
    with_circuit_breaker,
    with_resilience,
    with_retry,
    with_timeout,
)
from tests.patterns.clock import Clock

pytestmark = pytest.mark.plain


class Waits:
    """Sleeps that take no time and are remembered."""

    def __init__(self) -> None:
        self.waited: list[float] = []
        self.ports = Ports(sleep=self.waited.append, asleep=self.asleep, rng=lambda: 0.5)

    async def asleep(self, seconds: float) -> None:
        self.waited.append(seconds)


@pytest.fixture
def waits() -> Waits:
    return Waits()


@pytest.fixture
def manager(waits: Waits) -> Manager:
    return Manager(ports=waits.ports)


class Coded(Exception):
    """An error with a code, as services send them."""

    def __init__(self, code: str, text: str = "") -> None:
        super().__init__(text or code)
        self.code = code


class Flaky:
    """Raises these errors, one a call, and then answers."""

    def __init__(self, *errors: Exception) -> None:
        self.errors: Iterator[Exception] = iter(errors)
        self.calls = 0

    def __call__(self) -> str:
        self.calls += 1
        for error in self.errors:
            raise error
        return "fine"

    async def later(self) -> str:
        return self()


@dataclass
class Response:
    """What a route answers."""

    body: Any
    status: int = 200


# -- Quick start --


async def test_execute_with_a_ready_made_policy(manager: Manager, waits: Waits) -> None:
    """Quick start: what failed once is tried again."""
    risky = Flaky(ConnectionError("lost"))
    assert await manager.aexecute("my-operation", risky.later, policy=API) == "fine"
    assert risky.calls == 2
    assert len(waits.waited) == 1


async def test_a_method_with_a_policy(manager: Manager) -> None:
    """Quick start: a decorator for a method."""

    class MyService:
        @with_resilience("fetch-data", DATABASE, manager=manager)
        async def fetch(self, key: str) -> str:
            return f"row {key}"

    assert await MyService().fetch("7") == "row 7"


# -- Circuit breakers --


def test_a_breaker_with_basic_figures() -> None:
    """Five failures in a row open it, and the code tells."""
    config = BreakerConfig(
        failure_threshold=5, failure_rate_threshold=0.5, reset_timeout=60.0, call_timeout=3.0, volume_threshold=10
    )
    breaker = CircuitBreaker("external-api", config)
    down = Flaky(*[ConnectionError("down")] * 5)
    for _ in range(5):
        with pytest.raises(ConnectionError):
            breaker.call(down)
    with pytest.raises(CircuitOpenError) as refused:
        breaker.call(down)
    assert refused.value.code == "CIRCUIT_OPEN"
    assert down.calls == 5


def test_a_breaker_with_advanced_figures_that_is_watched() -> None:
    """A slow third opens it; changes and calls are told with their durations."""
    clock = Clock()
    config = BreakerConfig(
        failure_threshold=3,
        failure_rate_threshold=0.5,
        success_threshold=5,
        reset_timeout=120.0,
        volume_threshold=5,
        slow_call_duration=5.0,
        slow_call_rate_threshold=0.3,
    )
    breaker, said = CircuitBreaker("ai-service", config, clock=clock), list[str]()
    breaker.on_state_change(lambda change: said.append(f"Circuit {change.previous} -> {change.current}"))
    breaker.on_call(lambda call: said.append(f"{'success' if call.success else 'failure'} in {call.duration:g} s"))
    for seconds in (1, 1, 1, 6, 6):
        breaker.call(clock.advance, seconds)
    assert said == ["success in 1 s"] * 3 + ["success in 6 s", "Circuit closed -> open", "success in 6 s"]


def test_the_registry() -> None:
    """Get or create, health, reset all."""
    breakers = Registry()
    breaker = breakers.get_or_create("my-service", lambda: BreakerConfig(failure_threshold=5, reset_timeout=60.0))
    assert breakers.get_or_create("my-service") is breaker
    breaker.force_open()
    health = breakers.health_status()
    assert (health["healthy"], health["unhealthy"]) == ([], ["my-service"])
    breakers.reset_all()
    assert breakers.health_status()["healthy"] == ["my-service"]


# -- Retry policies --


def test_ready_made_retries(waits: Waits) -> None:
    """Fixed, exponential, rate limits and networks."""
    lost = ConnectionError("lost")
    assert Retry(RetryPolicies.fixed(3, 1.0), waits.ports).call(Flaky(lost, lost)) == "fine"
    assert waits.waited == [1.0, 1.0]
    assert Retry(RetryPolicies.exponential(5, 0.1, 30.0), waits.ports).call(Flaky(lost, lost, lost)) == "fine"
    assert waits.waited[2:] == pytest.approx([0.05, 0.1, 0.2])
    assert Retry(RetryPolicies.api_rate_limit(), waits.ports).call(Flaky(Coded("RATE_LIMIT"))) == "fine"
    assert Retry(RetryPolicies.network(), waits.ports).call(Flaky(lost)) == "fine"
    with pytest.raises(Coded):
        Retry(RetryPolicies.network(), waits.ports).call(Flaky(Coded("401")))


def test_a_custom_retry(waits: Waits) -> None:
    """Codes that are retried, and a word on each retry."""
    said = []
    config = RetryConfig(
        max_attempts=5,
        initial_delay=1.0,
        max_delay=30.0,
        multiplier=2.0,
        jitter="full",
        retry_on={"TIMEOUT", "NETWORK_ERROR", "503"},
        on_retry=lambda attempt, error, delay: said.append(
            f"Retry attempt {attempt} after {delay:g} s due to: {error}"
        ),
    )
    assert Retry(config, waits.ports).call(Flaky(Coded("503", "busy"), TimeoutError("late"))) == "fine"
    assert said == ["Retry attempt 1 after 0.5 s due to: busy", "Retry attempt 2 after 1 s due to: late"]
    with pytest.raises(Coded):
        Retry(config, waits.ports).call(Flaky(Coded("404")))


def test_a_conditional_retry(waits: Waits) -> None:
    """A function of the error decides."""
    config = RetryConfig(
        max_attempts=3,
        initial_delay=1.0,
        retry_on=lambda error: getattr(error, "code", "") == "RATE_LIMIT" or "temporarily unavailable" in str(error),
    )
    passing = Flaky(Coded("RATE_LIMIT"), ValueError("it is temporarily unavailable"))
    assert Retry(config, waits.ports).call(passing) == "fine"
    with pytest.raises(ValueError, match="wrong"):
        Retry(config, waits.ports).call(Flaky(ValueError("wrong")))


# -- Timeouts --


async def never() -> str:
    await asyncio.Event().wait()
    return "never"


async def test_a_timeout_and_its_duration() -> None:
    """The error has the seconds."""
    with pytest.raises(DeadlineExceeded) as late:
        await with_timeout(never, 0.001)
    assert (late.value.code, late.value.duration) == ("TIMEOUT", 0.001)


async def test_a_timeout_with_a_fallback() -> None:
    """The fallback answers, and the callback hears the seconds."""
    heard: list[float] = []
    config = TimeoutConfig(timeout=0.001, fallback=lambda: "Default value", on_timeout=heard.append)
    assert await with_timeout(never, config) == "Default value"
    assert heard == [0.001]


async def test_managed_timeouts() -> None:
    """Limits by name."""
    timeouts = TimeoutManager()
    timeouts.register("api.weather", 10.0)
    timeouts.register("api.ai", TimeoutConfig(timeout=120.0))
    assert await timeouts.aexecute("api.weather", Flaky().later) == "fine"


# -- Bulkheads --


async def test_a_bulkhead() -> None:
    """So many at once, so many in the queue, the rest refused by code; what started and what was refused is told."""
    refused: list[str] = []
    started: list[tuple[int, int]] = []
    config = BulkheadConfig(max_concurrent=1, max_queue=1, queue_timeout=30.0, on_reject=refused.append)
    bulkhead, gate = Bulkhead("database-queries", config), asyncio.Event()
    bulkhead.on_event(lambda event: started.append((event.active, event.queued)) if event.kind == "started" else None)
    tasks = [asyncio.create_task(bulkhead.acall(gate.wait)) for _ in range(2)]
    await asyncio.sleep(0)
    with pytest.raises(BulkheadFullError) as full:
        await bulkhead.acall(gate.wait)
    assert full.value.code == "BULKHEAD_QUEUE_FULL"
    gate.set()
    await asyncio.gather(*tasks)
    metrics = bulkhead.metrics()
    assert (metrics.completed, metrics.rejected, refused) == (2, 1, ["queue-full"])
    assert started == [(1, 0), (1, 0)]


# -- Policies --


@pytest.mark.parametrize(
    ("preset", "breaker", "attempts", "timeout", "bulkhead"),
    [
        (API, (5, 60), 3, 30, (50, 100)),
        (AI, (3, 120), 3, 120, (10, 50)),
        (DATABASE, (10, 30), 3, 30, (100, 200)),
        (EXTERNAL, (5, 60), 3, 15, (20, 50)),
        (CRITICAL, None, 5, 60, (5, 10)),
    ],
    ids=lambda value: value.name if isinstance(value, Policy) else "",
)
def test_the_figures_of_the_presets(
    preset: Policy, breaker: tuple[int, int] | None, attempts: int, timeout: int, bulkhead: tuple[int, int]
) -> None:
    """As the guide lists them."""
    assert preset.retry is not None
    assert preset.bulkhead is not None
    one = preset.breaker
    assert breaker == (None if one is None else (one.failure_threshold, one.reset_timeout))
    assert (preset.retry.max_attempts, preset.attempt_seconds) == (attempts, timeout)
    assert (preset.bulkhead.max_concurrent, preset.bulkhead.max_queue) == bulkhead


async def test_a_custom_policy(manager: Manager, waits: Waits) -> None:
    """All parts, and an answer that says that it is none."""
    custom = Policy(
        name="custom",
        breaker=BreakerConfig(failure_threshold=10, reset_timeout=300.0),
        retry=RetryConfig(max_attempts=5, initial_delay=2.0, max_delay=60.0, multiplier=3.0),
        timeout=120.0,
        bulkhead=BulkheadConfig(max_concurrent=3, max_queue=10),
        fallback=lambda: {"success": False, "data": "Service unavailable"},
    )
    down = Flaky(*[ConnectionError("down")] * 5)
    answer: Any = await manager.aexecute("custom-op", down.later, policy=custom)
    assert answer == {"success": False, "data": "Service unavailable"}
    assert waits.waited == [1.0, 3.0, 9.0, 27.0]


# -- Patterns in practice --


async def test_an_api_route(manager: Manager) -> None:
    """The route answers 503 in place of an error, and 200 when all is well."""
    route = API.replace(
        name="api.process",
        retry=None,
        fallback=lambda: Response({"success": False, "message": "Service temporarily unavailable"}, status=503),
    )

    async def post(fetch_external: Flaky) -> Response:
        async def work() -> Response:
            external = await fetch_external.later()
            analysis = external.upper()
            return Response({"success": True, "data": analysis})

        return await manager.aexecute("api.process", work, policy=route)

    assert await post(Flaky()) == Response({"success": True, "data": "FINE"})
    assert (await post(Flaky(ConnectionError("down")))).status == 503


async def test_a_service_class() -> None:
    """A decorator for each pattern, one above the other, and one for all."""
    manager = Manager()
    calls = []

    class DataService:
        @with_circuit_breaker("data-fetch", BreakerConfig(failure_threshold=5), manager=manager)
        @with_retry(RetryPolicies.exponential())
        @with_timeout(30.0)
        async def fetch(self, key: str) -> str:
            calls.append(key)
            if len(calls) == 1:
                raise ConnectionError("lost")
            return key.upper()

        @with_resilience(
            "process-batch",
            Policy(
                name="batch", bulkhead=BulkheadConfig(max_concurrent=5), retry=RetryConfig(max_attempts=2), timeout=60.0
            ),
            manager=manager,
        )
        async def process(self, items: list[str]) -> list[str]:
            return await asyncio.gather(*(self.fetch(item) for item in items))

    with set_testing(attempts=3):
        assert await DataService().process(["a", "b"]) == ["A", "B"]
    assert (
        manager.breaker("data-fetch").snapshot().failures == 0
    )  # the retry is within the breaker, as it is written here


def test_a_health_endpoint(manager: Manager) -> None:
    """The guide's shape: status, breakers by state, bulkheads with their utilization, issues; 200 or 503."""

    def get() -> Response:
        health = manager.health_status()
        return Response(
            {
                "status": "healthy" if health["summary"]["healthy"] else "degraded",
                "circuitBreakers": {
                    "total": health["circuit_breakers"]["total"],
                    "open": health["circuit_breakers"]["by_state"]["open"],
                    "halfOpen": health["circuit_breakers"]["by_state"]["half_open"],
                },
                "bulkheads": [
                    {
                        "name": one["name"],
                        "utilization": one["state"]["active"]
                        / (one["state"]["active"] + one["state"]["available"])
                        * 100,
                    }
                    for one in health["bulkheads"]
                ],
                "issues": health["summary"]["issues"],
            },
            status=200 if health["summary"]["healthy"] else 503,
        )

    manager.execute("maps", int, policy="api")
    assert get().status == 200
    with manager.bulkhead("maps").guard():
        body = json.loads(json.dumps(get().body))
    assert body["bulkheads"] == [{"name": "maps", "utilization": 2.0}]
    manager.breaker("maps").force_open("maintenance")
    answer = get()
    assert answer.status == 503
    assert answer.body["status"] == "degraded"
    assert answer.body["circuitBreakers"] == {"total": 1, "open": 1, "halfOpen": 0}
    assert answer.body["issues"] == ["The breaker 'maps' is open (maintenance)."]


# -- Best practices --


def test_alerts_on_opening() -> None:
    """One listener for all breakers."""
    breakers, alerts = Registry(), list[str]()
    breakers.on_state_change(
        lambda change: alerts.append(f"Circuit breaker {change.name} is OPEN") if change.current is State.OPEN else None
    )
    breakers.get_or_create("external-api").force_open()
    breakers.get_or_create("external-api").reset()
    assert alerts == ["Circuit breaker external-api is OPEN"]


def test_forced_open_for_a_test(manager: Manager) -> None:
    """A failure to order, without a service that fails."""
    manager.breaker("external-api").force_open()
    calm = EXTERNAL.replace(fallback="from the cache")
    assert manager.execute("external-api", Flaky(), policy=calm) == "from the cache"


def test_combined_patterns(manager: Manager, waits: Waits) -> None:
    """Retry for what passes, breaker for what stays, timeout for what hangs, bulkhead for what piles up."""
    combined = Policy(
        name="combined",
        retry=RetryPolicies.exponential(3),
        breaker=BreakerConfig(failure_threshold=5),
        timeout=10.0,
        bulkhead=BulkheadConfig(max_concurrent=20),
    )
    down = Flaky(*[ConnectionError("down")] * 9)
    for refused in (ConnectionError, CircuitOpenError, CircuitOpenError):
        with pytest.raises(refused):
            manager.execute("combined", down, policy=combined)
    assert down.calls == 5
    assert policy.get("api") is API

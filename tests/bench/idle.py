"""A portal with nothing to do: what it costs, and how soon it starts on a change that comes in."""

import random
import time
from dataclasses import dataclass
from statistics import median, quantiles

from tests.bench.order import ROUTES
from tests.bench.sink import RunningSink
from tests.support import processes
from tests.support.portal import Portal

SETTLE, IDLE = 10.0, 60.0
SAMPLES = 40


@dataclass(frozen=True, slots=True)
class Idle:
    """Per cent of one core, web and workers (and the database server) together; milliseconds from POST to the upstream."""

    database: str
    per_cent: float
    processes: int
    latencies: list[float]

    def told(self) -> str:
        """Return two lines."""
        late = quantiles(self.latencies, n=20)[18]
        return (
            f"  {self.database:<11} idle, {IDLE:.0f} s, {self.processes} processes: {self.per_cent:.1f} % of one core (aim 3)\n"
            f"  {self.database:<11} from POST to the upstream, {len(self.latencies)} changes: median"
            f" {median(self.latencies):.0f} ms (aim 250), 95 in 100 within {late:.0f} ms"
        )


def measure(portal: Portal, sink: RunningSink, database: str, servers: list[int]) -> Idle:
    """Start everything as `manage.py up` does, let it rest, and then send changes in, one at a time."""
    portal.first_steps()
    process = portal.start_up()
    try:
        time.sleep(SETTLE)
        roots = [process.pid, *servers]
        before, begun = _cpu(roots), time.monotonic()
        time.sleep(IDLE)
        used, seconds = _cpu(roots) - before, time.monotonic() - begun
        count = sum(len(processes.tree(root)) for root in roots)
        portal.call("POST", "/upstreams", _upstream(sink))
        return Idle(database, 100 * used / seconds, count, _latencies(portal, sink))
    finally:
        portal.close()


def _cpu(roots: list[int]) -> float:
    return processes.cpu_seconds([pid for root in roots for pid in processes.tree(root)])


def _latencies(portal: Portal, sink: RunningSink) -> list[float]:
    """Send changes in at moments that follow no beat, each to an entity of its own."""
    rng = random.Random(1)
    sink.reset()
    sent = {}
    for index in range(SAMPLES):
        time.sleep(rng.uniform(0.5, 1.5))
        entity = f"late-{index}"
        sent[f"{entity}/1"] = time.monotonic()
        portal.call(
            "POST",
            "/queue/items",
            {
                "upstream": "sink",
                "kind": "plan_edit",
                "entity_type": "plan",
                "entity_id": entity,
                "operation": "create",
                "payload": {"title": entity, "n": 1},
            },
        )
    time.sleep(2)
    arrived = sink.arrivals()
    return [1000 * (arrived[name] - at) for name, at in sent.items()]


def _upstream(sink: RunningSink) -> dict[str, object]:
    address = sink.address.rpartition("/")[0]
    return {"slug": "sink", "name": "Sink", "address": address, "routes": ROUTES}

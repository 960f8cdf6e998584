"""A prober in this process, beside the servers that it asks."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, TypeVar

from django.conf import settings

from resilience.breakers.runtime import Runtime
from resilience.health.models import Component, Probe
from resilience.health.prober import Prober, connection_close
from resilience.health.store import Fence
from resilience.health.targets.base import Tools
from resilience.outbound.client import Client
from tests.support.people import People, make_upstream

T = TypeVar("T")
QUICK = 0.1


@dataclass
class World:
    """What a test sees of a running prober."""

    runtime: Runtime
    alive: bool = True
    task: "asyncio.Task[None]" = field(init=False)
    thread: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(1, "test-db"))

    async def read(self, query: Callable[[], T]) -> T:
        """What the database says, by a connection beside the prober's."""
        return await asyncio.get_running_loop().run_in_executor(self.thread, query)

    async def until(self, query: Callable[[], T], seconds: float = 15) -> T:
        """What the database says once it says something true."""
        end = time.monotonic() + seconds
        while not (found := await self.read(query)):
            assert time.monotonic() < end, f"not within {seconds} s: {await self.read(_story)}"
            await asyncio.sleep(0.02)
        return found

    async def saw(self, happens: Callable[[], bool], seconds: float = 15) -> None:
        """Waits for something that needs no database."""
        end = time.monotonic() + seconds
        while not happens():
            assert time.monotonic() < end, f"not within {seconds} s"
            await asyncio.sleep(0.01)


@asynccontextmanager
async def probing(*, fence: Fence | None = None, **options: Any) -> AsyncIterator[World]:
    """A prober that runs, with these of settings.HEALTH."""
    world = World(Runtime(owner="prober#1"))
    threads = ThreadPoolExecutor(4, "test-target")
    world.runtime.start()
    try:
        async with Client(allowed_networks=["127.0.0.0/8"]) as client:
            said = {**settings.HEALTH, **options}
            prober = Prober(
                alive=lambda: world.alive,
                tools=Tools(client, threads),
                breakers=world.runtime,
                fence=fence,
                options=said,
            )
            world.task = asyncio.create_task(prober.run())
            try:
                yield world
            finally:
                world.alive = False
                await world.task
    finally:
        world.runtime.stop()
        threads.shutdown(wait=False)
        await world.read(connection_close)
        world.thread.shutdown()


def watched(people: People, address: str, slug: str = "plans-api", **said: Any) -> Probe:
    """The probe of a new upstream of Tidewater, asked ten times a second; `upstream_` and `component_` fields by these prefixes."""
    of = {
        part: {key.removeprefix(part): said.pop(key) for key in list(said) if key.startswith(part)}
        for part in ("upstream_", "component_")
    }
    upstream = make_upstream(people.tidewater, slug, **{"address": address, "timeout": 5.0, **of["upstream_"]})
    component = Component.objects.get(upstream=upstream)
    Component.objects.filter(pk=component.pk).update(**of["component_"])
    probe = Probe.objects.get(component=component)
    for key, value in {"interval": QUICK, "timeout": 5.0, **said}.items():
        setattr(probe, key, value)
    probe.save()
    return probe


def _story() -> str:
    probes = Probe.objects.values_list("name", "state", "runs", "failures", "skipped", "last_error")
    return f"{list(probes)} {list(Component.objects.values_list('slug', 'state', 'reason'))}"

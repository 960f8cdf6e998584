"""Health's duty: the prober. portal.duties runs it in a django-q2 worker."""

import gc
from concurrent.futures import ThreadPoolExecutor

import uvloop
from django.conf import settings

from portal.duties.context import Context
from resilience.breakers.runtime import Runtime
from resilience.health import own
from resilience.health.actions.adopt_upstream import adopt_missing
from resilience.health.prober import Prober
from resilience.health.store import Fence
from resilience.health.targets.base import Tools
from resilience.outbound.client import Client

THREADS = 8
"""Threads for targets that block: functions, name look-ups, long bodies."""


def prober(context: Context) -> None:
    """Probes until the duty ends. Whoever holds it is the only one who launches probes, and writes only while it is held."""
    fence = Fence(context.duty, context.fence, context.owner)
    own.ensure(fence)
    adopt_missing()
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 50, 50)
    uvloop.run(_prober(context, fence))


async def _prober(context: Context, fence: Fence) -> None:
    runtime = Runtime(owner=context.owner)
    threads = ThreadPoolExecutor(max_workers=THREADS, thread_name_prefix="prober-target")
    networks = [str(network) for network in settings.BREAKWATER_ALLOWED_NETWORKS]
    runtime.start()
    try:
        async with Client(allowed_networks=networks) as client:
            await Prober(alive=context.alive, tools=Tools(client, threads), breakers=runtime, fence=fence).run()
    finally:
        runtime.stop()
        threads.shutdown(wait=False, cancel_futures=True)

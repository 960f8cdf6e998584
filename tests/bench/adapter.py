"""Deliveries per second of the adapter beside a bare aiohttp loop, against a trivial sink in another process.

python -m tests.bench.adapter [seconds] [concurrency]
"""

import asyncio
import json
import multiprocessing
import sys
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import Any

import aiohttp
from aiohttp import web

from resilience.outbound.client import Client
from syncqueue.adapters.base import Change, Delivered, Target
from syncqueue.adapters.json_http import JsonHttp

SLICES = 20
PAYLOAD = {f"field{index}": f"some text {index}" for index in range(20)}


def sink(pipe: Connection) -> None:
    """A server that takes every write and answers with a new entity tag, until its process is ended."""
    asyncio.run(_serve(pipe))


async def _serve(pipe: Connection) -> None:
    count = 0

    async def take(request: web.BaseRequest) -> web.Response:
        nonlocal count
        await request.read()
        count += 1
        return web.Response(
            body=b'{"data":{"id":"x"}}', content_type="application/json", headers={"ETag": f'"{count}"'}
        )

    runner = web.ServerRunner(web.Server(take))
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    pipe.send(runner.addresses[0][1])
    await asyncio.Event().wait()


@dataclass(slots=True)
class Tally:
    """How much was done, in how much time of the clock and of this process's processor."""

    done: int = 0
    seconds: float = 0.0
    processor: float = 0.0

    @property
    def rate(self) -> float:
        """How many a second."""
        return self.done / self.seconds

    @property
    def cost(self) -> float:
        """Processor time of each, in microseconds; it does not change much when other programs run."""
        return self.processor / self.done * 1e6


async def run(tally: Tally, job: Callable[[int], Awaitable[Any]], seconds: float, concurrency: int) -> None:
    """Does the job as often as it can for a while, with so many at once."""
    begun, processor = time.perf_counter(), time.process_time()

    async def worker(number: int) -> None:
        while time.perf_counter() < begun + seconds:
            await job(number)
            number += concurrency
            tally.done += 1

    await asyncio.gather(*(worker(start) for start in range(concurrency)))
    tally.seconds += time.perf_counter() - begun
    tally.processor += time.process_time() - processor


async def measure(port: int, seconds: float, concurrency: int) -> None:
    address = f"http://127.0.0.1:{port}/v1"
    body = json.dumps({"data": PAYLOAD}).encode()
    headers = {"Content-Type": "application/json", "If-Match": '"1"', "Idempotency-Key": "k"}
    adapter = JsonHttp()
    target = Target(
        address,
        {"plan": {"path": "/plans/{id}", "document": "data"}},
        credentials={"type": "bearer", "token": "t" * 20},
    )
    async with (
        aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session,
        Client(allowed_networks=["127.0.0.0/8"]) as client,
    ):

        async def bare(number: int) -> None:
            async with session.put(f"{address}/plans/p-{number}", data=body, headers=headers) as response:
                await response.read()

        async def ours(number: int) -> None:
            change = Change(str(number), f"k{number}", "plan", f"p-{number}", "update", PAYLOAD, "document", '"1"')
            outcome = await adapter.deliver(client, target, change)
            assert isinstance(outcome, Delivered), outcome

        loop, adapter_run = Tally(), Tally()
        for _ in range(SLICES):  # in turns, so that both meet the same load of other programs
            await run(loop, bare, seconds / SLICES, concurrency)
            await run(adapter_run, ours, seconds / SLICES, concurrency)
        for name, tally in (("bare aiohttp", loop), ("adapter", adapter_run)):
            print(f"{name:13} {tally.rate:8,.0f}/s  {tally.cost:6.1f} µs of processor each")
        print(
            f"ratio         {adapter_run.rate / loop.rate:8.0%}    {loop.cost / adapter_run.cost:6.0%} by processor time"
        )


def main() -> None:
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 6.0
    concurrency = int(sys.argv[2]) if len(sys.argv) > 2 else 50
    ours, theirs = multiprocessing.Pipe()
    server = multiprocessing.get_context("spawn").Process(target=sink, args=(theirs,), daemon=True)
    server.start()
    try:
        asyncio.run(measure(ours.recv(), seconds, concurrency))
    finally:
        server.terminate()
        server.join()


if __name__ == "__main__":
    main()

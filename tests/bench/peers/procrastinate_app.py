"""Procrastinate on PostgreSQL: an async task with one shared aiohttp session.

With BENCH_LOCK in the environment each job takes its entity as lock, which is how procrastinate keeps an order.
"""

import asyncio
import os
import time
from typing import Any

import aiohttp
import procrastinate

from tests.bench.items import Change
from tests.bench.order import Order

app = procrastinate.App(connector=procrastinate.PsycopgConnector(conninfo=os.environ["BENCH_POSTGRES"]))
sessions: list[aiohttp.ClientSession] = []


@app.task
async def deliver(url: str, payload: dict[str, Any]) -> None:
    """Send one change."""
    if not sessions:
        sessions.append(aiohttp.ClientSession())
    async with sessions[0].put(url, json=payload) as answer:
        await answer.read()
        answer.raise_for_status()


def fill(order: Order) -> float:
    """Make the tables, put the changes in, and return the seconds of the latter."""
    return asyncio.run(_fill(order, _defer_locked if "BENCH_LOCK" in os.environ else _defer))


async def _fill(order: Order, defer: Any) -> float:
    async with app.open_async():
        await app.schema_manager.apply_schema_async()
        begun = time.perf_counter()
        for batch in order.batches():
            await defer(order, batch)
        return time.perf_counter() - begun


async def _defer(order: Order, batch: list[Change]) -> None:
    jobs: list[Any] = [{"url": order.url(change), "payload": change.payload} for change in batch]
    await deliver.batch_defer_async(*jobs)


async def _defer_locked(order: Order, batch: list[Change]) -> None:
    for change in batch:
        await deliver.configure(lock=change.entity).defer_async(url=order.url(change), payload=change.payload)

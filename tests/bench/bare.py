"""The yardstick: an aiohttp loop that sends the changes from memory, with no queue, no record and no retry."""

import argparse
import asyncio
import json
import signal
from collections.abc import Iterator

import aiohttp
import uvloop

from tests.bench.items import changes


async def send(address: str, bodies: Iterator[tuple[str, bytes]], concurrency: int) -> None:
    """PUT every body; each of the `concurrency` workers takes the next one when it is free."""
    connector = aiohttp.TCPConnector(limit=concurrency)
    headers = {"Content-Type": "application/json"}

    async def work(session: aiohttp.ClientSession) -> None:
        for entity, body in bodies:
            async with session.put(f"{address}/{entity}", data=body, headers=headers) as answer:
                await answer.read()
                answer.raise_for_status()

    async with aiohttp.ClientSession(connector=connector) as session:
        await asyncio.gather(*(work(session) for _ in range(concurrency)))


def main() -> None:
    """Send what the command line asks for."""
    parser = argparse.ArgumentParser()
    parser.add_argument("address")
    parser.add_argument("--count", type=int, required=True)
    parser.add_argument("--entities", type=int, required=True)
    parser.add_argument("--concurrency", type=int, required=True)
    parser.add_argument("--uvloop", action="store_true")
    options = parser.parse_args()
    work = changes(options.count, entities=options.entities)
    bodies = [(change.entity, json.dumps(change.payload).encode()) for change in work]
    run = uvloop.run if options.uvloop else asyncio.run
    run(send(options.address, iter(bodies), options.concurrency))
    signal.pause()  # the bench reads our processor time before it ends us


if __name__ == "__main__":
    main()

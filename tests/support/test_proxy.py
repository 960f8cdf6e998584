"""The fault proxy does what it says, since the crash test judges the product by it."""

import asyncio
from collections import Counter

import aiohttp
import pytest

from tests.bench.sink import RunningSink, running_sink
from tests.support.proxy import Faults, RunningProxy, running_proxy


async def put(session: aiohttp.ClientSession, proxy: RunningProxy, n: int) -> str:
    """Send one change and tell what came of it."""
    try:
        async with session.put(f"http://127.0.0.1:{proxy.port}/plans/p", data=b'{"n":%d}' % n) as answer:
            await answer.read()
            return str(answer.status) + answer.headers.get("Retry-After", "")
    except (aiohttp.ServerDisconnectedError, aiohttp.ClientOSError):
        return "reset"


async def put_all(proxy: RunningProxy, count: int) -> Counter[str]:
    """Send changes 1 to count, ten at a time."""
    numbers = iter(range(1, count + 1))
    seen: Counter[str] = Counter()

    async def work(session: aiohttp.ClientSession) -> None:
        for n in numbers:
            seen[await put(session, proxy, n)] += 1

    async with aiohttp.ClientSession() as session:
        await asyncio.gather(*(work(session) for _ in range(10)))
    return seen


def arrived(sink: RunningSink) -> int:
    """Return how many different changes reached the upstream."""
    return sink.counts().distinct


def test_it_passes_on_and_keeps_connections() -> None:
    """Without faults every change arrives, over as many connections as there are clients."""
    with running_sink() as sink, running_proxy(sink.port, Faults()) as proxy:
        assert asyncio.run(put_all(proxy, 500)) == {"200": 500}
        assert arrived(sink) == 500
        assert proxy.stats()["connections"] <= 12


def test_each_fate_is_seen_on_both_sides() -> None:
    """A lost answer is one that the upstream gave; a reset, 503 or 429 never reached it."""
    faults = Faults(resets=0.1, lost=0.1, unavailable=0.1, throttled=0.1)
    with running_sink() as sink, running_proxy(sink.port, faults, seed=7) as proxy:
        seen = asyncio.run(put_all(proxy, 1000))
        counts = proxy.stats()
        assert seen["200"] == counts["passed"]
        assert seen["503"] == counts["unavailable"] > 50
        assert seen["4291"] == counts["throttled"] > 50
        assert counts["resets"] > 50
        assert counts["lost"] > 50
        assert sink.counts().requests == counts["passed"] + counts["lost"]


@pytest.mark.parametrize("outage", [1, 0])
def test_an_outage_is_switched(outage: int) -> None:
    """In an outage every request is reset, and afterwards none is."""
    with (
        running_sink() as sink,
        running_proxy(sink.port, Faults(outage=1 - outage)) as proxy,
    ):
        proxy.set(outage=outage)
        assert set(asyncio.run(put_all(proxy, 50))) == {"reset" if outage else "200"}
        assert bool(arrived(sink)) is not bool(outage)

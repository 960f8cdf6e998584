"""Experiments with retries."""

import asyncio
import time
from collections.abc import Callable
from types import ModuleType
from typing import Any

from tests.bench.behaviours.staging import NotPossible, outcome
from tests.bench.patterns.peers import Boom


class Asked(Boom):
    """An error that asks for a second of peace, as Retry-After does."""

    retry_after = 1.0


def beyond_the_deadline(peer: ModuleType) -> str:
    """Ten attempts within 0.3 s are allowed, and the error asks for a wait of 1 s: when does the call fail, and after how many attempts?"""
    if not hasattr(peer, "asked"):
        raise NotPossible("no deadline")
    attempts = []

    def work() -> None:
        attempts.append(1)
        raise Asked

    started = time.monotonic()
    outcome(peer.asked(0.3, 1.0)(work))
    taken = time.monotonic() - started
    return f"{taken:.1f} s, {len(attempts)} attempt{'s'[: len(attempts) - 1]}"


def _run(
    peer: ModuleType, work: Callable[[], Any], attempts: int, sleep: Callable[[float], None]
) -> BaseException | None:
    """Run a retry with its sleep replaced, and return what it raises."""

    async def asleep(seconds: float, *_result: Any) -> None:
        sleep(seconds)

    if hasattr(peer, "retry"):
        time.sleep = sleep
        return outcome(peer.retry(attempts, sleep)(work))

    async def later() -> Any:
        return work()

    asyncio.sleep = asleep  # type: ignore[assignment]
    wrapped = peer.aretry(attempts)(later)
    return outcome(lambda: asyncio.run(wrapped()))


def many_failures(peer: ModuleType) -> str:
    """The 1,101st attempt works. Waits double up to half a minute, and nobody sleeps."""
    attempts = []

    def work() -> int:
        attempts.append(1)
        if len(attempts) <= 1_100:
            raise Boom
        return 1

    error = _run(peer, work, 1_200, lambda _seconds: None)
    return "works" if error is None else f"{type(error).__name__} after {len(attempts):,} attempts"


def shared_backoff(peer: ModuleType) -> str:
    """A function calls itself through the same decorator within its third attempt, and that call fails once: the waits of the outer one."""
    if hasattr(peer, "retry"):
        return _shared_sync(peer)
    return _shared_async(peer)


def _shared_sync(peer: ModuleType) -> str:
    waits: dict[str, list[float]] = {"outer": [], "inner": []}
    where, counts = ["outer"], {"outer": 0, "inner": 0}

    def sleep(seconds: float) -> None:
        waits[where[-1]].append(seconds)

    def work() -> int:
        me = where[-1]
        counts[me] += 1
        if me == "outer" and counts[me] == 3:
            where.append("inner")
            wrapped()
            where.pop()
        if counts[me] <= (4 if me == "outer" else 1):
            raise Boom
        return 1

    time.sleep = sleep  # type: ignore[assignment]
    wrapped = peer.retry(6, sleep)(work)
    wrapped()
    return _told(waits["outer"])


def _shared_async(peer: ModuleType) -> str:
    waits: list[float] = []

    async def run() -> None:
        nested = [False]
        counts = {False: 0, True: 0}

        async def asleep(seconds: float, *_result: Any) -> None:
            if not nested[0]:
                waits.append(seconds)

        async def work() -> int:
            me = nested[0]
            counts[me] += 1
            if not me and counts[me] == 3:
                nested[0] = True
                await wrapped()
                nested[0] = False
            if counts[me] <= (1 if me else 4):
                raise Boom
            return 1

        asyncio.sleep = asleep  # type: ignore[assignment]
        wrapped = peer.aretry(6)(work)
        await wrapped()

    asyncio.run(run())
    return _told(waits)


def _told(waits: list[float]) -> str:
    return ", ".join(f"{wait:g}" for wait in waits)

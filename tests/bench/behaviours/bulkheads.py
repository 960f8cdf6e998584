"""Experiments with bulkheads."""

import asyncio
import threading
import time
from types import ModuleType

from tests.bench.behaviours.staging import NotPossible, outcome


def several_loops(peer: ModuleType) -> str:
    """Four threads with an event loop each send three calls through one bulkhead of one, with time to wait."""
    running, most, errors = [0], [0], []
    lock = threading.Lock()

    async def work() -> None:
        with lock:
            running[0] += 1
            most[0] = max(most[0], running[0])
        await asyncio.sleep(0.02)
        with lock:
            running[0] -= 1

    call = peer.abulkhead(1, 20, 5.0)(work)
    gate = threading.Barrier(4)

    def run() -> None:
        async def three() -> None:
            done = await asyncio.gather(*(call() for _ in range(3)), return_exceptions=True)
            errors.extend(one for one in done if isinstance(one, BaseException))

        gate.wait()
        asyncio.run(three())

    threads = [threading.Thread(target=run, daemon=True) for _ in range(4)]
    for thread in threads:
        thread.start()
    end = time.monotonic() + 8
    for thread in threads:
        thread.join(max(0, end - time.monotonic()))
    stuck = sum(thread.is_alive() for thread in threads)
    words = [f"{most[0]} at once"]
    if errors:
        words.append(f"{len(errors)} of 12 raise {type(errors[0]).__name__}")
    if stuck:
        words.append(f"{stuck} loops hang")
    return ", ".join(words)


def lost_permits(peer: ModuleType) -> str:
    """A waiter is cancelled in the moment it is let in, or its time is over then, three hundred times: is the one place still there?"""

    async def run() -> str:
        waiters: list[asyncio.Future[None]] = []

        async def work() -> None:
            await asyncio.sleep(0.004)
            for waiter in waiters:  # it runs before the waiter does, which the end of this call lets in
                asyncio.get_running_loop().call_soon(waiter.cancel)
            waiters.clear()

        call = peer.abulkhead(1, 5, 0.004)(work)
        for turn in range(300):
            holder, waiter = asyncio.ensure_future(call()), asyncio.ensure_future(call())
            waiters += [waiter] if turn % 2 else []
            await asyncio.gather(holder, waiter, return_exceptions=True)
        for _ in range(3):
            try:
                await asyncio.wait_for(call(), 2)
            except Exception as error:  # noqa: BLE001 - whatever it is, it is no place
                return f"no, {type(error).__name__}"
        return "yes"

    return asyncio.run(run())


def outliving_work(peer: ModuleType) -> str:
    """A bulkhead of one around a timeout of 50 ms that leaves the thread behind, and work of 300 ms, called four times in a row."""
    if not hasattr(peer, "zombies"):
        raise NotPossible("no such timeout")
    running, most = [0], [0]
    lock = threading.Lock()

    def work() -> None:
        with lock:
            running[0] += 1
            most[0] = max(most[0], running[0])
        time.sleep(0.3)
        with lock:
            running[0] -= 1

    call = peer.zombies(0.05)(work)
    for _ in range(4):
        outcome(call)
    return str(most[0])

"""How a situation is timed: a timer takes a number of calls and gives the seconds that they took together.

Seconds of the processor, so that what else the machine does counts less; on an idle machine the two are the same. Where threads
compete it is the clock's.
"""

import asyncio
import threading
import time
from collections.abc import Awaitable, Callable
from itertools import repeat
from time import perf_counter, process_time
from types import ModuleType
from typing import Any

from tests.bench.patterns.peers import Boom

Timer = Callable[[int], float]
Wrap = Callable[..., Any]
"""What puts a function behind something: called with options by its row, then with the function."""


def _one() -> int:
    return 1


async def _aone() -> int:
    return 1


def _bad() -> int:
    raise Boom


def _loop(call: Callable[[], object]) -> Timer:
    def timer(count: int) -> float:
        started = process_time()
        for _ in repeat(None, count):
            call()
        return process_time() - started

    return timer


def _raising_loop(call: Callable[[], object], error: type[BaseException]) -> Timer:
    def timer(count: int) -> float:
        started = process_time()
        for _ in repeat(None, count):
            try:  # noqa: SIM105 - the cheapest way to be refused
                call()
            except error:
                pass
        return process_time() - started

    return timer


def fine(wrap: Wrap, _peer: ModuleType) -> Timer:
    """Time calls that work."""
    return _loop(wrap(_one))


def afine(wrap: Wrap, _peer: ModuleType) -> Timer:
    """Time awaits that work, in one event loop."""

    async def run(call: Callable[[], Awaitable[object]], count: int) -> float:
        started = process_time()
        for _ in repeat(None, count):
            await call()
        return process_time() - started

    call = wrap(_aone)
    runner = asyncio.Runner()
    return lambda count: runner.run(run(call, count))


def raising(wrap: Wrap, _peer: ModuleType) -> Timer:
    """Time calls that raise and do not open the breaker."""
    call = wrap(_bad)
    timer = _raising_loop(call, Boom)
    timer(100)
    return timer


def _tripped(wrap: Wrap, peer: ModuleType, fn: Callable[[], object]) -> Callable[[], object]:
    """Return a call whose breaker has just opened."""
    failing = [True]

    def sometimes() -> object:
        return _bad() if failing else fn()

    call: Callable[[], object] = wrap(sometimes)
    for _ in range(1_000):
        try:
            call()
        except peer.REFUSED:
            failing.clear()
            return call
        except Boom:
            pass
    raise RuntimeError("it does not open")


def refused(wrap: Wrap, peer: ModuleType) -> Timer:
    """Time calls that an open breaker refuses."""
    call = _tripped(wrap, peer, _one)
    _assert_refuses(call, peer)
    return _raising_loop(call, peer.REFUSED)


def _assert_refuses(call: Callable[[], object], peer: ModuleType) -> None:
    try:
        call()
    except peer.REFUSED:
        return
    raise RuntimeError("it does not refuse")


def half_open(wrap: Wrap, peer: ModuleType) -> Timer:
    """Time calls that a half-open breaker lets through; the wait before is a millisecond."""
    call = _tripped(lambda fn: wrap(fn, wait=0.01), peer, _one)
    time.sleep(0.05)
    return _loop(call)


def filled(size: int) -> Callable[[Wrap, ModuleType], Timer]:
    """Time calls that work, of a breaker that has seen so many."""

    def drive(wrap: Wrap, _peer: ModuleType) -> Timer:
        call = wrap(_one)
        for _ in repeat(None, size + 100):
            call()
        return _loop(call)

    return drive


def fails_thrice(wrap: Wrap, _peer: ModuleType) -> Timer:
    """Time calls of which every fourth attempt works; nobody sleeps."""
    attempts = [0]

    def sometimes() -> int:
        attempts[0] += 1
        if attempts[0] % 4:
            raise Boom
        return 1

    call = wrap(sometimes, sleep=_no_sleep)
    time.sleep = _no_sleep  # for those that cannot be told how to sleep
    return _loop(call)


def _no_sleep(_seconds: float) -> None:
    pass


def crowd(threads: int) -> Callable[[Wrap, ModuleType], Timer]:
    """Time calls that so many threads make of one breaker at once."""

    def drive(wrap: Wrap, _peer: ModuleType) -> Timer:
        call = wrap(_one)

        def timer(count: int) -> float:
            gate = threading.Barrier(threads + 1)

            def work() -> None:
                gate.wait()
                for _ in repeat(None, max(1, count // threads)):
                    call()
                gate.wait()

            workers = [threading.Thread(target=work) for _ in range(threads)]
            for worker in workers:
                worker.start()
            gate.wait()
            started = perf_counter()
            gate.wait()
            taken = perf_counter() - started
            for worker in workers:
                worker.join()
            return taken * count / (max(1, count // threads) * threads)

        return timer

    return drive

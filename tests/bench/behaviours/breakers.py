"""Experiments with breakers. Each takes the module about a library and returns the words of its cell."""

import asyncio
import gc
import threading
import time
import tracemalloc
from itertools import repeat
from types import ModuleType
from typing import Any

from tests.bench.behaviours.staging import (
    Aside,
    Call,
    NotPossible,
    Work,
    admitted,
    fail,
    guarded,
    outcome,
    step_wall_clock,
    straggler,
    until,
)
from tests.bench.patterns.peers import Boom

SHORT = 0.05
"""A wait that an experiment can sit out."""


def _sit_out() -> None:
    time.sleep(4 * SHORT)


def half_open_callers(peer: ModuleType) -> str:
    """Twenty threads call a breaker whose wait is over, while the first of them is still inside."""
    work = Work()
    call = guarded(peer, work, fails=1, wait=SHORT)
    fail(call, work)
    _sit_out()
    work.held, before = True, work.entered
    calls = [Aside(call).start() for _ in range(20)]
    time.sleep(0.4)
    inside = work.entered - before
    refused = sum(one.done for one in calls)
    waiting = 20 - inside - refused
    return f"{inside}" + (f", {waiting} wait for it" if waiting else "")


def half_open_hangs(peer: ModuleType) -> str:
    """A half-open call never comes back: when is the next one let through? The wait is 50 ms, our lease 300 ms."""
    work = Work()
    lease = {"lease": 0.3} if peer.__name__.endswith("breakwater") else {}
    call = guarded(peer, work, fails=1, wait=SHORT, **lease)
    fail(call, work)
    _sit_out()
    work.held, before = True, work.entered
    Aside(call).start()
    if not until(lambda: work.entered > before):
        raise NotPossible("it does not come in")
    started, before = time.monotonic(), work.entered
    work.held = False
    while time.monotonic() - started < 5:
        Aside(call).start()
        if until(lambda: work.entered > before, 0.05):
            taken = time.monotonic() - started
            return "at once" if taken < 0.2 else f"after {taken:.1f} s"
    return "not within 5 s"


def _trip_aside(call: Call, work: Work, times: int) -> None:
    """Trip a breaker while a call is under way."""
    work.error = Boom()
    for _ in range(times):
        if not Aside(call).start().back():
            raise NotPossible("calls wait for each other")
    work.error = None


def stale_success_while_open(peer: ModuleType) -> str:
    """A call begins, the breaker opens for a minute, the call succeeds: does that close it?"""
    work = Work()
    call = guarded(peer, work, fails=1, wait=60.0)
    _aside, end = straggler(call, work)
    _trip_aside(call, work, 1)
    end(None)
    return "yes" if admitted(call, work) else "no"


def stale_success_while_half_open(peer: ModuleType) -> str:
    """It opens after three failures and closes after two half-open successes. One comes, then one of a call from before the opening."""
    work = Work()
    call = guarded(peer, work, fails=3, wait=SHORT, successes=2)
    _aside, end = straggler(call, work)
    _trip_aside(call, work, 3)
    _sit_out()
    if not admitted(call, work):
        raise NotPossible("it does not half-open")
    end(None)
    fail(call, work)  # opens a half-open breaker, and not a closed one
    return "yes" if admitted(call, work) else "no"


def stale_failure(peer: ModuleType) -> str:
    """A call from before the opening fails when the wait is over: does the breaker refuse once more?"""
    work = Work()
    call = guarded(peer, work, fails=1, wait=0.3)
    _aside, end = straggler(call, work)
    _trip_aside(call, work, 1)
    time.sleep(0.5)
    end(Boom())
    return "no" if admitted(call, work) else "yes"


def interrupt(peer: ModuleType) -> str:
    """KeyboardInterrupt comes out of a call of a breaker that opens at the first failure."""
    if not hasattr(peer, "guard"):
        raise NotPossible("async only")
    work = Work()
    call = guarded(peer, work, fails=1)
    work.error = KeyboardInterrupt()
    seen = outcome(call)
    work.error = None
    counted = not admitted(call, work)
    hidden = "" if isinstance(seen, KeyboardInterrupt) else f", and {type(seen).__name__} takes its place"
    return f"{'yes' if counted else 'no'}{hidden}"


def cancellation(peer: ModuleType) -> str:
    """A task is cancelled within a call of a breaker that opens at the first failure."""
    if not hasattr(peer, "aguard"):
        raise NotPossible("no asyncio")

    async def run() -> bool:
        entered = []

        async def work() -> None:
            entered.append(1)
            await asyncio.sleep(0.05 if len(entered) > 1 else 60)

        call = peer.aguard(fails=1)(work)
        task = asyncio.ensure_future(call())
        await asyncio.sleep(0.05)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await asyncio.gather(call(), return_exceptions=True)
        return len(entered) < 2

    return "yes" if asyncio.run(run()) else "no"


def tripping_error(peer: ModuleType) -> str:
    """What the caller sees whose failing call opens the breaker."""
    work = Work()
    call = guarded(peer, work, fails=1)
    work.error = Boom()
    seen = outcome(call)
    return "its own" if isinstance(seen, Boom) else type(seen).__name__


def lock_held(peer: ModuleType) -> str:
    """Eight threads make a call of 50 ms each, at once."""
    call = guarded(peer, lambda: time.sleep(0.05))
    gate = threading.Barrier(9)

    def run() -> None:
        gate.wait()
        call()

    threads = [threading.Thread(target=run) for _ in range(8)]
    for thread in threads:
        thread.start()
    gate.wait()
    started = time.monotonic()
    for thread in threads:
        thread.join()
    return f"{1000 * (time.monotonic() - started):.0f} ms"


def _stepped(peer: ModuleType, wait: float, seconds: float) -> bool:
    """Whether a call comes through 200 ms after the opening, and after the wall clock has stepped."""
    work = Work()
    call = guarded(peer, work, fails=1, wait=wait)
    fail(call, work)
    package = peer.__name__.rpartition(".")[2]
    step_wall_clock("resilience" if package == "breakwater" else package, seconds)
    _sit_out()
    return admitted(call, work)


def clock_back(peer: ModuleType) -> str:
    """The wall clock steps back by an hour while it is open for 50 ms."""
    return "no" if _stepped(peer, SHORT, -3600) else "yes"


def clock_ahead(peer: ModuleType) -> str:
    """The wall clock steps ahead by an hour while it is open for a minute."""
    return "yes" if _stepped(peer, 60.0, 3600) else "no"


def bad_listener(peer: ModuleType) -> str:
    """A listener raises while a failing call opens the breaker: what the caller sees."""
    if not hasattr(peer, "listened"):
        raise NotPossible("no listeners")

    def listener(*_args: Any, **_kwargs: Any) -> None:
        raise RuntimeError("listener")

    work = Work()
    call = peer.listened(listener, fails=1)(work.named)
    fine = outcome(call)
    work.error = Boom()
    seen = outcome(call)
    work.error = None
    opened = not admitted(call, work)
    words = "its own error" if isinstance(seen, Boom) and fine is None else "the listener's error"
    return words + ("" if opened else ", and it stays closed")


def refusals_kept(peer: ModuleType) -> str:
    """Memory that ten thousand refusals in a row leave behind."""
    work = Work()
    call = guarded(peer, work, fails=1)
    fail(call, work)
    for _ in range(10):
        outcome(call)
    gc.collect()
    tracemalloc.start()
    for _ in repeat(None, 10_000):
        outcome(call)
    gc.collect()
    kept, _peak = tracemalloc.get_traced_memory()
    return f"{kept / 1024:,.0f} KiB"


def cost_by_size(peer: ModuleType) -> str:
    """How much more a call costs with a window of ten thousand calls than with one of a hundred."""
    return f"{_cost(peer, 10_000, size=10_000) / _cost(peer, 10_000, size=100):.1f} times"


def cost_by_seconds(peer: ModuleType) -> str:
    """How much more a call costs with a window of ten minutes than with one of ten seconds."""
    return f"{_cost(peer, 1_000, seconds=600.0) / _cost(peer, 1_000, seconds=10.0):.1f} times"


def _cost(peer: ModuleType, calls: int, **options: Any) -> float:
    """Return the best processor time of a thousand calls, after so many."""
    call = guarded(peer, _one, **options)
    for _ in repeat(None, calls):
        call()
    best = []
    for _ in range(10):
        started = time.process_time()
        for _ in repeat(None, 1_000):
            call()
        best.append(time.process_time() - started)
    return min(best)


def _one() -> int:
    return 1


class _Clock:
    """A clock in the forms that libraries take."""

    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now

    monotonic = __call__


def after_an_hour(peer: ModuleType) -> str:
    """A window of a minute opens at ten failures and holds nine; an hour later comes one more. It is open then unless it forgot them."""
    clock, work = _Clock(), Work()
    call = guarded(peer, work, fails=1_000, seconds=60.0, volume=10, clock=clock)
    fail(call, work, 9)
    clock.now += 3600
    fail(call, work)
    return "yes" if admitted(call, work) else "no"

"""That no permit is lost and nobody steps in between, whoever waits and however the wait ends."""

import asyncio
import random
import threading
from collections import deque
from collections.abc import Coroutine
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from resilience.patterns.budget import RetryBudget
from resilience.patterns.bulkhead import Bulkhead, BulkheadConfig, BulkheadEvent, Bulkheads
from resilience.patterns.errors import BulkheadFullError
from resilience.patterns.permits import Permits, ThreadWaiter, Waiter
from resilience.patterns.timeouts import _abandoned

pytestmark = pytest.mark.plain


class Note:
    """A waiter that only notes that it was woken; `gone` is one whose loop is closed."""

    def __init__(self, name: int, *, gone: bool = False) -> None:
        self.name = name
        self.granted = False
        self.gone = gone
        self.woken = 0

    def wake(self) -> bool:
        self.woken += 1
        return not self.gone


def test_threads_and_tasks_are_served_in_the_order_that_they_came() -> None:
    """A queue of threads and tasks of two loops, lined up one by one, is let in one by one."""
    bulkhead = Bulkhead("db", BulkheadConfig(max_concurrent=1, max_queue=12))
    arrived = threading.Semaphore(0)
    bulkhead.on_event(lambda event: arrived.release() if event.kind == "queued" else None)
    lease = bulkhead.acquire()
    served: list[int] = []

    async def note(number: int) -> None:
        served.append(number)

    def come(number: int) -> None:
        if number % 2:
            asyncio.run(bulkhead.acall(note, number))
        else:
            bulkhead.call(served.append, number)

    threads = [threading.Thread(target=come, args=(number,)) for number in range(12)]
    for thread in threads:
        thread.start()
        assert arrived.acquire(timeout=10)
    lease.release()
    for thread in threads:
        thread.join(10)
    assert served == list(range(12))


async def test_a_newcomer_does_not_overtake_the_one_that_was_granted_the_place() -> None:
    """Between the release and the moment in which the waiter runs, the place is the waiter's already."""
    bulkhead = Bulkhead("db", BulkheadConfig(max_concurrent=1, max_queue=1))
    lease = bulkhead.acquire()
    waiting = asyncio.create_task(bulkhead.aacquire())
    await asyncio.sleep(0)
    lease.release()
    assert bulkhead.try_acquire() is None
    (await waiting).release()
    assert bulkhead.metrics().active == 0


async def test_a_task_cancelled_in_the_moment_of_its_grant_passes_it_on() -> None:
    """The grant of a cancelled waiter goes to the next one in the queue."""
    bulkhead = Bulkhead("db", BulkheadConfig(max_concurrent=1, max_queue=2))
    lease = bulkhead.acquire()
    first = asyncio.create_task(bulkhead.aacquire())
    second = asyncio.create_task(bulkhead.aacquire())
    await asyncio.sleep(0)
    lease.release()
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first
    (await second).release()
    assert (bulkhead.metrics().active, bulkhead.metrics().queued) == (0, 0)


async def test_a_task_cancelled_while_it_waits_leaves_the_queue() -> None:
    """Its place in the queue is free for another."""
    bulkhead = Bulkhead("db", BulkheadConfig(max_concurrent=1, max_queue=1, queue_timeout=60))
    lease = bulkhead.acquire()
    first = asyncio.create_task(bulkhead.aacquire())
    await asyncio.sleep(0)
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first
    second = asyncio.create_task(bulkhead.aacquire())
    await asyncio.sleep(0)
    lease.release()
    (await second).release()
    assert bulkhead.metrics().active == 0


async def test_a_timeout_drops_the_waiter_itself_and_not_the_head_of_the_queue() -> None:
    """The patient one before the impatient one is still served."""
    bulkhead = Bulkhead("db", BulkheadConfig(max_concurrent=1, max_queue=2))
    lease = bulkhead.acquire()
    patient = asyncio.create_task(bulkhead.aacquire())
    await asyncio.sleep(0)
    bulkhead.reconfigure(bulkhead.config.replace(queue_timeout=0.01))
    with pytest.raises(BulkheadFullError):
        await bulkhead.aacquire()
    lease.release()
    (await patient).release()
    assert bulkhead.metrics().active == 0


def test_a_wait_that_times_out_just_as_it_is_granted_keeps_the_place() -> None:
    """It has what it waited for; refusing it would waste the place."""
    permits = Permits(1)
    assert permits.take()
    waiter = Note(1)
    assert permits.line_up(waiter, 1)
    permits.give()
    assert permits.keep(waiter)
    assert permits.active == 1


def test_a_place_that_came_free_before_the_queue_is_taken_at_once() -> None:
    """Between finding it full and lining up, a place may come free: nobody waits beside a free place."""
    permits = Permits(1)
    waiter = Note(1)
    assert permits.line_up(waiter, 0)
    assert (waiter.granted, waiter.woken, permits.active) == (True, 0, 1)


async def test_a_place_that_comes_free_on_the_way_to_the_queue_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    """Sync and async: the call finds the bulkhead full, and a moment later it is not; it neither waits nor is refused."""
    bulkhead = Bulkhead("db", BulkheadConfig(max_concurrent=1))
    take = Permits.take
    said = iter([False, True, False, True])
    monkeypatch.setattr(Permits, "take", lambda permits: next(said) and take(permits))

    async def later() -> int:
        return 2

    assert bulkhead.call(int, "1") == 1
    assert await bulkhead.acall(later) == 2
    assert (bulkhead.metrics().active, bulkhead.metrics().rejected, bulkhead.metrics().completed) == (0, 0, 2)


def test_a_newcomer_gets_nothing_in_the_moment_in_which_a_place_is_handed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    """The place was given back, the one that waits was not told yet: it is the waiter's all the same."""
    permits = Permits(1)
    assert permits.take()
    waiter = Note(1)
    assert permits.line_up(waiter, 1)
    newcomers: list[bool] = []
    hand_on = Permits._hand_on

    def slowly(permits: Permits) -> None:
        newcomers.append(permits.take())
        hand_on(permits)

    monkeypatch.setattr(Permits, "_hand_on", slowly)
    permits.give()
    assert (newcomers, waiter.granted, permits.active) == ([False], True, 1)


def test_a_waiter_whose_loop_is_closed_is_passed_over() -> None:
    """A thousand dead waiters cost neither a permit nor the stack; the living one behind them is served."""
    permits = Permits(1)
    assert permits.take()
    dead = [Note(number, gone=True) for number in range(2000)]
    living = Note(2000)
    for waiter in [*dead, living]:
        assert permits.line_up(waiter, 5000)
    permits.give()
    assert (living.granted, permits.active, permits.queued) == (True, 1, 0)
    permits.leave(dead[0])
    assert permits.active == 1


def test_a_release_in_the_middle_of_another_one_does_not_lock_up() -> None:
    """The garbage collector may close a guarded coroutine while this thread holds the lock."""
    permits = Permits(2)
    assert permits.take()
    assert permits.take()
    with permits._lock:
        permits.give()
        assert permits.take()
    assert permits.active == 2


def test_a_permit_given_back_while_its_own_thread_lines_up_is_not_lost() -> None:
    """A finalizer or a signal handler may give one back after the look at what is free and before the place in the queue."""
    permits = Permits(1)

    class Interrupted(deque[Waiter]):
        def append(self, waiter: Waiter) -> None:
            permits.give()
            super().append(waiter)

    permits._waiters = Interrupted()
    assert permits.take()
    waiter = ThreadWaiter()
    assert permits.line_up(waiter, 1)
    assert (waiter.granted, permits.active, permits.queued) == (True, 1, 0)
    waiter.wait(5)


@pytest.mark.parametrize("locked", [RetryBudget()._lock, _abandoned._lock, Permits(1)._lock, Bulkheads()._lock])
def test_no_lock_locks_out_its_own_thread(locked: Any) -> None:
    """A signal handler that comes in the middle of a critical section may call whatever it likes."""
    with locked:
        assert locked.acquire(timeout=1)
        locked.release()


class AThreadIsInterrupted(BaseException):
    pass


def test_an_interrupt_in_a_waiting_thread_leaves_the_queue(monkeypatch: pytest.MonkeyPatch) -> None:
    """Control-C while waiting costs neither a place nor a permit."""
    bulkhead = Bulkhead("db", BulkheadConfig(max_concurrent=1, max_queue=1))

    def interrupt(*args: object) -> None:
        raise AThreadIsInterrupted

    monkeypatch.setattr("resilience.patterns.permits.ThreadWaiter.wait", interrupt)
    with bulkhead.guard(), pytest.raises(AThreadIsInterrupted):
        bulkhead.call(int)
    assert (bulkhead.metrics().active, bulkhead.metrics().queued) == (0, 0)


def test_each_of_four_threads_runs_its_own_loop() -> None:
    """As Django's async_to_sync does: one limit holds over all loops, and nobody gets a RuntimeError."""
    bulkhead = Bulkhead("db", BulkheadConfig(max_concurrent=1, max_queue=12))
    inside: list[int] = []
    most: list[int] = []

    async def work() -> None:
        inside.append(1)
        most.append(len(inside))
        await asyncio.sleep(0)
        inside.pop()

    def loop() -> None:
        async def three() -> None:
            await asyncio.gather(*(bulkhead.acall(work) for _ in range(3)))

        asyncio.run(three())

    threads = [threading.Thread(target=loop) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert (len(most), max(most)) == (12, 1)


def test_no_permit_is_lost_under_load() -> None:
    """20 threads and 3 loops with random time limits and cancellations: never too many inside, and nothing left behind."""
    limit, rounds = 3, 60
    bulkhead = Bulkhead("db", BulkheadConfig(max_concurrent=limit, max_queue=40, queue_timeout=0.002))
    inside = 0
    most = 0
    guard = threading.Lock()
    begin = threading.Barrier(24)
    outcomes: list[str] = []

    def step(change: int) -> None:
        nonlocal inside, most
        with guard:
            inside += change
            most = max(most, inside)

    def busy(rng: random.Random) -> None:
        step(1)
        threading.Event().wait(rng.random() * 0.0005)
        step(-1)

    async def busy_task(rng: random.Random) -> None:
        step(1)
        try:
            await asyncio.sleep(rng.random() * 0.0005)
        finally:
            step(-1)

    def thread(seed: int) -> None:
        rng = random.Random(seed)
        begin.wait(20)
        for _ in range(rounds):
            try:
                bulkhead.call(busy, rng)
                outcomes.append("done")
            except BulkheadFullError as refused:
                outcomes.append(refused.reason)

    def loop(seed: int) -> None:
        rng = random.Random(seed)
        begin.wait(20)
        asyncio.run(tasks(rng))

    async def tasks(rng: random.Random) -> None:
        for _ in range(rounds // 3):
            running = [asyncio.create_task(bulkhead.acall(busy_task, rng)) for _ in range(10)]
            await asyncio.sleep(rng.random() * 0.001)
            for task in running:
                if rng.random() < 0.4:
                    task.cancel()
            for outcome in await asyncio.gather(*running, return_exceptions=True):
                outcomes.append("done" if outcome is None else type(outcome).__name__)

    def resize() -> None:
        rng = random.Random(99)
        begin.wait(20)
        for _ in range(rounds):
            bulkhead.resize(rng.randint(1, limit))
            threading.Event().wait(0.001)

    threads = [threading.Thread(target=thread, args=(seed,)) for seed in range(20)]
    threads += [threading.Thread(target=loop, args=(seed,)) for seed in range(3)]
    threads.append(threading.Thread(target=resize))
    for one in threads:
        one.start()
    for one in threads:
        one.join(60)
        assert not one.is_alive()
    assert most <= limit
    assert (bulkhead.metrics().active, bulkhead.metrics().queued, bulkhead.metrics().abandoned) == (0, 0, 0)
    bulkhead.resize(limit)
    leases = [bulkhead.acquire() for _ in range(limit)]
    assert len(leases) == limit
    assert {"done", "queue-timeout", "CancelledError"} <= set(outcomes)


STEPS = st.lists(
    st.tuples(st.sampled_from(["take", "give", "queue", "dead", "leave", "keep", "resize"]), st.integers(0, 5)),
    max_size=60,
)


@settings(max_examples=200, deadline=None)
@given(steps=STEPS)
def test_the_pool_never_forgets_or_invents_a_permit(steps: list[tuple[str, int]]) -> None:
    """Whatever comes in whatever order: who holds is who is counted, waiters stand beside no free permit, and are served in order."""
    permits = Permits(2)
    holders = 0
    waiting: list[Note] = []
    grants: list[int] = []
    for number, (step, pick) in enumerate(steps):
        chosen = waiting[pick % len(waiting)] if waiting else None
        if step == "take":
            holders += permits.take()
        elif step == "give" and holders:
            permits.give()
            holders -= 1
        elif step in ("queue", "dead"):
            waiter = Note(number, gone=step == "dead")
            if permits.line_up(waiter, 3):
                waiting.append(waiter)
        elif step == "leave" and chosen:
            permits.leave(chosen)
            waiting.remove(chosen)
        elif step == "keep" and chosen:
            holders += permits.keep(chosen)
            waiting.remove(chosen)
        elif step == "resize":
            permits.resize(pick + 1)
        grants += [waiter.name for waiter in waiting if waiter.granted and waiter.name not in grants]
        held = sum(waiter.granted for waiter in waiting)
        assert permits.active == holders + held
        assert permits.queued <= 3
        assert not (permits.queued and permits.active < permits.limit)
    assert grants == sorted(grants)


def never_awaited(coroutine: Coroutine[Any, Any, object]) -> None:
    coroutine.close()


def test_a_coroutine_that_never_ran_holds_nothing() -> None:
    """Making the coroutine takes no place; only running it does."""
    bulkhead = Bulkhead("db", BulkheadConfig(max_concurrent=1))
    heard: list[BulkheadEvent] = []
    bulkhead.on_event(heard.append)
    never_awaited(bulkhead.aacquire())
    assert (bulkhead.metrics().active, heard) == (0, [])

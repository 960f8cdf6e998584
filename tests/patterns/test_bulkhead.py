"""What a bulkhead lets in, lets wait and refuses."""

import asyncio
import gc
import logging
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from resilience.patterns.bulkhead import Bulkhead, BulkheadConfig, BulkheadEvent, Bulkheads
from resilience.patterns.deadline import within
from resilience.patterns.errors import BulkheadFullError, ConfigError

pytestmark = pytest.mark.plain


def a_bulkhead(**config: Any) -> Bulkhead:
    return Bulkhead("db", BulkheadConfig(**config))


class Queued:
    """Waits until so many calls stand in the queue."""

    def __init__(self, bulkhead: Bulkhead) -> None:
        self._count = threading.Semaphore(0)
        bulkhead.on_event(self._hear)

    def _hear(self, event: BulkheadEvent) -> None:
        if event.kind == "queued":
            self._count.release()

    def one_more(self) -> None:
        assert self._count.acquire(timeout=10)


@contextmanager
def in_thread(work: Callable[[], object]) -> Iterator[threading.Thread]:
    thread = threading.Thread(target=work)
    thread.start()
    yield thread
    thread.join(10)
    assert not thread.is_alive()


def test_a_call_gives_what_the_function_returns() -> None:
    """Arguments go in, the value comes out, and the place is free again."""
    bulkhead = a_bulkhead(max_concurrent=1)
    assert bulkhead.call(divmod, 7, 2) == (3, 1)
    assert bulkhead.call(dict, fn=1) == {"fn": 1}
    assert (bulkhead.metrics().active, bulkhead.metrics().completed) == (0, 2)


def test_an_error_gives_the_place_back() -> None:
    """The function's own error comes out, and costs no place."""
    bulkhead = a_bulkhead(max_concurrent=1)
    with pytest.raises(ZeroDivisionError):
        bulkhead.call(divmod, 1, 0)
    assert bulkhead.metrics().active == 0


async def test_tasks_go_through_the_same_object() -> None:
    """Sync and async calls share the places."""
    bulkhead = a_bulkhead(max_concurrent=1)

    async def double(number: int) -> int:
        assert bulkhead.try_acquire() is None
        return number * 2

    assert await bulkhead.acall(double, 4) == 8
    async with bulkhead.guard() as lease:
        assert lease.held
        with pytest.raises(BulkheadFullError):
            bulkhead.call(int)
    with bulkhead.guard(), pytest.raises(BulkheadFullError):
        await bulkhead.acall(double, 4)
    assert bulkhead.metrics().active == 0


def test_without_a_queue_the_next_one_is_refused_at_once() -> None:
    """The error names the bulkhead, its reason and the code that SPEC gives it."""
    bulkhead = a_bulkhead(max_concurrent=1)
    with bulkhead.guard(), pytest.raises(BulkheadFullError) as caught:
        bulkhead.call(int)
    assert (caught.value.name, caught.value.reason, caught.value.code) == ("db", "queue-full", "BULKHEAD_QUEUE_FULL")
    assert bulkhead.metrics().rejected == 1


def test_the_queue_is_bounded() -> None:
    """One waits, the next one is refused, and the one that waited gets the place."""
    bulkhead = a_bulkhead(max_concurrent=1, max_queue=1)
    queued = Queued(bulkhead)
    lease = bulkhead.acquire()
    got: list[int] = []
    with in_thread(lambda: got.append(bulkhead.call(int, "7"))):
        queued.one_more()
        with pytest.raises(BulkheadFullError, match="db"):
            bulkhead.call(int)
        assert got == []
        lease.release()
    assert got == [7]


def test_a_wait_ends_with_the_queue_timeout() -> None:
    """Whoever waited too long is refused with its reason, and leaves the queue."""
    bulkhead = a_bulkhead(max_concurrent=1, max_queue=1, queue_timeout=0.01)
    with bulkhead.guard(), pytest.raises(BulkheadFullError) as caught:
        bulkhead.call(int)
    assert caught.value.reason == "queue-timeout"
    assert (bulkhead.metrics().queued, bulkhead.metrics().rejected) == (0, 1)


async def test_a_task_waits_no_longer_than_the_queue_timeout() -> None:
    """The same for tasks, whose loop goes on meanwhile."""
    bulkhead = a_bulkhead(max_concurrent=1, max_queue=1, queue_timeout=0.01)

    async def never() -> None:
        raise AssertionError

    async with bulkhead.guard():
        with pytest.raises(BulkheadFullError) as caught:
            await bulkhead.acall(never)
    assert caught.value.reason == "queue-timeout"
    assert bulkhead.metrics().queued == 0


@pytest.mark.parametrize("queue_timeout", [None, 60.0])
def test_a_wait_ends_with_the_deadline(queue_timeout: float | None) -> None:
    """A total deadline bounds the time in the queue too."""
    bulkhead = a_bulkhead(max_concurrent=1, max_queue=1, queue_timeout=queue_timeout)
    with bulkhead.guard(), within(0.01), pytest.raises(BulkheadFullError) as caught:
        bulkhead.call(int)
    assert caught.value.reason == "queue-timeout"


async def test_a_sync_call_never_stops_an_event_loop_to_wait() -> None:
    """In a thread that runs an event loop, waiting would stop whoever holds the place."""
    bulkhead = a_bulkhead(max_concurrent=1, max_queue=5)
    async with bulkhead.guard():
        with pytest.raises(BulkheadFullError) as caught:
            bulkhead.call(int)
    assert caught.value.reason == "would-block"


def test_a_guard_serves_once() -> None:
    """A second entry would lose a place, so it is an error, sync and async."""
    bulkhead = a_bulkhead(max_concurrent=2)
    guard = bulkhead.guard()
    with guard, pytest.raises(RuntimeError, match="guard"):
        guard.__enter__()

    async def again() -> None:
        async with guard:
            raise AssertionError

    with pytest.raises(RuntimeError, match="guard"):
        asyncio.run(again())
    assert bulkhead.metrics().active == 0


def test_a_guard_that_is_refused_gives_nothing_back() -> None:
    """Leaving a block that was never entered changes nothing."""
    bulkhead = a_bulkhead(max_concurrent=1)
    with bulkhead.guard():
        guard = bulkhead.guard()
        with pytest.raises(BulkheadFullError), guard:
            raise AssertionError
        guard.__exit__(None, None, None)
        assert bulkhead.metrics().active == 1


def test_a_lease_is_given_back_once() -> None:
    """Releasing twice frees one place."""
    bulkhead = a_bulkhead(max_concurrent=2)
    first, second = bulkhead.acquire(), bulkhead.acquire()
    first.release()
    first.release()
    assert (first.held, second.held) == (False, True)
    assert (bulkhead.metrics().active, bulkhead.metrics().available) == (1, 1)


def test_work_that_nobody_waits_for_keeps_its_place() -> None:
    """An abandoned call counts against the limit until it ends, and is shown."""
    bulkhead = a_bulkhead(max_concurrent=1)
    lease = bulkhead.acquire()
    lease.abandon()
    assert (bulkhead.metrics().active, bulkhead.metrics().abandoned) == (1, 1)
    lease.release()
    assert (bulkhead.metrics().active, bulkhead.metrics().abandoned) == (0, 0)
    lease.abandon()
    assert bulkhead.metrics().abandoned == 0


def test_try_acquire_neither_waits_nor_counts() -> None:
    """Asking whether there is room is no refusal."""
    bulkhead = a_bulkhead(max_concurrent=1, max_queue=5)
    lease = bulkhead.try_acquire()
    assert lease is not None
    assert bulkhead.try_acquire() is None
    assert bulkhead.metrics().rejected == 0
    lease.release()


def test_events_tell_what_happens() -> None:
    """started, queued, rejected and finished, with the figures right after."""
    bulkhead = a_bulkhead(max_concurrent=1, max_queue=1)
    heard: list[BulkheadEvent] = []
    queued = Queued(bulkhead)
    stop = bulkhead.on_event(heard.append)
    lease = bulkhead.acquire()
    with in_thread(lambda: bulkhead.call(int)):
        queued.one_more()
        with pytest.raises(BulkheadFullError):
            bulkhead.acquire()
        lease.release()
    told = [(event.kind, event.reason) for event in heard]
    assert told[:3] == [("started", None), ("queued", None), ("rejected", "queue-full")]
    assert sorted(told[3:]) == [("finished", None), ("finished", None), ("started", None)]
    assert heard[1] == BulkheadEvent("db", "queued", active=1, queued=1)
    stop()
    bulkhead.call(int)
    assert len(heard) == 6


def test_a_listener_that_fails_disturbs_no_call() -> None:
    """Its error is logged, the call goes on, and the place comes back."""
    bulkhead = a_bulkhead(max_concurrent=1)
    bulkhead.on_event(lambda event: 1 / 0)
    assert bulkhead.call(int) == 0
    assert bulkhead.metrics().active == 0


def test_on_reject_is_told_the_reason(caplog: pytest.LogCaptureFixture) -> None:
    """The callback of the config hears each refusal; its own error is logged and goes no further."""
    reasons: list[str] = []
    told = a_bulkhead(max_concurrent=1, on_reject=reasons.append)
    with told.guard(), pytest.raises(BulkheadFullError):
        told.call(int)
    assert reasons == ["queue-full"]
    broken = a_bulkhead(max_concurrent=1, on_reject=lambda reason: 1 / 0)
    with caplog.at_level(logging.ERROR), broken.guard(), pytest.raises(BulkheadFullError):
        broken.call(int)
    assert "on_reject of the bulkhead db failed" in caplog.text


def test_the_metrics_say_how_full_it_is() -> None:
    """Utilization in percent, places free, and what it says of itself."""
    bulkhead = a_bulkhead(max_concurrent=4, max_queue=2)
    with bulkhead.guard():
        now = bulkhead.metrics()
        assert (now.active, now.available, now.utilization) == (1, 3, 25.0)
        assert repr(bulkhead) == "<Bulkhead 'db' 1/4 active, 0/2 queued>"


@pytest.mark.parametrize(
    "wrong",
    [
        {"max_concurrent": 0},
        {"max_concurrent": 1.5},
        {"max_concurrent": True},
        {"max_queue": -1},
        {"max_queue": None},
        {"queue_timeout": 0},
        {"queue_timeout": -2.0},
        {"queue_timeout": float("nan")},
        {"on_reject": "later"},
    ],
)
def test_an_impossible_config_names_field_and_value(wrong: dict[str, Any]) -> None:
    """What is wrong stands in the message, before any call is made."""
    [(field, value)] = wrong.items()
    with pytest.raises(ConfigError, match=f"{field}.*{value!r}"):
        BulkheadConfig(**wrong)
    with pytest.raises(ConfigError):
        BulkheadConfig().replace(**wrong)


def test_what_is_no_name_and_what_is_no_config_is_refused() -> None:
    """Where it is written, not at the first call; and the bulkhead stays as it was."""
    bulkhead = a_bulkhead()
    config = bulkhead.config
    for wrong in (
        lambda: Bulkhead(None),  # type: ignore[arg-type]
        lambda: Bulkhead("db", {"max_concurrent": 2}),  # type: ignore[arg-type]
        lambda: Bulkhead("db", 0),  # type: ignore[arg-type]
        lambda: bulkhead.reconfigure(None),  # type: ignore[arg-type]
    ):
        with pytest.raises(ConfigError):
            wrong()
    assert bulkhead.config is config


def test_more_places_let_waiters_in_at_once() -> None:
    """Growing at run time wakes as many as there are new places."""
    bulkhead = a_bulkhead(max_concurrent=1, max_queue=3)
    queued = Queued(bulkhead)
    lease = bulkhead.acquire()
    together = threading.Barrier(3)
    with in_thread(lambda: bulkhead.call(together.wait, 10)), in_thread(lambda: bulkhead.call(together.wait, 10)):
        queued.one_more()
        queued.one_more()
        bulkhead.resize(3)
        together.wait(10)
    lease.release()
    assert bulkhead.metrics().max_concurrent == 3
    assert bulkhead.metrics().active == 0


def test_fewer_places_send_nobody_away() -> None:
    """Shrinking lets those inside finish, and nobody in until they are few enough."""
    bulkhead = a_bulkhead(max_concurrent=3)
    leases = [bulkhead.acquire() for _ in range(3)]
    bulkhead.resize(1)
    assert (bulkhead.metrics().active, bulkhead.metrics().available, bulkhead.metrics().utilization) == (3, 0, 300.0)
    for lease in leases:
        assert bulkhead.try_acquire() is None
        lease.release()
    assert bulkhead.try_acquire() is not None


def test_a_fork_begins_with_an_empty_bulkhead() -> None:
    """Threads that were inside do not exist in the child, so their places do not count there, nor does giving them back."""
    bulkhead = a_bulkhead(max_concurrent=1)
    lease = bulkhead.acquire()
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        before = bulkhead.metrics().active
        lease.release()
        inside = bulkhead.call(lambda: bulkhead.metrics().active)
        os.write(write, f"{before} {inside} {bulkhead.metrics().active}".encode())
        os._exit(0)
    os.waitpid(child, 0)
    assert os.read(read, 100) == b"0 1 0"
    os.close(read)
    os.close(write)
    assert bulkhead.metrics().active == 1


def test_a_registry_makes_each_bulkhead_once() -> None:
    """20 threads that ask for a name get one object."""
    registry = Bulkheads()
    begin = threading.Barrier(20)
    got: list[Bulkhead] = []

    def ask() -> None:
        begin.wait(10)
        got.append(registry.get_or_create("db", BulkheadConfig(max_concurrent=2)))

    threads = [threading.Thread(target=ask) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert len(set(map(id, got))) == 1
    assert (registry.names(), len(registry), list(registry)) == (["db"], 1, [got[0]])
    assert registry.get("db") is got[0]
    assert registry.get("other") is None
    assert "db" in registry
    assert "other" not in registry
    assert registry["db"] is got[0]


def test_a_registry_tells_of_each_bulkhead_present_and_future() -> None:
    """One listener hears all of them until it is taken away, twice at no harm."""
    registry = Bulkheads()
    heard: list[str] = []
    registry.get_or_create("early").call(int)
    stop = registry.on_event(lambda event: heard.append(f"{event.name} {event.kind}"))
    registry.get_or_create("early").call(int)
    registry.get_or_create("late").call(int)
    stop()
    stop()
    registry.get_or_create("late").call(int)
    registry.get_or_create("later").call(int)
    assert heard == ["early started", "early finished", "late started", "late finished"]


def test_a_registry_forgets_what_it_is_told_to() -> None:
    """Whoever holds the bulkhead keeps it; the registry's listeners no longer hear it; twice does no harm."""
    registry = Bulkheads()
    heard: list[BulkheadEvent] = []
    registry.on_event(heard.append)
    old = registry.get_or_create("db")
    registry.discard("db")
    registry.discard("db")
    old.call(int)
    assert heard == []
    assert registry.get_or_create("db") is not old


def test_what_a_fork_makes_anew() -> None:
    """What the child does by itself, seen from here: an empty bulkhead, a registry whose lock is free."""
    registry = Bulkheads()
    bulkhead = registry.get_or_create("db", BulkheadConfig(max_concurrent=1))
    lease = bulkhead.acquire()
    registry._lock.acquire()
    bulkhead._after_fork()
    registry._after_fork()
    assert bulkhead.metrics().active == 0
    lease.release()
    assert bulkhead.metrics().active == 0
    with in_thread(lambda: registry.get_or_create("other")):
        pass
    assert registry.names() == ["db", "other"]


def test_room_found_at_once_is_told_as_any_other() -> None:
    """try_acquire is a start like any other, and without listeners nothing is told."""
    bulkhead = a_bulkhead(max_concurrent=2)
    heard: list[BulkheadEvent] = []
    silent = bulkhead.try_acquire()
    bulkhead.on_event(heard.append)
    told = bulkhead.try_acquire()
    assert silent is not None
    assert told is not None
    assert heard == [BulkheadEvent("db", "started", active=2, queued=0)]


def test_listeners_come_and_go_without_losing_each_other() -> None:
    """The last one that goes ends the telling; the others are still heard."""
    bulkhead = a_bulkhead()
    first: list[BulkheadEvent] = []
    second: list[BulkheadEvent] = []
    end_first, end_second = bulkhead.on_event(first.append), bulkhead.on_event(second.append)
    end_first()
    bulkhead.call(int)
    assert (len(first), len(second), bulkhead.heard) == (0, 2, True)
    end_second()
    end_second()
    assert not bulkhead.heard


class AnInterrupt(BaseException):
    pass


@pytest.mark.parametrize("kind", ["queued", "started"])
async def test_an_interrupt_in_a_listener_loses_no_place(kind: str) -> None:
    """Not even one that comes while a call is between the queue and its work, sync or async."""
    bulkhead = a_bulkhead(max_concurrent=1, max_queue=1)

    def interrupt(event: BulkheadEvent) -> None:
        if event.kind == kind:
            raise AnInterrupt

    async def later() -> None:
        raise AssertionError

    lease = bulkhead.acquire() if kind == "queued" else None
    bulkhead.on_event(interrupt)
    with pytest.raises(AnInterrupt):
        await bulkhead.acall(later)
    with pytest.raises(AnInterrupt):
        await bulkhead.aacquire()
    for enter in (bulkhead.acquire, lambda: bulkhead.call(int)):
        error = await asyncio.to_thread(raised_by, enter)
        assert isinstance(error, AnInterrupt)
    if lease:
        lease.release()
    assert (bulkhead.metrics().active, bulkhead.metrics().queued) == (0, 0)


def raised_by(work: Callable[[], object]) -> BaseException | None:
    try:
        work()
    except BaseException as error:  # noqa: BLE001
        return error
    return None


def test_a_coroutine_that_is_thrown_away_leaves_the_queue() -> None:
    """A task whose loop ended without it neither waits for ever nor keeps what it is granted."""
    bulkhead = a_bulkhead(max_concurrent=1, max_queue=5)
    lease = bulkhead.acquire()
    loop = asyncio.new_event_loop()

    async def inside() -> None:
        raise AssertionError

    task = loop.create_task(bulkhead.acall(inside))
    loop.run_until_complete(asyncio.sleep(0))
    assert bulkhead.metrics().queued == 1
    loop.close()
    lease.release()
    assert (bulkhead.metrics().active, bulkhead.metrics().queued) == (0, 0)
    coroutine = task.get_coro()
    assert coroutine is not None
    coroutine.close()
    task._log_destroy_pending = False  # type: ignore[attr-defined]
    del task, coroutine
    gc.collect()
    assert bulkhead.call(int) == 0
    assert bulkhead.metrics().active == 0

"""Bulkheads: so many calls at once, so many that wait, and the rest is refused at once.

One `Bulkhead` serves threads and the tasks of any number of event loops. Whoever waits is let in first come, first served;
nobody steps in between, and no permit is lost when a wait ends by a time limit, a cancellation or a closed loop.
"""

import asyncio
import logging
import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import suppress
from types import CoroutineType, TracebackType

from resilience.patterns.bulkhead_config import BulkheadConfig, BulkheadEvent, BulkheadMetrics, Happening, Reason
from resilience.patterns.callables import must_await, no_coroutine
from resilience.patterns.deadline import time_left
from resilience.patterns.errors import BulkheadFullError, ConfigError
from resilience.patterns.forks import renew_after_fork
from resilience.patterns.listeners import Listeners
from resilience.patterns.permits import Permits, TaskWaiter, ThreadWaiter, Waiter
from resilience.patterns.timeouts import CallAbandoned
from resilience.patterns.typing import P, T

__all__ = ["Bulkhead", "BulkheadConfig", "BulkheadEvent", "BulkheadMetrics", "Bulkheads", "Lease", "bulkheads"]

_log = logging.getLogger("resilience.patterns")


class Lease:
    """One place in a bulkhead, given back by `release()`: once, whoever calls it and however often."""

    __slots__ = ("_abandoned", "_bulkhead", "_held", "_permits")

    def __init__(self, bulkhead: "Bulkhead", permits: Permits) -> None:
        self._bulkhead = bulkhead
        self._permits = permits
        self._held = [None]
        self._abandoned: list[None] = []

    @property
    def held(self) -> bool:
        """Whether the place is still taken."""
        return bool(self._held)

    def abandon(self) -> None:
        """Says that the caller is gone and the work goes on: the place stays taken, and counts as abandoned until its release."""
        self._abandoned.append(None)
        self._permits.abandon(1)
        if not self._held:
            self._settle_abandoned()

    def end(self, error: BaseException | None = None) -> None:
        """Releases it, or, after a call that was given up on and still runs in a thread, has it released when that ends."""
        if isinstance(error, CallAbandoned) and error.worker is not None:
            self.abandon()
            error.worker.when_done(self.release)
        else:
            self.release()

    def release(self) -> None:
        """Gives the place back."""
        try:
            self._held.pop()  # atomic: of two that release at once, one finds nothing
        except IndexError:
            return
        self._bulkhead._leave(self._permits)
        self._settle_abandoned()

    def _settle_abandoned(self) -> None:
        with suppress(IndexError):
            self._abandoned.pop()
            self._permits.abandon(-1)


class Guard:
    """One way through a bulkhead as a block: `with bulkhead.guard():` or `async with bulkhead.guard():`."""

    __slots__ = ("_bulkhead", "_lease")

    def __init__(self, bulkhead: "Bulkhead") -> None:
        self._bulkhead = bulkhead
        self._lease: Lease | None = None

    def __enter__(self) -> Lease:
        self._check()
        self._lease = lease = self._bulkhead.acquire()
        return lease

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end(error)

    async def __aenter__(self) -> Lease:
        self._check()
        self._lease = lease = await self._bulkhead.aacquire()
        return lease

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end(error)

    def _check(self) -> None:
        if self._lease is not None:
            raise RuntimeError(
                f"this guard of the bulkhead {self._bulkhead.name!r} was entered before; ask guard() for a new one"
            )

    def _end(self, error: BaseException | None) -> None:
        if self._lease is not None:
            self._lease.end(error)


class Bulkhead:
    """At most `max_concurrent` calls at once through `call`, `acall`, `guard()` or `acquire()`, from threads and event loops alike.

    >>> reports = Bulkhead("reports", BulkheadConfig(max_concurrent=2, max_queue=10, queue_timeout=5.0))
    >>> reports.call(sum, [1, 2])
    3

    A call that finds its place taken and the queue full gets `BulkheadFullError`. In a thread that runs an event loop the sync
    forms never wait (the loop, and with it whoever holds a place, would stand still): they refuse with reason "would-block".
    A fork starts the child with an empty bulkhead: the threads that were inside live on in the parent only.
    """

    __slots__ = ("__weakref__", "_listeners", "_permits", "config", "heard", "name")

    def __init__(self, name: str, config: BulkheadConfig | None = None) -> None:
        if not isinstance(name, str):
            raise ConfigError("name", name, "a string")
        self.name = name
        self.config = BulkheadConfig() if config is None else _checked(config)
        self._permits = Permits(self.config.max_concurrent)
        self._listeners: Listeners[BulkheadEvent] = Listeners(f"the bulkhead {name}")
        self.heard = False
        """Whether anybody listens: asked on each call, so that nothing is made for nobody."""
        renew_after_fork(self)

    def __repr__(self) -> str:
        now = self.metrics()
        return f"<Bulkhead {self.name!r} {now.active}/{now.max_concurrent} active, {now.queued}/{now.max_queue} queued>"

    def call(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """What `fn` returns, called inside the bulkhead."""
        permits = self._permits
        if not permits.take():
            self._wait(permits)
        try:
            if self.heard:
                self._tell("started", permits)
            result = fn(*args, **kwargs)
            if type(result) is CoroutineType:
                no_coroutine(result, fn)
        except BaseException as error:
            self._leave_with(permits, error)
            raise
        permits.give()
        if self.heard:
            self._tell("finished", permits)
        return result

    async def acall(self, fn: Callable[P, Awaitable[T]], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """What `await fn(…)` returns, called inside the bulkhead."""
        permits = self._permits
        if not permits.take():
            await self._await(permits)
        try:
            if self.heard:
                self._tell("started", permits)
            running = fn(*args, **kwargs)
            try:
                result = await running
            except TypeError:
                must_await(running, fn)
                raise
        except BaseException as error:
            self._leave_with(permits, error)
            raise
        permits.give()
        if self.heard:
            self._tell("finished", permits)
        return result

    def guard(self) -> Guard:
        """A block inside the bulkhead, for `with` and `async with`."""
        return Guard(self)

    def acquire(self) -> Lease:
        """A place, waited for if there is a queue; for hosts that begin and end the work in different places."""
        permits = self._permits
        if not permits.take():
            self._wait(permits)
        return self._lease(permits)

    async def aacquire(self) -> Lease:
        """A place, waited for without holding up the event loop."""
        permits = self._permits
        if not permits.take():
            await self._await(permits)
        return self._lease(permits)

    def try_acquire(self) -> Lease | None:
        """A place if one is free at once and nobody waits for it, else None (which counts as nothing)."""
        permits = self._permits
        if not permits.take():
            return None
        return self._lease(permits)

    def reconfigure(self, config: BulkheadConfig) -> None:
        """Takes over other figures. Those inside and those in the queue keep their places."""
        self.config = _checked(config)
        self._permits.resize(config.max_concurrent)

    def resize(self, max_concurrent: int) -> None:
        """Changes how many may be inside at once, from now on."""
        self.reconfigure(self.config.replace(max_concurrent=max_concurrent))

    def metrics(self) -> BulkheadMetrics:
        """The bulkhead's figures now."""
        permits, limit = self._permits, self.config.max_concurrent
        active = permits.active
        return BulkheadMetrics(
            active=active,
            available=max(limit - active, 0),
            queued=permits.queued,
            max_concurrent=limit,
            max_queue=self.config.max_queue,
            completed=permits.completed,
            rejected=permits.rejected,
            waited=permits.waited,
            abandoned=permits.abandoned,
            utilization=100.0 * active / limit,
        )

    def on_event(self, listener: Callable[[BulkheadEvent], object]) -> Callable[[], None]:
        """Tells the listener of everything that starts, finishes, queues or is refused; returns what ends that."""
        end = self._listeners.subscribe(listener)
        self.heard = True

        def unsubscribe() -> None:
            end()
            self.heard = False
            if self._listeners:  # looked at after the word was written: whoever subscribes meanwhile is not lost
                self.heard = True

        return unsubscribe

    def _after_fork(self) -> None:
        """Begins anew: those inside belong to another process."""
        self._permits = Permits(self.config.max_concurrent)

    def _lease(self, permits: Permits) -> Lease:
        try:
            self._tell("started", permits)
        except BaseException:  # an interrupt in a listener
            permits.give()
            raise
        return Lease(self, permits)

    def _leave(self, permits: Permits) -> None:
        permits.give()
        if self.heard:
            self._tell("finished", permits)

    def _leave_with(self, permits: Permits, error: BaseException) -> None:
        """Leaves after an error; work that goes on in a thread after its caller gave up keeps the place until it ends."""
        if isinstance(error, CallAbandoned):
            Lease(self, permits).end(error)
        else:
            self._leave(permits)

    def _wait(self, permits: Permits) -> None:
        waiter = ThreadWaiter()
        self._line_up(permits, waiter, self.config.max_queue if asyncio._get_running_loop() is None else 0)
        try:
            if not waiter.granted:
                self._tell("queued", permits)
                waiter.wait(time_left(self.config.queue_timeout))
        except BaseException:
            permits.leave(waiter)
            raise
        if not permits.keep(waiter):
            self._refuse(permits, "queue-timeout")

    async def _await(self, permits: Permits) -> None:
        waiter = TaskWaiter()
        self._line_up(permits, waiter, self.config.max_queue)
        try:
            if not waiter.granted:
                self._tell("queued", permits)
                await waiter.wait(time_left(self.config.queue_timeout))
        except BaseException:
            permits.leave(waiter)
            raise
        if not permits.keep(waiter):
            self._refuse(permits, "queue-timeout")

    def _line_up(self, permits: Permits, waiter: Waiter, places: int) -> None:
        if not permits.line_up(waiter, places):
            self._refuse(permits, "queue-full" if places == self.config.max_queue else "would-block")

    def _refuse(self, permits: Permits, reason: Reason) -> None:
        self._tell("rejected", permits, reason)
        if self.config.on_reject is not None:
            try:
                self.config.on_reject(reason)
            except Exception:  # noqa: BLE001 - a hook's own error is logged and goes no further
                _log.exception("on_reject of the bulkhead %s failed", self.name)
        raise BulkheadFullError(self.name, reason)

    def _tell(self, kind: Happening, permits: Permits, reason: Reason | None = None) -> None:
        if self.heard:
            self._listeners(BulkheadEvent(self.name, kind, permits.active, permits.queued, reason))


def _checked(config: object) -> BulkheadConfig:
    if not isinstance(config, BulkheadConfig):
        raise ConfigError("config", config, "a BulkheadConfig")
    return config


class Bulkheads:
    """Bulkheads by name: one for each, however many threads ask at once."""

    def __init__(self) -> None:
        self._by_name: dict[str, Bulkhead] = {}
        self._followers: list[_Follower] = []
        self._lock = threading.RLock()
        renew_after_fork(self)

    def __iter__(self) -> Iterator[Bulkhead]:
        return iter([bulkhead for _, bulkhead in sorted(self._by_name.items())])

    def __len__(self) -> int:
        return len(self._by_name)

    def __contains__(self, name: object) -> bool:
        return name in self._by_name

    def __getitem__(self, name: str) -> Bulkhead:
        return self._by_name[name]

    def get(self, name: str) -> Bulkhead | None:
        """The bulkhead of this name, or None."""
        return self._by_name.get(name)

    def get_or_create(self, name: str, config: BulkheadConfig | None = None) -> Bulkhead:
        """The bulkhead of this name; the config serves only the one who asks first."""
        with self._lock:
            found = self._by_name.get(name)
            if found is None:
                found = Bulkhead(name, config)
                for follower in self._followers:
                    follower.follow(found)
                self._by_name[name] = found
            return found

    def names(self) -> list[str]:
        """All names, sorted."""
        return sorted(self._by_name)

    def discard(self, name: str) -> None:
        """Forgets a bulkhead; whoever holds it keeps it, and the registry's listeners no longer hear it."""
        with self._lock:
            found = self._by_name.pop(name, None)
            if found is not None:
                for follower in self._followers:
                    follower.leave(found)

    def on_event(self, listener: Callable[[BulkheadEvent], object]) -> Callable[[], None]:
        """Tells the listener what happens at each of them, present and future; returns what ends that."""
        follower = _Follower(listener)
        with self._lock:
            self._followers.append(follower)
            for bulkhead in self:
                follower.follow(bulkhead)

        def unsubscribe() -> None:
            with self._lock:
                if follower in self._followers:
                    self._followers.remove(follower)
                follower.stop()

        return unsubscribe

    def _after_fork(self) -> None:
        self._lock = threading.RLock()


class _Follower:
    """A listener at many bulkheads."""

    __slots__ = ("_ends", "_listener")

    def __init__(self, listener: Callable[[BulkheadEvent], object]) -> None:
        self._listener = listener
        self._ends: dict[str, Callable[[], None]] = {}

    def follow(self, bulkhead: Bulkhead) -> None:
        self._ends[bulkhead.name] = bulkhead.on_event(self._listener)

    def leave(self, bulkhead: Bulkhead) -> None:
        self._ends.pop(bulkhead.name)()

    def stop(self) -> None:
        while self._ends:
            self._ends.popitem()[1]()


bulkheads = Bulkheads()
"""The bulkheads of this process."""

"""The prober: one asyncio loop that asks, and one thread that reads and writes the database.

    schedule ──▶ launch ──▶ run, within the limits in all and per host ──▶ found ──▶ settled together, in the thread (book.py)

A run begins at its moment or, when the one before it is still going, not at all (it is counted as skipped). What may change a probe is
settled within milliseconds, the rest together once a second. Nothing is launched, and nothing is written, after the duty is somebody
else's.
"""

import asyncio
import logging
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import replace
from functools import partial
from time import monotonic
from time import time as wall
from typing import Any, TypeVar

from django.conf import settings
from django.db import DatabaseError, InterfaceError, connection

from portal.kit import clock
from resilience.breakers.runtime import Runtime
from resilience.health.actions.settle import NotOurs
from resilience.health.asking import NotWell, ask, ran, verdict_of
from resilience.health.book import LOOK, Book, News, Watched
from resilience.health.core.schedule import Schedule, phase
from resilience.health.core.states import State
from resilience.health.outside import Outside
from resilience.health.store import Fence, Ran
from resilience.health.targets.base import Finding, Tools
from resilience.patterns.breaker import Permit
from resilience.patterns.typing import Verdict

log = logging.getLogger(__name__)
T = TypeVar("T")

TICK = 0.005
"""Seconds that the launcher sleeps at least: probes that are due together are launched together."""
GATHER = 0.01
"""Seconds for which findings are collected when one of them may change something."""
SETTLE = 1.0
"""Seconds after which findings that change nothing are written."""
FIRST = 5.0
"""Seconds over which the first runs of probes that never ran are spread when a prober starts."""
DRAIN = 1.5
TROUBLE = 1.0
MOST_KEPT = 20_000
"""So many findings wait at most while the database is away; then the oldest are dropped."""
DOUBTFUL = 0.6
"""The share of all places that probes may take whose host gave no answer the last time: the others keep their rhythm."""


class Places:
    """How much may be asked at once: in all, of each host, and of hosts that may not answer."""

    def __init__(self, total: int, per_host: int) -> None:
        self._total = asyncio.Semaphore(total)
        self._doubtful = asyncio.Semaphore(max(1, int(total * DOUBTFUL)))
        self._per_host = per_host
        self._hosts: dict[str, asyncio.Semaphore] = {}
        self._users: Counter[str] = Counter()

    @asynccontextmanager
    async def at(self, host: str, *, doubtful: bool) -> AsyncIterator[None]:
        """A place; whoever waits for a host's takes none of the others."""
        self._users[host] += 1
        try:
            if not host:
                async with self._total:
                    yield
                return
            own = self._hosts.setdefault(host, asyncio.Semaphore(self._per_host))
            if doubtful:
                async with own, self._doubtful, self._total:
                    yield
            else:
                async with own, self._total:
                    yield
        finally:
            self._users[host] -= 1
            if not self._users[host]:
                del self._users[host]
                self._hosts.pop(host, None)


class Prober:
    """Asks what is due, until `alive` says no."""

    def __init__(
        self,
        *,
        alive: Callable[[], bool],
        tools: Tools,
        breakers: Runtime,
        fence: Fence | None = None,
        options: Mapping[str, Any] | None = None,
    ) -> None:
        said = options or settings.HEALTH
        self._alive = alive
        self._tools = tools
        self._book = Book(breakers=breakers, fence=fence)
        self._outside = Outside(said["outside_test"])
        self._places = Places(said["concurrency"], said["per_host"])
        self._schedule = Schedule()
        self._epoch = wall() - monotonic()
        self._watched: dict[int, Watched] = {}
        self._running: dict[int, asyncio.Task[None]] = {}
        self._found: list[Ran] = []
        self._skipped: Counter[int] = Counter()
        self._stir = asyncio.Event()
        self._settled_at = 0.0
        self._lost = False
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="prober-db")
        self._asking = ThreadPoolExecutor(max_workers=4, thread_name_prefix="prober-breakers")

    async def run(self) -> None:
        """Works until asked to stop; what was found by then is written."""
        launcher: asyncio.Task[None] | None = None
        try:
            await self._open()
            launcher = asyncio.create_task(self._launch())
            while self._goes_on() and not launcher.done():
                await self._rest()
                await self._turn()
            if launcher.done():
                launcher.result()
            await self._drain(launcher)
        finally:
            tasks = [*self._running.values(), *([launcher] if launcher else [])]
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await self._write(connection_close)
            self._thread.shutdown()
            self._asking.shutdown(wait=False, cancel_futures=True)

    def _goes_on(self) -> bool:
        return not self._lost and self._alive()

    async def _open(self) -> None:
        while self._goes_on():
            try:
                news = await self._write(self._book.open)
            except NotOurs:
                self._lost = True
            except (DatabaseError, InterfaceError):
                log.exception("The prober could not read what it is to ask; it tries again")
                await self._write(connection_close)
                await asyncio.sleep(TROUBLE)
            else:
                self._follow(news, starting=True)
                return

    # -- asking ------------------------------------------------------------------------------------------------------

    def _now(self) -> float:
        """The wall clock as it was when the prober started, and as much later: nobody who sets the clock moves the schedule."""
        return self._epoch + monotonic()

    async def _launch(self) -> None:
        """Launches what is due, when it is due."""
        while True:
            while (due := self._schedule.pop(self._now())) is not None:
                if not self._goes_on():
                    return
                self._begin(*due)
            next_at = self._schedule.next_at()
            pause = LOOK if next_at is None else next_at - self._now()
            await asyncio.sleep(max(TICK, min(pause, LOOK)))

    def _begin(self, probe_id: int, missed: int) -> None:
        watched = self._watched[probe_id]
        left_out = missed + (1 if probe_id in self._running else 0)
        if left_out:
            self._skipped[probe_id] += left_out
        if probe_id not in self._running:
            self._running[probe_id] = asyncio.create_task(self._run(watched))

    async def _run(self, watched: Watched) -> None:
        try:
            async with self._places.at(watched.what.host, doubtful=watched.doubtful):
                if self._goes_on():
                    await self._ask(watched)
        except Exception:
            log.exception("The probe %s could not be run", watched.probe_id)
        finally:
            del self._running[watched.probe_id]

    async def _ask(self, watched: Watched) -> None:
        permit = await self._permit(watched)
        try:
            at = clock.now()
            finding = await ask(watched.what, self._tools)
            found = ran(watched.probe_id, watched.revision, finding, at=at, slow_after_ms=watched.slow_after_ms)
            standing, change = watched.after(ok=found.ok, slow=found.slow, at=at)
            blind = await self._is_blind(watched, finding, decides=change is not None and change.after is State.DOWN)
        except BaseException:
            if permit is not None:
                permit.done(Verdict.IGNORED)
            raise
        if permit is not None:
            _tell(permit, finding, blind)
        watched.doubtful = finding.transport
        self._found.append(replace(found, blind=blind))
        if not blind:
            watched.seen_at, watched.standing = at, standing
            if change is not None:
                self._stir.set()

    async def _permit(self, watched: Watched) -> Permit | None:
        """What has the breaker count the run; an open one lets nobody count, and a half-open one takes it for a test."""
        breaker = watched.breaker
        if breaker is None:
            return None
        permit = breaker.pass_closed()
        if permit is not None:
            return permit
        return await asyncio.get_running_loop().run_in_executor(self._asking, breaker.try_admit)

    async def _is_blind(self, watched: Watched, finding: Finding, *, decides: bool) -> bool:
        host = watched.what.host
        self._outside.saw(host, reached=not finding.transport, interval=watched.interval)
        return finding.transport and await self._outside.is_blind(host, about_to_flip=decides)

    # -- writing -----------------------------------------------------------------------------------------------------

    async def _rest(self) -> None:
        try:
            await asyncio.wait_for(self._stir.wait(), LOOK)
        except TimeoutError:
            return
        await asyncio.sleep(GATHER)

    async def _turn(self) -> None:
        """Writes what was found when it is time, and hears of what others changed. What the database did not take waits."""
        try:
            if self._stir.is_set() or monotonic() - self._settled_at >= SETTLE:
                await self._settle()
            self._follow(await self._write(self._book.look))
        except NotOurs:
            self._lost = True
        except (DatabaseError, InterfaceError):
            log.exception("The prober could not work with the database; it tries again")
            await self._write(connection_close)
            await asyncio.sleep(TROUBLE)

    async def _settle(self) -> None:
        self._stir.clear()
        self._settled_at = monotonic()
        runs, self._found = self._found, []
        skipped, self._skipped = self._skipped, Counter()
        if not runs and not skipped:
            return
        try:
            await self._write(partial(self._book.settle, runs, skipped))
        except (DatabaseError, InterfaceError):
            self._found = [*runs, *self._found][-MOST_KEPT:]
            self._skipped.update(skipped)
            raise

    def _follow(self, news: News, *, starting: bool = False) -> None:
        """Takes over what is to be asked from now on."""
        if news.watched is None:
            return
        now = self._now()
        for probe_id, watched in news.watched.items():
            known = self._watched.get(probe_id)
            if known is watched:
                continue
            first = phase(probe_id, min(FIRST, watched.interval)) if starting else 0.0
            unasked = watched.seen_at is None or not starting
            self._schedule.put(probe_id, watched.interval, now, first_in=first if unasked else None)
        for probe_id in self._watched.keys() - news.watched.keys():
            self._schedule.drop(probe_id)
        self._watched = dict(news.watched)
        self._outside.keep_only({watched.what.host for watched in self._watched.values()})

    async def _drain(self, launcher: "asyncio.Task[None]") -> None:
        """Gives the runs under way a moment, and writes what was found."""
        launcher.cancel()
        if self._running and not self._lost:
            await asyncio.wait(self._running.values(), timeout=DRAIN)
        for task in list(self._running.values()):
            task.cancel()
        if self._found and not self._lost:
            self._stir.set()
            await self._turn()

    async def _write(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)


def _tell(permit: Permit, finding: Finding, blind: bool) -> None:
    verdict = Verdict.IGNORED if blind else verdict_of(finding)
    permit.done(verdict, finding.seconds, NotWell(finding.error) if verdict is Verdict.FAILURE else None)


def connection_close() -> None:
    """Closes the connection of the thread that calls it (`connection.close`, passed on, would be the other thread's)."""
    connection.close()

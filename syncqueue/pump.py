"""A pump: one asyncio loop that sends, and one thread that writes everything down.

The loop wakes when an answer came, when somebody committed (SQLite: `PRAGMA data_version`, PostgreSQL: LISTEN), when a waiting
lane becomes due, and once a second in any case. Answers are collected for a few milliseconds and settled together.
"""

import asyncio
import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from functools import partial
from random import Random
from time import monotonic
from typing import TypeVar

import psycopg
from django.conf import settings
from django.db import DatabaseError, connection

from conflicts.core.met import Met
from portal.kit import clock
from portal.kit.masking import mask_text
from resilience.breakers.runtime import Runtime
from resilience.outbound.client import Client
from resilience.patterns.typing import Verdict
from syncqueue.actions.deliver import ALL, Desk, Rules, Share, Turn, send
from syncqueue.adapters.base import Conflicted, Outcome, Rejected
from syncqueue.core.jobs import Assignment, Finished
from syncqueue.reconcile import examine, gather
from syncqueue.store import NOTIFY_CHANNEL

log = logging.getLogger(__name__)
T = TypeVar("T")

PEEK = 0.05
"""Seconds between two looks at SQLite's data_version."""
POLL = 1.0
"""Seconds after which an idle pump looks for work even if nobody called."""
GATHER = 0.004
"""Seconds for which answers are collected before they are settled together."""
DRAIN = 4.0
"""Seconds that a pump which is asked to stop gives to the requests under way."""
TROUBLE = 1.0
"""Seconds to wait when the database cannot be written."""


class Pump:
    """Delivers what waits, until `alive` says no. `owner` names the holder of the leases."""

    def __init__(
        self,
        *,
        owner: str,
        alive: Callable[[], bool],
        client: Client,
        breakers: Runtime,
        share: Share = ALL,
        rng: Random | None = None,
    ) -> None:
        self.owner = owner
        self._alive = alive
        self._client = client
        self._desk = Desk(owner=owner, share=share, rules=Rules.from_settings(), rng=rng or Random(), breakers=breakers)
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="pump-db")
        self._finished: list[Finished] = []
        self._sending: dict[int, asyncio.Task[None]] = {}
        self._stir = asyncio.Event()
        self._seen_version = -1
        self._due: datetime | None = None

    async def run(self) -> None:
        """Works until asked to stop; leaves no lease behind when the requests under way end in time."""
        watchers = [asyncio.create_task(self._watch()), asyncio.create_task(self._heartbeat())]
        try:
            while self._alive():
                if await self._work(claim=True):
                    await self._wait()
            await self._drain()
        finally:
            for task in [*watchers, *self._sending.values()]:
                task.cancel()
            await asyncio.gather(*watchers, *self._sending.values(), return_exceptions=True)
            await self._write(_close)
            self._thread.shutdown()

    async def _work(self, *, claim: bool) -> bool:
        """One turn. Says whether the pump may rest now; a turn that could not be written is tried again, nothing is dropped."""
        self._stir.clear()
        batch, self._finished = self._finished, []
        if not batch and not await self._is_due():
            if self._due is not None and self._due <= clock.now():
                self._due = None
            return True
        try:
            turn: Turn = await self._write(lambda: self._desk.turn(batch, claim=claim))
        except DatabaseError:
            log.exception("%s could not write; it tries again", self.owner)
            self._finished = batch + self._finished
            await self._write(_close)
            await asyncio.sleep(TROUBLE)
            return False
        self._due = turn.wake
        for assignment in turn.assignments:
            task = asyncio.create_task(self._send(assignment))
            self._sending[assignment.lane_id] = task
        return True

    async def _is_due(self) -> bool:
        try:
            return await self._write(self._desk.due)
        except DatabaseError:
            log.exception("%s could not read; it tries again", self.owner)
            await self._write(_close)
            await asyncio.sleep(TROUBLE)
            return False

    async def _send(self, assignment: Assignment) -> None:
        destination = self._desk.destinations.get(assignment.upstream_id)
        started = monotonic()
        met = None
        try:
            outcome = await send(self._client, destination, assignment)
            if isinstance(outcome, Conflicted):
                outcome, met = await self._reconcile(assignment, outcome)
        except asyncio.CancelledError:
            assignment.permit.done(Verdict.IGNORED)
            raise
        if self._sending.get(assignment.lane_id) is asyncio.current_task():
            del self._sending[assignment.lane_id]
        self._finished.append(Finished(assignment, outcome, monotonic() - started, met))
        self._stir.set()

    async def _reconcile(self, assignment: Assignment, found: Conflicted) -> tuple[Outcome, Met | None]:
        """What the merge rules say to it; read in the database's thread, merged beside the loop. Until it is known, the lease holds."""
        while True:
            try:
                case = await self._write(partial(gather, assignment, found))
                return found, await asyncio.to_thread(examine, case)
            except DatabaseError:
                log.exception("%s could not read what a merge needs; it tries again", self.owner)
                await self._write(_close)
                await asyncio.sleep(TROUBLE)
            except Exception as error:
                log.exception("%s could not merge item %s", self.owner, assignment.item_id)
                reason = f"{found.reason}, and the two cannot be merged: {mask_text(str(error))[:200]}"
                return Rejected(reason, "unmergeable", found.status, found.exchanges), None

    async def _wait(self) -> None:
        pause = POLL
        if self._due is not None:
            pause = min(POLL, max(0.0, (self._due - clock.now()).total_seconds()))
        try:
            await asyncio.wait_for(self._stir.wait(), pause)
        except TimeoutError:
            return
        if self._sending and len(self._finished) < len(self._sending):
            await asyncio.sleep(GATHER)

    async def _drain(self) -> None:
        end = monotonic() + DRAIN
        while (self._sending or self._finished) and monotonic() < end:
            if self._finished:
                await self._work(claim=False)
            else:
                await asyncio.wait(
                    self._sending.values(), timeout=end - monotonic(), return_when=asyncio.FIRST_COMPLETED
                )

    async def _heartbeat(self) -> None:
        """Renews the leases; what is no longer ours is not sent any further."""
        while True:
            await asyncio.sleep(settings.SYNCQUEUE["heartbeat"])
            if not self._sending:
                continue
            try:
                held = await self._write(self._desk.renew)
            except DatabaseError:
                log.exception("%s could not renew its leases", self.owner)
                continue
            for lane_id in set(self._sending) - held:
                self._sending.pop(lane_id).cancel()

    async def _watch(self) -> None:
        """Stirs the pump when somebody commits."""
        if settings.SQLITE:
            while True:
                await asyncio.sleep(PEEK)
                version = await self._write(_data_version)
                if version != self._seen_version:
                    self._seen_version = version
                    self._stir.set()
        while True:
            try:
                await self._listen()
            except psycopg.Error:
                log.warning("%s lost its LISTEN connection; it polls until it is back", self.owner)
                await asyncio.sleep(POLL)

    async def _listen(self) -> None:
        parameters = connection.get_connection_params()
        wanted = {key: parameters[key] for key in ("dbname", "user", "password", "host", "port") if parameters.get(key)}
        async with await psycopg.AsyncConnection.connect(**wanted, autocommit=True) as listener:
            await listener.execute(f"LISTEN {NOTIFY_CHANNEL}")
            async for _ in listener.notifies():
                self._stir.set()

    async def _write(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)


def _data_version() -> int:
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA data_version")
        return int(cursor.fetchone()[0])


def _close() -> None:
    """Closes the connection of the thread that calls it (`connection.close`, passed on, would be the other thread's)."""
    connection.close()

"""What one turn of a pump writes: rows collected while it decides, written in batches, the contended ones last."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import orjson
from django.db.backends.utils import CursorWrapper

from conflicts.actions import close
from conflicts.actions.note import note
from conflicts.core.met import Met
from portal.kit import jsontext
from portal.kit.viewer import SYSTEM
from resilience.outbound.errors import TimedOut
from syncqueue import store
from syncqueue.adapters.base import Conflicted, Delivered, Rejected, RetryAt, Unknown
from syncqueue.core.checksum import checksum
from syncqueue.core.jobs import Assignment, Finished
from syncqueue.core.outcome import Next
from syncqueue.core.reconcile import merged_part
from syncqueue.core.states import ItemState, LaneState
from syncqueue.core.versions import Chain
from syncqueue.store import Head

Row = tuple[Any, ...]
_NAMES = {Delivered: "delivered", RetryAt: "retry", Conflicted: "conflict", Rejected: "rejected", Unknown: "unknown"}
_COUNTED = {
    ItemState.RETRYING: ("retried",),
    ItemState.QUEUED: ("merged",),
    ItemState.FAILED: ("refused", "failed_ever"),
    ItemState.CONFLICT: ("refused", "conflicts_ever"),
}


@dataclass(frozen=True, slots=True)
class Rest:
    """How a lane rests that nobody works on: its state, since when it may be worked on, and since when it is blocked."""

    state: LaneState
    ready_at: datetime
    blocked_since: datetime | None = None


@dataclass(slots=True)
class Ledger:
    """The rows of one turn. `owner` holds the leases; `now` is the time of everything that is written."""

    cursor: CursorWrapper
    owner: str
    now: datetime
    lease: float
    rows: store.Rows = field(default_factory=store.Rows)
    tally: store.Tally = field(default_factory=store.Tally)
    _answers: list[Row] = field(default_factory=list)
    _synced: list[Row] = field(default_factory=list)
    _postponed: list[Row] = field(default_factory=list)
    _given_back: list[Any] = field(default_factory=list)
    _given_up: list[Row] = field(default_factory=list)
    _rested: list[Row] = field(default_factory=list)
    _freed: list[Row] = field(default_factory=list)
    _kept: list[Row] = field(default_factory=list)
    _leases: list[Row] = field(default_factory=list)
    _remade: list[Row] = field(default_factory=list)
    _snapshots: list[Row] = field(default_factory=list)
    _met: list[Met] = field(default_factory=list)
    _settled: list[UUID] = field(default_factory=list)
    _superseded: list[Row] = field(default_factory=list)
    _begun_items: list[Row] = field(default_factory=list)
    _begun_attempts: list[Row] = field(default_factory=list)
    _events: list[Row] = field(default_factory=list)
    at: Any = None
    until: Any = None

    def __post_init__(self) -> None:
        self.at = self.rows.time(self.now)
        self.until = self.rows.time(self.now + timedelta(seconds=self.lease))

    # items -----------------------------------------------------------------------------------------------------------
    def answered(self, done: Finished, following: Next, *, stepped_over: bool) -> None:
        """An attempt has its answer, and its item goes on."""
        job, outcome = done.assignment, done.outcome
        exchanges = [exchange.record() for exchange in outcome.exchanges]
        status = exchanges[-1]["status"] if exchanges else getattr(outcome, "status", None)
        reason, item = (outcome.reason or "")[:500], self.rows.uuid(job.item_id)
        kept = orjson.dumps(exchanges, option=orjson.OPT_NON_STR_KEYS).decode()
        self._answers.append(
            (self.at, _NAMES[type(outcome)], following.counted, status, done.seconds, reason, kept, item, job.number)
        )
        self.tally.move(job.upstream_id, ItemState.IN_FLIGHT, following.state)
        if following.state is ItemState.SYNCED:
            self._synced.append((self.at, item))
            self.tally.add(job.upstream_id, "delivered")
            if job.outgoing.merged:
                self._settled.append(job.item_id)
        else:
            self._postpone(done, following, stepped_over, item)
        if done.met:
            self._meet(job, done.met)
        self.event(f"item.{following.state.slug}", job, number=job.number, status=status, reason=reason)

    def _postpone(self, done: Finished, following: Next, stepped_over: bool, item: Any) -> None:
        remote = remote_version = None
        if isinstance(done.outcome, Conflicted):
            remote = jsontext.dump(done.outcome.remote) if done.outcome.remote is not None else ""
            remote_version = (done.outcome.remote_version or "")[:200]
        for name in _COUNTED[following.state]:
            self.tally.add(done.assignment.upstream_id, name)
        if following.code == TimedOut.code:
            self.tally.add(done.assignment.upstream_id, "timed_out")
        self._postponed.append(
            (
                int(following.state),
                following.attempts,
                self.rows.time(following.retry_at),
                following.code[:48],
                following.reason[:500],
                following.outcome_unknown,
                stepped_over,
                remote,
                remote_version,
                item,
            )
        )

    def _meet(self, job: Assignment, met: Met) -> None:
        """The change met another one: what goes out next (if rules settled it), and the conflict."""
        self._met.append(met)
        outgoing = replace(job.outgoing, merged=merged_part(met) if met.settled else None)
        if outgoing != job.outgoing:
            text = outgoing.dump()
            self._remade.append((text, sum_of(job, text), self.rows.uuid(job.item_id)))

    def snapshot(
        self, job: Assignment, *, slot: int, version: str, document: Any, own: str = "", found: bool = False
    ) -> None:
        """The upstream's document at this version is kept; `found` before anything of ours was delivered."""
        client, base = ("", "") if found else (job.client, job.base_version)
        text = jsontext.dump(document)
        self._snapshots.append((job.lane_id, slot, version[:200], text, own, client, base, self.at))

    def give_back(self, items: Iterable[str]) -> None:
        """These items get one attempt back each: an outage was the cause."""
        self._given_back += [self.rows.uuid(UUID(item)) for item in items]

    def give_up(self, head: Head, trouble: Next, *, step_over: bool) -> None:
        """A head is failed without being sent."""
        item = self.rows.uuid(head.item_id)
        self._given_up.append((trouble.attempts, trouble.code, trouble.reason, step_over, item))
        self.tally.move(head.upstream_id, head.state, ItemState.FAILED)
        for name in ("refused", "failed_ever", "unsent"):
            self.tally.add(head.upstream_id, name)
        self.event("item.failed", head, reason=trouble.reason)

    def supersede(self, head: Head, items: Sequence[UUID]) -> None:
        """The head, with its new `outgoing`, stands for these too."""
        by = self.rows.uuid(head.item_id)
        self._remade.append((head.outgoing, head.checksum, by))
        self.tally.add(head.upstream_id, "coalesced", len(items))
        for item in items:
            self._superseded.append((by, self.at, head.lane_id, self.rows.uuid(item)))
            self.tally.move(head.upstream_id, ItemState.QUEUED, ItemState.SUPERSEDED)
            self.event("item.superseded", replace(head, item_id=item), by=str(head.item_id))

    def begin(self, head: Head, *, number: int, epoch: int) -> None:
        """An attempt is written down."""
        item = self.rows.uuid(head.item_id)
        self._begun_items.append((number, item))
        self._begun_attempts.append((item, number, epoch, self.owner, self.at))
        self.tally.move(head.upstream_id, head.state, ItemState.IN_FLIGHT)
        self.event("item.in_flight", head, number=number)

    # lanes -----------------------------------------------------------------------------------------------------------
    def lease_lane(self, lane_id: int) -> None:
        """The lane is ours from now on."""
        self._leases.append((self.owner, self.until, lane_id))

    def keep(self, job: Assignment, chain: Chain, title: str | None, *, gone: int) -> None:
        """The lane goes on under the same lease."""
        self._kept.append((gone, chain.version, chain.base, chain.client, title, self.until, job.lane_id, job.epoch))

    def free(self, job: Assignment, rest: Rest, chain: Chain, title: str | None, *, gone: int) -> None:
        """The lane is given back."""
        told = (chain.version, chain.base, chain.client, title)
        ready_at, since = self.rows.time(rest.ready_at), self.rows.time(rest.blocked_since)
        self._freed.append((int(rest.state), ready_at, gone, *told, since, job.lane_id, job.epoch))

    def rest(self, lane_id: int, rest: Rest, *, gone: int = 0) -> None:
        """An unleased lane gets the state that fits its head."""
        since = self.rows.time(rest.blocked_since)
        self._rested.append((int(rest.state), self.rows.time(rest.ready_at), gone, since, lane_id))

    # the log ---------------------------------------------------------------------------------------------------------
    def event(self, verb: str, about: Assignment | Head, **data: Any) -> None:
        """What happened to an item."""
        said = {"lane": about.lane_id, "upstream": about.upstream_id, "kind": about.kind}
        said |= {key: value for key, value in data.items() if value not in (None, "")}
        subject, text = f"item:{about.item_id}", orjson.dumps(said).decode()
        self._events.append((self.at, about.organization_id, self.owner, verb, subject, text))

    def upstream_event(self, verb: str, job: Assignment, reason: str) -> None:
        """An upstream went out, or is back."""
        text = jsontext.dump({"reason": reason[:200]})
        self._events.append((self.at, job.organization_id, SYSTEM, verb, f"upstream:{job.upstream_id}", text))

    # writing ---------------------------------------------------------------------------------------------------------
    def write_answers(self) -> None:
        """What came of the attempts: before the lanes' next heads are looked for."""
        store.answer(self.cursor, self._answers)
        store.finish(self.cursor, self._synced)
        store.postpone(self.cursor, self._postponed)
        self._write_given_back()
        store.remake(self.cursor, self._remade)
        self._remade = []
        for met in self._met:
            note(met, now=self.now)
        close.delivered(self._settled, now=self.now)

    def write_freed(self) -> None:
        """The freed lanes: before ready lanes are looked for."""
        store.free_lanes(self.cursor, self._freed)

    def write_rest(self, slot: int) -> None:
        """Everything else."""
        self._write_given_back()
        store.give_up(self.cursor, self._given_up)
        store.rest_lanes(self.cursor, self._rested)
        store.keep_lanes(self.cursor, self._kept)
        store.lease(self.cursor, self._leases)
        store.remake(self.cursor, self._remade)
        store.supersede(self.cursor, self._superseded)
        store.keep_snapshots(self.cursor, self._snapshots)
        store.begin(self.cursor, self._begun_items, self._begun_attempts)
        store.write_events(self.cursor, self._events)
        self.tally.write(self.cursor, slot)

    def _write_given_back(self) -> None:
        """What an outage gave back so far: a turn may learn of it with its answers, and without any."""
        store.give_back(self.cursor, self._given_back)
        self._given_back = []


def sum_of(about: Assignment | Head, outgoing: str) -> str:
    """The checksum of an item with this `outgoing`."""
    return checksum(
        item_id=about.item_id,
        entity_type=about.entity_type,
        entity_id=about.entity_id,
        operation=about.operation,
        form=about.form,
        payload=about.payload,
        base=about.base,
        base_version=about.base_version,
        outgoing=outgoing,
    )

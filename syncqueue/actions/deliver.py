"""What happens when an item is delivered.

1. Claim: a pump leases ready lanes of an upstream, up to its free in-flight slots and what its gate lets through (`_claim`).
2. Guard: the head's checksum is checked, its version worked out, its attempt written down before it is sent (`_start`).
3. Send: the adapter turns it into requests and says what came of them; outside any transaction (`send`).
4. Decide: the answer moves the gate (core/gate.py) and gives the item's next step (core/outcome.py) (`_settle`).
5. Settle: attempt, item, lane, events and counters in one transaction that locks the lanes first and checks each epoch;
   what comes next in the lane is decided in a second statement and starts at once under the same lease (`_move_on`).

One transaction (`turn`) settles what has finished and claims what comes next, for all lanes of a pump together.
"""

import logging
from collections import Counter as Count
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random
from typing import Any
from uuid import UUID

import orjson
from django.conf import settings
from django.db import connection, transaction
from django.db.backends.utils import CursorWrapper
from django.utils.translation import gettext as _

from portal.kit import clock, jsontext
from portal.kit.masking import mask_text
from portal.kit.viewer import SYSTEM
from resilience.outbound.client import Client
from syncqueue import gates, kinds, store
from syncqueue.adapters.base import Change, Conflicted, Delivered, Outcome, Rejected, RetryAt, Unknown
from syncqueue.core import gate as gating
from syncqueue.core.backoff import Backoff
from syncqueue.core.checksum import checksum
from syncqueue.core.gate import GateRules, GateState, GateStep, Sign
from syncqueue.core.jobs import Assignment, Finished
from syncqueue.core.outcome import DeliveryRules, Next, decide, sign_of, spent, wait_of
from syncqueue.core.states import ItemState, LaneState, lane_after
from syncqueue.core.versions import Chain, chain_after, version_to_send
from syncqueue.store import Head
from syncqueue.upstreams import Destination, Destinations

log = logging.getLogger(__name__)

ITEMS_A_LEASE = 50
"""A lane gives its slot back after this many items, so that others get their turn."""


@dataclass(frozen=True, slots=True)
class Rules:
    """The figures of settings.SYNCQUEUE that delivery needs (seconds)."""

    delivery: DeliveryRules
    gate: GateRules
    lease: float

    @classmethod
    def from_settings(cls) -> "Rules":
        """The rules as they are set."""
        said = settings.SYNCQUEUE
        backoff = Backoff(said["backoff_min"], said["backoff_max"], said["backoff_factor"])
        gate_backoff = Backoff(said["backoff_min"], said["gate_backoff_max"], said["backoff_factor"])
        return cls(
            DeliveryRules(said["max_attempts"], backoff),
            GateRules(said["gate_failures"], gate_backoff, trial=said["lease"]),
            said["lease"],
        )


@dataclass(frozen=True, slots=True)
class Share:
    """A pump's part of each upstream's in-flight slots: pump `number` of `pumps`. The parts add up to the limit."""

    number: int = 0
    pumps: int = 1

    def of(self, limit: int) -> int:
        """How many of `limit` slots are ours."""
        return limit // self.pumps + (1 if self.number < limit % self.pumps else 0)


ALL = Share()


@dataclass(frozen=True, slots=True)
class Turn:
    """What to send now, and when there is something to do again even if nothing happens."""

    assignments: list[Assignment]
    wake: datetime | None


async def send(client: Client, destination: Destination, assignment: Assignment) -> Outcome:
    """Step 3. What came of one attempt; an adapter that breaks counts as the item's own failure."""
    kind = kinds.find(assignment.kind)
    change = Change(
        item_id=str(assignment.item_id),
        idempotency_key=assignment.idempotency_key,
        entity_type=assignment.entity_type,
        entity_id=assignment.entity_id,
        operation=assignment.operation,  # type: ignore[arg-type]
        payload=jsontext.load(assignment.payload) if assignment.payload else None,
        form=assignment.form,  # type: ignore[arg-type]
        version=assignment.version,
        attempt=assignment.number,
        outcome_unknown=assignment.outcome_unknown,
        last_writer_wins=kind is not None and kind.last_writer_wins and not assignment.base_version,
        base=jsontext.load(assignment.base) if assignment.base else None,
    )
    try:
        return await destination.adapter.deliver(client, destination.target, change)
    except Exception as error:
        log.exception("The adapter of %s failed on item %s", destination.slug, assignment.item_id)
        return RetryAt(f"Breakwater's adapter failed: {mask_text(str(error))[:200]}", "adapter-error")


class Desk:
    """Where a pump's work is written down: one `turn` is one transaction. Used by one thread only."""

    def __init__(self, *, owner: str, share: Share, rules: Rules, rng: Random) -> None:
        self.owner = owner
        self.share = share
        self.rules = rules
        self.rng = rng
        self.destinations = Destinations()
        self.slot = rng.randrange(store.SLOTS)
        self.held: dict[int, int] = {}
        """The upstream of each lane that we lease."""

    def due(self) -> bool:
        """Whether a lane waits that may be due now; a read only, for the idle pump."""
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT 1 FROM syncqueue_lane WHERE state = 1 AND upstream_id IN"
                " (SELECT id FROM upstreams_upstream WHERE paused_at IS NULL) AND ready_at <= %s LIMIT 1",
                [store.Rows().time(clock.now())],
            )
            return cursor.fetchone() is not None

    def turn(self, finished: Sequence[Finished], *, claim: bool = True) -> Turn:
        """Settles what has finished and takes up what comes next, in one transaction."""
        with transaction.atomic(), store.hurried(), connection.cursor() as cursor:
            page = _Page(cursor, self, clock.now())
            page.settle(finished)
            if claim:
                page.claim()
            page.write()
        self.held = page.held
        return Turn(page.assignments, page.wake)

    def renew(self) -> set[int]:
        """Renews the leases and gives the lanes that are still ours."""
        until = clock.now() + timedelta(seconds=self.rules.lease)
        with transaction.atomic(), connection.cursor() as cursor:
            still = store.renew(cursor, owner=self.owner, until=store.Rows().time(until))
        self.held = {lane_id: upstream_id for lane_id, upstream_id in self.held.items() if lane_id in still}
        return still


@dataclass(slots=True)
class _Writes:
    """Rows for executemany, in the order in which they are written."""

    answers: list[tuple[Any, ...]] = field(default_factory=list)
    synced: list[tuple[Any, ...]] = field(default_factory=list)
    postponed: list[tuple[Any, ...]] = field(default_factory=list)
    given_back: list[Any] = field(default_factory=list)
    leases: list[tuple[str, Any, int]] = field(default_factory=list)
    begun_items: list[tuple[int, Any]] = field(default_factory=list)
    begun_attempts: list[tuple[Any, int, int, str, Any]] = field(default_factory=list)
    freed: list[tuple[Any, ...]] = field(default_factory=list)
    healed: list[tuple[Any, ...]] = field(default_factory=list)
    given_up: list[tuple[Any, ...]] = field(default_factory=list)
    kept: list[tuple[Any, ...]] = field(default_factory=list)
    events: list[tuple[Any, ...]] = field(default_factory=list)


class _Page:
    """One transaction's work: collects rows, writes them in batches."""

    def __init__(self, cursor: CursorWrapper, desk: Desk, now: datetime) -> None:
        self.cursor, self.desk, self.now = cursor, desk, now
        self.rows = store.Rows()
        self.at = self.rows.time(now)
        self.until = self.rows.time(now + timedelta(seconds=desk.rules.lease))
        self.rules = desk.rules
        self.writes = _Writes()
        self.tally = store.Tally()
        self.assignments: list[Assignment] = []
        self.wake: datetime | None = None
        self.held = dict(desk.held)
        self.gates: dict[int, GateState] = {}
        self.changed_gates: set[int] = set()
        desk.destinations.refresh(cursor)

    # settle ----------------------------------------------------------------------------------------------------------
    def settle(self, finished: Sequence[Finished]) -> None:
        """Steps 4 and 5. What a fenced-off pump brings back counts for nothing: its lane has another holder."""
        if not finished:
            return
        epochs = store.lock_lanes(self.cursor, self.rows, [done.assignment.lane_id for done in finished])
        self._read_gates(lock=any(sign_of(done.outcome) is not Sign.ALIVE for done in finished))
        for done in finished:
            if epochs.get(done.assignment.lane_id) != done.assignment.epoch:
                self.held.pop(done.assignment.lane_id, None)
        ours = [done for done in finished if epochs.get(done.assignment.lane_id) == done.assignment.epoch]
        if len(ours) < len(finished):
            log.warning("%s lost %d leases while sending", self.desk.owner, len(finished) - len(ours))
        decided = [(done, self._decide(done)) for done in ours]
        writes = self.writes
        store.answer(self.cursor, writes.answers)
        store.finish(self.cursor, writes.synced)
        store.postpone(self.cursor, writes.postponed)
        store.give_back(self.cursor, writes.given_back)
        heads = store.lane_heads(self.cursor, self.rows, [done.assignment.lane_id for done in ours])
        for done, following in decided:
            self._move_on(done, following, heads.get(done.assignment.lane_id))

    def _decide(self, done: Finished) -> Next:
        job, outcome = done.assignment, done.outcome
        step = gating.step(
            self._gate(job.upstream_id),
            sign_of(outcome),
            item=str(job.item_id),
            now=self.now,
            rules=self.rules.gate,
            rng=self.desk.rng,
            retry_after=wait_of(outcome),
            reason=getattr(outcome, "reason", ""),
            trial=job.trial,
            own=isinstance(outcome, RetryAt | Rejected),
        )
        self._set_gate(job, step)
        following = decide(
            outcome,
            attempts=job.attempts,
            was_unknown=job.outcome_unknown,
            gate=step,
            now=self.now,
            rules=self.rules.delivery,
            rng=self.desk.rng,
        )
        self._record(done, following)
        return following

    def _record(self, done: Finished, following: Next) -> None:
        job, outcome = done.assignment, done.outcome
        exchanges = [exchange.record() for exchange in outcome.exchanges]
        status = exchanges[-1]["status"] if exchanges else getattr(outcome, "status", None)
        reason = (getattr(outcome, "reason", "") or "")[:500]
        item = self.rows.uuid(job.item_id)
        self.writes.answers.append(
            (
                self.at,
                _OUTCOME_NAMES[type(outcome)],
                following.counted,
                status,
                done.seconds,
                reason,
                orjson.dumps(exchanges, option=orjson.OPT_NON_STR_KEYS).decode(),
                item,
                job.number,
            )
        )
        self.tally.move(job.upstream_id, ItemState.IN_FLIGHT, following.state)
        if following.state is ItemState.SYNCED:
            self.writes.synced.append((self.at, item))
            self.tally.add(job.upstream_id, "delivered")
        else:
            stepped_over = following.state is ItemState.FAILED and self.desk.destinations.get(job.upstream_id).step_over
            self._postpone(done, following, stepped_over)
        self._event(f"item.{following.state.slug}", job, number=job.number, status=status, reason=reason)

    def _postpone(self, done: Finished, following: Next, stepped_over: bool) -> None:
        job, remote, remote_version = done.assignment, "", ""
        if isinstance(done.outcome, Conflicted):
            remote = jsontext.dump(done.outcome.remote) if done.outcome.remote is not None else ""
            remote_version = done.outcome.remote_version or ""
        self.tally.add(job.upstream_id, "retried" if following.state is ItemState.RETRYING else "refused")
        self.writes.postponed.append(
            (
                int(following.state),
                following.attempts,
                self.rows.time(following.retry_at),
                following.code[:48],
                following.reason[:500],
                following.outcome_unknown,
                stepped_over,
                remote,
                remote_version[:200],
                self.rows.uuid(job.item_id),
            )
        )

    def _move_on(self, done: Finished, following: Next, head: Head | None) -> None:
        """What the lane does now: the next item at once, under the same lease, or free again in the state that its head gives."""
        job = done.assignment
        chain, title = job.chain, None
        if isinstance(done.outcome, Delivered):
            title = _title(job.kind, done.outcome)
            chain = chain_after(
                chain, base_version=job.base_version, client=job.client, version=(done.outcome.version or "")[:200]
            )
        stepped_over = following.state is ItemState.FAILED and self.desk.destinations.get(job.upstream_id).step_over
        gone = 1 if following.state is ItemState.SYNCED or stepped_over else 0
        if head is not None and job.turns < ITEMS_A_LEASE and not job.trial and self._may_start(head):
            trouble = self._trouble(head)
            if trouble is None:
                self.writes.kept.append((gone, *_kept(chain), title, self.until, job.lane_id, job.epoch))
                self._start(head, chain=chain, epoch=job.epoch, turns=job.turns + 1)
                return
        self._free(job.lane_id, job.epoch, head, chain=chain, title=title, gone=gone)

    # claim -----------------------------------------------------------------------------------------------------------
    def claim(self) -> None:
        """Steps 1 and 2, for each upstream by itself, so that one that hangs never fills the slots of another."""
        self._write_lanes()
        self._read_gates(lock=False)
        busy = Count(self.held.values())
        for destination in self.desk.destinations.active.values():
            self._claim(destination, free=self.desk.share.of(destination.in_flight_limit) - busy[destination.id])

    def _write_lanes(self) -> None:
        """The lanes that were freed have to be seen as free (and perhaps ready) by the claim."""
        store.free_lanes(self.cursor, self.writes.freed)
        self.writes.freed = []

    def _claim(self, destination: Destination, *, free: int) -> None:
        if free <= 0:
            return
        lanes = store.ready_lanes(self.cursor, self.rows, upstream_id=destination.id, now=self.now, limit=free)
        if lanes:
            admission = gating.admits(self._gate(destination.id), free, self.now)
            if admission.wake:
                self._wake_at(admission.wake)
            self._lease(lanes[: admission.lanes], trial=admission.trial)
        if len(lanes) < free:
            self._wake_at(store.next_ready_at(self.cursor, self.rows, upstream_id=destination.id, after=self.now))

    def _lease(self, lanes: Sequence[int], *, trial: bool) -> None:
        heads = store.lane_heads(self.cursor, self.rows, lanes)
        for lane_id in lanes:
            head = heads.get(lane_id)
            if head is None or not self._ready(head):
                self.writes.healed.append((*self._resting(head), lane_id))
            elif trouble := self._trouble(head):
                self._give_up(head, trouble)
            else:
                if trial:
                    self._begin_trial(head.upstream_id)
                self.held[lane_id] = head.upstream_id
                self.writes.leases.append((self.desk.owner, self.until, lane_id))
                chain = Chain(head.version, head.chain_base, head.chain_client)
                self._start(head, chain=chain, epoch=head.epoch + 1, turns=1, trial=trial)

    def _ready(self, head: Head) -> bool:
        waiting = head.state in (ItemState.QUEUED, ItemState.RETRYING)
        return waiting and not head.held and (head.retry_at is None or head.retry_at <= self.now)

    def _may_start(self, head: Head) -> bool:
        gate = self._gate(head.upstream_id)
        active = head.upstream_id in self.desk.destinations.active
        return active and self._ready(head) and gating.admits(gate, 1, self.now).lanes == 1 and not gate.closed

    def _trouble(self, head: Head) -> Next | None:
        """Why the head must not be sent although its turn has come: damaged, or out of attempts."""
        if spent(head.attempts, str(head.item_id), self._gate(head.upstream_id), self.rules.delivery):
            return Next(ItemState.FAILED, head.attempts, code=head.code, reason=head.reason)
        if head.checksum != _checksum(head):
            return Next(
                ItemState.FAILED,
                head.attempts,
                code="damaged",
                reason=_("Its stored form was damaged; it was not sent."),
            )
        return None

    def _give_up(self, head: Head, trouble: Next) -> None:
        step_over = self.desk.destinations.get(head.upstream_id).step_over
        self.writes.given_up.append(
            (trouble.attempts, trouble.code, trouble.reason, step_over, self.rows.uuid(head.item_id))
        )
        state = LaneState.READY if step_over else LaneState.BLOCKED
        self.writes.healed.append(
            (int(state), self.at, 1 if step_over else 0, None if step_over else self.at, head.lane_id)
        )
        self.tally.move(head.upstream_id, head.state, ItemState.FAILED)
        self.tally.add(head.upstream_id, "refused")
        self._event("item.failed", head, reason=trouble.reason)

    def _start(self, head: Head, *, chain: Chain, epoch: int, turns: int, trial: bool = False) -> None:
        """Step 2: the attempt is written down; it is sent when this transaction has been committed."""
        number = head.sends + 1
        item = self.rows.uuid(head.item_id)
        self.writes.begun_items.append((number, item))
        self.writes.begun_attempts.append((item, number, epoch, self.desk.owner, self.at))
        self.tally.move(head.upstream_id, head.state, ItemState.IN_FLIGHT)
        self._event("item.in_flight", head, number=number)
        self.assignments.append(
            Assignment(
                lane_id=head.lane_id,
                epoch=epoch,
                upstream_id=head.upstream_id,
                organization_id=head.organization_id,
                item_id=head.item_id,
                number=number,
                entity_type=head.entity_type,
                entity_id=head.entity_id,
                kind=head.kind,
                operation=head.operation,
                form=head.form,
                payload=head.payload,
                base=head.base,
                base_version=head.base_version,
                version=version_to_send(chain, base_version=head.base_version, client=head.client),
                client=head.client,
                chain=chain,
                idempotency_key=head.idempotency_key,
                attempts=head.attempts,
                outcome_unknown=head.outcome_unknown,
                trial=trial,
                turns=turns,
            )
        )

    # lanes, gates, events --------------------------------------------------------------------------------------------
    def _resting(self, head: Head | None) -> tuple[int, Any, int, Any]:
        """State, ready at, depth taken off and blocked since of a lane that nobody works on."""
        state = lane_after(head.state if head else None, held=bool(head and head.held))
        ready_at = max(self.now, head.retry_at) if head and head.retry_at else self.now
        if state is LaneState.READY:
            self._wake_at(ready_at)
        return int(state), self.rows.time(ready_at), 0, self.at if state is LaneState.BLOCKED else None

    def _free(self, lane_id: int, epoch: int, head: Head | None, *, chain: Chain, title: str | None, gone: int) -> None:
        state, ready_at, _, blocked_since = self._resting(head)
        self.held.pop(lane_id, None)
        self.writes.freed.append((state, ready_at, gone, *_kept(chain), title, blocked_since, lane_id, epoch))

    def _read_gates(self, *, lock: bool) -> None:
        """Quiet gates are only looked at; as soon as one is about to move, they are locked against the other pumps."""
        if self.gates:
            return
        self.gates = gates.read(self.cursor, self.rows, lock=lock)
        if not lock and not all(gate.quiet for gate in self.gates.values()):
            self.gates = gates.read(self.cursor, self.rows, lock=True)

    def _gate(self, upstream_id: int) -> GateState:
        return self.gates[upstream_id]

    def _set_gate(self, job: Assignment, step: GateStep) -> None:
        if step.state is self.gates[job.upstream_id]:
            return
        self.gates[job.upstream_id] = step.state
        self.changed_gates.add(job.upstream_id)
        self.writes.given_back += [self.rows.uuid(UUID(item)) for item in step.give_back]
        if step.closed or step.opened:
            verb = "upstream.out" if step.closed else "upstream.back"
            data = jsontext.dump({"reason": step.state.reason[:200]})
            self.writes.events.append((self.at, job.organization_id, SYSTEM, verb, f"upstream:{job.upstream_id}", data))

    def _begin_trial(self, upstream_id: int) -> None:
        self.gates[upstream_id] = gating.begin_trial(self._gate(upstream_id), self.now, self.rules.gate)
        self.changed_gates.add(upstream_id)

    def _wake_at(self, moment: datetime | None) -> None:
        if moment is not None and (self.wake is None or moment < self.wake):
            self.wake = moment

    def _event(self, verb: str, about: Assignment | Head, **data: Any) -> None:
        said = {"lane": about.lane_id, "upstream": about.upstream_id, "kind": about.kind}
        said |= {key: value for key, value in data.items() if value not in (None, "")}
        text = orjson.dumps(said).decode()
        self.writes.events.append(
            (self.at, about.organization_id, self.desk.owner, verb, f"item:{about.item_id}", text)
        )

    def write(self) -> None:
        """Everything that is not written yet, the contended rows last."""
        writes, cursor = self.writes, self.cursor
        store.give_up(cursor, writes.given_up)
        store.rest_lanes(cursor, writes.healed)
        store.free_lanes(cursor, writes.freed)
        store.keep_lanes(cursor, writes.kept)
        store.lease(cursor, writes.leases)
        store.begin(cursor, writes.begun_items, writes.begun_attempts)
        store.write_events(cursor, writes.events)
        gates.write(cursor, self.rows, {pk: self.gates[pk] for pk in self.changed_gates})
        self.tally.write(cursor, self.desk.slot)


_OUTCOME_NAMES = {
    Delivered: "delivered",
    RetryAt: "retry",
    Conflicted: "conflict",
    Rejected: "rejected",
    Unknown: "unknown",
}


def _kept(chain: Chain) -> tuple[str, str, str]:
    return chain.version, chain.base, chain.client


def _title(kind_name: str, delivered: Delivered) -> str | None:
    """What the entity is called now, by the document that the upstream gave back; None when it does not say."""
    kind = kinds.find(kind_name)
    return kind.title_of(delivered.document)[:200] or None if kind and delivered.document else None


def _checksum(head: Head) -> str:
    return checksum(
        item_id=head.item_id,
        entity_type=head.entity_type,
        entity_id=head.entity_id,
        operation=head.operation,
        form=head.form,
        payload=head.payload,
        base=head.base,
        base_version=head.base_version,
    )

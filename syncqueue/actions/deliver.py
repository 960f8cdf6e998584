"""What happens when an item is delivered.

1. Claim: a pump leases ready lanes of an upstream, up to its free in-flight slots and what its breaker lets through (`_claim`).
2. Guard: the head's checksum is checked, its version worked out, its attempt written down before it is sent (`_start`).
3. Send: the adapter turns it into requests and says what came of them; outside any transaction (`send`).
   A change that met another one is merged there too (reconcile.py), before anything is written.
4. Decide: the breaker hears of the answer, and the item gets its next step (core/streak.py, core/outcome.py) (`_decide`).
5. Settle: attempt, item, lane, events and counters in one transaction that locks the lanes first and checks each epoch;
   what comes next in the lane is decided in a second statement and starts at once under the same lease (`_move_on`).

One transaction (`turn`) settles what has finished and claims what comes next, for all lanes of a pump together.
"""

import logging
from collections import Counter as Count
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from random import Random
from typing import Any

from django.conf import settings
from django.db import connection, transaction
from django.db.backends.utils import CursorWrapper
from django.utils.translation import gettext as _

from conflicts.core import MISSING
from portal.kit import clock, jsontext
from portal.kit.masking import mask_text
from resilience.breakers.runtime import Runtime
from resilience.breakers.shared import BUSY, SharedBreaker
from resilience.outbound.client import Client
from resilience.patterns.breaker import Permit
from resilience.patterns.typing import State, Verdict
from resilience.telemetry import tracing
from syncqueue import kinds, store, streaks
from syncqueue.adapters.base import Conflicted, Delivered, Outcome, RetryAt
from syncqueue.adapters.documents import same
from syncqueue.core import outgoing, ramp, spans
from syncqueue.core.coalesce import LOOK_AHEAD, Rule, Waiting, each_by_itself, join
from syncqueue.core.jobs import Assignment, Finished
from syncqueue.core.outcome import Next, Sign, decide, sign_of, spent, upstream_wait
from syncqueue.core.outgoing import Outgoing, key_for
from syncqueue.core.sending import change_of, nothing_to_send
from syncqueue.core.states import ItemState, LaneState, lane_after
from syncqueue.core.streak import Told, charge, verdict_of
from syncqueue.core.versions import Chain, chain_after, version_to_send
from syncqueue.ledger import Ledger, Rest, sum_of
from syncqueue.models import Snapshot
from syncqueue.reconcile import believed
from syncqueue.store import Head
from syncqueue.upstreams import Destination, Destinations

log = logging.getLogger(__name__)

LONGEST_REST = 3600.0
"""An upstream that asks to be left alone for longer (seconds) is asked again after this."""
ITEMS_A_LEASE = 50
"""A lane gives its slot back after this many items, so that others get their turn."""


@dataclass(frozen=True, slots=True)
class Rules:
    """The figures of settings.SYNCQUEUE that delivery needs (seconds)."""

    lease: float
    coalesce: Rule = each_by_itself

    @classmethod
    def from_settings(cls) -> "Rules":
        """The rules as they are set."""
        said = settings.SYNCQUEUE
        return cls(said["lease"], partial(join, most_bytes=said["item_bytes"]) if said["coalesce"] else each_by_itself)


@dataclass(frozen=True, slots=True)
class Share:
    """A pump's part of each upstream's in-flight slots: pump `number` of `pumps`. The parts add up to the limit."""

    number: int = 0
    pumps: int = 1

    def of(self, limit: int) -> int:
        """How many of `limit` slots are ours."""
        return limit // self.pumps + (1 if self.number < limit % self.pumps else 0)

    @property
    def part(self) -> float:
        """Our part of what all pumps do together."""
        return 1 / self.pumps


ALL = Share()


@dataclass(frozen=True, slots=True)
class Turn:
    """What to send now, and when there is something to do again even if nothing happens."""

    assignments: list[Assignment]
    wake: datetime | None


async def send(client: Client, destination: Destination, assignment: Assignment) -> Outcome:
    """Step 3. What came of one attempt; an adapter that breaks counts as the item's own failure."""
    kind = kinds.find(assignment.kind)
    change = change_of(assignment, last_writer_wins=kind is not None and kind.last_writer_wins)
    if change is None:
        return nothing_to_send(assignment)
    with tracing.operation(destination.slug):
        try:
            outcome = await destination.adapter.deliver(client, destination.target, change)
        except Exception as error:
            log.exception("The adapter of %s failed on item %s", destination.slug, assignment.item_id)
            outcome = RetryAt(f"Breakwater's adapter failed: {mask_text(str(error))[:200]}", "adapter-error")
        tracing.note(lambda: spans.delivery(assignment, outcome))
        return outcome


class Desk:
    """Where a pump's work is written down: one `turn` is one transaction. Used by one thread only."""

    def __init__(self, *, owner: str, share: Share, rules: Rules, rng: Random, breakers: Runtime) -> None:
        self.owner = owner
        self.share = share
        self.rules = rules
        self.rng = rng
        self.breakers = breakers
        self.destinations = Destinations(breakers)
        self.slot = rng.randrange(store.SLOTS)
        self.held: dict[int, int] = {}
        """The upstream of each lane that we lease."""
        self.permits: dict[int, list[Permit]] = {}
        """Rights to make a half-open call, by upstream: taken outside the transaction, used or given back by the next turn."""
        self.lent: list[Permit] = []
        """Those that the present turn starts items with; given back when it cannot be written."""
        self.started: dict[int, tuple[int, int]] = {}
        """For each upstream, how many items were started since its breaker closed for that time (its generation)."""

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
        """Settles what has finished and takes up what comes next, in one transaction; in a second one, what tests a breaker."""
        page = self._write(finished, claim=claim)
        if page.tests and self._take_permits(page.tests):
            again = self._write((), claim=claim)
            page.assignments += again.assignments
            page.wake_at(again.wake)
        elif page.tests:
            page.wake_in(BUSY)
        return Turn(page.assignments, page.wake)

    def _write(self, finished: Sequence[Finished], *, claim: bool) -> "_Page":
        started = dict(self.started)
        try:
            with transaction.atomic(), store.hurried(), connection.cursor() as cursor:
                page = _Page(cursor, self, clock.now())
                page.settle(finished)
                page.ledger.write_freed()
                if claim:
                    page.claim()
                page.write()
        except Exception:
            self.destinations.doubt()
            self._give_back(self.lent)
            self.started = started
            raise
        finally:
            self.lent = []
        self.held = page.held
        for unused in self.permits.values():
            self._give_back(unused)
        self.permits = {}
        return page

    def _take_permits(self, upstream_ids: Iterable[int]) -> bool:
        """Asks for the right to make as many half-open calls as there may be; whether any was given. Never inside a transaction:
        breakers have a connection of their own, and SQLite one writer."""
        for upstream_id in upstream_ids:
            destination = self.destinations.get(upstream_id)
            most = min(destination.breaker.config.half_open_max_calls, self.share.of(destination.in_flight_limit))
            taken = self.permits[upstream_id] = []
            while len(taken) < most and (permit := destination.breaker.try_admit()):
                taken.append(permit)
        return any(self.permits.values())

    def _give_back(self, permits: Iterable[Permit]) -> None:
        for permit in permits:
            permit.done(Verdict.IGNORED)

    def renew(self) -> set[int]:
        """Renews the leases and gives the lanes that are still ours."""
        until = clock.now() + timedelta(seconds=self.rules.lease)
        with transaction.atomic(), connection.cursor() as cursor:
            still = store.renew(cursor, owner=self.owner, until=store.Rows().time(until))
        self.held = {lane_id: upstream_id for lane_id, upstream_id in self.held.items() if lane_id in still}
        return still


class _Page:
    """One transaction's work."""

    def __init__(self, cursor: CursorWrapper, desk: Desk, now: datetime) -> None:
        self.cursor, self.desk, self.now = cursor, desk, now
        self.rules = desk.rules
        self.ledger = Ledger(cursor, desk.owner, now, desk.rules.lease)
        self.rows = self.ledger.rows
        self.assignments: list[Assignment] = []
        self.wake: datetime | None = None
        self.held = dict(desk.held)
        self.tests: set[int] = set()
        self.streaks: streaks.Streaks = {}
        self.changed_streaks: set[int] = set()
        desk.destinations.refresh(cursor)
        self._read_streaks()

    # settle ----------------------------------------------------------------------------------------------------------
    def settle(self, finished: Sequence[Finished]) -> None:
        """Steps 4 and 5. What a fenced-off pump brings back counts for nothing: its lane has another holder."""
        if not finished:
            return
        epochs = store.lock_lanes(self.cursor, self.rows, [done.assignment.lane_id for done in finished])
        ours: list[Finished] = []
        for done in finished:
            if epochs.get(done.assignment.lane_id) == done.assignment.epoch:
                ours.append(done)
            else:
                self.held.pop(done.assignment.lane_id, None)
                self._hear(done)
                log.warning("%s lost the lease of lane %d while sending", self.desk.owner, done.assignment.lane_id)
        self._lock_streaks({done.assignment.upstream_id for done in ours if self._moves_streak(done)})
        unhappy = [done.assignment.item_id for done in ours if not isinstance(done.outcome, Delivered)]
        attempts = store.attempts_of(self.cursor, self.rows, unhappy)
        decided = [(done, self._decide(done, attempts.get(done.assignment.item_id, 0))) for done in ours]
        self.ledger.write_answers()
        heads = store.lane_heads(self.cursor, self.rows, [done.assignment.lane_id for done in ours])
        for done, following in decided:
            self._move_on(done, following, heads.get(done.assignment.lane_id))

    def _decide(self, done: Finished, attempts: int) -> Next:
        """Step 4. `attempts` as they stand now: an outage may have given some back since the item was claimed."""
        job, outcome = done.assignment, done.outcome
        destination = self.desk.destinations.get(job.upstream_id)
        breaker = destination.breaker
        self._hear(done)
        if wait := upstream_wait(outcome, throttled=destination.delivery.backoff.delay(1, self.desk.rng)):
            breaker.spare(min(wait, LONGEST_REST), outcome.reason)
        streak = self.streaks.get(job.upstream_id, ())
        charged = charge(
            streak,
            outcome,
            item=str(job.item_id),
            closed=breaker.state is State.CLOSED,
            first=job.number == 1,
            testing=job.permit.half_open,
        )
        self._set_streak(job.upstream_id, charged.streak)
        self._give_back(job.upstream_id)
        following = decide(
            outcome,
            settled=done.met is not None and done.met.settled,
            attempts=attempts,
            was_unknown=job.outcome_unknown,
            counts=charged.counts,
            now=self.now,
            rules=destination.delivery,
            rng=self.desk.rng,
        )
        self.ledger.answered(done, following, stepped_over=self._stepped_over(job, following))
        return following

    def _hear(self, done: Finished) -> None:
        """The breaker hears how the attempt ended; once, however often a turn has to be written again."""
        job, outcome = done.assignment, done.outcome
        verdict = verdict_of(outcome, first=job.number == 1, testing=job.permit.half_open)
        job.permit.done(verdict, done.seconds, Told.of(outcome) if verdict is Verdict.FAILURE else None)

    def _stepped_over(self, job: Assignment, following: Next) -> bool:
        return following.state is ItemState.FAILED and self.desk.destinations.get(job.upstream_id).step_over

    def _move_on(self, done: Finished, following: Next, head: Head | None) -> None:
        """What the lane does now: the next item at once, under the same lease, or free again in the state that its head gives."""
        job = done.assignment
        chain, title = job.chain, None
        match done.outcome:
            case Delivered(document=document) if not job.taken_back:
                title = _title(job.kind, document)
                chain = self._chained(job, done.outcome)
            case Conflicted(remote=document):
                title = _title(job.kind, document)
        gone = 1 if following.state is ItemState.SYNCED or self._stepped_over(job, following) else 0
        goes_on = head is not None and job.turns < ITEMS_A_LEASE and not job.permit.half_open
        if head is not None and goes_on and (permit := self._may_start(head)):
            self.ledger.keep(job, chain, title, gone=gone)
            self._start(head, permit, chain=chain, epoch=job.epoch, turns=job.turns + 1)
        else:
            self.held.pop(job.lane_id, None)
            self.ledger.free(job, self._resting(head), chain, title, gone=gone)

    def _chained(self, job: Assignment, delivered: Delivered) -> Chain:
        """What the lane knows of its entity now; its documents are kept as the bases of conflicts to come."""
        version, own = (delivered.version or "")[:200], self._own(job, delivered)
        kind = kinds.find(job.kind)
        if kind and kind.merge and version:
            if delivered.document is not None:
                slot, said = job.seq % (Snapshot.SLOTS - 1), delivered.document
                self.ledger.snapshot(job, slot=slot, version=version, document=said, own=own or "", found=own is None)
            if delivered.base is not None and delivered.base_version:
                found, at = delivered.base, delivered.base_version
                self.ledger.snapshot(job, slot=Snapshot.SLOTS - 1, version=at, document=found, found=True)
        followed = job.chain.client == job.client and job.version == job.chain.version
        found = "" if followed else (job.version or delivered.base_version or "")[:200]
        base_version = job.base_version or found
        return chain_after(job.chain, base_version=base_version, client=job.client, version=version, merged=own != "")

    def _own(self, job: Assignment, delivered: Delivered) -> str | None:
        """What the client believes to be there, as text; "" when that is what is there, None when nobody can say.

        It is something else where others' changes went in: by a merge, or unseen, before the upstream was found to have it already.
        """
        exactly_ours = delivered.how == "sent" and job.outgoing.merged is None
        if exactly_ours or delivered.document is None:
            return ""
        known = believed(job)
        if known is MISSING:
            return None
        return "" if same(known, delivered.document) else jsontext.dump(known)

    # claim -----------------------------------------------------------------------------------------------------------
    def claim(self) -> None:
        """Steps 1 and 2, for each upstream by itself, so that one that hangs never fills the slots of another."""
        busy = Count(self.held.values())
        for destination in self.desk.destinations.active.values():
            self._claim(destination, free=self.desk.share.of(destination.in_flight_limit) - busy[destination.id])

    def _claim(self, destination: Destination, *, free: int) -> None:
        if free <= 0:
            return
        lanes = store.ready_lanes(self.cursor, self.rows, upstream_id=destination.id, now=self.now, limit=free)
        if lanes:
            self._give_back(destination.id)
            permits = self._permits(destination, len(lanes))
            self._lease(lanes[: len(permits)], permits)
        if len(lanes) < free:
            self.wake_at(store.next_ready_at(self.cursor, self.rows, upstream_id=destination.id, after=self.now))

    def _permits(self, destination: Destination, wanted: int) -> list[Permit]:
        """The right to start up to so many items now. While the breaker is open or busy with its tests, says when to ask again."""
        breaker = destination.breaker
        if rest := breaker.rests:
            self.wake_in(rest)
            return []
        if breaker.state is not State.CLOSED:
            if taken := self.desk.permits.get(destination.id):
                given, self.desk.permits[destination.id] = taken[:wanted], taken[wanted:]
                return given
            if wait := breaker.retry_after:
                self.wake_in(wait)
            else:
                self.tests.add(destination.id)
            return []
        permits = (breaker.pass_closed() for _ in range(self._allowed(destination, wanted)))
        return [permit for permit in permits if permit is not None]

    def _allowed(self, destination: Destination, wanted: int) -> int:
        """How many of the wanted starts the slow start allows."""
        breaker, share = destination.breaker, self.desk.share.part
        if breaker.closed_for >= destination.slow_start:
            return wanted
        generation, sent = self.desk.started.get(destination.id, (breaker.generation, 0))
        if generation != breaker.generation:
            sent = 0
        most = ramp.allowed(breaker.closed_for, destination.slow_start, share=share, sent=sent)
        given = wanted if most is None else min(wanted, most)
        if given < wanted:
            at = ramp.next_start(destination.slow_start, share=share, sent=sent + given)
            self.wake_in(max(at - breaker.closed_for, 0.01))
        self.desk.started[destination.id] = (breaker.generation, sent + given)
        return given

    def _lease(self, lanes: Sequence[int], permits: Sequence[Permit]) -> None:
        heads = store.lane_heads(self.cursor, self.rows, lanes)
        for lane_id, permit in zip(lanes, permits, strict=True):
            head = heads.get(lane_id)
            if head is None or not self._ready(head):
                permit.done(Verdict.IGNORED)
                self.ledger.rest(lane_id, self._resting(head))
            elif trouble := self._trouble(head):
                permit.done(Verdict.IGNORED)
                self._give_up(head, trouble)
            else:
                self.held[lane_id] = head.upstream_id
                self.ledger.lease_lane(lane_id)
                chain = Chain(head.version, head.chain_base, head.chain_client)
                self._start(head, permit, chain=chain, epoch=head.epoch + 1, turns=1)

    def _ready(self, head: Head) -> bool:
        waiting = head.state in (ItemState.QUEUED, ItemState.RETRYING)
        return waiting and not head.held and (head.retry_at is None or head.retry_at <= self.now)

    def _may_start(self, head: Head) -> Permit | None:
        """The right to start the head at once, under the lease that its lane has already."""
        destination = self.desk.destinations.active.get(head.upstream_id)
        if destination is None or not self._ready(head) or self._trouble(head) is not None:
            return None
        breaker = destination.breaker
        if breaker.rests or breaker.state is not State.CLOSED or not self._allowed(destination, 1):
            return None
        return breaker.pass_closed()

    def _trouble(self, head: Head) -> Next | None:
        """Why the head must not be sent although its turn has come: damaged, or out of attempts."""
        destination = self.desk.destinations.get(head.upstream_id)
        begun = str(head.item_id) in self.streaks.get(head.upstream_id, ())
        doubtful = begun or destination.breaker.state is not State.CLOSED
        if spent(head.attempts, doubtful=doubtful, rules=destination.delivery):
            return Next(ItemState.FAILED, head.attempts, code=head.code, reason=head.reason)
        if head.checksum != sum_of(head, head.outgoing):
            reason = _("Its stored form was damaged; it was not sent.")
            return Next(ItemState.FAILED, head.attempts, code="damaged", reason=reason)
        return None

    def _give_up(self, head: Head, trouble: Next) -> None:
        step_over = self.desk.destinations.get(head.upstream_id).step_over
        self.ledger.give_up(head, trouble, step_over=step_over)
        rest = Rest(LaneState.READY, self.now) if step_over else Rest(LaneState.BLOCKED, self.now, self.now)
        self.ledger.rest(head.lane_id, rest, gone=1 if step_over else 0)
        self.wake_at(self.now)

    def _start(self, head: Head, permit: Permit, *, chain: Chain, epoch: int, turns: int) -> None:
        """Step 2: the attempt is written down; it is sent when this transaction has been committed."""
        self.desk.lent.append(permit)
        head = self._coalesced(head)
        number = head.sends + 1
        self.ledger.begin(head, number=number, epoch=epoch)
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
                version=version_to_send(
                    chain, base_version=head.base_version, client=head.client, has_base=bool(head.base)
                ),
                client=head.client,
                chain=chain,
                idempotency_key=key_for(head.idempotency_key, head.outgoing),
                outcome_unknown=head.outcome_unknown,
                permit=permit,
                turns=turns,
                seq=head.seq,
                title=head.title,
                outgoing=outgoing.load(head.outgoing),
                remote=head.remote,
            )
        )

    def _coalesced(self, head: Head) -> Head:
        """The head, standing for those right behind it where the rule says so. What was sent once goes out again as it was."""
        rule, kind = self.rules.coalesce, kinds.find(head.kind)
        if rule is each_by_itself or head.sends or head.depth < 2 or head.outgoing or not (kind and kind.joins):
            return head
        said = (head.kind, head.operation, head.form, head.payload, head.base_version, head.client)
        first = Waiting(head.item_id, *said, has_base=bool(head.base))
        behind = store.never_sent(self.cursor, self.rows, lane_id=head.lane_id, after=head.seq, limit=LOOK_AHEAD - 1)
        plan = rule([first, *behind])
        if not plan.superseded:
            return head
        text = Outgoing(joined=plan.part).dump()
        joined = replace(head, outgoing=text, checksum=sum_of(head, text), depth=head.depth - len(plan.superseded))
        self.ledger.supersede(joined, plan.superseded)
        return joined

    # lanes and streaks -----------------------------------------------------------------------------------------------
    def _resting(self, head: Head | None) -> Rest:
        state = lane_after(head.state if head else None, held=bool(head and head.held))
        ready_at = max(self.now, head.retry_at) if head and head.retry_at else self.now
        if state is LaneState.READY:
            self.wake_at(ready_at)
        return Rest(state, ready_at, self.now if state is LaneState.BLOCKED else None)

    def _read_streaks(self) -> None:
        """The streaks that are not empty; those whose upstream's breaker is open now are given back."""
        self.streaks = streaks.read(self.cursor)
        for upstream_id in list(self.streaks):
            if upstream_id in self.desk.destinations.active:
                self._give_back(upstream_id)

    def _moves_streak(self, done: Finished) -> bool:
        return sign_of(done.outcome) is Sign.OUT or done.assignment.upstream_id in self.streaks

    def _lock_streaks(self, upstream_ids: set[int]) -> None:
        """Against other pumps; read again under the lock."""
        if upstream_ids:
            self.streaks |= streaks.lock(self.cursor, self.rows, upstream_ids)

    def _set_streak(self, upstream_id: int, streak: tuple[str, ...]) -> None:
        if streak != self.streaks.get(upstream_id, ()):
            self.streaks[upstream_id] = streak
            self.changed_streaks.add(upstream_id)

    def _give_back(self, upstream_id: int) -> None:
        """An open breaker says that it was the upstream: the attempts of the streak are given back."""
        if self._breaker(upstream_id).state is State.CLOSED or not self.streaks.get(upstream_id):
            return
        if upstream_id not in self.changed_streaks:
            self._lock_streaks({upstream_id})
        self.ledger.give_back(self.streaks[upstream_id])
        self._set_streak(upstream_id, ())

    def _breaker(self, upstream_id: int) -> SharedBreaker:
        return self.desk.destinations.get(upstream_id).breaker

    def wake_in(self, seconds: float) -> None:
        self.wake_at(self.now + timedelta(seconds=seconds))

    def wake_at(self, moment: datetime | None) -> None:
        if moment is not None and (self.wake is None or moment < self.wake):
            self.wake = moment

    def write(self) -> None:
        """Everything that is not written yet, the contended rows last."""
        streaks.write(self.cursor, {pk: self.streaks[pk] for pk in self.changed_streaks})
        self.ledger.write_rest(self.desk.slot)


def _title(kind_name: str, document: Any) -> str | None:
    """What the entity is called now, by the document that the upstream gave back; None when it does not say."""
    kind = kinds.find(kind_name)
    return kind.title_of(document)[:200] or None if kind and document else None

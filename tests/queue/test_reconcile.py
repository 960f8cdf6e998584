"""What becomes of a change that met another one: a real Kinto, real requests, one turn of a desk after the other."""

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from conflicts.actions.resolve import Resolution, resolve
from conflicts.actions.undo import undo
from conflicts.core import Choice, merge
from conflicts.models import Conflict
from portal.kit import clock, secrets
from resilience.outbound.client import Client
from syncqueue.actions.cancel import cancel
from syncqueue.actions.delete import delete
from syncqueue.actions.deliver import Desk, send
from syncqueue.actions.enqueue import enqueue
from syncqueue.actions.take_over import take_over
from syncqueue.actions.verify import verify
from syncqueue.adapters.base import Conflicted
from syncqueue.core.change import NewChange
from syncqueue.core.jobs import Assignment, Finished
from syncqueue.core.reconcile import MOST_ROUNDS
from syncqueue.models import Attempt, Item, Lane
from syncqueue.reconcile import examine, gather
from tests.queue.conftest import BROKEN, Bench, state_of
from tests.support.history import writes
from tests.support.kinto import Kinto, running_kinto

MANAGED = ("id", "last_modified", "schema")
PLAN = {"title": "Old", "due": "2026-12-01", "tags": ["a"], "description": "One. Two. Three."}
Before = Callable[[], object]


@pytest.fixture(scope="module")
def kinto() -> Iterator[Kinto]:
    """One Kinto for all tests of this file; each uses its own record."""
    with running_kinto() as running:
        yield running


@dataclass
class Line:
    """A bench whose upstream is Kinto, one record of it, and a desk that sends."""

    bench: Bench
    kinto: Kinto
    record: str
    desk: Desk = field(init=False)

    def __post_init__(self) -> None:
        self.desk = self.bench.desk()
        route = {"path": self.kinto.path, "document": "data", "create": "PUT", "update": "PUT"}
        self.bench.upstream.address, self.bench.upstream.routes = self.kinto.server, {"plan": route}
        self.bench.upstream.credentials = secrets.encrypt(
            '{"type":"basic","username":"breakwater","password":"secret"}'
        )
        self.bench.upstream.save()

    def theirs(self, **changes: Any) -> str:
        """Somebody else writes; gives the version."""
        now = self.kinto.get(self.record) or PLAN
        data = {name: value for name, value in {**now, **changes}.items() if name not in MANAGED and value is not ...}
        return f'"{self.kinto.put(self.record, data)["last_modified"]}"'

    def gone(self) -> None:
        """Somebody else deletes it."""
        self.kinto.call("DELETE", self.kinto.path.format(id=self.record))

    def here(self) -> Any:
        """The document as the upstream has it; None when it has none."""
        found = self.kinto.get(self.record)
        return found and {name: value for name, value in found.items() if name not in MANAGED}

    def put(self, operation: str = "update", **said: Any) -> Item:
        """One change of ours."""
        about = {"kind": "plan_edit", "entity_type": "plan", "entity_id": self.record, "operation": operation}
        change = NewChange(**{**about, "client_id": "laptop", **said})
        return enqueue(viewer=self.bench.viewer, changes=[change])[0].item

    def work(self, *, before: Before | None = None, most: int = 20) -> int:
        """Sends until nothing is due, and gives how many requests' worth of attempts that were. `before` happens before each."""
        jobs, count = self.desk.turn([]).assignments, 0
        while jobs and count < most:
            if before:
                before()
            done = [self.sent(job) for job in jobs]
            count += len(done)
            jobs = self.desk.turn(done).assignments
        return count

    def sent(self, job: Assignment) -> Finished:
        """One attempt, and its merge when it met another change: what a pump does between two turns."""
        destination = self.desk.destinations.get(job.upstream_id)

        async def once() -> Any:
            async with Client(allowed_networks=["127.0.0.0/8"]) as client:
                return await send(client, destination, job)

        outcome = asyncio.run(once())
        met = examine(gather(job, outcome)) if isinstance(outcome, Conflicted) else None
        return Finished(job, outcome, 0.01, met)

    def conflict(self) -> Conflict:
        """The conflict of this test."""
        return Conflict.objects.unscoped().get()

    def decide(self, *sides: Choice, hold: float = 0.0) -> Conflict:
        """alice decides what is open, one side for each place (the last one for all that follow)."""
        conflict = self.conflict()
        asks = merge(*conflict.documents(), conflict.read_rules()).conflicts
        choices = {decision.id: sides[min(at, len(sides) - 1)] for at, decision in enumerate(asks)}
        return resolve(
            viewer=self.bench.viewer,
            conflict_id=conflict.pk,
            digest=conflict.digest,
            resolution=Resolution(choices=choices),
            hold=hold,
        )


@pytest.fixture
def line(bench: Bench, kinto: Kinto, request: pytest.FixtureRequest) -> Line:
    """The line to a record of this test alone, which has a plan."""
    record = "".join(letter if letter.isalnum() else "-" for letter in request.node.name)[:60].strip("-")
    made = Line(bench, kinto, record)
    kinto.put(record, PLAN)
    return made


def test_an_update_is_merged_and_sent_again_as_a_new_attempt(line: Line) -> None:
    """Two attempts of one item, the second against the new version, with both sides in it."""
    version = line.theirs()
    line.theirs(due="2027-01-01", tags=["a", "theirs"])
    item = line.put(payload={"title": "Ours", "tags": ["a", "ours"]}, base=PLAN, base_version=version)
    assert line.work() == 2
    assert line.here() == {**PLAN, "title": "Ours", "due": "2027-01-01", "tags": ["a", "theirs", "ours"]}
    assert state_of(item) == "synced"
    assert list(Attempt.objects.order_by("number").values_list("outcome", flat=True)) == ["conflict", "delivered"]
    conflict = line.conflict()
    assert (conflict.conflict_state.slug, conflict.rounds, conflict.by_rule) == ("delivered", 1, True)
    assert (item.read_payload(), item.intact) == ({"title": "Ours", "tags": ["a", "ours"]}, True)
    assert verify(repair=False) == []


def test_a_merge_that_waited_out_a_failure_is_held_against_what_it_was_made_on(line: Line) -> None:
    """An upstream without versions: what somebody writes between the failed attempt and the next one is merged too, not overwritten."""
    line.bench.upstream.version = "none"
    line.bench.upstream.save()
    line.theirs(due="2027-01-01")
    item = line.put(payload={"title": "Ours"}, base=PLAN)
    (again,) = line.desk.turn([line.sent(job) for job in line.desk.turn([]).assignments]).assignments
    line.desk.turn([Finished(again, BROKEN, 0.01)])
    line.theirs(summary="Theirs, meanwhile")
    Item.objects.filter(pk=item.pk).update(retry_at=None)
    Lane.objects.update(ready_at=item.created_at)
    line.work()
    assert state_of(item) == "synced"
    assert line.here() == {**PLAN, "title": "Ours", "due": "2027-01-01", "summary": "Theirs, meanwhile"}


def test_what_nobody_can_settle_asks_and_a_resolution_is_delivered(line: Line) -> None:
    """The lane stands still behind it; the result goes out against the version that was decided on."""
    version = line.theirs()
    line.theirs(title="Theirs")
    item = line.put(payload={"title": "Ours"}, base=PLAN, base_version=version)
    behind = line.put(payload={"due": "2027-02-02"}, base=PLAN, base_version=version)
    line.work()
    assert (state_of(item), state_of(behind), line.here()["title"]) == ("conflict", "queued", "Theirs")
    line.decide("local")
    line.work()
    assert (state_of(item), state_of(behind)) == ("synced", "synced")
    assert line.here() == {**PLAN, "title": "Ours", "due": "2027-02-02"}


def test_a_create_that_is_there_already_is_delivered(line: Line) -> None:
    """Equal counts as success, and nothing is written."""
    item = line.put("create", payload=PLAN)
    line.work()
    assert state_of(item) == "synced"
    assert len(writes(line.kinto.server, "b", user="breakwater", password="secret")[line.record]) == 1


def test_a_create_that_met_another_document_merges_what_does_not_touch(line: Line) -> None:
    """What only one side says stands."""
    line.put("create", payload={"title": "Old", "summary": "Ours"})
    line.work()
    assert line.here() == {**PLAN, "summary": "Ours"}


def test_a_create_that_met_another_document_asks_about_the_rest(line: Line) -> None:
    """What both say differently is nobody's to overwrite."""
    item = line.put("create", payload={"title": "Ours"})
    line.work()
    assert state_of(item) == "conflict"
    assert [one.path for one in merge(*line.conflict().documents(), line.conflict().read_rules()).conflicts] == [
        "/title"
    ]


def test_a_delete_of_what_is_gone_is_delivered(line: Line) -> None:
    """Somebody else was faster with the same."""
    version = line.theirs()
    line.gone()
    item = line.put("delete", base=PLAN, base_version=version)
    line.work()
    assert state_of(item) == "synced"


def test_a_delete_goes_through_where_only_the_version_moved(line: Line) -> None:
    """The same content under another version is what was to be deleted."""
    version = line.theirs()
    line.theirs(title="Other")
    line.theirs(title="Old")
    item = line.put("delete", base=PLAN, base_version=version)
    line.work()
    assert (state_of(item), line.here()) == ("synced", None)


@pytest.mark.parametrize(("side", "left"), [("local", None), ("remote", {**PLAN, "title": "Theirs"})])
def test_a_delete_of_what_was_edited_asks(line: Line, side: str, left: Any) -> None:
    """And does what was decided."""
    version = line.theirs()
    line.theirs(title="Theirs")
    item = line.put("delete", base=PLAN, base_version=version)
    line.work()
    assert state_of(item) == "conflict"
    line.decide(side)
    line.work()
    assert (state_of(item), line.here()) == ("synced", left)


@pytest.mark.parametrize(("side", "left"), [("local", {**PLAN, "title": "Ours"}), ("remote", None)])
def test_an_update_of_what_is_gone_asks(line: Line, side: str, left: Any) -> None:
    """Keeping it makes it anew."""
    version = line.theirs()
    line.gone()
    item = line.put(payload={"title": "Ours"}, base=PLAN, base_version=version)
    line.work()
    assert state_of(item) == "conflict"
    line.decide(side)
    line.work()
    assert (state_of(item), line.here()) == ("synced", left)


def test_after_five_rounds_a_person_is_asked(line: Line) -> None:
    """An upstream that moves each time is not chased for ever."""
    version = line.theirs()
    item = line.put(payload={"title": "Ours"}, base=PLAN, base_version=version)
    moves = iter(range(100))
    assert line.work(before=lambda: line.theirs(summary=f"Moved {next(moves)}")) == MOST_ROUNDS + 1
    assert state_of(item) == "conflict"
    line.decide("local")
    line.work()
    assert line.here() == {**PLAN, "title": "Ours", "summary": f"Moved {MOST_ROUNDS}"}


def test_a_resolution_can_be_taken_back_before_it_is_sent(line: Line) -> None:
    """Nothing is sent meanwhile, and the conflict is as open as before."""
    version = line.theirs()
    line.theirs(title="Theirs")
    item = line.put(payload={"title": "Ours"}, base=PLAN, base_version=version)
    line.work()
    conflict = line.decide("local", hold=60)
    assert line.work() == 0
    undo(viewer=line.bench.viewer, conflict_id=conflict.pk)
    assert (state_of(item), line.conflict().conflict_state.slug, line.here()["title"]) == ("conflict", "open", "Theirs")
    line.decide("remote")
    line.work()
    assert (state_of(item), line.here()["title"]) == ("synced", "Theirs")


def test_a_moved_upstream_keeps_the_choices_that_still_stand(line: Line) -> None:
    """The decision whose values changed asks again, the other one stays decided; nothing is overwritten unseen."""
    version = line.theirs()
    line.theirs(title="Theirs", due="2027-01-01")
    item = line.put(payload={"title": "Ours", "due": "2027-02-02"}, base=PLAN, base_version=version)
    line.work()
    line.decide("local")
    line.theirs(due="2027-03-03")
    line.work()
    conflict = line.conflict()
    verdict = merge(*conflict.documents(), conflict.read_rules())
    still = {decision.path: decision.id in conflict.read_choices() for decision in verdict.conflicts}
    assert (state_of(item), still, conflict.stale) == ("conflict", {"/title": True, "/due": False}, 1)
    assert line.here()["due"] == "2027-03-03"


def test_a_moved_upstream_that_touches_nothing_decided_is_no_question(line: Line) -> None:
    """Every choice still stands, and what came meanwhile is kept."""
    version = line.theirs()
    line.theirs(title="Theirs")
    item = line.put(payload={"title": "Ours"}, base=PLAN, base_version=version)
    line.work()
    line.decide("local")
    line.theirs(summary="Meanwhile")
    line.work()
    assert (state_of(item), line.here()) == ("synced", {**PLAN, "title": "Ours", "summary": "Meanwhile"})
    assert line.conflict().resolved_by == "alice"


def test_cancelling_withdraws_the_conflict_and_deleting_erases_it(line: Line) -> None:
    """What comes next in the lane goes on from what the upstream has; the documents are not readable any more."""
    version = line.theirs()
    line.theirs(title="Theirs")
    item = line.put(payload={"title": "Ours"}, base=PLAN, base_version=version)
    line.work()
    cancel(viewer=line.bench.viewer, item_id=item.pk, reason="Not needed")
    assert line.conflict().conflict_state.slug == "withdrawn"
    assert line.conflict().read_result is not None
    delete(viewer=line.bench.viewer, item_id=item.pk, reason="Not needed")
    conflict = line.conflict()
    assert (conflict.base, conflict.local, conflict.remote, conflict.result) == ("", "", "", "")
    line.put(payload={"due": "2027-02-02"})
    line.work()
    assert line.here() == {**PLAN, "title": "Theirs", "due": "2027-02-02"}


def test_a_merge_is_sent_once_by_whoever_takes_over(line: Line) -> None:
    """The pump dies between merge and send: the merged document waits at the item, and goes out once."""
    version = line.theirs()
    line.theirs(due="2027-01-01")
    item = line.put(payload={"title": "Ours"}, base=PLAN, base_version=version)
    (job,) = line.desk.turn([]).assignments
    line.desk.turn([line.sent(job)])  # it is merged and written down as being sent, and that was all
    take_over(is_gone=lambda _owner: True, by="keeper")
    line.desk = line.bench.desk("pump-0#2")
    Item.objects.unscoped().filter(pk=item.pk).update(retry_at=None)
    Lane.objects.unscoped().update(ready_at=clock.now())
    line.work()
    assert (state_of(item), line.here()) == ("synced", {**PLAN, "title": "Ours", "due": "2027-01-01"})
    assert len(writes(line.kinto.server, "b", user="breakwater", password="secret")[line.record]) == 4
    assert line.conflict().conflict_state.slug == "delivered"


def test_what_the_upstream_had_already_hides_no_ones_edit(line: Line) -> None:
    """A change that was made twice counts as delivered, but its client has not seen what else was written with it."""
    version = line.theirs()
    line.theirs(title="Same", tags=["a", "theirs"])
    line.put(payload={"title": "Same"}, base=PLAN, base_version=version)
    line.put(payload={"tags": ["a", "ours"]}, base=PLAN, base_version=version)
    line.work()
    assert line.here() == {**PLAN, "title": "Same", "tags": ["a", "theirs", "ours"]}


def test_behind_a_merge_without_a_known_base_nobodys_edit_looks_deleted(line: Line) -> None:
    """What the client had is not known: its next list is held against the upstream's, and both stay."""
    line.theirs(tags=["a", "theirs"])
    line.put(payload={"title": "Ours"}, base_version='"1"')
    line.put(payload={"tags": ["a", "ours"]}, base_version='"1"')
    line.work()
    while Conflict.objects.unscoped().filter(state=10).exists():
        conflict = Conflict.objects.unscoped().get(state=10)
        asks = merge(*conflict.documents(), conflict.read_rules()).conflicts
        said = Resolution(choices={decision.id: "local" for decision in asks})
        resolve(viewer=line.bench.viewer, conflict_id=conflict.pk, digest=conflict.digest, resolution=said)
        line.work()
    assert line.here() == {**PLAN, "title": "Ours", "tags": ["a", "theirs", "ours"]}


def test_a_document_merged_by_hand_is_not_what_its_client_has(line: Line) -> None:
    """The upstream moves on after it was written by hand: the client's next list still takes nothing away that it never saw."""
    version = line.theirs()
    line.theirs(title="Theirs", tags=["a", "theirs"])
    item = line.put(payload={"title": "Ours"}, base=PLAN, base_version=version)
    line.work()
    conflict = line.conflict()
    by_hand = Resolution(document={**PLAN, "title": "Both", "tags": ["a", "theirs"]})
    resolve(viewer=line.bench.viewer, conflict_id=conflict.pk, digest=conflict.digest, resolution=by_hand)
    line.theirs(summary="Meanwhile")
    line.work()
    assert (state_of(item), line.here()["title"], line.here()["summary"]) == ("synced", "Both", "Meanwhile")
    line.put(payload={"tags": ["a", "ours"]}, base=PLAN, base_version=version)
    line.work()
    assert line.here()["tags"] == ["a", "theirs", "ours"]


def test_a_client_that_says_no_base_never_meets_itself(line: Line) -> None:
    """However its changes come in between its deliveries: each follows on from the one before it."""
    line.gone()
    line.put("create", payload={"title": "0"})
    jobs = line.desk.turn([]).assignments
    for n in range(1, 4):
        line.put(payload={"title": f"{n} and still waiting"})
        jobs = line.desk.turn([line.sent(job) for job in jobs]).assignments
        line.put(payload={"title": f"{n}"})
    while jobs:
        jobs = line.desk.turn([line.sent(job) for job in jobs]).assignments
    assert line.here() == {"title": "3"}
    assert not Conflict.objects.unscoped().exists()
    assert Attempt.objects.exclude(outcome="delivered").count() == 0

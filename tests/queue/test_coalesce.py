"""Before the head of a lane is sent for the first time, it may stand for the changes right behind it."""

import re

import pytest
from django.test import Client
from pytest_django import Settings

from portal.kit import clock
from syncqueue.actions.enqueue import enqueue
from syncqueue.actions.verify import verify
from syncqueue.adapters.base import Change, Delivered, Outcome
from syncqueue.core.change import NewChange
from syncqueue.core.coalesce import LOOK_AHEAD
from syncqueue.core.jobs import Assignment
from syncqueue.core.sending import change_of
from syncqueue.figures import by_upstream, totals
from syncqueue.item_page import item_page
from syncqueue.models import Attempt, Item, Lane
from tests.queue.conftest import DELIVERED, LOST, REFUSED, Bench, state_of


def plan(operation: str = "update", **said: object) -> NewChange:
    """A change of p-1."""
    return NewChange(kind="plan_edit", entity_type="plan", entity_id="p-1", operation=operation, **said)  # type: ignore[arg-type]


def put(bench: Bench, *changes: NewChange) -> list[Item]:
    """Enqueues them."""
    return [done.item for done in enqueue(viewer=bench.viewer, changes=changes)]


def sent(job: Assignment) -> Change:
    """What the adapter gets."""
    change = change_of(job, last_writer_wins=False)
    assert change is not None
    return change


def test_the_head_stands_for_those_behind_it(bench: Bench) -> None:
    """One request; the others are superseded by it and keep a pointer to it; everything derived still fits."""
    head, second, third = put(
        bench,
        plan(payload={"title": "One", "due": "2026-12-01"}, base={"title": "Zero"}, base_version='"7"', client_id="a"),
        plan(payload={"due": None}, base={"title": "One"}, base_version='"7"', client_id="a"),
        plan(payload={"title": "Three"}, base_version='"7"', client_id="a"),
    )
    desk = bench.desk(coalesce=True)
    work = desk.turn([]).assignments
    assert [(sent(job).payload, sent(job).version) for job in work] == [({"title": "Three", "due": None}, '"7"')]
    assert sent(work[0]).base == {"title": "Zero"}
    assert (state_of(second), state_of(third)) == ("superseded", "superseded")
    assert {second.superseded_by, third.superseded_by} == {head.pk}
    assert Lane.objects.get().depth == 1
    assert bench.settle(desk, work, DELIVERED) == []
    assert state_of(head) == "synced"
    assert (head.read_payload(), second.read_payload()) == ({"title": "One", "due": "2026-12-01"}, {"due": None})
    assert verify(repair=False) == []
    assert totals(by_upstream(bench.viewer))["coalesced"] == 2


def test_what_was_sent_once_is_never_changed(bench: Bench) -> None:
    """An item whose answer was lost goes out again as it was, whatever came in behind it."""
    head = bench.put("p-1")[0]
    desk = bench.desk(coalesce=True)
    bench.settle(desk, desk.turn([]).assignments, LOST)
    late = bench.put("p-1")[0]
    Item.objects.filter(pk=head.pk).update(retry_at=None)
    Lane.objects.update(ready_at=head.created_at)
    work = desk.turn([]).assignments
    assert [sent(job).payload for job in work] == [{"title": "p-1 0"}]
    assert state_of(late) == "queued"


def test_a_joined_change_goes_out_again_as_it_was(bench: Bench) -> None:
    """After a lost answer, the same body under the same key, though more has come in behind it."""
    head = bench.put("p-1", "p-1")[0]
    desk = bench.desk(coalesce=True)
    first = desk.turn([]).assignments[0]
    bench.settle(desk, [first], LOST)
    bench.put("p-1")
    Item.objects.filter(pk=head.pk).update(retry_at=None)
    Lane.objects.update(ready_at=head.created_at)
    (again,) = desk.turn([]).assignments
    assert (sent(again).payload, again.idempotency_key) == (sent(first).payload, first.idempotency_key)
    assert first.idempotency_key != head.idempotency_key, "another body needs another key"
    assert Lane.objects.get().depth == 2


def test_made_and_taken_back_is_never_sent(bench: Bench) -> None:
    """A create followed by a delete: nothing goes out, the item ends with its reason, and the lane knows no more than before."""
    head, gone = put(bench, plan("create", payload={"title": "Idea"}), plan("delete"))
    Lane.objects.update(version='"3"', chain_base='"1"', chain_client="someone")
    desk = bench.desk(coalesce=True)
    (job,) = desk.turn([]).assignments
    assert change_of(job, last_writer_wins=False) is None
    bench.settle(desk, [job], Delivered(job.version, None, "equal", reason="It was taken back"))
    assert (state_of(head), state_of(gone)) == ("synced", "superseded")
    assert Attempt.objects.get().reason == "It was taken back"
    lane = Lane.objects.get()
    assert (lane.version, lane.chain_base, lane.chain_client, lane.depth) == ('"3"', '"1"', "someone", 0)


def test_a_delete_supersedes_what_it_makes_pointless(bench: Bench) -> None:
    """One DELETE on the version that the oldest change was made on."""
    put(bench, plan(payload={"title": "One"}, base_version='"7"'), plan("delete", base_version='"7"'))
    (job,) = bench.desk(coalesce=True).turn([]).assignments
    assert (sent(job).operation, sent(job).payload, sent(job).version) == ("delete", None, '"7"')


def test_the_next_ones_follow_under_the_same_lease(bench: Bench) -> None:
    """More than one look ahead takes is sent in as few requests as it takes, in order, each on what the one before it led to."""
    bench.put(*["p-1"] * (LOOK_AHEAD + 5))
    desk = bench.desk(coalesce=True)
    work = desk.turn([]).assignments
    work = bench.settle(desk, work, DELIVERED)
    assert [(sent(job).payload, sent(job).version) for job in work] == [({"title": f"p-1 {LOOK_AHEAD + 4}"}, '"2"')]
    assert bench.settle(desk, work, DELIVERED) == []
    assert verify(repair=False) == []


def test_a_joined_change_that_is_refused_can_be_sent_again(bench: Bench) -> None:
    """It fails as a whole, still stands for what it took up, and its checksum fits."""
    head = bench.put("p-1", "p-1")[0]
    desk = bench.desk(coalesce=True)
    bench.settle(desk, desk.turn([]).assignments, REFUSED)
    assert state_of(head) == "failed"
    assert head.intact


@pytest.mark.parametrize("kind", ["comment_add", "integration_trigger", "assignment"])
def test_what_counts_one_by_one_is_sent_one_by_one(bench: Bench, kind: str) -> None:
    """Each trigger is acted on, each comment read: they are never joined."""
    bench.upstream.routes = {**bench.upstream.routes, "trigger": {"path": "/t/{id}"}, "assignment": {"path": "/a/{id}"}}
    bench.upstream.save()
    said = {
        "comment_add": {"id": "c-1", "text": "Hello"},
        "integration_trigger": {"id": "t-1", "integration": "ci", "event": "built"},
        "assignment": {"course": "c-1", "person": "p-1"},
    }[kind]
    changes = [NewChange(kind=kind, payload=said, operation=how) for how in ("create", "update")]
    enqueue(viewer=bench.viewer, changes=changes)
    assert [job.outgoing.joined for job in bench.desk(coalesce=True).turn([]).assignments] == [None]


def test_it_can_be_switched_off(bench: Bench, settings: Settings) -> None:
    """BREAKWATER_COALESCE=0: each change is one request."""
    settings.SYNCQUEUE = {**settings.SYNCQUEUE, "coalesce": False}
    bench.put("p-1", "p-1")
    desk = bench.desk(coalesce=True)
    work = desk.turn([]).assignments
    assert [sent(job).payload for job in work] == [{"title": "p-1 0"}]
    work = bench.settle(desk, work, DELIVERED)
    assert [sent(job).payload for job in work] == [{"title": "p-1 1"}]


@pytest.mark.parametrize(
    ("outcome", "said"),
    [
        (DELIVERED, "It was delivered together with an earlier change of the same plan."),
        (REFUSED, "It goes out with an earlier change of the same plan, which failed: send that one again."),
    ],
)
def test_its_page_says_with_which_it_went(bench: Bench, outcome: Outcome, said: str) -> None:
    """A superseded item's page leads to the item that carries it and says how that one stands; the carrier's says how many it has."""
    head, second, _third = bench.put("p-1", "p-1", "p-1")
    desk = bench.desk(coalesce=True)
    bench.settle(desk, desk.turn([]).assignments, outcome)
    told = item_page(bench.viewer, second.pk, clock.now()).story
    assert f"{told.lead} {told.link_word}{told.rest}" == said
    assert told.link == head.pk
    assert item_page(bench.viewer, head.pk, clock.now()).story.lead.startswith("2 later changes go with it.")


def test_the_saving_is_a_figure_that_leads_to_its_items(bench: Bench, client: Client) -> None:
    """On the overview, in the list that it leads to, and by REST; a stranger's saving is none."""
    _head, second, _third = bench.put("p-1", "p-1", "p-1")
    bench.desk(coalesce=True).turn([])
    client.force_login(bench.people.alice)
    page = " ".join(client.get("/").content.decode().split())
    assert re.search(
        r'\?state=superseded"><span class="label">Requests saved, ever</span> <span class="value">2</span>', page
    )
    assert str(second.pk) in client.get("/resilience/queue?state=superseded").content.decode()
    assert client.get("/api/v1/queue/stats").json()["coalesced"] == 2
    client.force_login(bench.people.charlie)
    assert client.get("/api/v1/queue/stats").json()["coalesced"] == 0

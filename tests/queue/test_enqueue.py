"""Intake: durable, numbered per entity, idempotent, all or nothing."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection, transaction

from portal.kit.errors import Forbidden, Invalid, Unavailable
from portal.kit.viewer import Permission
from syncqueue.actions.delete import delete
from syncqueue.actions.deliver import Desk
from syncqueue.actions.enqueue import KeyReused, enqueue
from syncqueue.actions.verify import verify
from syncqueue.core.change import NewChange
from syncqueue.core.jobs import Finished
from syncqueue.models import Item, Lane
from tests.queue.conftest import DELIVERED, Bench
from tests.support.people import make_upstream


def change(entity: str = "p-1", **said: object) -> NewChange:
    """One update of a plan."""
    return NewChange(**{"kind": "plan_edit", "entity_type": "plan", "entity_id": entity, "operation": "update",
                        "payload": {"title": "New"}, **said})  # fmt: skip


def test_numbers_follow_the_order_within_each_entity(bench: Bench) -> None:
    """A list is numbered in its order, per entity, and goes on where the lane ended."""
    bench.put("p-1", "p-2", "p-1")
    bench.put("p-1")
    assert list(Item.objects.filter(lane__entity_id="p-1").order_by("id").values_list("seq", flat=True)) == [1, 2, 3]
    assert list(Lane.objects.order_by("entity_id").values_list("entity_id", "tail_seq", "depth")) == [
        ("p-1", 3, 3),
        ("p-2", 1, 1),
    ]


def test_the_same_key_gives_the_same_item_again(bench: Bench) -> None:
    """Sent twice, in two requests or in one list, it is one item."""
    first = enqueue(viewer=bench.viewer, changes=[change(idempotency_key="k-1")])[0]
    again = enqueue(viewer=bench.viewer, changes=[change(idempotency_key="k-1")])[0]
    pair = enqueue(viewer=bench.viewer, changes=[change(idempotency_key="k-2"), change(idempotency_key="k-2")])
    assert (first.created, again.created, again.item.pk) == (True, False, first.item.pk)
    assert [done.created for done in pair] == [True, False]
    assert pair[0].item.pk == pair[1].item.pk
    assert Item.objects.count() == 2


def test_the_same_key_with_another_change_is_refused(bench: Bench) -> None:
    """A 409, and nothing of that request is stored."""
    enqueue(viewer=bench.viewer, changes=[change(idempotency_key="k-1")])
    with pytest.raises(KeyReused) as refused:
        enqueue(viewer=bench.viewer, changes=[change("p-9"), change(payload={"title": "Else"}, idempotency_key="k-1")])
    assert refused.value.faults[0].pointer == "/1/idempotency_key"
    assert Item.objects.count() == 1


def test_one_fault_refuses_the_whole_list_and_names_every_place(bench: Bench) -> None:
    """All or nothing, with a pointer to each fault."""
    with pytest.raises(Invalid) as refused:
        enqueue(viewer=bench.viewer, changes=[change(), change("..", kind="plan_edit"), change(payload={"title": 7})])
    assert [fault.pointer for fault in refused.value.faults] == ["/1/entity_id", "/2/payload/title"]
    assert (Item.objects.count(), Lane.objects.count()) == (0, 0)


def test_only_members_who_may_enqueue(bench: Bench) -> None:
    """A viewer is refused; a stranger's upstream is not even known."""
    with pytest.raises(Forbidden):
        enqueue(viewer=bench.people.viewer(bench.people.bob), changes=[change()])
    with pytest.raises(Forbidden):
        enqueue(viewer=bench.people.viewer(bench.people.alice, Permission.READ), changes=[change()])
    with pytest.raises(Invalid) as refused:
        enqueue(viewer=bench.people.viewer(bench.people.charlie), changes=[change(upstream="plans-api")])
    assert refused.value.faults[0].pointer == "/upstream"


def test_whoever_assigned_it_belongs_to_the_organization(bench: Bench, settings: object) -> None:
    """A mismatch is refused while FORCE_ORG_ENFORCEMENT is on, and taken as it is when it is off."""
    assert enqueue(viewer=bench.viewer, changes=[change(assigned_by="bob")])[0].item.assigned_by == "bob"
    with pytest.raises(Invalid) as refused:
        enqueue(viewer=bench.viewer, changes=[change(assigned_by="charlie")])
    assert refused.value.faults[0].pointer == "/assigned_by"
    settings.FORCE_ORG_ENFORCEMENT = False  # type: ignore[attr-defined]
    assert enqueue(viewer=bench.viewer, changes=[change(assigned_by="charlie")])[0].item.assigned_by == "charlie"


def test_the_payload_is_kept_to_the_letter(bench: Bench) -> None:
    """Numbers keep their form, keys are sorted, text stays text."""
    payload = {"title": "Äöü ✓ \u2028", "z": 1, "a": 1.0, "big": 10**30}
    item = enqueue(viewer=bench.viewer, changes=[change(payload=payload)])[0].item
    item.refresh_from_db()
    assert item.read_payload() == payload
    assert item.payload.startswith('{"a":1.0,"big":1000000000000000000000000000000,')


def test_what_can_be_derived_may_be_left_out(bench: Bench) -> None:
    """The upstream follows from the type when only one takes it; with two, it has to be said."""
    assert enqueue(viewer=bench.viewer, changes=[change()])[0].item.upstream == bench.upstream
    make_upstream(bench.people.tidewater, slug="second")
    with pytest.raises(Invalid) as refused:
        enqueue(viewer=bench.viewer, changes=[change()])
    assert refused.value.faults[0].pointer == "/upstream"


def _at_once(works: list[Callable[[], object]]) -> list[object]:
    start = threading.Barrier(len(works))

    def run(work: Callable[[], object]) -> object:
        start.wait()
        try:
            return work()
        finally:
            connection.close()

    with ThreadPoolExecutor(len(works)) as threads:
        return [done.result() for done in [threads.submit(run, work) for work in works]]


@pytest.mark.django_db(transaction=True)
def test_the_same_key_from_many_at_once_is_one_item(transactional_bench: Bench) -> None:
    """Whoever comes second gets the first one's item, not an error."""
    bench = transactional_bench
    works = [lambda: enqueue(viewer=bench.viewer, changes=[change(idempotency_key="k-1")])[0] for _ in range(6)]
    done = _at_once(works)
    assert len({one.item.pk for one in done}) == 1
    assert [one.created for one in done].count(True) == 1


@pytest.mark.django_db(transaction=True)
def test_numbers_have_no_gap_and_no_twin_when_many_enqueue_at_once(transactional_bench: Bench) -> None:
    """Six writers, overlapping entities in opposite orders: no deadlock, each lane counts 1, 2, 3 …"""
    bench = transactional_bench
    names = [f"p-{number}" for number in range(8)]
    orders = [names if number % 2 else names[::-1] for number in range(6)]
    _at_once([lambda order=order: [bench.put(*order) for _ in range(5)] for order in orders])
    for lane in Lane.objects.all():
        assert list(lane.items.order_by("seq").values_list("seq", flat=True)) == list(range(1, 31))
    assert verify(repair=False) == []


@pytest.mark.django_db(transaction=True)
def test_no_wake_up_is_lost_between_settle_and_enqueue(transactional_bench: Bench) -> None:
    """An item that comes in while the lane's last one is being settled is delivered without any sweeper."""
    bench = transactional_bench
    desk = bench.desk()

    def deliver(desk: Desk) -> None:
        for _ in range(60):
            work = desk.turn([]).assignments
            while work:
                work = desk.turn([Finished(job, DELIVERED, 0.0) for job in work]).assignments

    _at_once([lambda: [bench.put("p-1") for _ in range(30)], lambda: deliver(desk)])
    deliver(desk)
    assert Item.objects.filter(state=60).count() == 30
    assert verify(repair=False) == []


@pytest.mark.django_db(transaction=True)
def test_a_transaction_that_is_rolled_back_leaves_nothing(transactional_bench: Bench) -> None:
    """Enqueue takes part in the caller's transaction."""

    class Stop(Exception):
        pass

    def try_it() -> None:
        with transaction.atomic():
            transactional_bench.put("p-1")
            raise Stop

    with pytest.raises(Stop):
        try_it()
    assert (Item.objects.count(), Lane.objects.count()) == (0, 0)


@pytest.mark.sqlite_only
@pytest.mark.django_db(transaction=True)
def test_a_full_disk_is_told_and_nothing_is_half_stored(transactional_bench: Bench) -> None:
    """The database may not grow any further: the caller hears so, and neither items, lanes nor counters moved."""
    bench = transactional_bench
    with connection.cursor() as cursor:
        cursor.execute("VACUUM")  # what earlier tests left free would be room enough
        cursor.execute("PRAGMA page_count")
        cursor.execute(f"PRAGMA max_page_count = {cursor.fetchone()[0]}")
        try:
            with pytest.raises(Unavailable):
                enqueue(
                    viewer=bench.viewer, changes=[change(f"p-{n}", payload={"notes": "x" * 50_000}) for n in range(50)]
                )
        finally:
            cursor.execute("PRAGMA max_page_count = 1073741823")
    assert (Item.objects.count(), Lane.objects.count()) == (0, 0)
    assert verify(repair=False) == []
    assert enqueue(viewer=bench.viewer, changes=[change()])[0].created


def test_a_lane_is_not_called_by_a_change_that_still_waits(bench: Bench) -> None:
    """The first change names it until one is delivered; deleting an item takes the name away with the rest."""
    first = enqueue(viewer=bench.viewer, changes=[change(payload={"title": "Harbour wall"})])[0].item
    enqueue(viewer=bench.viewer, changes=[change(payload={"title": "Later"})])
    assert Lane.objects.get().title == "Harbour wall"
    delete(viewer=bench.viewer, item_id=first.pk, reason="Asked to")
    assert Lane.objects.get().title == ""
    first.refresh_from_db()
    assert (first.payload, first.item_state.slug) == ("", "cancelled")

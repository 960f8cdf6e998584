"""The hook: a rule may let the head of a lane stand for the changes right behind it, before any of them is sent."""

import json
from collections.abc import Sequence
from dataclasses import replace

from syncqueue.actions.deliver import Desk
from syncqueue.actions.verify import verify
from syncqueue.core.coalesce import Plan, Waiting
from syncqueue.models import Item, Lane
from tests.queue.conftest import DELIVERED, LOST, Bench, state_of


def last_payload(waiting: Sequence[Waiting]) -> Plan:
    """A rule for this test: updates collapse into the last one."""
    return Plan("update", waiting[-1].payload, tuple(one.item_id for one in waiting[1:]))


def coalescing(bench: Bench) -> Desk:
    """A desk with that rule."""
    desk = bench.desk()
    desk.rules = replace(desk.rules, coalesce=last_payload)
    return desk


def test_the_head_stands_for_those_behind_it(bench: Bench) -> None:
    """One request; the others are superseded by it and keep a pointer to it; everything derived still fits."""
    head, second, third = bench.put("p-1", "p-1", "p-1")
    desk = coalescing(bench)
    work = desk.turn([]).assignments
    assert [json.loads(job.payload) for job in work] == [{"title": "p-1 2"}]
    assert (state_of(second), state_of(third)) == ("superseded", "superseded")
    assert {second.superseded_by, third.superseded_by} == {head.pk}
    assert Lane.objects.get().depth == 1
    assert bench.settle(desk, work, DELIVERED) == []
    assert state_of(head) == "synced"
    assert verify(repair=False) == []


def test_what_was_sent_once_is_never_changed(bench: Bench) -> None:
    """An item whose answer was lost goes out again as it was, whatever came in behind it."""
    head = bench.put("p-1")[0]
    desk = coalescing(bench)
    bench.settle(desk, desk.turn([]).assignments, LOST)
    late = bench.put("p-1")[0]
    Item.objects.filter(pk=head.pk).update(retry_at=None)
    Lane.objects.update(ready_at=head.created_at)
    work = desk.turn([]).assignments
    assert [json.loads(job.payload) for job in work] == [{"title": "p-1 0"}]
    assert state_of(late) == "queued"

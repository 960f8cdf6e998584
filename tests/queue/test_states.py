"""No code path, and no SQL, makes an illegal move."""

import pytest
from django.db import DatabaseError, transaction

from syncqueue.core.states import MOVES, ItemState, LaneState, lane_after
from syncqueue.models import Item
from tests.queue.conftest import Bench


def test_the_database_allows_just_the_listed_moves(bench: Bench) -> None:
    """Every pair of states is tried in SQL; what MOVES does not list is refused."""
    item = bench.put("p-1")[0]
    for before in ItemState:
        for after in ItemState:
            with transaction.atomic():
                twin = Item.objects.get(pk=item.pk)
                twin.pk, twin.seq, twin.idempotency_key, twin.state = (
                    None,
                    before * 100 + after,
                    f"{before}{after}",
                    before,
                )
                twin.id = Item._meta.get_field("id").get_default()
                twin.save(force_insert=True)
            legal = after == before or after in MOVES[before]
            try:
                with transaction.atomic():
                    Item.objects.filter(pk=twin.pk).update(state=after)
            except DatabaseError:
                assert not legal, f"{before.slug} to {after.slug} was refused"
            else:
                assert legal, f"{before.slug} to {after.slug} was allowed"


def test_finished_states_are_final() -> None:
    """What is synced, superseded or cancelled stays so."""
    assert {state for state in ItemState if not MOVES[state]} == {state for state in ItemState if not state.open}


@pytest.mark.parametrize(
    ("head", "held", "expected"),
    [
        (None, False, LaneState.IDLE),
        (None, True, LaneState.IDLE),
        (ItemState.QUEUED, False, LaneState.READY),
        (ItemState.RETRYING, True, LaneState.HELD),
        (ItemState.FAILED, False, LaneState.BLOCKED),
        (ItemState.CONFLICT, False, LaneState.BLOCKED),
    ],
)
def test_a_lane_follows_its_head(head: ItemState | None, held: bool, expected: LaneState) -> None:
    """The state of an unleased lane is a function of its head."""
    assert lane_after(head, held=held) is expected


@pytest.mark.sqlite_only
def test_the_first_open_item_is_found_by_its_index(db: None) -> None:
    """A lane with many finished items costs no more: the partial index is used, which needs the condition spelled out."""
    plan = Item.objects.unscoped().open().filter(lane=1, stepped_over=False).order_by("seq")[:1].explain()
    assert "item_open" in plan

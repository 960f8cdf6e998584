"""The crash test's own judgement finds what it is there to find."""

import pytest

from tests.crash.changes import changes, faults, joined_faults
from tests.support.history import Write

SENT = list(changes(2, 3))
E0 = [Write("create", 1, {"n": 1}), Write("update", 2, {"n": 2}), Write("delete", 3, {"deleted": True})]
E1 = [Write("create", 1, {"n": 1}), Write("update", 2, {"n": 2}), Write("update", 3, {"n": 3})]


def test_what_was_sent_in_order_is_no_fault() -> None:
    """Each change once and in order is what is asked for."""
    assert faults(SENT, {"e-0": E0, "e-1": E1}) == []


@pytest.mark.parametrize(
    ("writes", "found"),
    [
        (E1[:2], "e-1: lost update 3"),
        ([*E1, E1[2]], "e-1: twice update 3"),
        ([E1[0], E1[2], E1[1]], "e-1: out of order: create 1, update 3, update 2"),
        ([*E1, Write("update", 4, {"n": 9})], "e-1: not asked for update 9"),
    ],
)
def test_each_sin_is_told(writes: list[Write], found: str) -> None:
    """A lost, repeated, misplaced or unknown write is named with its entity."""
    assert faults(SENT, {"e-0": E0, "e-1": writes}) == [found]


def test_joined_changes_are_judged_by_what_they_make() -> None:
    """A write may stand for several changes; what is missing, older or twice is a fault."""
    deleted, kept = ([change for change in SENT if change.entity == entity] for entity in ("e-0", "e-1"))
    lost = joined_faults(kept, {})
    assert len(lost) == 1
    assert "e-1: it is None" in lost[0]
    assert joined_faults(deleted, {"e-0": E0}) == []
    assert joined_faults(deleted, {}) == [], "made and taken back before anything was sent"
    assert joined_faults(deleted, {"e-0": [E0[0], E0[1], E0[1], E0[2]]}) == ["e-0: out of order or twice: [1, 2, 2]"]

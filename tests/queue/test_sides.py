"""What is merged with what, by operation and by what the upstream has, and what goes out afterwards."""

from typing import Any

import pytest

from conflicts.core import MISSING, merge
from syncqueue.core.builtin_kinds import PLAN_RULES
from syncqueue.core.outgoing import Part
from syncqueue.core.reconcile import Sides, author_of, part_of, sides

pytestmark = pytest.mark.plain

BASE = {"title": "Old", "due": "2026-12-01"}
REMOTE = {"title": "Theirs", "due": "2026-12-01"}


@pytest.mark.parametrize(
    ("operation", "form", "payload", "base", "remote", "expected"),
    [
        ("create", "document", {"a": 1}, MISSING, {"a": 2}, Sides(MISSING, {"a": 1}, {"a": 2}, True)),
        ("update", "merge-patch", {"due": None}, BASE, REMOTE, Sides(BASE, {"title": "Old"}, REMOTE, True)),
        ("update", "document", {"x": 1}, BASE, REMOTE, Sides(BASE, {"x": 1}, REMOTE, True)),
        ("update", "merge-patch", {"due": None}, BASE, MISSING, Sides(BASE, {"title": "Old"}, MISSING, True)),
        ("delete", "merge-patch", None, BASE, REMOTE, Sides(BASE, MISSING, REMOTE, True)),
        ("delete", "merge-patch", None, BASE, BASE, Sides(BASE, MISSING, BASE, True)),
    ],
)
def test_sides(operation: str, form: str, payload: Any, base: Any, remote: Any, expected: Sides) -> None:
    """The three documents of each row of the table."""
    assert sides(operation, form, payload, base=base, remote=remote) == expected


@pytest.mark.parametrize(
    ("case", "asks"),
    [
        (sides("create", "document", {"a": 1}, base=MISSING, remote={"b": 2}), False),
        (sides("create", "document", {"a": 1}, base=MISSING, remote={"a": 2}), True),
        (sides("update", "merge-patch", {"due": "2027-01-01"}, base=BASE, remote=REMOTE), False),
        (sides("update", "merge-patch", {"title": "Ours"}, base=BASE, remote=REMOTE), True),
        (sides("update", "merge-patch", {"title": "Ours"}, base=BASE, remote=MISSING), True),
        (sides("delete", "merge-patch", None, base=BASE, remote=BASE), False),
        (sides("delete", "merge-patch", None, base=BASE, remote=REMOTE), True),
        (sides("delete", "merge-patch", None, base=MISSING, remote=REMOTE), True),
        (sides("update", "merge-patch", {"title": "Ours"}, base=MISSING, remote=REMOTE), True),
        (sides("update", "merge-patch", {"title": "Theirs"}, base=MISSING, remote=REMOTE), False),
        (sides("update", "merge-patch", {"due": None}, base=MISSING, remote=REMOTE), True),
        (sides("update", "merge-patch", {"more": 1}, base=MISSING, remote=REMOTE), False),
        (sides("update", "document", {"title": "Ours"}, base=MISSING, remote=REMOTE), True),
    ],
)
def test_what_asks(case: Sides, asks: bool) -> None:
    """Edited against deleted always asks, and so does each place that a change of an unknown base touches, unless both say the same."""
    assert merge(case.base, case.local, case.remote, PLAN_RULES).clean is not asks


def test_an_unknown_base_touches_only_what_the_patch_touches() -> None:
    """What it does not name stands in base and remote alike, so nothing of the upstream's can look deleted."""
    case = sides("update", "merge-patch", {"in": {"a": 1}}, base=MISSING, remote={"in": {"a": 2, "b": 3}, "c": 4})
    assert (case.base, case.local) == ({"in": {"b": 3}, "c": 4}, {"in": {"b": 3, "a": 1}, "c": 4})
    assert not case.base_known


@pytest.mark.parametrize(
    ("result", "remote", "part"),
    [
        ({"a": 1}, {"a": 2}, Part("update", "document", {"a": 1}, '"7"')),
        ({"a": 1}, {"a": 1}, Part("update", "document", {"a": 1}, '"7"', nothing=True)),
        ({"a": True}, {"a": 1}, Part("update", "document", {"a": True}, '"7"')),
        (MISSING, {"a": 1}, Part("delete", "document", None, '"7"')),
        (MISSING, MISSING, Part("delete", "document", None, '"7"', nothing=True)),
        ({"a": 1}, MISSING, Part("create", "document", {"a": 1})),
    ],
)
def test_what_goes_out(result: Any, remote: Any, part: Part) -> None:
    """Whatever leads from what the upstream has to the result; nothing where that is the same."""
    assert part_of(result, remote, '"7"') == part


def test_the_author_is_named_where_the_document_says_it() -> None:
    """Under one of the usual names, and only as a text."""
    assert author_of({"updated_by": "Ilan", "author": "x"}) == "Ilan"
    assert author_of({"updated_by": 7}) == ""
    assert author_of(MISSING) == ""

"""What places are called and how values are shown: words for people, out of documents."""

from typing import Any

import pytest

from conflicts.core import MISSING, merge
from conflicts.labels import Places
from conflicts.located import Finder
from conflicts.marks import shortened, words
from conflicts.readable import against, fields_of, plain
from tests.conflicts.cases import PLAN, local, remote, steps


def shown(pieces: object) -> str:
    """Pieces as a line: [-struck out-] and {+put in+}."""
    signs = {"": "{}", "del": "[-{}-]", "ins": "{{+{}+}}"}
    return "".join(signs[piece.mark].format(piece.text) for piece in pieces)  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("base", "side", "marked"),
    [
        ("in progress", "done", "[-in progress-]{+done+}"),
        ("The tour once.", "The short tour once.", "The {+short +}tour once."),
        ("for 30 days.", "for 14 days.", "for [-30-]{+14+} days."),
        ("same", "same", "same"),
        ("", "new", "{+new+}"),
        ("old", "", "[-old-]"),
    ],
)
def test_words_are_marked(base: str, side: str, marked: str) -> None:
    """Only the words that changed are marked, and what is not struck out is the side's text."""
    pieces = words(base, side)
    assert shown(pieces) == marked
    assert "".join(piece.text for piece in pieces if piece.mark != "del") == side
    assert "".join(piece.text for piece in pieces if piece.mark != "ins") == base


def test_a_long_text_is_cut_around_its_changes() -> None:
    """Of what stayed, only the letters beside a change are shown; a text beyond all measure is one change."""
    around = "Nothing happens here. " * 50
    pieces = shortened(words(f"{around}one{around}", f"{around}two{around}"))
    assert sum(len(piece.text) for piece in pieces) < 400
    assert any(piece.cut for piece in pieces)
    assert [piece.mark for piece in words("a" * 30_000, "b" * 30_000)] == ["del", "ins"]


def test_places_are_called_by_their_items() -> None:
    """A field is named with the nearest item, an item by its kind, also when base or remote lacks it."""
    documents = PLAN, local(), remote()
    places = Places(*documents)
    names = {
        one.path: places.label(one)
        for one in merge(*documents, {"/**/microsteps": {"list": "key", "key": "id"}}).decisions
    }
    assert names["/title"] == "Title"
    assert names["/due"] == "Due date"
    assert names["/phases/0/microsteps/0/status"] == "Status of “Verify webhook signature”"
    assert names["/phases/0/microsteps/1"] == "Microstep “Migrate legacy tokens”"
    whole = merge(PLAN, MISSING, remote(), {}).decisions[0]
    assert Places(PLAN, MISSING, remote()).label(whole) == "The whole document"


def test_an_item_that_both_added_is_not_taken_for_another() -> None:
    """Where base lacks the item, a path counts the upstream's list, and the name is not that of base's item at this place."""
    old = {"id": "a", "title": "Old step", "status": "draft"}
    base: dict[str, Any] = {"steps": [old]}
    here, there = (
        {"steps": [{"id": "z", "title": "New step", "status": status}, old]} for status in ("done", "active")
    )
    decision = next(one for one in merge(base, here, there, {"/steps": {"list": "key"}}).conflicts)
    assert decision.path == "/steps/0/status"
    assert Places(base, here, there).label(decision) == "Status of “New step”"


def test_what_a_deletion_loses_is_told_by_fields() -> None:
    """Of an item, the fields that changed are lines; an item that is gone is its name struck out."""
    before, after = steps(PLAN)[1], steps(local())[1]
    lines = against(before, after).lines
    assert [line.name for line in lines] == ["Notes"]
    assert fields_of(list(lines)) == "Notes"
    gone = against(before, MISSING)
    assert shown(gone.lines[0].pieces) == "[-Migrate legacy tokens-]"
    assert gone.absent == "Deleted"


def test_values_are_read_not_parsed() -> None:
    """Objects show their fields by name, lists their items' titles, nothing is told from an empty text."""
    assert [(line.name, shown(line.pieces)) for line in plain({"id": "x", "title": "A", "due": None}).lines] == [
        ("Title", "A"),
        ("Due date", "null"),
    ]
    assert [shown(line.pieces) for line in plain([{"title": "A"}, {"title": "B"}]).lines] == ["A", "B"]
    assert plain("").absent == "An empty text"
    assert plain(MISSING).absent == "Not there"


def test_a_place_is_found_where_its_item_went() -> None:
    """Items are matched by their key, wherever they stand in the other document."""
    way = ["steps", "1", "status"]
    there = {"steps": [{"id": "a", "status": 1}, {"id": "b", "status": 2}]}
    values = [there, there["steps"], there["steps"][1], 2]
    assert Finder({"steps": [{"id": "b", "status": 9}]}).at(way, values) == 9
    assert Finder({"steps": []}).at(way, values) is MISSING

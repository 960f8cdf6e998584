"""The diagrams of docs/states.md say what the code and the database do."""

import importlib
import re

from syncqueue.core.states import MOVES, ItemState, LaneState
from tests.docs import pages

PAGE = "docs/states.md"
ARROW = re.compile(r"^\s*(\[\*\]|\w+) --> (\[\*\]|\w+)(?::\s*(.+))?$", re.MULTILINE)


def arrows(number: int) -> set[tuple[str, str]]:
    """The arrows of one diagram of the page."""
    diagram = pages.blocks(pages.read(PAGE), "mermaid")[number]
    found = ARROW.findall(diagram)
    assert len(found) == len(diagram.splitlines()) - 1, "a line of the diagram is no arrow"
    return {(before, after) for before, after, _why in found}


def moves(number: int) -> set[tuple[str, str]]:
    """The moves between two states; not how they begin and end."""
    return {arrow for arrow in arrows(number) if "[*]" not in arrow}


def test_the_item_diagram_shows_the_moves_of_the_code() -> None:
    """Each arrow is a legal move, and each legal move is an arrow."""
    assert moves(0) == {(before.slug, after.slug) for before, allowed in MOVES.items() for after in allowed}


def test_the_trigger_allows_the_moves_of_the_code() -> None:
    """The migration's trigger and the code's list are the same."""
    trigger = importlib.import_module("syncqueue.migrations.0003_outgoing").MOVES
    assert {before: set(after) for before, after in trigger.items()} == {
        int(before): {int(after) for after in allowed} for before, allowed in MOVES.items()
    }


def test_an_item_begins_queued_and_ends_where_nothing_follows() -> None:
    """The diagram's beginning and ends are those of the code."""
    ends = {(state.slug, "[*]") for state, allowed in MOVES.items() if not allowed}
    assert {arrow for arrow in arrows(0) if "[*]" in arrow} == {("[*]", "queued")} | ends


def test_the_table_names_each_state_with_its_number() -> None:
    """The table below the diagram has the numbers that the database keeps."""
    told = {row[0].strip("`"): int(row[1]) for row in pages.rows(pages.read(PAGE)) if row[1].isdigit()}
    assert told == {state.slug: int(state) for state in ItemState}


def test_the_lane_diagram_shows_each_state_of_a_lane() -> None:
    """A state that the code adds has to be drawn."""
    drawn = {name for move in moves(1) for name in move}
    assert drawn == {state.name.lower() for state in LaneState}

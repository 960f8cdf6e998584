"""Reading, editing and comparing plans, as plain values."""

from copy import deepcopy
from typing import Any

import pytest

from portal.projects.core.editing import (
    Edited,
    NewComment,
    NotThere,
    PlanEdit,
    StepEdit,
    edited,
    seen_met,
    seen_of,
)
from portal.projects.core.reading import Figures, read_plan
from portal.projects.core.telling import differences
from syncqueue.adapters.documents import apply_patch
from tests.projects.conftest import DOCUMENT

pytestmark = pytest.mark.plain

STEP = DOCUMENT["phases"][0]["microsteps"][0]
KEY = read_plan(DOCUMENT).phases[0].steps[0].key


def step_edit(**said: Any) -> StepEdit:
    """An edit of the first microstep by somebody who saw the document as it is."""
    values = {"status": STEP["status"], "notes": STEP["notes"]} | said.pop("values", {})
    seen = {"status": seen_of(STEP["status"]), "notes": seen_of(STEP["notes"]), "met": seen_met(STEP)}
    return StepEdit(**{"key": KEY, "values": values, "met": frozenset({"c2"}), "seen": seen, **said})


@pytest.mark.parametrize(
    "document",
    [
        None,
        [],
        "text",
        7,
        {},
        {"title": 3, "phases": "none", "tags": [1, "a"], "comments": [None, 7, {}]},
        {"phases": [{"microsteps": [{"acceptance_criteria": {"id": "c"}}, 3]}, None]},
        {"files": [{"name": "a", "size": True}, {"size": -1}]},
    ],
)
def test_any_document_can_be_read(document: Any) -> None:
    """An upstream may hold anything under a plan's id; its page shows what can be shown."""
    view = read_plan(document)
    assert view.figures == Figures(view.figures.steps, 0, 0, 0)


def test_what_is_no_field_of_a_plan_is_kept_as_it_is() -> None:
    """Other fields stand beside the plan, of microsteps too."""
    view = read_plan({**DOCUMENT, "budget": 7})
    assert view.other == {"budget": 7}
    assert view.phases[0].steps[1].other == {"depth": 3}
    assert view.figures == Figures(2, 0, 2, 1)


def test_microsteps_with_the_same_ids_have_no_key() -> None:
    """What cannot be told apart cannot be edited by its place."""
    document = deepcopy(DOCUMENT)
    document["phases"][0]["microsteps"][1]["id"] = "s1"
    assert [step.key for step in read_plan(document).phases[0].steps] == ["", ""]
    with pytest.raises(NotThere):
        edited(document, step_edit(values={"status": "done"}))


def test_an_edit_of_a_microstep_changes_that_place_alone() -> None:
    """The list goes out whole, since a merge patch replaces lists, and everything else in it is as it was."""
    before = deepcopy(DOCUMENT)
    done = edited(DOCUMENT, step_edit(values={"status": "active"}, met=frozenset({"c1"})))
    after = apply_patch(DOCUMENT, done.patch)
    assert set(done.patch) == {"phases"}
    places = [found.place for found in differences(read_plan(DOCUMENT), read_plan(after))]
    assert places == [f"{KEY}/status", f"{KEY}/met/c1", f"{KEY}/met/c2"]
    assert after["phases"][0]["microsteps"][1] == DOCUMENT["phases"][0]["microsteps"][1]
    assert before == DOCUMENT, "the document that was handed in is not changed"


def test_line_ends_of_a_browser_are_no_change() -> None:
    """Browsers send CR LF; a text that was not touched stays as it is."""
    notes = "One.\nTwo."
    document = {**DOCUMENT, "summary": notes}
    edit = PlanEdit({"summary": "One.\r\nTwo."}, {"summary": seen_of(notes)})
    assert edited(document, edit) == Edited()


def test_what_the_reader_did_not_touch_stays_as_somebody_else_made_it() -> None:
    """A form that was opened before another edit does not take that back."""
    edit = PlanEdit(
        {"title": "Harbour wall", "summary": "It holds for years."},
        {"title": seen_of("Harbour wall"), "summary": seen_of("It holds.")},
    )
    meanwhile = {**DOCUMENT, "title": "North wall"}
    assert edited(meanwhile, edit) == Edited({"summary": "It holds for years."})


def test_a_field_that_both_changed_is_told() -> None:
    """Who saves later sees the other text before anything goes out."""
    edit = PlanEdit({"title": "South wall"}, {"title": seen_of("Harbour wall")})
    assert edited({**DOCUMENT, "title": "North wall"}, edit) == Edited(clashes={"title": "North wall"})
    assert edited({**DOCUMENT, "title": "South wall"}, edit) == Edited(), "both say the same"


def test_criteria_that_both_changed_are_told() -> None:
    """The same for check boxes; what was not ticked stays as somebody else made it."""
    document = deepcopy(DOCUMENT)
    document["phases"][0]["microsteps"][0]["acceptance_criteria"][0]["met"] = True
    assert edited(document, step_edit()) == Edited()
    assert edited(document, step_edit(met=frozenset())).clashes == {"met": ""}


def test_a_comment_is_appended_once() -> None:
    """The same comment again, by its id, is no second one."""
    comment = NewComment("k2", "alice", "Looks good.", "2026-11-21T03:00:00Z")
    after = apply_patch(DOCUMENT, edited(DOCUMENT, comment).patch)
    assert [one["id"] for one in after["comments"]] == ["k1", "k2"]
    assert edited(after, comment) == Edited()


def test_differences_name_every_place() -> None:
    """Each change has a place of its own, so that it can be marked and told."""
    after = deepcopy(DOCUMENT)
    after |= {"title": "North wall", "tags": ["stone", "north"], "budget": True, "due": "2027-01-01"}
    after["phases"][0]["microsteps"][1] = {"id": "s3", "title": "Other"}
    after["comments"].append({"id": "k2", "text": "New"})
    found = {one.what for one in differences(read_plan(DOCUMENT), read_plan(after))}
    assert found == {"title", "tags", "other", "due", "added", "removed", "comments"}
    assert differences(read_plan(DOCUMENT), read_plan(deepcopy(DOCUMENT))) == []

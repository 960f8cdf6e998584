"""What a change does to its document, field by field."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from syncqueue.core.changes import Absent, changed_fields

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=8,
)


def told(base: Any, payload: Any, **how: str) -> list[tuple[str, str, str]]:
    """(pointer, before, after) of each field."""
    fields = changed_fields(
        base, payload, form=how.get("form", "merge-patch"), operation=how.get("operation", "update")
    )
    return [(f.pointer, " ".join(p.text for p in f.before), " ".join(p.text for p in f.after)) for f in fields]


def test_a_merge_patch_names_what_it_touches() -> None:
    """Nested fields by their pointers; null removes; what stays the same is left out; true is not 1."""
    base = {"a": {"b/c": "old words here", "d": 1}, "gone": "x", "same": [1]}
    patch = {"a": {"b/c": "new words here", "d": True}, "gone": None, "same": [1]}
    assert told(base, patch) == [
        ("/a/b~1c", "old words here", "new words here"),
        ("/a/d", "1", "true"),
        ("/gone", "x", ""),
    ]


def test_a_list_is_told_item_by_item() -> None:
    """A patch carries whole lists; only what differs in them is told, by the place in base."""
    base = {"steps": [{"id": "a", "status": "draft", "notes": "long"}, {"id": "b", "status": "draft"}]}
    patch = {"steps": [{"id": "a", "status": "done", "notes": "long"}, {"id": "b", "status": "draft"}, {"id": "c"}]}
    assert told(base, patch) == [("/steps/0/status", "draft", "done"), ("/steps/2", "", '{\n "id": "c"\n}')]


def test_words_that_stay_are_not_marked() -> None:
    """Only the words that differ are struck out and put in."""
    (field,) = changed_fields({"t": "off to 10 s"}, {"t": "off to 30 s"}, form="merge-patch", operation="update")
    assert [piece.text for piece in field.before if piece.changed] == ["10"]
    assert [piece.text for piece in field.after if piece.changed] == ["30"]


def test_an_unknown_base_is_said_to_be_unknown() -> None:
    """Without a base nothing is claimed about what was there."""
    (field,) = changed_fields(Absent.UNKNOWN, {"t": 1}, form="merge-patch", operation="update")
    assert field.missing_before is Absent.UNKNOWN


@given(json_values)
def test_a_document_equal_to_its_base_changes_nothing(value: Any) -> None:
    """The same document, sent whole, touches no field."""
    assert changed_fields(value, value, form="document", operation="update") == []


@given(json_values, json_values)
def test_nothing_is_left_out_of_a_document(base: Any, document: Any) -> None:
    """Two different documents differ in at least one told field, within the limit."""
    fields = changed_fields(base, document, form="document", operation="update")
    same = repr(base) == repr(document)
    assert bool(fields) or same or base == document
    assert len(fields) <= 200

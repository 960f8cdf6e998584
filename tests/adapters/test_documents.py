"""Documents held against each other."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syncqueue.adapters.documents import apply_patch, contains, make_patch, same, without

KEYS = st.sampled_from("abc")
PLAIN: st.SearchStrategy[Any] = st.booleans() | st.integers(-2, 2) | st.sampled_from(["", "x"])
VALUES: st.SearchStrategy[Any] = st.recursive(
    PLAIN, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3), max_leaves=10
)
DOCUMENTS = st.dictionaries(KEYS, VALUES, max_size=3)


@given(DOCUMENTS, DOCUMENTS)
def test_a_patch_leads_from_one_document_to_the_other(old: Any, new: Any) -> None:
    """make_patch and apply_patch belong together, where no null is involved, and nothing is left to do afterwards."""
    patch = make_patch(old, new)
    assert same(apply_patch(old, patch), new)
    assert same(apply_patch(new, patch), new)


@given(DOCUMENTS, DOCUMENTS)
def test_the_arguments_stay_as_they_are(old: Any, patch: Any) -> None:
    """apply_patch changes neither argument."""
    before = repr((old, patch))
    apply_patch(old, patch)
    assert repr((old, patch)) == before


@given(VALUES, VALUES)
def test_same_is_the_same_both_ways(left: Any, right: Any) -> None:
    """Equality does not depend on the side, and each value equals itself and contains itself."""
    assert same(left, right) == same(right, left)
    assert same(left, left)
    assert contains(left, left)


@pytest.mark.parametrize(
    ("left", "right", "equal"),
    [
        (True, 1, False),
        (0, False, False),
        (1, 1.0, True),
        (None, 0, False),
        ({"a": None}, {}, False),
        ([], {}, False),
        ("1", 1, False),
        ([1, 2], [2, 1], False),
        ({"a": [True]}, {"a": [1]}, False),
    ],
)
def test_equality_knows_types(left: Any, right: Any, equal: bool) -> None:
    """true is not 1, null is not missing, 1 is 1.0."""
    assert same(left, right) is equal


@pytest.mark.parametrize(
    ("document", "patch", "result"),
    [
        ({"a": "b"}, {"a": "c"}, {"a": "c"}),
        ({"a": "b"}, {"b": "c"}, {"a": "b", "b": "c"}),
        ({"a": "b"}, {"a": None}, {}),
        ({"a": "b", "b": "c"}, {"a": None}, {"b": "c"}),
        ({"a": ["b"]}, {"a": "c"}, {"a": "c"}),
        ({"a": "c"}, {"a": ["b"]}, {"a": ["b"]}),
        ({"a": {"b": "c"}}, {"a": {"b": "d", "c": None}}, {"a": {"b": "d"}}),
        ({"a": [{"b": "c"}]}, {"a": [1]}, {"a": [1]}),
        (["a", "b"], ["c", "d"], ["c", "d"]),
        ({"a": "b"}, ["c"], ["c"]),
        ({"a": "foo"}, None, None),
        ({"a": "foo"}, "bar", "bar"),
        ({"e": None}, {"a": 1}, {"e": None, "a": 1}),
        ([1, 2], {"a": "b", "c": None}, {"a": "b"}),
        ({}, {"a": {"bb": {"ccc": None}}}, {"a": {"bb": {}}}),
    ],
)
def test_the_examples_of_the_standard(document: Any, patch: Any, result: Any) -> None:
    """RFC 7396, appendix A."""
    assert apply_patch(document, patch) == result


def test_managed_fields_are_left_out_at_the_top_only() -> None:
    """A field deep inside that is called like a managed one stays."""
    assert without({"id": 1, "a": {"id": 2}}, {"id"}) == {"a": {"id": 2}}

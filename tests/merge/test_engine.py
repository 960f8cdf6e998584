"""Merging and resolving documents, an example for each kind of decision. What holds for all documents stands in test_laws.py."""

from typing import Any

import pytest

from conflicts.core import MISSING, ChoiceError, Decision, Merge, merge, resolve
from conflicts.core.reasons import ALL

pytestmark = pytest.mark.plain

MOVES = {"/status": {"value": "transitions", "allowed": {"draft": ["active"], "active": ["done"]}}}


def said(done: Merge) -> list[tuple[str, str, str]]:
    """Return path, kind and action of each decision."""
    assert {decision.reason for decision in done.decisions} <= set(ALL)
    return [(decision.path, decision.kind, decision.action) for decision in done.decisions]


def only(done: Merge) -> Decision:
    """Return the one decision."""
    [decision] = done.decisions
    return decision


def taking(versions: tuple[Any, Any, Any], choice: Any, rules: Any = None) -> Any:
    """Return what comes of one choice for the one conflict."""
    [decision] = merge(*versions, rules).conflicts
    return resolve(*versions, rules, {decision.id: choice})


def test_other_fields_go_together() -> None:
    """Changes of different fields are both in the draft, and both are listed."""
    done = merge({"a": 1, "b": 1, "c": 1}, {"a": 2, "b": 1}, {"a": 1, "b": 3, "c": 1, "d": 4})
    assert done.clean
    assert done.draft == {"a": 2, "b": 3, "d": 4}
    assert said(done) == [
        ("/a", "value", "local"),
        ("/b", "value", "remote"),
        ("/c", "value", "local"),
        ("/d", "value", "remote"),
    ]


def test_the_same_change_counts_once() -> None:
    """What both sides did alike needs nobody."""
    assert said(merge({"a": 1, "b": 1}, {"a": 2, "c": 3}, {"a": 2, "c": 3})) == [
        ("/a", "value", "same"),
        ("/b", "value", "same"),
        ("/c", "add-add", "same"),
    ]


@pytest.mark.parametrize(
    ("base", "local", "remote", "kind"),
    [
        (1, 2, 3, "value"),
        (MISSING, 2, 3, "add-add"),
        (1, MISSING, 3, "delete-modify"),
        (1, 2, MISSING, "delete-modify"),
        (1, 2, "3", "type"),
        (1, True, None, "type"),
        ({"x": 1}, {"x": 2}, [1], "type"),
        (None, 0, False, "type"),
        ("a\nb\n", "a\nc\n", "a\nd\n", "text"),
        ([1], [2], [3], "array"),
    ],
)
def test_what_differs_asks(base: Any, local: Any, remote: Any, kind: str) -> None:
    """Two different changes of one place are a conflict, the draft keeps the base, and each side can be taken, or another value."""
    versions = tuple({"at": value} if value is not MISSING else {} for value in (base, local, remote))
    done = merge(*versions)
    assert said(done) == [("/at", kind, "conflict")]
    assert done.draft == versions[0]
    for version, choice in zip(versions, ("base", "local", "remote"), strict=True):
        assert taking(versions, choice) == version
    assert taking(versions, {"value": "mine"}) == {"at": "mine"}


def test_true_is_not_one_and_null_is_not_missing() -> None:
    """Types are told apart strictly, numbers by their value only."""
    assert said(merge({"a": 1, "b": None}, {"a": True}, {"a": 1, "b": None})) == [
        ("/a", "type", "local"),
        ("/b", "value", "local"),
    ]
    spelled = merge({"a": 1}, {"a": 1}, {"a": 1.0})
    assert spelled.decisions == ()
    assert repr(spelled.draft) == "{'a': 1.0}"


def test_deletion_against_an_edit_deep_inside() -> None:
    """The conflict stands at what was deleted, not at what was edited in it."""
    base = {"plan": {"phase": {"title": "A", "at": 1}}}
    edited = {"plan": {"phase": {"title": "B", "at": 1}}}
    assert said(merge(base, {}, edited)) == [("/plan", "delete-modify", "conflict")]
    assert only(merge(base, edited, {})).reason == "Edited here, deleted at the upstream."
    touched = {"plan": {"phase": {"title": "A", "at": 2}}}
    rules = {"/**/at": {"value": "remote"}}
    assert said(merge(base, {}, touched, rules)) == [("/plan", "value", "local")]
    assert merge(base, {}, touched, rules).draft == {}
    assert not merge(base, {}, edited, rules).clean


def test_whole_documents_may_be_missing() -> None:
    """Two creations are merged inside, a deletion against an edit asks."""
    done = merge(MISSING, {"a": 1, "c": 1}, {"b": 2, "c": 2})
    assert done.draft == {"b": 2, "a": 1}
    assert said(done)[0] == ("", "add-add", "auto:object")
    assert [decision.path for decision in done.conflicts] == ["/c"]
    assert merge({"a": 1}, MISSING, {"a": 1}).draft is MISSING
    assert said(merge({"a": 1}, MISSING, {"a": 2})) == [("", "delete-modify", "conflict")]


def test_a_choice_for_an_addition_overrules_what_is_in_it() -> None:
    """Who takes one side of what both added need not settle the conflicts inside."""
    versions = MISSING, {"x": {"y": 1}}, {"x": {"y": 2, "z": 3}}
    whole, *_ = merge(*versions).decisions
    assert resolve(*versions, None, {whole.id: "local"}) == {"x": {"y": 1}}
    assert resolve(*versions, None, {whole.id: "base"}) is MISSING
    with pytest.raises(ChoiceError, match="not decided yet"):
        resolve(*versions, None, {})


@pytest.mark.parametrize(
    ("policy", "base", "local", "remote", "merged"),
    [
        ("max", 1, 5, 3, 5),
        ("min", 9, 5, 3, 3),
        ("sum-delta", 10, 12, 7, 9),
        ("sum-delta", 0.1, 0.3, 0.4, 0.6),
        ("local", 1, 2, 3, 2),
        ("remote", 1, 2, 3, 3),
        ("remote", 1, 2, MISSING, MISSING),
    ],
)
def test_numbers_and_metadata_under_rules(policy: str, base: Any, local: Any, remote: Any, merged: Any) -> None:
    """A rule settles what both sides changed, says so, and can be overruled."""
    versions = [{"n": value} if value is not MISSING else {} for value in (base, local, remote)]
    done = merge(*versions, {"/n": {"value": policy}})
    assert done.draft == ({"n": merged} if merged is not MISSING else {})
    assert only(done).action == f"auto:{policy}"
    assert only(done).rule == "/n"
    assert resolve(*versions, {"/n": {"value": policy}}, {only(done).id: "base"}) == {"n": base}


@pytest.mark.parametrize("policy", ["max", "sum-delta", "conflict"])
def test_rules_that_cannot_tell_ask(policy: str) -> None:
    """What is no number is not added up."""
    assert not merge({"n": 1}, {"n": "2"}, {"n": True}, {"/n": {"value": policy}}).clean


def test_the_later_one_counts() -> None:
    """A sibling's time tells which side is later, across zones; equal or unreadable times ask."""
    rules = {"/text": {"value": "latest", "by": "at"}, "/at": {"value": "max"}}

    def merged(here: Any, upstream: Any) -> Any:
        local, remote = {"text": "l", "at": here}, {"text": "r", "at": upstream}
        return merge({"text": "b", "at": 0}, local, remote, rules).draft["text"]

    assert merged(1, 2) == "r"
    assert merged("2026-11-21T02:00:00Z", "2026-11-21T02:30:00+01:00") == "l"
    assert merged("2026-11-21T02:00:00", "2026-11-21T03:00:00") == "b"
    assert merged(2, 2) == "b"


def test_what_must_not_change() -> None:
    """An immutable value may be set once; afterwards even one side's change asks."""
    rules = {"/id": {"value": "immutable"}}
    assert merge({}, {"id": 1}, {}, rules).clean
    assert said(merge({"id": 1}, {"id": 2}, {"id": 1}, rules)) == [("/id", "policy", "conflict")]


def test_moves_of_a_status() -> None:
    """An allowed move of one side stands, another asks, and so do two different moves."""
    draft = {"status": "draft"}
    assert merge(draft, {"status": "active"}, draft, MOVES).draft == {"status": "active"}
    assert said(merge(draft, draft, {"status": "done"}, MOVES)) == [("/status", "policy", "conflict")]
    both = {"/status": {"value": "transitions", "allowed": {"draft": ["active", "done"]}}}
    assert said(merge(draft, {"status": "active"}, {"status": "done"}, both)) == [("/status", "value", "conflict")]


def test_a_value_under_a_rule_is_one_unit() -> None:
    """An object with a value policy is not merged inside."""
    rules = {"/meta": {"value": "remote"}}
    done = merge({"meta": {"a": 1, "b": 1}}, {"meta": {"a": 2, "b": 1}}, {"meta": {"a": 1, "b": 2}}, rules)
    assert done.draft == {"meta": {"a": 1, "b": 2}}
    assert said(done) == [("/meta", "value", "auto:remote")]


def test_untouched_parts_are_the_very_same_objects() -> None:
    """What nobody changed is shared with the remote document, and the documents stay as they were."""
    base: dict[str, Any] = {"a": {"x": 1}, "b": {"x": 1}}
    local: dict[str, Any] = {"a": {"x": 1}, "b": {"x": 2}}
    remote: dict[str, Any] = {"a": {"x": 1}, "b": {"x": 1}}
    draft = merge(base, local, remote).draft
    assert draft["a"] is remote["a"]
    assert merge(base, base, remote).draft is remote
    assert remote == base


def test_ids_stay_as_long_as_the_three_values_do() -> None:
    """The id does not depend on neighbours, on the order of keys or on how a number is written."""
    one = merge({"a": {"x": 1, "y": 2}}, {"a": 1}, {"a": 2})
    two = merge({"b": 0, "a": {"y": 2.0, "x": 1}}, {"a": 1, "b": 1}, {"a": 2, "b": 0})
    assert one.conflicts[0].id == two.conflicts[0].id
    assert merge({"a": {"x": 1, "y": 3}}, {"a": 1}, {"a": 2}).conflicts[0].id != one.conflicts[0].id
    assert merge([{"id": 1, "t": 1}], [{"id": 1, "t": 2}], [{"id": 1, "t": 3}]).decisions[0].id == (
        merge([{"id": 0}, {"id": 1, "t": 1}], [{"id": 0}, {"id": 1, "t": 2}], [{"id": 0}, {"id": 1, "t": 3}])
        .decisions[0]
        .id
    )


@pytest.mark.parametrize(
    ("choice", "sentence"),
    [
        ("suggestion", "does not fit"),
        ("edit", "does not fit"),
        ("both", "does not fit"),
        ({"hunks": {"0": "local"}}, "does not fit"),
        ({"value": 1, "more": 2}, "does not fit"),
        (None, "not decided yet"),
    ],
)
def test_choices_that_do_not_fit(choice: Any, sentence: str) -> None:
    """A choice of another form than the decision has is refused, and names its decision."""
    versions = {"a": 1}, {"a": 2}, {"a": 3}
    decision = only(merge(*versions))
    with pytest.raises(ChoiceError, match=sentence) as refused:
        resolve(*versions, None, {decision.id: choice})
    assert refused.value.decision == decision.id


def test_choices_for_what_is_not_there() -> None:
    """A choice for an unknown decision is refused."""
    with pytest.raises(ChoiceError, match="no such decision"):
        resolve({"a": 1}, {"a": 2}, {"a": 1}, None, {"0123456789abcdef": "local"})


def test_a_preview_keeps_what_is_undecided_as_it_was() -> None:
    """With `partial`, undecided places stand as in base."""
    versions = {"a": 1, "b": 1}, {"a": 2, "b": 2}, {"a": 3, "b": 3}
    first, _ = merge(*versions).decisions
    assert resolve(*versions, None, {first.id: "remote"}, partial=True) == {"a": 3, "b": 1}

"""Merging lists: by key, as sets, as logs, as sequences, as one value."""

from typing import Any

import pytest

from conflicts.core import Merge, merge, resolve

pytestmark = pytest.mark.plain

SET = {"": {"list": "set"}}
LOG = {"": {"list": "append", "time": "at"}}
ASK = {"": {"list": "key", "structure": "ask"}}


def items(ids: str, **titles: str) -> list[dict[str, str]]:
    """Return items by the letters of their ids, some with a title."""
    return [{"id": letter, **({"title": titles[letter]} if letter in titles else {})} for letter in ids]


def order(given: list[dict[str, str]]) -> str:
    """Return the letters of items."""
    return "".join(item["id"] for item in given)


def said(done: Merge) -> list[tuple[str, str, str, str]]:
    """Return path, kind, action and key of each decision."""
    return [(decision.path, decision.kind, decision.action, decision.key) for decision in done.decisions]


# By key


def test_items_are_matched_by_their_ids() -> None:
    """Edits of different items, additions and deletions go together; paths count in base, or where base lacks the item in remote."""
    done = merge(items("abc", a="1"), items("xac", a="2"), items("abcy", a="1", c="3"))
    assert done.draft == [*items("xac", a="2", c="3"), *items("y")]
    assert said(done) == [
        ("/0/title", "value", "local", ""),
        ("/1", "value", "local", "b"),
        ("/2/title", "value", "remote", ""),
        ("/3", "value", "remote", "y"),
        ("/0", "value", "local", "x"),
    ]


def test_an_item_of_both_sides_is_merged_inside() -> None:
    """An item that both added under one key has the fields of both."""
    done = merge([], [{"id": 1, "a": 1}], [{"id": 1, "b": 2}])
    assert done.draft == [{"id": 1, "b": 2, "a": 1}]
    assert said(done)[0] == ("/0", "add-add", "auto:object", "1")


def test_keys_of_several_fields() -> None:
    """A rule may name the fields that tell items apart."""
    rules = {"": {"list": "key", "key": ["kind", "to"]}}
    base = [{"kind": "a", "to": 1}, {"kind": "a", "to": 2}]
    done = merge(base, [{**base[0], "x": 1}, base[1]], [base[1]], rules)
    assert said(done) == [("/0", "delete-modify", "conflict", "a · 1")]


@pytest.mark.parametrize("broken", [items("aa"), [{"id": "a"}, {}], [{"id": True}], [{"id": None}], ["a"]])
def test_keys_that_do_not_tell_items_apart(broken: Any) -> None:
    """Shared and missing keys in any version are one conflict for the list; one side's change alone stands."""
    rules = {"": {"list": "key"}}
    assert said(merge(broken, items("ab"), items("ac"), rules)) == [("", "duplicate-key", "conflict", "")]
    assert said(merge(items("b"), items("ab"), broken, rules)) == [("", "duplicate-key", "conflict", "")]
    assert merge(items("b"), items("b"), broken, rules).draft == broken


def test_inserts_stand_behind_what_they_followed() -> None:
    """At one place the upstream's come first, in front of a later item; what ends a list stays at its end."""
    assert order(merge(items("abc"), items("axbc"), items("aybcz")).draft) == "ayxbcz"
    assert order(merge(items("abc"), items("abx"), items("abc")).draft) == "abx"
    assert order(merge(items("abcd"), items("waxbycd"), items("abczd")).draft) == "waxbyczd"
    assert merge(items("abc"), items("axbc"), items("aybcz")).clean


@pytest.mark.parametrize(
    ("base", "local", "remote", "merged", "action"),
    [
        ("abcd", "badc", "abcd", "badc", "local"),
        ("abcd", "abcd", "dabc", "dabc", "remote"),
        ("abcd", "bacd", "bacd", "bacd", "same"),
        ("abcd", "bacd", "abdc", "badc", "auto:key"),
        ("abc", "cab", "bca", "cba", "auto:key"),
        ("abc", "bac", "acb", "abc", "conflict"),
        ("ab", "axb", "abx", "axb", "conflict"),
    ],
)
def test_orders(base: str, local: str, remote: str, merged: str, action: str) -> None:
    """One side's order stands, moves of different items go together, and a circle asks. Each order can be taken."""
    versions = items(base), items(local), items(remote)
    done = merge(*versions)
    decision = done.decisions[0]
    assert (decision.kind, decision.action) == ("order", action)
    assert order(done.draft).replace("x", "") == merged.replace("x", "")
    for version, choice in zip(versions, ("base", "local", "remote"), strict=True):
        assert resolve(*versions, None, dict.fromkeys([d.id for d in done.decisions], choice)) == version


def test_many_items_in_two_other_orders_ask() -> None:
    """Beyond 500 common items no tournament is held."""
    base = [{"id": number} for number in range(600)]
    swapped = [base[1], base[0], *base[2:]], [*base[:-2], base[-1], base[-2]]
    assert merge(base, *swapped).decisions[0].action == "conflict"
    short = base[:500], [base[1], base[0], *base[2:500]], [*base[:498], base[499], base[498]]
    assert merge(*short).decisions[0].action == "auto:key"


def test_structure_asks_once() -> None:
    """Where the rule says so, removing and moving on both sides is one question; edits and additions are merged beside it."""
    versions = items("abcd"), items("bcdx", c="1"), items("abdc", b="2")
    done = merge(*versions, ASK)
    [asked] = done.conflicts
    assert (asked.path, asked.kind, asked.options) == ("", "array", ("local", "remote", "base", "both"))
    assert done.draft == items("abcdx", b="2", c="1")
    made = {choice: order(resolve(*versions, ASK, {asked.id: choice})) for choice in asked.options}
    assert made == {"local": "bcdx", "remote": "abdcx", "base": "abcdx", "both": "bdcx"}


def test_structure_does_not_ask_for_one_side_or_for_equal_changes() -> None:
    """Additions do not count, nor does what both did alike."""
    assert merge(items("abc"), items("bc"), items("abcx"), ASK).clean
    assert merge(items("abc"), items("bc"), items("bcx"), ASK).clean
    assert not merge(items("abc"), items("bc"), items("acb"), ASK).clean


# Sets


def test_sets() -> None:
    """Additions and deletions of both sides count, whatever the types, and the answer does not tell the sides apart."""
    base, local, remote = ["a", "b"], ["b", "x", 1], ["a", "b", "m", True]
    done = merge(base, local, remote, SET)
    assert done.clean
    assert done.draft == merge(base, remote, local, SET).draft
    assert sorted(map(repr, done.draft)) == ["'b'", "'m'", "'x'", "1", "True"]


def test_sets_never_ask_about_their_order() -> None:
    """Two other orders of a set are settled, and can still be chosen."""
    versions = ["a", "b", "c"], ["c", "a", "b"], ["b", "c", "a"]
    done = merge(*versions, SET)
    assert done.clean
    assert [decision.action for decision in done.decisions] == ["auto:set"]
    assert resolve(*versions, SET, {done.decisions[0].id: "local"}) == ["c", "a", "b"]


# Logs


def entry(key: Any, minute: int, **more: Any) -> dict[str, Any]:
    """Return a comment of a minute."""
    return {"id": key, "at": f"2026-11-21T02:{minute:02}:00Z", **more}


def test_new_entries_of_both_sides_stand_by_time() -> None:
    """Neither side comes first: the time does, then the key."""
    base = [entry("a", 1)]
    local, remote = [*base, entry("d", 9), entry("c", 5)], [*base, entry("e", 7), entry("b", 5)]
    done = merge(base, local, remote, LOG)
    assert order(done.draft) == "abced"
    assert done.draft == merge(base, remote, local, LOG).draft
    assert done.decisions[0].action == "auto:append"
    assert resolve(base, local, remote, LOG, {d.id: "local" for d in done.decisions}) == local


def test_entries_without_a_key() -> None:
    """They are known by what they hold: equal new ones of both sides count once, and one that changed is a new one."""
    base = [{"text": "hello"}, {"text": "hello"}]
    done = merge(base, [*base, {"text": "x"}], [*base, {"text": "x"}, {"text": "y"}], LOG)
    assert done.draft == [*base, {"text": "x"}, {"text": "y"}]
    assert done.clean


def test_an_edited_entry_is_merged_inside() -> None:
    """An entry with a key is merged field by field."""
    base = [entry("a", 1, text="one")]
    assert said(merge(base, [entry("a", 1, text="two")], [entry("a", 1, text="three")], LOG)) == [
        ("/0/text", "value", "conflict", "")
    ]


# Sequences


@pytest.mark.parametrize(
    ("base", "local", "remote", "merged"),
    [
        ([1, 2, 3, 4], [1, 3, 4], [1, 2, 4], [1, 4]),
        ([1, 2, 3, 4], [1, 4], [1, 2], [1]),
        ([1, 2], [5, 2], [1, 6], [5, 6]),
        ([1, 2, 3], [1, 9, 2, 3], [1, 2, 8, 3], [1, 9, 2, 8, 3]),
        ([1, 2], [1, 7, 2], [1, 7, 2], [1, 7, 2]),
        ([1, 2, 3], [1, 5, 3], [1, 2, 8, 3], [1, 5, 8, 3]),
        ([1, True, 1], [1, True], [1, 1], [1]),
    ],
)
def test_elements(base: Any, local: Any, remote: Any, merged: Any) -> None:
    """Elements stand for themselves: neighbours may change on both sides, and deletions all apply."""
    done = merge(base, local, remote)
    assert done.clean
    assert repr(done.draft) == repr(merged)


@pytest.mark.parametrize(
    ("base", "local", "remote"),
    [([1, 2], [1, 5, 2], [1, 6, 2]), ([1, 2, 3], [1, 9, 3], [1, 3]), ([1, 2, 3], [1], [1, 2, 8]), ([], [1], [2])],
)
def test_elements_that_collide_ask(base: Any, local: Any, remote: Any) -> None:
    """Two inserts at one place, and an edit of what the other side took away, ask; both can be kept."""
    done = merge(base, local, remote)
    [decision] = done.conflicts
    assert decision.kind == "array"
    assert "both" in decision.options


def test_hunks_of_elements_can_be_chosen() -> None:
    """Each stretch of a list is chosen for itself."""
    versions = [1, 2, 3], [9, 2, 4], [1, 2, 5]
    [decision] = merge(*versions).conflicts
    assert [hunk.action for hunk in decision.hunks] == ["local", "conflict"]
    assert resolve(*versions, None, {decision.id: {"hunks": {"1": "both"}}}) == [9, 2, 4, 5]
    assert resolve(*versions, None, {decision.id: {"hunks": {"0": "base", "1": {"value": []}}}}) == [1, 2]
    assert resolve(*versions, None, {decision.id: "both-reversed"}) == [9, 2, 5, 4]


def test_atomic_lists_are_one_value() -> None:
    """Two different edits of a pair of coordinates ask, wherever in it they are."""
    rules = {"": {"list": "atomic"}}
    assert said(merge([1, 2], [5, 2], [1, 6], rules)) == [("", "array", "conflict", "")]
    assert merge([1, 2], [5, 2], [1, 2], rules).draft == [5, 2]


def test_lists_that_both_sides_added() -> None:
    """Items with ids are merged, other elements ask and can stand together."""
    done = merge({}, {"l": items("a")}, {"l": items("b")})
    assert order(done.draft["l"]) == "ba"
    versions: Any = {}, {"l": [1]}, {"l": [2]}
    [decision] = merge(*versions).conflicts
    assert decision.kind == "add-add"
    assert resolve(*versions, None, {decision.id: "both"}) == {"l": [1, 2]}

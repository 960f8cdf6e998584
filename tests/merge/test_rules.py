"""Reading rules, and which of them holds at a place."""

from typing import Any

import pytest

from conflicts.core import RulesError, merge, parse_rules

pytestmark = pytest.mark.plain


@pytest.mark.parametrize(
    ("rules", "pointer"),
    [
        ([], ""),
        ({"a": {"text": "lines"}}, "/a"),
        ({"/a*": {"text": "lines"}}, "/~1a*"),
        ({"/a~2": {"text": "lines"}}, "/~1a~02"),
        ({"/a": "lines"}, "/~1a"),
        ({"/a": {}}, "/~1a"),
        ({"/a": {"list": "set", "text": "lines"}}, "/~1a"),
        ({"/a": {"list": "by-id"}}, "/~1a/list"),
        ({"/a": {"list": ["key"]}}, "/~1a/list"),
        ({"/a": {"list": "set", "key": "id"}}, "/~1a/key"),
        ({"/a": {"list": "key", "key": []}}, "/~1a/key"),
        ({"/a": {"list": "key", "key": ["x", "x"]}}, "/~1a/key"),
        ({"/a": {"list": "key", "key": [1]}}, "/~1a/key"),
        ({"/a": {"list": "key", "structure": "never"}}, "/~1a/structure"),
        ({"/a": {"list": "append", "time": 3}}, "/~1a/time"),
        ({"/a": {"text": "words"}}, "/~1a/text"),
        ({"/a": {"text": "lines", "by": "x"}}, "/~1a/by"),
        ({"/a": {"value": "best"}}, "/~1a/value"),
        ({"/a": {"value": "latest"}}, "/~1a"),
        ({"/a": {"value": "latest", "by": ""}}, "/~1a/by"),
        ({"/a": {"value": "transitions"}}, "/~1a"),
        ({"/a": {"value": "transitions", "allowed": ["x"]}}, "/~1a/allowed"),
        ({"/a": {"value": "transitions", "allowed": {"x/y": "z"}}}, "/~1a/allowed/x~1y"),
    ],
)
def test_what_is_wrong_is_said_at_its_place(rules: Any, pointer: str) -> None:
    """Each fault names where it stands in the rules."""
    with pytest.raises(RulesError) as refused:
        parse_rules(rules)
    [(where, sentence)] = refused.value.faults
    assert where == pointer
    assert sentence.endswith(".")


def test_all_faults_are_said_at_once() -> None:
    """A form can mark each of them."""
    with pytest.raises(RulesError) as refused:
        parse_rules({"a": {"text": "lines"}, "/b": {"text": "x"}, "/c": {"text": "lines"}})
    assert [pointer for pointer, _ in refused.value.faults] == ["/a", "/~1b/text"]


def test_rules_that_were_read_can_be_used_again() -> None:
    """merge takes rules as JSON, or as they were read."""
    rules = parse_rules({"/n": {"value": "max"}})
    assert parse_rules(rules) is rules
    assert merge({"n": 1}, {"n": 2}, {"n": 3}, rules).draft == {"n": 3}
    assert parse_rules(None).rules == ()


def winner(rules: list[str], *path: str) -> str:
    """Return the glob that holds at a path."""
    spot = parse_rules({glob: {"value": "max"} for glob in rules}).root
    for step in path:
        spot = spot.item() if step.isdigit() else spot.step(step)
    return spot.found.glob if spot.found else "none"


@pytest.mark.parametrize(
    ("rules", "path", "found"),
    [
        (["/a/b"], ["a", "b"], "/a/b"),
        (["/a/b"], ["a"], "none"),
        (["/a/*"], ["a", "b"], "/a/*"),
        (["/a/*"], ["a", "3"], "/a/*"),
        (["/a/*"], ["a"], "none"),
        (["/a/*"], ["a", "b", "c"], "none"),
        (["/**/c"], ["c"], "/**/c"),
        (["/**/c"], ["a", "3", "b", "c"], "/**/c"),
        (["/**/c"], ["a", "c", "b"], "none"),
        (["/a/**"], ["a"], "/a/**"),
        (["/**/b/**/c"], ["b", "x", "b", "y", "c"], "/**/b/**/c"),
        (["/**"], [], "/**"),
        (["", "/**"], [], ""),
        (["/a/b", "/*/b", "/**"], ["a", "b"], "/a/b"),
        (["/**/b", "/*/b"], ["a", "b"], "/*/b"),
        (["/*/*/c", "/**/c"], ["a", "b", "c"], "/**/c"),
        (["/*/b", "/a/*"], ["a", "b"], "/a/*"),
        (["/a/*", "/*/b"], ["a", "b"], "/a/*"),
        (["/x~1y/~0"], ["x/y", "~"], "/x~1y/~0"),
        (["/**/x/**", "/**/y/**"], ["x", "y"], "/**/y/**"),
    ],
)
def test_the_most_specific_glob_holds(rules: list[str], path: list[str], found: str) -> None:
    """Fewest wildcards, then fewest **, then literal steps first, and only then the later one."""
    assert winner(rules, *path) == found

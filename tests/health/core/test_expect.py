"""What an answer must be: statuses, texts, JSON."""

import json
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonpointer import resolve_pointer

from portal.kit.jsontext import escape
from resilience.health.core import expect
from resilience.health.core.expect import Given, judge, same, status_ranges, unmet
from resilience.health.core.patterns import LONGEST_TEXT, found, pattern_fault
from resilience.health.core.pointers import MISSING, look_up, pointer_fault

pytestmark = pytest.mark.plain
JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**6), 10**6)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=12,
)


def holds(document: Any, op: str, value: Any = None, pointer: str = "", **more: Any) -> bool:
    """Whether an expectation is met."""
    return not unmet({"pointer": pointer, "op": op, "value": value, **more}, document)


@given(JSON)
def test_each_place_is_found(document: Any) -> None:
    """Each value of a document is found by its pointer, as another implementation of RFC 6901 finds it."""
    places = [("", document)]
    while places:
        pointer, value = places.pop()
        assert pointer_fault(pointer) == ""
        assert look_up(document, pointer) is value
        assert resolve_pointer(document, pointer) is value
        if isinstance(value, dict):
            places += [(f"{pointer}/{escape(key)}", one) for key, one in value.items()]
        elif isinstance(value, list):
            places += [(f"{pointer}/{at}", one) for at, one in enumerate(value)]


@pytest.mark.parametrize(
    "pointer", ["/a/3", "/a/-", "/a/01", "/a/+1", "/a/٣", "/b", "/a/0/x", "/a/99999999999999999999"]
)
def test_no_such_place(pointer: str) -> None:
    """What is not there is missing; an index is a plain number."""
    assert look_up({"a": [1, 2, 3]}, pointer) is MISSING
    assert not holds({"a": [1, 2, 3]}, "exists", pointer=pointer)


@given(JSON, JSON)
def test_equality(one: Any, other: Any) -> None:
    """Two values are the same when their canonical texts are, up to 1 and 1.0; and `not` is the contrary of `equals`."""
    canonical = [json.dumps(value, sort_keys=True) for value in (one, other)]
    assert same(one, one)
    assert same(one, other) == same(other, one)
    if canonical[0] == canonical[1]:
        assert same(one, other)
    assert holds(one, "equals", other) == same(one, other)
    assert holds(one, "equals", other) != holds(one, "not", other)


def test_truth_is_no_number() -> None:
    """JSON's true is not 1, wherever it stands; 1 is 1.0."""
    assert not same(True, 1)
    assert not same([0], [False])
    assert not same({"a": 1}, {"a": True})
    assert same(1, 1.0)
    assert not holds(True, "at-least", 0)


@given(st.integers() | st.floats(allow_nan=False), st.integers() | st.floats(allow_nan=False))
def test_bounds(actual: float, bound: float) -> None:
    """One of at-least and at-most always holds, both only at the bound itself."""
    least, most = holds(actual, "at-least", bound), holds(actual, "at-most", bound)
    assert least or most
    assert (least and most) == (actual == bound)


@given(st.lists(st.integers(0, 599), max_size=40), st.floats(0, 1))
def test_shares(statuses: list[int], share: float) -> None:
    """The share of good elements is held against the bound; of none all are good."""
    good = sum(200 <= status <= 299 for status in statuses) / len(statuses) if statuses else 1.0
    of = [{"pointer": "/s", "op": "at-least", "value": 200}, {"pointer": "/s", "op": "at-most", "value": 299}]
    document = [{"s": status} for status in statuses]
    assert holds(document, "every-share", share=share, of=of) == (good >= share)


@pytest.mark.parametrize(
    ("actual", "op", "value", "met"),
    [
        ("", "not-empty", None, False),
        (0, "not-empty", None, True),
        (False, "not-empty", None, True),
        ({}, "not-empty", None, False),
        ("all systems go", "contains", "go", True),
        (["a", 1], "contains", 1, True),
        (["a", True], "contains", 1, False),
        ({"a": 1}, "contains", "a", True),
        ({"a": 1}, "contains", 1, False),
        (5, "contains", 5, False),
        ("v1.2", "matches", r"^v\d", True),
        (12, "matches", "1", False),
        ("12", "at-least", 1, False),
        ({"a": 1}, "every-share", None, False),
    ],
)
def test_ops(actual: Any, op: str, value: Any, met: bool) -> None:
    """The ops, at their edges."""
    assert holds(actual, op, value, of=[]) is met


@pytest.mark.parametrize(
    ("value", "ranges"),
    [
        (200, [(200, 200)]),
        ("2xx", [(200, 299)]),
        ("200-399", [(200, 399)]),
        ("200, 3XX", [(200, 200), (300, 399)]),
        (["204", 418], [(204, 204), (418, 418)]),
    ],
)
def test_statuses(value: Any, ranges: list[tuple[int, int]]) -> None:
    """Statuses are numbers, classes and ranges."""
    assert status_ranges(value) == ranges


@pytest.mark.parametrize(
    "value",
    ["", "abc", "600", 99, "300-200", True, None, [], ["2xx"] * 21, {}, "2x", "200-", "-200", "\uff12\uff10\uff10"],
)
def test_no_statuses(value: Any) -> None:
    """What is no status is refused with a sentence."""
    assert [fault.pointer for fault in expect.faults({"status": value})] == ["/options/status"]


@given(st.dictionaries(st.sampled_from(expect.KEYS), JSON), JSON | st.binary(max_size=50))
def test_whatever_is_written(options: dict[str, Any], answer: Any) -> None:
    """Whatever options hold, they are either refused with a place, or can be held against any answer."""
    body = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
    if not expect.faults(options):
        assert isinstance(judge(options, Given(200, {}, body)).unmet, str)


@pytest.mark.parametrize(
    ("options", "pointer"),
    [
        ({"json": {}}, "/options/json"),
        ({"json": [3]}, "/options/json/0"),
        ({"json": [{"op": "is"}]}, "/options/json/0/op"),
        ({"json": [{"op": "equals"}]}, "/options/json/0/value"),
        ({"json": [{"op": "exists", "value": 1}]}, "/options/json/0/value"),
        ({"json": [{"op": "exists", "pointer": "a"}]}, "/options/json/0/pointer"),
        ({"json": [{"op": "exists", "pointer": "/~2"}]}, "/options/json/0/pointer"),
        ({"json": [{"op": "matches", "value": "("}]}, "/options/json/0/value"),
        ({"json": [{"op": "every-share", "of": [], "share": 2}]}, "/options/json/0/share"),
        ({"json": [{"op": "every-share", "of": [{"op": "every-share", "of": []}]}]}, "/options/json/0/of/0/op"),
        ({"json": [{"op": "exists"}] * 21}, "/options/json"),
        ({"keep": {"a b": "/a"}}, "/options/keep/a b"),
        ({"keep": {"a": "header:"}}, "/options/keep/a"),
        ({"keep": {f"a{n}": "" for n in range(11)}}, "/options/keep"),
        ({"body_contains": ""}, "/options/body_contains"),
        ({"body_contains": ["a", 3]}, "/options/body_contains/1"),
    ],
)
def test_faults(options: dict[str, Any], pointer: str) -> None:
    """What cannot be held against an answer is refused, and the place is named."""
    assert [fault.pointer for fault in expect.faults(options)] == [pointer]


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[" * 60_000, b'{"a": 1, "a": 2}', b"\xff\xfe", b"9" * 60_000, b"NaN", b'"\\ud800"']
)
def test_no_json(body: bytes) -> None:
    """What is no JSON, or means two things, is a sentence, and quick."""
    started = time.perf_counter()
    verdict = judge({"json": [{"pointer": "", "op": "exists"}], "keep": {"a": "/a"}}, Given(200, {}, body))
    assert verdict.unmet.startswith("The answer cannot be read as JSON")
    assert verdict.kept == {}
    assert time.perf_counter() - started < 2


@pytest.mark.parametrize("pattern", ["(a+)+$", "(a|aa)+$", "(a*)*b", "(.*a){20}b", "(x+x+)+y", "([a-z]+)*!"])
def test_patterns_are_linear(pattern: str) -> None:
    """What makes a backtracking engine explode takes four times as long for four times the text, and little of it."""
    assert pattern_fault(pattern) == ""
    text = "a" * LONGEST_TEXT
    started = time.perf_counter()
    found(pattern, text)
    assert time.perf_counter() - started < 1


@pytest.mark.parametrize(
    "pattern",
    ["", None, 3, "(", "[z-a]", r"(a)\1", "(?=a)", "(?<!a)b", "a" * 501, "((a{100}){100}){100}", "(a?){900}a{900}"],
)
def test_no_patterns(pattern: Any) -> None:
    """What is no pattern, wants to look around or back, or would be huge, is refused with a sentence."""
    assert pattern_fault(pattern).endswith(".")

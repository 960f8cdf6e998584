"""JSON as it is taken in."""

import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.kit.errors import Invalid
from portal.kit.jsontext import check, digest, dump, line_of, load, parse

TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"))
VALUES: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats(allow_nan=False, allow_infinity=False) | TEXT,
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(TEXT, inner, max_size=5),
    max_leaves=30,
)


def refused(text: str | bytes, **options: int) -> tuple[str, str]:
    with pytest.raises(Invalid) as caught:
        parse(text, **options)
    (fault,) = caught.value.faults
    return fault.pointer, fault.detail


@given(VALUES)
def test_what_is_written_is_read_again(value: Any) -> None:
    """parse undoes dump, from text and from bytes, and every value that is read can be kept."""
    text = dump(value)
    assert parse(text) == value
    assert dump(parse(text.encode())) == dump(load(text)) == text
    check(value)


@given(VALUES)
def test_the_order_of_keys_does_not_matter(value: Any) -> None:
    """Two texts of the same value have the same digest."""
    assert digest(parse(json.dumps(value, indent=1, ensure_ascii=True))) == digest(value)


@given(st.binary())
def test_any_bytes_are_a_value_or_a_fault(data: bytes) -> None:
    """Whatever comes in is a value that can be kept, or Invalid with one place."""
    with suppress(Invalid):
        dump(parse(data)).encode()


@given(st.text(alphabet='{}[]",:\\u0dD8Nae1-. '))
def test_any_near_json_is_a_value_or_a_fault(text: str) -> None:
    """The slow reader that names the place copes with every broken text."""
    with suppress(Invalid):
        dump(parse(text)).encode()


@pytest.mark.parametrize(
    ("text", "pointer", "words"),
    [
        ('{"a":1,"a":2}', "/a", "twice"),
        ('{"x":[1,{"a":1,"\\u0061":2}]}', "/x/1/a", "twice"),
        ('{"a/b~":{"c":1,"c":1}}', "/a~1b~0/c", "twice"),
        ("[1,NaN]", "/1", "NaN"),
        ('{"a":[1,2,-Infinity]}', "/a/2", "NaN"),
        ("[1e999]", "/0", "too large"),
        ('{"n":' + "9" * 5000 + "}", "/n", "too large"),
        ('{"a":"\\u0000"}', "/a", "NUL"),
        ('{"a":["\\ud800"]}', "/a/0", "surrogate"),
        ('{"a":["x\ud800"]}', "/a/0", "surrogate"),
        ('{"\\udc00":1}', "", "surrogate"),
        (b"\xff", "", "UTF-8"),
        (b'{"a":"\xed\xa0\x80"}', "", "UTF-8"),
        (b"\xef\xbb\xbf{}", "", "not valid JSON"),
        ('{"a":[1,2,}', "/a/2", "line 1, column 11"),
        ('{"a" 1}', "/a", "':'"),
        ("", "", "expecting value"),
        ("[1,2] 3", "", "extra data"),
        ('"\x01"', "", "control character"),
        ("[" * 100_000, "/0" * 100, "deeper than 100"),
    ],
)
def test_what_is_refused(text: str | bytes, pointer: str, words: str) -> None:
    """Each refusal points at the place and says why."""
    found, detail = refused(text)
    assert found == pointer
    assert words in detail


def test_depth() -> None:
    """A hundred levels are read, one more is not; the limit can be set."""
    assert parse("[" * 100 + "]" * 100) is not None
    assert "deeper" in refused("[" * 101 + "]" * 101)[1]
    assert refused('{"a":{"b":[]}}', max_depth=2) == ("/a/b", "This is nested deeper than 2 levels.")


def test_a_pair_of_surrogates_is_a_letter() -> None:
    """An emoji written as two escapes is read as one character."""
    assert parse('"\\ud83d\\ude00"') == "😀"


@pytest.mark.parametrize("value", [float("nan"), {"a": "\x00"}, {1: 2}, {"a": object()}, ["\ud800"]])
def test_check_refuses_what_parse_would(value: Any) -> None:
    """Values that do not come from parse are held to the same rules."""
    with pytest.raises(Invalid):
        check(value)


LINES = '{\n "/a": {"list": "key",\n   "key": [\n "id",\n 7]},\n "b": {\n"text": "x"}, "c":[\n{"d":1},\n{"d":2}]}'


@pytest.mark.parametrize(
    ("pointer", "line"),
    [
        ("", 1),
        ("/~1a", 2),
        ("/~1a/list", 2),
        ("/~1a/key", 3),
        ("/~1a/key/0", 4),
        ("/~1a/key/1", 5),
        ("/b/text", 7),
        ("/c/0", 8),
        ("/c/1", 9),
        ("/c/1/d", 9),
        ("/nowhere", 9),
    ],
)
def test_the_line_of_a_pointer(pointer: str, line: int) -> None:
    """A fault can be shown at its line; a pointer that leads nowhere gives the last one."""
    assert line_of(LINES, pointer) == line


def test_the_line_of_a_pointer_in_a_text_that_breaks() -> None:
    """It is where the text breaks, if that is before; of a key that appears twice it is the second."""
    text = '{"a": 1,\n"b": 2,\n"a": 3,\n"c": 4}'
    assert [line_of(text, pointer) for pointer in ("/c", "/a", "/b")] == [3, 3, 2]

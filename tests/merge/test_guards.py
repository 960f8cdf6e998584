"""Inputs that make a merge slow or deep get an answer, and rather a conflict than a guess. Work is counted, not timed."""

import faulthandler
import sys
from collections.abc import Callable, Iterator
from random import Random
from types import FrameType
from typing import Any

import pytest

from conflicts.core import Merge, merge, resolve
from tests.merge.adversaries import ADVERSARIES, Versions, half_repeated
from tests.merge.looks import assert_explained, pointer, same

pytestmark = pytest.mark.plain

LINES = {"": {"text": "lines"}}
KEYED = {"": {"list": "key", "key": "id"}}
PLAIN_LIST = {"": {"list": "lcs"}}


@pytest.fixture(autouse=True)
def _no_hang() -> Iterator[None]:
    """Ends the run with a traceback when one of these takes minutes. This guards against a hang and asserts no time."""
    faulthandler.dump_traceback_later(240, exit=True)
    yield
    faulthandler.cancel_dump_traceback_later()


def counted(work: Callable[[], Any]) -> int:
    """Return how many lines of Python are run by something: the same number on each machine."""
    count = 0

    def trace(_frame: FrameType, event: str, _arg: object) -> Any:
        nonlocal count
        count += event == "line"
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        work()
    finally:
        sys.settrace(before)
    return count


def texts(*versions: list[str]) -> Merge:
    """Return the merge of three texts that are given as lines."""
    return merge(*("".join(lines) for lines in versions), LINES)


@pytest.mark.parametrize("made", ADVERSARIES)
def test_repeated_and_rewritten_lines(made: Callable[[int], Versions]) -> None:
    """Ten thousand lines that repeat, or have nothing in common, are asked about or merged by hunks that hold."""
    versions = made(10_000)
    done = texts(*versions)
    if done.clean:
        assert_explained(*versions, done)
    for lines, choice in zip(versions, ("base", "local", "remote"), strict=True):
        whole = resolve(
            *("".join(version) for version in versions), LINES, {decision.id: choice for decision in done.decisions}
        )
        assert whole == "".join(lines), choice


def test_equal_lines_of_another_number() -> None:
    """Where one side has fewer of ten thousand equal lines and the other more, it asks."""
    done = texts(["the same\n"] * 10_000, ["the same\n"] * 9_990, ["the same\n"] * 10_010)
    assert [decision.path for decision in done.conflicts] == [""]


@pytest.mark.parametrize("made", ADVERSARIES)
@pytest.mark.parametrize("rules", [LINES, PLAIN_LIST], ids=["text", "list"])
def test_work_grows_as_the_text_does(made: Callable[[int], Versions], rules: dict[str, Any]) -> None:
    """Twice the lines are about twice the work, and never four times."""

    def work(count: int) -> int:
        versions = [("".join(lines) if rules is LINES else lines) for lines in made(count)]
        return counted(lambda: merge(*versions, rules))

    assert work(2_400) < 3 * work(1_200)


def test_twelve_hundred_half_repeated_lines() -> None:
    """The lines on which Python's own difflib takes 18 seconds are merged with bounded work."""
    versions = half_repeated(1_200)
    assert counted(lambda: texts(*versions)) < 3_000_000


def nested(depth: int, leaf: Any) -> Any:
    """Return a leaf so deep in objects and lists, each a step."""
    for step in range(depth):
        leaf = {"a": leaf} if step % 2 else [leaf]
    return leaf


@pytest.mark.parametrize("depth", [101, 400, 5_000])
def test_deeper_than_a_hundred(depth: int) -> None:
    """More than a hundred objects and lists inside each other are refused in a sentence, however many more."""
    deep = nested(depth, 1)
    for versions in ((deep, 1, 1), (1, deep, 1), (1, 1, deep), (deep, deep, deep)):
        with pytest.raises(ValueError, match="nested deeper than 100 levels"):
            merge(*versions)


def test_a_hundred_objects_deep_is_merged_to_the_leaf() -> None:
    """The depth that intake allows costs no precision: 100 objects inside each other, both sides merged at the bottom."""

    def document(**leaf: int) -> Any:
        made: Any = leaf
        for _ in range(99):
            made = {"a": made}
        return made

    done = merge(document(x=1, y=1), document(x=2, y=1), document(x=1, y=2))
    assert done.clean
    assert same(done.draft, document(x=2, y=2))
    asked = merge(document(x=1), document(x=2), document(x=3)).conflicts
    path = ""
    for step in ["a"] * 99 + ["x"]:
        path = pointer(path, step)
    assert [decision.path for decision in asked] == [path]


def test_a_mebibyte_in_one_line() -> None:
    """A line of a mebibyte that both sides changed is asked about as one; a side's change alone stands."""
    line = "word " * (1024 * 1024 // 5)
    base, local, remote = line + "\n", "another " + line + "\n", line + "more\n"
    done = texts([base], [local], [remote])
    assert [decision.path for decision in done.conflicts] == [""]
    assert done.draft == base
    assert texts([base], [local], [base]).draft == local
    noise = "".join(Random(1).choices("ab ", k=1024 * 1024))
    assert not texts([noise + "\n"], [noise[::-1] + "\n"], [noise[:500_000] + "x" + noise[500_000:] + "\n"]).clean


def test_two_hundred_thousand_nodes() -> None:
    """A document of 200,000 nodes is merged leaf by leaf."""
    base = {f"group {group}": {f"member {member}": member for member in range(1_000)} for group in range(200)}
    local, remote = ({name: dict(group) for name, group in base.items()} for _ in range(2))
    for group in range(0, 200, 2):
        local[f"group {group}"]["member 500"] = -1
        remote[f"group {group}"]["member 501"] = -2
        remote[f"group {group + 1}"]["member 500"] = -2
    done = merge(base, local, remote)
    assert done.clean
    assert len(done.decisions) == 300
    assert done.draft["group 0"]["member 500"] == -1
    assert done.draft["group 0"]["member 501"] == done.draft["group 1"]["member 500"] == -2


def test_items_in_another_order() -> None:
    """Two thousand items that one side turned around stand as it says; when both shuffle them, it asks or answers without a guess."""
    base = [{"id": number} for number in range(2_000)]
    around = base[::-1]
    merged = merge(base, around, [*base, {"id": "new"}], KEYED).draft
    assert [item for item in merged if item["id"] != "new"] == around
    assert {"id": "new"} in merged
    local, remote = list(base), list(base)
    Random(1).shuffle(local)
    Random(2).shuffle(remote)
    done = merge(base, local, remote, KEYED)
    assert not done.clean
    assert same(resolve(base, local, remote, KEYED, {decision.id: "local" for decision in done.decisions}), local)

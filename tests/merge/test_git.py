"""Texts are merged as `git merge-file` merges them, which many more people have tried out."""

import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import pytest
from hypothesis import strategies as st

from conflicts.core import Merge, merge, resolve
from tests.merge.laws import law
from tests.merge.looks import assert_explained, rebuilt
from tests.merge.strategies import Dice, thrown

pytestmark = pytest.mark.plain

RULES = {"": {"text": "lines"}}
FEW = ("a\n", "b\n", "c\n", "\n")


class Texts(NamedTuple):
    """A text and what two sides made of it, as lines that all end."""

    base: list[str]
    local: list[str]
    remote: list[str]


def unique(dice: Dice) -> Texts:
    """Return texts in which no line occurs twice, so that there is only one way to align them."""
    base = [f"line {number}\n" for number in range(dice.below(20))]
    fresh = iter(range(1_000))
    shared = [f"both {number}\n" for number in range(3)]
    meeting, length = dice.below(len(base) + 1), dice.below(3)
    head, tail = ([f"{word} {number}\n" for number in range(dice.below(3))] for word in ("ahead", "behind"))
    meet = dice.below(2)

    def edited(side: str) -> list[str]:
        lines: list[str] = list(base)
        if meet:  # both write something else between the same, in place of the same
            lines[meeting : meeting + length] = [*head, *(f"{side} meets {n}\n" for n in range(dice.below(3))), *tail]
        for _ in range(dice.below(5)):
            place, span = dice.below(len(lines) + 1), dice.below(3)
            new = [f"{side} {next(fresh)}\n" for _ in range(dice.below(3))]
            if dice.one_in(3) and not set(shared) & set(lines):
                ahead = dice.below(2)
                new = [*new[:ahead], *shared[: 1 + dice.below(3)], *new[ahead:]]
            lines[place : place + span] = new
        return lines

    return Texts(base, edited("local"), edited("remote"))


def repeating(dice: Dice) -> Texts:
    """Return texts that are made of a few lines over and over."""
    base = [dice.pick(FEW) for _ in range(dice.below(12))]

    def edited() -> list[str]:
        lines = list(base)
        for _ in range(dice.below(4)):
            place = dice.below(len(lines) + 1)
            lines[place : place + dice.below(3)] = [dice.pick(FEW) for _ in range(dice.below(3))]
        return lines

    return Texts(base, edited(), edited())


class Git:
    """`git merge-file -p` in a directory of its own."""

    def __init__(self, directory: Path) -> None:
        self.paths = [directory / name for name in ("local", "base", "remote")]

    def merged(self, texts: Texts) -> str | None:
        """Return the merged text, or None when git finds a conflict."""
        for path, lines in zip(self.paths, (texts.local, texts.base, texts.remote), strict=True):
            path.write_bytes("".join(lines).encode())
        done = subprocess.run(["git", "merge-file", "-p", *self.paths], capture_output=True, check=False)
        assert 0 <= done.returncode < 128, done.stderr
        return done.stdout.decode() if done.returncode == 0 else None


@pytest.fixture(scope="module")
def git(tmp_path_factory: pytest.TempPathFactory) -> Git:
    """Give git a directory; it needs no repository."""
    return Git(tmp_path_factory.mktemp("git"))


def ours(texts: Texts) -> Merge:
    """Return our merge of the same texts."""
    return merge("".join(texts.base), "".join(texts.local), "".join(texts.remote), RULES)


@law(thrown(unique), examples=600)
def test_lines_that_occur_once(git: Git, texts: Texts) -> None:
    """Where lines occur once, the verdict is git's to the letter, and so is the text when it is clean."""
    theirs, done = git.merged(texts), ours(texts)
    assert done.clean is (theirs is not None)
    assert theirs is None or done.draft == theirs


@law(thrown(unique), st.binary(min_size=20, max_size=20), examples=900)
def test_hunks_put_the_text_together(texts: Texts, data: bytes) -> None:
    """A side chosen for each hunk, at random, gives base with these hunks in it, and each version is made of its hunks."""
    done, dice = ours(texts), Dice(data)
    for decision in done.decisions:
        picks = {str(hunk.number): dice.pick(("local", "remote")) for hunk in decision.hunks}
        parts, reached = [], 0
        for hunk in decision.hunks:
            parts += [*texts.base[reached : hunk.start], getattr(hunk, picks[str(hunk.number)])]
            reached = hunk.end
        chosen = resolve(*("".join(lines) for lines in texts), RULES, {decision.id: {"hunks": picks}})
        assert chosen == "".join([*parts, *texts.base[reached:]])
        for side in ("base", "local", "remote"):
            assert rebuilt(decision, side) == getattr(decision, side)


@law(thrown(repeating), examples=600)
def test_lines_that_occur_often(git: Git, texts: Texts) -> None:
    """Where lines repeat, what both find clean comes out alike, but for texts that can be aligned in two ways.

    Then the hunks are held against the three texts: each is one side's change of lines that the other left as they were.
    """
    theirs, done = git.merged(texts), ours(texts)
    if theirs is not None and done.clean and done.draft != theirs:
        assert_explained(*texts, done)


def _lines(text: str) -> Sequence[str]:
    return text.splitlines(keepends=True)


@pytest.mark.parametrize(
    ("base", "local", "remote"),
    [
        ("a\nb\nc", "A\nb\nc", "a\nb\nc\n"),
        ("a\nb\nc\n", "A\nb\nc\n", "a\nb\nc"),
        ("a\r\nb\r\nc\r\n", "A\r\nb\r\nc\r\n", "a\r\nb\r\nC\r\n"),
        ("a\n", "a\nb", "a\nc"),
        ("a\nb\nc\nd\n", "a\nd\n", "a\nb\nc\nd\ne\n"),
        ("", "a\n", ""),
        ("", "a\n", "a\n"),
        ("", "a\n", "b\n"),
        ("a\nb\n", "", "a\nb\n"),
        ("a\nb\n", "", "a\nB\n"),
    ],
)
def test_ends_of_lines(git: Git, base: str, local: str, remote: str) -> None:
    """An end of line that is missing, or is made of two characters, is merged as git merges it."""
    texts = Texts(*(list(_lines(text)) for text in (base, local, remote)))
    theirs, done = git.merged(texts), ours(texts)
    assert done.clean is (theirs is not None)
    assert theirs is None or done.draft == theirs


def test_the_last_line_has_not_changed_when_another_follows() -> None:
    """A last line that only gained its end is no change of that line. git sees one, and asks here."""
    texts = Texts(["a\n", "b"], ["A\n", "b"], ["a\n", "b\n", "c"])
    assert ours(texts).clean
    assert ours(texts).draft == "A\nb\nc"

"""Merging texts: passages, their ends, suggestions, and choices for single hunks."""

from typing import Any

import pytest

from conflicts.core import ChoiceError, Merge, merge, resolve
from conflicts.core.diff import Change, changes

pytestmark = pytest.mark.plain

LINES = {"": {"text": "lines"}}
SENTENCES = {"": {"text": "sentences"}}


def hunks(done: Merge) -> list[tuple[str, str, str, str]]:
    """Return action, base, local and remote of the hunks of the one decision."""
    [decision] = done.decisions
    return [(hunk.action, hunk.base, hunk.local, hunk.remote) for hunk in decision.hunks]


def taking(versions: tuple[str, str, str], choice: Any, rules: Any = LINES) -> Any:
    """Return what comes of a choice for the one decision."""
    [decision] = merge(*versions, rules).decisions
    return resolve(*versions, rules, {decision.id: choice})


def test_lines_apart_go_together() -> None:
    """Changes with an unchanged line between them are both taken, hunk by hunk."""
    done = merge("a\nb\nc\nd\n", "A\nb\nc\nd\n", "a\nb\nd\nE\n")
    assert done.draft == "A\nb\nd\nE\n"
    assert hunks(done) == [
        ("local", "a\n", "A\n", "a\n"),
        ("remote", "c\n", "c\n", ""),
        ("remote", "", "", "E\n"),
    ]
    assert done.decisions[0].action == "auto:text"


def test_neighbouring_lines_ask() -> None:
    """Lines that touch belong together; what both wrote alike is no part of the question."""
    done = merge("a\nb\nc\n", "A\nb\nc\n", "a\nB\nc\n")
    assert hunks(done) == [("conflict", "a\nb\n", "A\nb\n", "a\nB\n")]
    done = merge("a\nb\nc\nd\n", "a\nX\nmine\nd\n", "a\nX\ntheirs\nd\n")
    assert hunks(done) == [("same", "b\n", "X\n", "X\n"), ("conflict", "c\n", "mine\n", "theirs\n")]


def test_the_draft_has_what_is_settled_beside_a_conflict() -> None:
    """Only the passage that asks stands as in base, and so does the text's end when it is there."""
    assert merge("a\nb\nc\n", "A\nb\nmine\n", "a\nb\ntheirs\n").draft == "A\nb\nc\n"
    done = merge("a\nb\nc", "A\nb\nmine", "a\nb\ntheirs\n")
    assert done.draft == "A\nb\nc"
    assert hunks(done)[-1] == ("conflict", "c", "mine", "theirs\n")


def test_repeated_lines_that_were_edited_in_place() -> None:
    """Where few of many equal lines changed, each stands where it was changed."""
    base = ["same\n"] * 30
    local, remote = list(base), list(base)
    local[4], local[20], remote[9], remote[25] = "l1\n", "l2\n", "r1\n", "r2\n"
    merged = [one if one != "same\n" else other for one, other in zip(local, remote, strict=True)]
    assert merge("".join(base), "".join(local), "".join(remote)).draft == "".join(merged)


def test_too_much_work_is_a_coarser_answer() -> None:
    """Without work left, what lies between the anchors is one change; with it, the changes are told apart."""
    base, other = [1, 2, 1, 2, 2, 1, 1, 2, 9, 3], [2, 1, 1, 1, 2, 2, 1, 9, 4]
    assert changes(base, other, 0).found == [Change(0, 8, 0, 7), Change(9, 10, 8, 9)]
    fine = changes(base, other).found
    assert len(fine) > 2
    rebuilt, at = [], 0
    for change in fine:
        rebuilt += base[at : change.start] + other[change.other_start : change.other_end]
        at = change.end
    assert rebuilt + base[at:] == other


def test_a_conflict_that_was_cut_down_keeps_base_as_a_whole() -> None:
    """What both put around a conflict goes with it, when what they replaced is kept."""
    versions = "a\nold\nz\n", "a\nX\nmine\nY\nz\n", "a\nX\ntheirs\nY\nz\n"
    done = merge(*versions, LINES)
    assert hunks(done) == [
        ("same", "", "X\n", "X\n"),
        ("conflict", "old\n", "mine\n", "theirs\n"),
        ("same", "", "Y\n", "Y\n"),
    ]
    assert done.draft == versions[0]
    assert taking(versions, {"hunks": {"1": "remote"}}) == versions[2]
    assert taking(versions, {"hunks": {"1": {"value": "ours"}}}) == "a\nX\nours\nY\nz\n"


def test_words_are_a_suggestion_and_never_taken_by_themselves() -> None:
    """Where the words of a conflict go together, that is offered."""
    versions = "the quick brown fox\n", "the slow brown fox\n", "the quick brown dog\n"
    done = merge(*versions, LINES)
    assert not done.clean
    assert done.decisions[0].hunks[0].suggestion == done.decisions[0].suggestion == "the slow brown dog\n"
    assert taking(versions, "suggestion") == "the slow brown dog\n"
    assert "suggestion" not in merge("fox\n", "dog\n", "cat\n", LINES).decisions[0].options


def test_letters_stay_with_their_marks() -> None:
    """A combining character is a part of its word, and a joined emoji is one token."""
    versions = "cafe\u0301 open now\n", "cafe\u0300 open now\n", "cafe\u0301 open soon\n"
    assert merge(*versions, LINES).decisions[0].suggestion == "cafe\u0300 open soon\n"
    family = "👩\u200d👩\u200d👧"
    assert merge(f"{family} x y", "👩 x y", f"{family} x z", LINES).decisions[0].suggestion == "👩 x z"


def test_both() -> None:
    """Both passages can stand one after the other, in either order, each on its own line."""
    versions = "a\nb", "a\nmine", "a\ntheirs"
    assert taking(versions, "both") == "a\nmine\ntheirs"
    assert taking(versions, "both-reversed") == "a\ntheirs\nmine"


def test_choices_by_hunk() -> None:
    """Each hunk can be chosen for itself, automatic ones too."""
    versions = "a\nb\nc\nd\ne\n", "A\nb\nc\nd\nmine\n", "a\nb\nC\nd\ntheirs\n"
    assert taking(versions, {"hunks": {"2": "local"}}) == "A\nb\nC\nd\nmine\n"
    assert taking(versions, {"hunks": {"0": "remote", "1": "base", "2": "both"}}) == "a\nb\nc\nd\nmine\ntheirs\n"
    assert taking(versions, {"hunks": {"0": "local", "1": "local", "2": "local"}}) == versions[1]


@pytest.mark.parametrize(
    ("picks", "sentence"),
    [({}, "passage"), ({"9": "local"}, "no such hunk"), ({"2": {"value": 1}}, "does not fit"), ({"2": "edit"}, "fit")],
)
def test_hunks_that_do_not_fit(picks: Any, sentence: str) -> None:
    """An undecided hunk, an unknown one and a value that is no text are refused."""
    with pytest.raises(ChoiceError, match=sentence):
        taking(("a\nb\nc\nd\ne\n", "A\nb\nc\nd\nmine\n", "a\nb\nC\nd\ntheirs\n"), {"hunks": picks})


@pytest.mark.parametrize(
    ("base", "local", "remote", "merged"),
    [
        ("a\nb\nc", "A\nb\nc", "a\nb\nc\n", "A\nb\nc\n"),
        ("a\nb", "A\nb", "a\nb\nc", "A\nb\nc"),
        ("a\r\nb\r\nc\r\n", "A\r\nb\r\nc\r\n", "a\r\nb\r\nC\r\n", "A\r\nb\r\nC\r\n"),
        ("a\n\n", "a\n\n\n", "A\n\n", "A\n\n\n"),
    ],
)
def test_ends_of_lines(base: str, local: str, remote: str, merged: str) -> None:
    """The new line at the end is settled apart from the last line's words; two characters end a line as well as one."""
    done = merge(base, local, remote)
    assert done.clean
    assert done.draft == merged


def test_sentences() -> None:
    """Sentences of one line are passages of their own where the rules say so."""
    versions = "One. Two? Three! Four… Five", "1. Two? Three! Four… Five", "One. Two? 3! Four… Five"
    assert merge(*versions, SENTENCES).draft == "1. Two? 3! Four… Five"
    assert not merge(*versions, LINES).clean
    assert merge("v1.2 is out. Read it.", "v1.2 is out. Read on.", "v1.3 is out. Read it.", SENTENCES).conflicts


def test_short_strings_are_values() -> None:
    """Without a rule and without a line break a string is one value."""
    assert merge("a b c", "A b c", "a b C").decisions[0].kind == "value"
    assert merge("a\nb\nc", "A\nb\nc", "a\nb\nC").draft == "A\nb\nC"


def test_two_new_texts_can_stand_together() -> None:
    """Texts that both sides added are asked about, and both can be kept."""
    versions: Any = {}, {"notes": "mine"}, {"notes": "theirs"}
    rules = {"/notes": {"text": "lines"}}
    [decision] = merge(*versions, rules).decisions
    assert (decision.kind, decision.action) == ("add-add", "conflict")
    assert resolve(*versions, rules, {decision.id: "both"}) == {"notes": "mine\ntheirs"}


def test_sentences_that_stand_together_keep_their_distance() -> None:
    """The last sentence has no space behind it; what follows it still begins behind one, on the same line."""
    rules = {"/t": {"text": "sentences"}}
    base, local, remote = ({"t": f"It stays. {last}"} for last in ("Old.", "Here.", "There."))
    (asked,) = merge(base, local, remote, rules).conflicts
    assert resolve(base, local, remote, rules, {asked.id: "both"}) == {"t": "It stays. Here. There."}

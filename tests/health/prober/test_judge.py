"""How a probe stands after its results: no single one changes anything, rows of them do, and a change began with the first of its row."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resilience.health.core.judge import Change, Standing, forgotten, judge, speaks_against
from resilience.health.core.states import State

pytestmark = pytest.mark.plain

START = datetime(2026, 11, 21, 3, 0, tzinfo=UTC)
KINDS = {"g": (True, False), "s": (True, True), "b": (False, False)}
stories = st.text(alphabet="gsb", max_size=60)


def moment(number: int) -> datetime:
    """When the result of this number was asked for."""
    return START + timedelta(seconds=10 * number)


def told(story: str, down_after: int = 3, up_after: int = 2) -> tuple[Standing, list[Change]]:
    """The standing after these results (g good, s slow, b bad), and each change."""
    standing, changes = Standing(), []
    for number, letter in enumerate(story):
        ok, slow = KINDS[letter]
        standing, change = judge(
            standing, ok=ok, slow=slow, at=moment(number), down_after=down_after, up_after=up_after
        )
        changes += [change] if change else []
    return standing, changes


@pytest.mark.parametrize(
    ("story", "states"),
    [
        ("g", "up"),
        ("s", "up"),
        ("bb", "none"),
        ("bbb", "down"),
        ("gbb", "up"),
        ("gbbgbbg", "up"),
        ("gbbb", "down"),
        ("gbbbg", "down"),
        ("gbbbgg", "up"),
        ("gbbbgbg", "down"),
        ("gss", "up"),
        ("gsss", "slow"),
        ("gssgss", "up"),
        ("gsssg", "slow"),
        ("gssggs", "up"),
        ("gsssgsg", "slow"),
        ("gsssgg", "up"),
        ("gsssbbb", "down"),
        ("gbbbss", "slow"),
        ("gbbbsg", "up"),
        ("gsbsbsb", "up"),
    ],
)
def test_rows_decide(story: str, states: str) -> None:
    """Three failures in a row are down, two good ones in a row are up; the same for slow and fast."""
    assert told(story)[0].state == states


def test_a_change_began_with_the_first_of_its_row() -> None:
    """The flip's moment is the first failure, not the third, and the first good answer, not the second."""
    _, changes = told("ggbbbbgg")
    assert changes[1:] == [
        Change(State.UP, State.DOWN, moment(2)),
        Change(State.DOWN, State.UP, moment(6)),
    ]


@given(stories, st.integers(1, 5), st.integers(1, 5))
def test_changes_follow_each_other(story: str, down_after: int, up_after: int) -> None:
    """Each change leaves the state that the one before it led to, at a later moment; the standing is where the last one led."""
    standing, changes = told(story, down_after, up_after)
    for earlier, later in pairwise(changes):
        assert earlier.after is later.before
        assert earlier.at < later.at
    assert all(change.before is not change.after for change in changes)
    assert standing.state is (changes[-1].after if changes else State.NONE)
    assert standing.since == (changes[-1].at if changes else None)


@given(stories, st.integers(1, 5), st.integers(1, 5))
def test_counters_are_the_rows_at_the_end(story: str, down_after: int, up_after: int) -> None:
    """`failures` counts the bad ones at the end; an agreeing result leaves no row that speaks against the state."""
    standing, _ = told(story, down_after, up_after)
    assert standing.failures == len(story) - len(story.rstrip("b"))
    if story:
        ok, slow = KINDS[story[-1]]
        agrees = not speaks_against(standing.state, ok=ok, slow=slow)
        assert not agrees or standing.streak_at is None


@given(stories)
def test_down_needs_three_bad_ones_in_a_row(story: str) -> None:
    """Whatever the story, it is down only if three failures in a row were in it, and up again only after two good ones."""
    _, changes = told(story)
    downs = [change for change in changes if change.after is State.DOWN]
    assert bool(downs) == ("bbb" in story)
    for change in downs:
        first = int((change.at - START).total_seconds() // 10)
        assert story[first : first + 3] == "bbb"


@given(stories, st.integers(0, 60))
def test_what_is_forgotten_starts_anew(story: str, later: int) -> None:
    """After a time without results a probe knows nothing, and one good answer makes it up."""
    standing, _ = told(story)
    blank, change = forgotten(standing, moment(later))
    assert blank.state is State.NONE
    assert (change is None) == (standing.state is State.NONE)
    assert judge(blank, ok=True, at=moment(later + 1))[0].state is State.UP

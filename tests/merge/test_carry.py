"""Choices that outlive another round: what the upstream changed asks again, what it did not touch stays decided."""

from typing import Any

import pytest

from conflicts.core.choosing import undecided
from conflicts.core.verdict import Verdict, judge

pytestmark = pytest.mark.plain

RULES = {"/text": {"text": "sentences"}}
BASE = {"text": "One old. Two stays. Three old.", "title": "Old"}
LOCAL = {"text": "One here. Two stays. Three here.", "title": "Here"}
REMOTE = {"text": "One there. Two stays. Three there.", "title": "There"}


def first(choices_of: Any) -> tuple[Verdict, dict[str, Any]]:
    """The first round with what was chosen in it."""
    asked = judge(BASE, LOCAL, REMOTE, RULES)
    by_path = {decision.path: decision.id for decision in asked.asks}
    return asked, {by_path[path]: choice for path, choice in choices_of.items()}


def test_a_hunk_that_nobody_touched_keeps_its_choice() -> None:
    """The upstream writes another third sentence: the first hunk and the title stay decided, the third asks."""
    asked, choices = first({"/text": {"hunks": {"0": "local", "1": "remote"}}, "/title": "local"})
    moved = {"text": "One there. Two stays. Three moved.", "title": "There"}
    again = judge(BASE, LOCAL, moved, RULES, choices, before=asked.merge.decisions)
    (text,) = again.asks
    assert (text.path, again.choices[text.id], again.stale) == ("/text", {"hunks": {"0": "local"}}, 1)
    assert [decision.path for decision in undecided(again.merge.decisions, again.choices)] == ["/text"]


def test_one_side_for_the_whole_text_counts_for_each_hunk() -> None:
    """Who took the local text keeps it where nothing changed; where the upstream wrote something new, it asks."""
    asked, choices = first({"/text": "local", "/title": "remote"})
    moved = {"text": "One there. Two stays. Three moved.", "title": "There"}
    again = judge(BASE, LOCAL, moved, RULES, choices, before=asked.merge.decisions)
    (text,) = again.asks
    assert again.choices[text.id] == {"hunks": {"0": "local"}}


def test_nothing_is_carried_to_values_that_nobody_decided_on() -> None:
    """When every sentence moved, every hunk asks."""
    asked, choices = first({"/text": {"hunks": {"0": "local", "1": "local"}}, "/title": "local"})
    moved = {"text": "One moved. Two stays. Three moved.", "title": "Moved"}
    again = judge(BASE, LOCAL, moved, RULES, choices, before=asked.merge.decisions)
    assert again.choices == {}
    assert again.stale == 2
    assert {decision.path for decision in again.asks} == {"/text", "/title"}

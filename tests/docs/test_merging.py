"""docs/merging.md: every example in it comes out as it says, and every kind of conflict and every policy has one."""

import json
from typing import Any, get_args

import pytest

from conflicts.core import MISSING, merge
from conflicts.core.decisions import Kind
from conflicts.core.rules import LISTS, TEXTS, VALUES
from syncqueue.core.reconcile import MOST_ROUNDS
from tests.docs import pages

pytestmark = pytest.mark.plain
TEXT = pages.read("docs/merging.md")
EXAMPLES: list[dict[str, Any]] = [json.loads(block) for block in pages.blocks(TEXT, "json")]
PARTS = {"base", "local", "remote", "rules", "gives", "asks"}


@pytest.mark.parametrize("example", EXAMPLES, ids=json.dumps)
def test_an_example_comes_out_as_it_says(example: dict[str, Any]) -> None:
    """The draft and the questions are those of the page; a part that is left out is a document that does not exist."""
    assert example.keys() <= PARTS
    base, local, remote = (example.get(side, MISSING) for side in ("base", "local", "remote"))
    found = merge(base, local, remote, example.get("rules"))
    assert found.draft == example.get("gives", MISSING)
    assert {one.path: one.kind for one in found.conflicts} == example.get("asks", {})


def test_every_kind_of_conflict_has_its_example() -> None:
    """Under a heading of its name."""
    asked = {kind for example in EXAMPLES for kind in example.get("asks", {}).values()}
    assert asked == set(get_args(Kind))
    assert [kind for kind in get_args(Kind) if f"\n### {kind}\n" not in TEXT] == []


def test_every_policy_is_told() -> None:
    """What the rules can say stands on the page, and all but the two that need no example are shown at work."""
    policies = {("list", how) for how in LISTS} | {("text", how) for how in TEXTS} | {("value", how) for how in VALUES}
    rules = [rule for example in EXAMPLES for rule in example.get("rules", {}).values()]
    used = {(name, rule[name]) for rule in rules for name in ("list", "text", "value") if name in rule}
    assert policies - used == {("text", "lines"), ("value", "conflict"), ("value", "local")}
    assert [name for name, how in policies if f'{{"{name}": "{how}"' not in TEXT] == []


def test_the_number_of_rounds() -> None:
    """The page says it in a word."""
    assert MOST_ROUNDS == 5
    assert "After five rounds" in TEXT

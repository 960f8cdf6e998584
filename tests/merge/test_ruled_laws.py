"""The laws of the merge on plans that have a rule of every sort, and what each rule makes of two changes."""

import copy
import itertools
from collections import Counter
from datetime import datetime
from typing import Any

import pytest
from hypothesis import strategies as st

from conflicts.core import MISSING, Choice, Decision, Merge, Rules, merge, parse_rules, resolve
from tests.merge.laws import law
from tests.merge.looks import canonical, has_ids, invented, loose, lost, mirrored, same
from tests.merge.plans import MOVES, RULES, edited_all_over, edited_plan, plan, plans
from tests.merge.strategies import Dice, Triple, thrown, turned

pytestmark = pytest.mark.plain

PARSED = parse_rules(RULES)
SETTLED = ("progress", "starts", "budget", "seen_at", "draft_of", "owner", "owner_at", "tags")
"""The members whose rule may leave out what a side did, and says so; each has a law of its own below."""

pairs = thrown(lambda dice: (base := plan(dice), edited_plan(dice, base)), least=100, most=700)


def _ids(done: Merge) -> list[str]:
    return [decision.id for decision in done.decisions]


def _all(done: Merge, choice: str) -> dict[str, Choice]:
    return dict.fromkeys(_ids(done), choice)


def _asked(done: Merge, path: str) -> list[Decision]:
    return [decision for decision in done.conflicts if decision.path == path or decision.path.startswith(path + "/")]


def _left_at_base(decision: Decision) -> Choice:
    hunks = {str(hunk.number): "base" for hunk in decision.hunks if hunk.asks}
    return {"hunks": hunks} if decision.hunks else "base"


def _swapped() -> Rules:
    """Return the rules as they are seen from the other side."""
    turn = {"local": "remote", "remote": "local"}
    return parse_rules(
        {
            glob: {**rule, **({"value": turn[rule["value"]]} if rule.get("value") in turn else {})}
            for glob, rule in RULES.items()
        }
    )


SWAPPED = _swapped()


@law(pairs, examples=600)
def test_what_one_side_did_stands(pair: tuple[Any, Any]) -> None:
    """Where only one side did something, its plan comes out. Only a rule about a move or a fixed value asks."""
    base, changed = pair
    moved = changed["status"] != base["status"] and changed["status"] not in MOVES[base["status"]]
    forbidden = {
        name for name, broken in (("/status", moved), ("/number", changed["number"] != base["number"])) if broken
    }
    for done in (merge(base, changed, base, PARSED), merge(base, base, changed, PARSED)):
        assert {(decision.path, decision.kind) for decision in done.conflicts} == {
            (path, "policy") for path in forbidden
        }
        assert same(done.draft, {**changed, **{path[1:]: base[path[1:]] for path in forbidden}})


@law(pairs, examples=300)
def test_what_both_did_alike_stands(pair: tuple[Any, Any]) -> None:
    """Where both sides did the same, that comes out; only a rule about a fixed value or a move may still ask."""
    base, changed = pair
    done = merge(base, changed, copy.deepcopy(changed), PARSED)
    assert {decision.kind for decision in done.conflicts} <= {"policy"}
    if done.clean:
        assert same(done.draft, changed)


@law(plans, examples=900)
def test_sides_are_equal(triple: Triple) -> None:
    """When the sides change places, and rules that name one with them, the same is decided and asked."""
    base, local, remote = triple
    one, other = merge(base, local, remote, PARSED), merge(base, remote, local, SWAPPED)
    assert Counter(map(mirrored, other.decisions)) == Counter(map(mirrored, one.decisions, itertools.repeat(False)))
    assert loose(_sorted_tags(one.draft)) == loose(_sorted_tags(other.draft))


def _sorted_tags(draft: Any) -> Any:
    return {**draft, "tags": sorted(draft["tags"])} if isinstance(draft, dict) else draft


@law(plans, examples=1_200)
def test_nothing_is_lost(triple: Triple) -> None:
    """Whatever a side changed stands in the draft or is asked about, but for what a rule settles by choosing one of two values."""
    done = merge(*triple, PARSED)
    asked = [*(decision.path for decision in done.conflicts), *(f"/{name}" for name in SETTLED)]
    base, local, remote = map(_lasting, triple) if MISSING in triple else triple
    assert list(lost(base, local, remote, _lasting(done.draft), asked)) == []
    assert list(lost(base, remote, local, _lasting(done.draft), asked, local_leads=False)) == []


def _lasting(version: Any) -> Any:
    """Return a plan without what never keeps it from being taken away."""
    return (
        {name: member for name, member in version.items() if name not in ("seen_at", "draft_of")}
        if version
        else version
    )


@law(plans, examples=600)
def test_nothing_is_invented(triple: Triple) -> None:
    """Each leaf of the draft occurs in one of the three; each sentence of a merged text does; only a sum is new."""
    draft = merge(*triple, PARSED).draft
    plain = {name: member for name, member in draft.items() if name != "budget"} if draft is not MISSING else draft
    assert invented(plain, triple, words=True) == set()


@law(plans, examples=900)
def test_one_side_for_everything(triple: Triple) -> None:
    """Local for each decision, those that a rule made too, gives local; remote gives remote; base gives base."""
    done = merge(*triple, PARSED)
    for version, choice in zip(triple, ("base", "local", "remote"), strict=True):
        assert same(resolve(*triple, PARSED, _all(done, choice)), version), choice


@law(plans, examples=300)
def test_the_draft_leaves_conflicts_as_they_were(triple: Triple) -> None:
    """The draft is what comes out when every conflict, and every hunk that asks, is left at base."""
    done = merge(*triple, PARSED)
    choices = {decision.id: _left_at_base(decision) for decision in done.conflicts}
    assert same(resolve(*triple, PARSED, choices), done.draft)


@law(plans, st.binary(min_size=8, max_size=30), examples=600)
def test_every_option_can_be_taken(triple: Triple, data: bytes) -> None:
    """Any mixture of the options that are offered gives a plan, and nothing in it is invented but a sum."""
    done, dice = merge(*triple, PARSED), Dice(data)
    choices: dict[str, Choice] = {
        decision.id: dice.pick([option for option in decision.options if option != "edit"])
        for decision in done.decisions
        if decision.asks or dice.below(2)
    }
    made = resolve(*triple, PARSED, choices)
    plain = {name: member for name, member in made.items() if name != "budget"} if made is not MISSING else made
    assert invented(plain, triple, words=True) == set()


@law(plans, examples=500)
def test_merging_again_changes_nothing(triple: Triple) -> None:
    """A clean merge takes either side up without a change (sums, which add again, and texts and plain lists left aside)."""
    asides = ("budget", "description", "notes", "steps", "phases")
    base, local, remote = (
        {k: v for k, v in version.items() if k not in asides} if version is not MISSING else version
        for version in triple
    )
    done = merge(base, local, remote, PARSED)
    if done.clean:
        for again in (merge(base, done.draft, remote, PARSED), merge(base, local, done.draft, PARSED)):
            assert again.clean
            assert same(again.draft, done.draft)


@law(plans, st.binary(min_size=10, max_size=200), examples=300)
def test_members_have_no_order(triple: Triple, data: bytes) -> None:
    """The order of members decides nothing, nor does the order of the rules."""
    dice = Dice(data)
    one = merge(*triple, PARSED)
    other = merge(*(turned(dice, version) for version in triple), dict(reversed(RULES.items())))
    assert sorted(_ids(one)) == sorted(_ids(other))
    assert same(one.draft, other.draft)


@law(plans, examples=300)
def test_the_versions_stay_as_they_are(triple: Triple) -> None:
    """Neither merging nor resolving changes what it was given."""
    before = repr(triple)
    done = merge(*triple, PARSED)
    resolve(*triple, PARSED, _all(done, "remote"))
    assert repr(triple) == before


@law(plans, examples=400)
def test_decisions_outlive_another_round(triple: Triple) -> None:
    """Merged anew, and with a remote that changed elsewhere meanwhile, all decisions keep their ids, and no two have the same."""
    first = merge(*triple, PARSED)
    assert _ids(merge(*copy.deepcopy(triple), RULES)) == _ids(first)
    assert len(set(_ids(first))) == len(_ids(first))
    if MISSING not in triple:
        again = merge(triple.base, triple.local, {**triple.remote, "more": 1}, PARSED)
        assert set(_ids(first)) < set(_ids(again))
        ahead = {**triple.remote, "phases": [{"id": "ahead"}, *triple.remote["phases"]]}
        kept = {decision.id for decision in first.decisions if decision.path != "/phases"}
        assert kept < set(_ids(merge(triple.base, triple.local, ahead, PARSED)))


# What each rule makes of two changes.

both_changed = thrown(
    lambda dice: Triple(base := plan(dice), edited_all_over(dice, base), edited_all_over(dice, base)),
    least=150,
    most=700,
)


@law(both_changed, examples=600)
def test_a_set_takes_what_was_added_and_drops_what_was_taken_away(triple: Triple) -> None:
    """Tags: base without what either side took away, and what either side added."""
    base, local, remote = (set(version["tags"]) for version in triple)
    done = merge(*triple, PARSED)
    assert not _asked(done, "/tags")
    assert len(done.draft["tags"]) == len(set(done.draft["tags"]))
    assert set(done.draft["tags"]) == (base & local & remote) | (local - base) | (remote - base)


@law(both_changed, examples=600)
def test_a_number_follows_its_rule(triple: Triple) -> None:
    """The largest, the smallest, the sum of both changes, or one side's value, where both sides changed it; else the one change."""
    base, local, remote = triple
    draft = merge(*triple, PARSED).draft
    for name, settle in (
        ("progress", max),
        ("starts", min),
        ("seen_at", lambda _, there: there),
        ("draft_of", lambda here, _: here),
    ):
        was, here, there = (version[name] for version in triple)
        expected = there if here == was else here if there == was else settle(here, there)
        assert draft[name] == expected, name
    assert draft["budget"] == base["budget"] + (local["budget"] - base["budget"]) + (
        remote["budget"] - base["budget"]
    ) or (local["budget"] == remote["budget"])


@law(both_changed, examples=300)
def test_the_latest_wins_whatever_its_zone(triple: Triple) -> None:
    """Of two owners the later one stands, by the instant and not by the text; two of the same instant ask."""
    base, local, remote = triple
    done = merge(*triple, PARSED)
    if base["owner"] in (local["owner"], remote["owner"]) or local["owner"] == remote["owner"]:
        assert not _asked(done, "/owner")
        return
    here, there = (datetime.fromisoformat(version["owner_at"]) for version in (local, remote))
    if here == there:
        assert [decision.path for decision in _asked(done, "/owner")] == ["/owner"]
    else:
        assert done.draft["owner"] == (local if here > there else remote)["owner"]
        assert not _asked(done, "/owner")


@law(both_changed, examples=300)
def test_a_status_moves_only_as_it_may(triple: Triple) -> None:
    """Two different moves ask, and so does one that is not allowed."""
    was, here, there = (version["status"] for version in triple)
    asked = [decision.path for decision in _asked(merge(*triple, PARSED), "/status")]
    moves = {side for side in (here, there) if side != was}
    if len(moves) == 2:
        assert asked == ["/status"]
    elif here != there or not moves:
        assert asked == (["/status"] if any(side not in MOVES[was] for side in moves) else [])


@law(both_changed, examples=600)
def test_new_comments_stand_in_their_order(triple: Triple) -> None:
    """Comments of both sides come after those that were there, by time and id; a comment that both made differently asks."""
    base, local, remote = (version["comments"] for version in triple)
    done = merge(*triple, PARSED)
    if _asked(done, "/comments"):
        return
    old = {item["id"] for item in base}
    fresh = {item["id"]: item for item in (*local, *remote) if item["id"] not in old}
    now = done.draft["comments"]
    assert {item["id"] for item in now} - old == set(fresh)
    if (
        fresh.keys() == {item["id"] for side in (local, remote) for item in side} - old
        and local[: len(base)] == remote[: len(base)] == base
    ):
        assert [item["id"] for item in now[len(base) :]] == sorted(
            fresh, key=lambda name: (fresh[name]["at"], name)
        ) or (local == base or remote == base or same(local, remote))


@law(both_changed, examples=600)
def test_two_who_restructure_a_list_are_asked(triple: Triple) -> None:
    """Phases: when both sides took away or reordered, and not alike, one conflict asks about the whole list; additions do not count."""
    orders = [[item["id"] for item in version["phases"]] for version in triple]
    base = orders[0]
    kept = [[name for name in order if name in base] for order in orders[1:]]
    both = all(order != base for order in kept) and kept[0] != kept[1]
    found = [
        decision
        for decision in merge(*triple, PARSED).decisions
        if decision.path == "/phases" and decision.kind == "array"
    ]
    assert len([decision for decision in found if decision.asks]) == int(both)
    if both:
        only_removed = all(order == [name for name in base if name in order] for order in kept)
        assert {"local", "remote", "base", *(["both"] if only_removed else [])} <= set(found[0].options)


@law(both_changed, examples=300)
def test_a_point_is_one_thing(triple: Triple) -> None:
    """A place, which is atomic, is never made of one side's first number and the other's second."""
    was, here, there = (canonical(version["place"]) for version in triple)
    done = merge(*triple, PARSED)
    assert bool(_asked(done, "/place")) is (len({was, here, there}) == 3)
    assert canonical(done.draft["place"]) in ({here, there} if not _asked(done, "/place") else {was})


def _known_or_not(dice: Dice) -> list[dict[str, int]]:
    return [{"id": dice.below(4), "a": dice.below(2)} if dice.below(6) < 5 else {"a": 0} for _ in range(dice.below(5))]


@law(thrown(lambda dice: Triple(*(_known_or_not(dice) for _ in range(3)))), examples=600)
def test_items_that_cannot_be_told_apart_are_not_guessed(triple: Triple) -> None:
    """Where items of any version share a key or lack it, the whole list is asked about when both sides changed it differently."""
    done = merge(*triple, {"": {"list": "key", "key": "id"}})
    if has_ids(*triple) or same(triple.local, triple.remote) or triple.base in (triple.local, triple.remote):
        assert "duplicate-key" not in {decision.kind for decision in done.decisions}
    else:
        assert [(decision.path, decision.kind) for decision in done.conflicts] == [("", "duplicate-key")]
        assert done.draft == triple.base

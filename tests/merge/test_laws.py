"""The laws of the merge, on plain documents: no rule is given, so that the defaults decide."""

import copy
import itertools
import json
from collections import Counter
from typing import Any

import pytest
from hypothesis import strategies as st

from conflicts.core import MISSING, Choice, ChoiceError, Decision, Merge, merge, resolve
from tests.merge import test_git, test_ruled_laws
from tests.merge.laws import EXAMPLES, law
from tests.merge.looks import canonical, invented, leaves, loose, lost, mirrored, rebuilt, same
from tests.merge.strategies import (
    NAMES,
    Dice,
    Triple,
    apart,
    document,
    edited,
    keyed,
    keyed_triple,
    moved_triple,
    thrown,
    triples,
    turned,
    value,
)

pytestmark = pytest.mark.plain

pairs = thrown(lambda dice: (base := document(dice), edited(dice, base)))


def _ids(done: Merge) -> list[str]:
    return [decision.id for decision in done.decisions]


def _all(done: Merge, choice: str) -> dict[str, str]:
    return dict.fromkeys(_ids(done), choice)


def _under(done: Merge, path: str) -> list[Decision]:
    return [decision for decision in done.decisions if decision.path == path or decision.path.startswith(path + "/")]


def test_enough_examples() -> None:
    """The laws, plain and ruled, are shown by twenty thousand examples in each run."""
    assert {test_git.__name__, test_ruled_laws.__name__} <= {name.rpartition(".")[0] for name in EXAMPLES}
    assert sum(EXAMPLES.values()) >= 20_000


@law(pairs, examples=700)
def test_what_one_side_did_stands(pair: tuple[Any, Any]) -> None:
    """Where only one side did something, its document comes out, and nobody is asked."""
    base, changed = pair
    for done in (merge(base, changed, base), merge(base, base, changed)):
        assert done.clean
        assert same(done.draft, changed)


@law(pairs, examples=500)
def test_what_both_did_alike_stands(pair: tuple[Any, Any]) -> None:
    """Where both sides did the same, that comes out, and nobody is asked."""
    base, changed = pair
    done = merge(base, changed, copy.deepcopy(changed))
    assert done.clean
    assert same(done.draft, changed)


@law(pairs, examples=500)
def test_decisions_are_the_difference(pair: tuple[Any, Any]) -> None:
    """No decision is made where nothing differs; where one side differs, its decisions rebuild it."""
    base, changed = pair
    assert merge(base, copy.deepcopy(base), base).decisions == ()
    done = merge(base, changed, base)
    assert bool(done.decisions) is not same(base, changed)
    assert same(resolve(base, changed, base, None, {}), changed)


@law(triples, examples=1_200)
def test_sides_are_equal(triple: Triple) -> None:
    """When the sides change places, the same is decided and asked, and the same draft comes out but for the order of additions."""
    base, local, remote = triple
    one, other = merge(base, local, remote), merge(base, remote, local)
    assert Counter(map(mirrored, other.decisions)) == Counter(map(mirrored, one.decisions, itertools.repeat(False)))
    assert loose(one.draft) == loose(other.draft)


@law(triples, examples=1_600)
def test_nothing_is_lost(triple: Triple) -> None:
    """Whatever a side changed stands in the draft or is asked about."""
    base, local, remote = triple
    done = merge(base, local, remote)
    asked = [decision.path for decision in done.conflicts]
    assert list(lost(base, local, remote, done.draft, asked)) == []
    assert list(lost(base, remote, local, done.draft, asked, local_leads=False)) == []


@law(triples, examples=1_200)
def test_nothing_is_invented(triple: Triple) -> None:
    """Each leaf of the draft occurs in one of the three, with its type and spelling; each line of a merged text does."""
    assert invented(merge(*triple).draft, triple) == set()


@law(triples, examples=1_200)
def test_one_side_for_everything(triple: Triple) -> None:
    """Local for each decision, those that were made automatically too, gives local; remote gives remote; base gives base."""
    done = merge(*triple)
    for version, choice in zip(triple, ("base", "local", "remote"), strict=True):
        assert same(resolve(*triple, None, _all(done, choice)), version), choice


@law(triples, examples=600)
def test_the_draft_leaves_conflicts_as_they_were(triple: Triple) -> None:
    """The draft is what comes out when every conflict, and every hunk that asks, is left at base."""
    done = merge(*triple)
    assert same(
        resolve(*triple, None, {decision.id: left_at_base(decision) for decision in done.conflicts}), done.draft
    )


def left_at_base(decision: Decision) -> Choice:
    """Return the choice that leaves at base what a decision asks about, and no more."""
    hunks = {str(hunk.number): "base" for hunk in decision.hunks if hunk.asks}
    return {"hunks": hunks} if decision.hunks else "base"


@law(triples, examples=600)
def test_one_side_for_every_hunk(triple: Triple) -> None:
    """Local for each hunk of a text or list is the same as local for the whole, and so for remote and base."""
    done = merge(*triple)
    for choice in ("local", "remote", "base"):
        whole: dict[str, Choice] = dict(_all(done, choice))
        hunks = {d.id: {"hunks": {str(hunk.number): choice for hunk in d.hunks}} for d in done.decisions if d.hunks}
        assert same(resolve(*triple, None, {**whole, **hunks}), resolve(*triple, None, whole)), choice


@law(triples, examples=900)
def test_hunks_are_the_difference(triple: Triple) -> None:
    """The hunks of a text or list, with what stands between them, are each of the three, and each is what its action says."""
    for decision in merge(*triple).decisions:
        for side in ("base", "local", "remote") if decision.hunks else ():
            made, whole = rebuilt(decision, side), getattr(decision, side)
            assert (
                same(made, whole) if isinstance(whole, list) else made.removesuffix("\n") == whole.removesuffix("\n")
            ), side
        for hunk in decision.hunks:
            versions = (hunk.base, hunk.local, hunk.remote)
            differ = not same(hunk.local, hunk.remote)
            # Whether the last line has an end is settled by itself.
            base, local, remote = (v.removesuffix("\n") if isinstance(v, str) else v for v in versions)
            expected = {
                "same": same(local, remote),
                "local": same(remote, base),
                "remote": same(local, base),
                "conflict": differ,
                "both": differ,
            }
            assert expected[hunk.action]


@law(triples, st.binary(min_size=8, max_size=30), examples=900)
def test_every_option_can_be_taken(triple: Triple, data: bytes) -> None:
    """Any mixture of the options that are offered gives a document, and nothing in it is invented."""
    done, dice = merge(*triple), Dice(data)
    choices = {
        decision.id: dice.pick([option for option in decision.options if option != "edit"])
        for decision in done.decisions
        if decision.asks or dice.below(2)
    }
    assert invented(resolve(*triple, None, choices), triple, words=True) == set()


@law(triples, st.binary(min_size=8, max_size=30), examples=600)
def test_no_question_is_passed_over(triple: Triple, data: bytes) -> None:
    """A document comes out only when every conflict was decided, and no choice is for a decision that there is not."""
    done, dice = merge(*triple), Dice(data)
    choices: dict[str, Choice] = {decision.id: dice.pick(("local", "remote", "base")) for decision in done.conflicts}
    with pytest.raises(ChoiceError):
        resolve(*triple, None, {**choices, "0123456789abcdef": "local"})
    if done.conflicts:
        left_out = dice.pick(list(choices))
        with pytest.raises(ChoiceError) as raised:
            resolve(*triple, None, {name: choice for name, choice in choices.items() if name != left_out})
        assert raised.value.decision == left_out


@law(triples, st.binary(min_size=8, max_size=30), examples=600)
def test_what_is_written_by_hand_stands_in_its_place(triple: Triple, data: bytes) -> None:
    """A value that a person wrote stands where its decision is, whatever was chosen elsewhere."""
    done, dice = merge(*triple), Dice(data)
    choices: dict[str, Choice] = {decision.id: "base" for decision in done.conflicts}
    for decision in done.decisions:
        if "edit" not in decision.options:
            continue
        written = {"by": "hand", "number": dice.below(9)}
        place: Any = resolve(*triple, None, {**choices, decision.id: {"value": written}})
        for step in decision.path.split("/")[1:]:
            if not isinstance(place, dict):
                break  # a list's items may stand elsewhere in the result
            place = place.get(step.replace("~1", "/").replace("~0", "~"))
        else:
            assert same(place, written)


@law(thrown(keyed_triple), examples=600)
def test_merging_again_changes_nothing(triple: Triple) -> None:
    """A clean merge of objects and keyed lists takes either side up without a change."""
    base, local, remote = triple
    done = merge(base, local, remote)
    if done.clean:
        for again in (merge(base, done.draft, remote), merge(base, local, done.draft), merge(local, done.draft, local)):
            assert again.clean
            assert same(again.draft, done.draft)


@law(thrown(apart), examples=900)
def test_different_places_never_conflict(made: tuple[Triple, Any]) -> None:
    """Edits of places of which none lies inside another are both taken, and nobody is asked."""
    triple, both = made
    done = merge(*triple)
    assert done.clean
    assert same(done.draft, both)


@law(triples, triples, triples, examples=400)
def test_a_place_is_decided_by_itself(one: Triple, beside: Triple, instead: Triple) -> None:
    """What happens at one member changes nothing of what is decided about another."""

    def together(other: Triple) -> Merge:
        return merge(
            *(
                {name: v for name, v in (("a", mine), ("b", theirs)) if v is not MISSING}
                for mine, theirs in zip(one, other, strict=True)
            )
        )

    here, there = together(beside), together(instead)
    assert _under(here, "/a") == _under(there, "/a")
    assert same(here.draft.get("a", MISSING), there.draft.get("a", MISSING))


@law(triples, st.binary(min_size=10, max_size=200), examples=600)
def test_members_have_no_order(triple: Triple, data: bytes) -> None:
    """The order of members decides nothing."""
    dice = Dice(data)
    one, other = merge(*triple), merge(*(turned(dice, version) for version in triple))
    assert sorted(_ids(one)) == sorted(_ids(other))
    assert same(one.draft, other.draft)


@law(triples, examples=600)
def test_the_versions_stay_as_they_are(triple: Triple) -> None:
    """Neither merging nor resolving changes what it was given."""
    before = [repr(version) for version in triple]
    done = merge(*triple)
    resolve(*triple, None, _all(done, "local"))
    resolve(*triple, None, {decision.id: "base" for decision in done.conflicts})
    assert [repr(version) for version in triple] == before


@law(triples, triples, examples=500)
def test_decisions_outlive_another_round(triple: Triple, later: Triple) -> None:
    """Merged anew, and with a remote that changed elsewhere meanwhile, all decisions keep their ids."""
    base, local, remote = (
        {"document": version, "later": 0} if version is not MISSING else {"later": 0} for version in triple
    )
    first = merge(base, local, remote)
    assert _ids(merge(*copy.deepcopy((base, local, remote)))) == _ids(first)
    again = merge(base, local, {**remote, "later": 1, "more": None if later.remote is MISSING else later.remote})
    assert set(_ids(first)) <= set(_ids(again))
    assert len(set(_ids(again))) == len(_ids(again))


@law(thrown(moved_triple), examples=900)
def test_items_keep_the_order_that_was_given_to_them(triple: Triple) -> None:
    """Two items of a keyed list that everybody kept stand as in base, or as the side says that changed their order."""
    base, local, remote = triple
    done = merge(base, local, remote)
    if not done.clean:
        return
    orders = [[item["id"] for item in version] for version in (base, local, remote, done.draft)]
    kept = [one for one in orders[0] if all(one in order for order in orders)]
    for one, other in itertools.combinations(kept, 2):
        was, here, there, now = (order.index(one) < order.index(other) for order in orders)
        assert now is (here if here is not was else there), (one, other)


def _grown_or_cut(dice: Dice) -> tuple[Triple, bool, list[int]]:
    """Return a list of numbers to which both sides added or from which both took away, whether that asks, and what it gives else."""
    base = list(range(dice.below(7)))
    if dice.below(2):
        gone = [{number for number in base if dice.below(3) == 2} for _ in range(2)]
        local, remote = ([number for number in base if number not in side] for side in gone)
        return Triple(base, local, remote), False, [number for number in local if number in remote]
    versions: list[list[int]] = [[], [], []]
    asks = False
    for place in range(len(base) + 1):
        added = [[100 * side + place] if dice.one_in(3) else [] for side in (1, 2)]
        asks = asks or all(added)
        for version, fresh in zip(versions, (added[0], added[1], added[0] or added[1]), strict=True):
            version.extend(fresh + base[place : place + 1])
    return Triple(base, versions[0], versions[1]), asks, versions[2]


@law(thrown(_grown_or_cut, least=20, most=40), examples=600)
def test_plain_lists_take_additions_and_removals(made: tuple[Triple, bool, list[int]]) -> None:
    """All that either side took away is gone, neighbours too; all that was added is there, and two additions at one place ask."""
    triple, asks, expected = made
    done = merge(*triple)
    assert done.clean is not asks
    assert asks or done.draft == expected


ALIKE = (
    True,
    False,
    1,
    0,
    1.0,
    0.0,
    "1",
    "",
    "true",
    "null",
    None,
    MISSING,
    [],
    {},
    [1],
    [True],
    [None],
    {"a": None},
    {"a": 0},
    {"a": False},
)


def _held(given: Any) -> dict[str, Any]:
    return {} if given is MISSING else {"a": given}


@pytest.mark.parametrize("base", ALIKE, ids=repr)
def test_what_looks_alike_is_not_the_same(base: Any) -> None:
    """true is not 1 nor "1", null is not missing, [] is not {}: each of 8,000 triples is decided by that alone, with its spelling."""
    for local, remote in itertools.product(ALIKE, repeat=2):
        done = merge(_held(base), _held(local), _held(remote))
        if same(local, remote) or same(local, base):
            expected = remote
        elif same(remote, base):
            expected = local
        elif all(isinstance(side, dict | list) for side in (local, remote)) and type(local) is type(remote):
            continue  # these may be merged inside
        else:
            assert [decision.path for decision in done.conflicts] == ["/a"], (local, remote)
            expected = base
        assert [*leaves(done.draft)] == [*leaves(_held(expected))], (local, remote)


UNUSUAL = (
    *(
        "caf\u00e9",
        "cafe\u0301",
        "\u05e9\u05dc\u05d5\u05dd",
        "\u202eabc",
        "\U0001f469\u200d\U0001f469\u200d\U0001f467",
        "\U00010348",
    ),
    *(
        "a\u2028b",
        "a\u0085b",
        "a\x0bb",
        "a\x0cb",
        "a\x1cb",
        "a\rb",
        "\ufeff",
        "\ufffe",
        "e\u0301\u0301\u0301",
        "\u1100\u1161",
        "\t",
        " ",
    ),
)


@law(st.lists(st.sampled_from(UNUSUAL), min_size=12, max_size=12), st.data(), examples=400)
def test_every_character_survives(words: list[str], data: st.DataObject) -> None:
    """Texts in any script and normal form are merged by lines and come out to the byte."""
    lines = [f"{number} {word}\n" for number, word in enumerate(words)]
    local, remote, both = list(lines), list(lines), list(lines)
    for places, version in (((0, 1, 8), local), ((4, 5, 11), remote)):
        for place in places:
            version[place] = both[place] = f"{place} {data.draw(st.sampled_from(UNUSUAL))}\n"
    done = merge(*({"a": "".join(version)} for version in (lines, local, remote)))
    assert done.clean
    assert done.draft["a"].encode() == "".join(both).encode()


@law(triples, examples=300)
def test_the_draft_can_be_written(triple: Triple) -> None:
    """The draft is JSON again, whatever was asked."""
    draft = merge(*triple).draft
    assert draft is MISSING or canonical(json.loads(json.dumps(draft))) == canonical(draft)


@law(thrown(lambda dice: (value(dice), value(dice))), examples=300)
def test_two_who_create(made: tuple[Any, Any]) -> None:
    """Two documents made at the same time are merged inside where both are objects, and asked about where they meet."""
    local, remote = made
    done = merge(MISSING, local, remote)
    if isinstance(local, dict) and isinstance(remote, dict):
        asked = {decision.path for decision in done.conflicts}
        for name in NAMES:
            sides = [side[name] for side in made if name in side]
            if len(sides) == 1:
                assert same(done.draft[name], sides[0])
        assert "" not in asked
    elif not (isinstance(local, list) and isinstance(remote, list)) and not (
        isinstance(local, str) and isinstance(remote, str)
    ):
        assert done.clean is same(local, remote)


@law(thrown(lambda dice: (keyed(dice), edited(dice, document(dice)))), examples=300)
def test_taking_away_what_the_other_changed_asks(made: tuple[Any, Any]) -> None:
    """A member that one side took away and the other changed is asked about, at that member."""
    was, now = made
    if not same(was, now):
        for done in (merge({"a": was}, {}, {"a": now}), merge({"a": was}, {"a": now}, {})):
            assert [(decision.path, decision.kind) for decision in done.conflicts] == [("/a", "delete-modify")]
            assert same(done.draft, {"a": was})

"""Which waiting changes go out as one, and that the upstream ends up with the same as if each had gone out by itself."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from portal.kit import jsontext
from syncqueue.adapters.documents import apply_patch, same
from syncqueue.core.coalesce import LOOK_AHEAD, NotExpressible, Plan, Waiting, composed, join
from syncqueue.core.outgoing import Part

pytestmark = pytest.mark.plain

names = st.sampled_from(["a", "b", "c", "title"])
scalars = st.none() | st.booleans() | st.integers(-3, 3) | st.text(max_size=3)
values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=3), max_leaves=12
)
objects = st.dictionaries(names, values, max_size=4)


def change(n: int, operation: str, form: str = "merge-patch", payload: Any = None, **said: Any) -> Waiting:
    """A change of one lane; alike in all that its test does not say."""
    text = "" if operation == "delete" else jsontext.dump(payload)
    given = {"kind": "plan_edit", "base_version": '"1"', "client": "laptop", **said}
    return Waiting(UUID(int=n), operation=operation, form=form, payload=text, **given)


def updates(*payloads: Any, **said: Any) -> list[Waiting]:
    """Merge patches, one after the other."""
    return [change(n, "update", "merge-patch", payload, **said) for n, payload in enumerate(payloads)]


def applied(document: Any, operation: str, form: str, payload: Any) -> Any:
    """What an upstream has after a change; it had `document`, or nothing (...)."""
    match operation, form:
        case "delete", _:
            return ...
        case "update", "merge-patch":
            return apply_patch(document, payload)
    return payload


@st.composite
def lanes(draw: st.DrawFn) -> list[Waiting]:
    """What one client may do to an entity, one after the other."""
    made = [change(0, "create", "document", draw(objects))] if draw(st.booleans()) else []
    for n in range(len(made), draw(st.integers(max(1, len(made)), 8))):
        made.append(change(n, "update", draw(st.sampled_from(["merge-patch", "document"])), draw(objects)))
    return made + ([change(len(made), "delete")] if draw(st.booleans()) and made else [])


@given(lanes(), objects)
@example(updates({"a": 1}, {"a": {"b": 2}}), {"a": {"c": 3}})
@example(updates({"a": None}, {"a": {"b": 2}}), {"a": {"c": 3}})
@example(updates({"a": {"b": None}}, {"a": {"b": {"c": None}}}), {"a": {"b": {"c": 1}}})
def test_the_joined_change_does_what_they_do_one_after_the_other(lane: Sequence[Waiting], before: Any) -> None:
    """Whatever document it meets: the result is the same, and what is not joined is still to come in its order."""
    plan = join(lane)
    count = 1 + len(plan.superseded)
    assert plan.superseded == tuple(one.item_id for one in lane[1:count])
    wanted = ... if lane[0].operation == "create" else before
    found = wanted
    for one in lane[:count]:
        wanted = applied(wanted, one.operation, one.form, jsontext.load(one.payload) if one.payload else None)
    if plan.part is not None and not plan.part.nothing:
        found = applied(found, plan.part.operation, plan.part.form, plan.part.payload)
    elif plan.part is None:
        found = wanted
    assert same(found, wanted) or found is wanted is ...


@given(values, values, values)
def test_patches_compose(first: Any, second: Any, document: Any) -> None:
    """RFC 7396: the composed patch does what both do, on any document, or there is none."""
    try:
        both = composed(first, second)
    except NotExpressible:
        return
    assert same(apply_patch(document, both), apply_patch(apply_patch(document, first), second))


def test_several_updates_become_one() -> None:
    """In their order, with the nulls that remove."""
    plan = join(updates({"title": "One", "due": "2026-12-01"}, {"due": None}, {"title": "Two"}))
    assert plan.part == Part("update", "merge-patch", {"title": "Two", "due": None})
    assert plan.superseded == (UUID(int=1), UUID(int=2))


def test_a_document_supersedes_what_came_before_it_and_takes_up_patches_behind_it() -> None:
    """Nothing of the earlier patch is left but what the document says."""
    lane = [*updates({"a": 1, "b": 1}), change(1, "update", "document", {"b": 2, "c": None})]
    assert join(lane).part == Part("update", "document", {"b": 2, "c": None})
    assert join([*lane, change(2, "update", "merge-patch", {"b": None, "d": 3})]).part == Part(
        "update", "document", {"c": None, "d": 3}
    )


def test_a_delete_supersedes_the_updates_before_it_and_ends_it() -> None:
    """A new life of the entity is another change."""
    lane = [*updates({"a": 1}), change(1, "delete"), change(2, "create", "document", {"a": 2})]
    assert join(lane) == Plan(Part("delete", "merge-patch", None), (UUID(int=1),))


def test_a_create_takes_up_updates_and_is_cancelled_out_by_a_delete() -> None:
    """What was made and taken back while it waited never reaches the upstream."""
    lane = [
        change(0, "create", "document", {"title": "New", "x": None}),
        change(1, "update", payload={"title": "Newer"}),
    ]
    assert join(lane).part == Part("create", "document", {"title": "Newer", "x": None})
    plan = join([*lane, change(2, "delete"), change(3, "create", "document", {})])
    assert plan.part is not None
    assert plan.part.nothing
    assert plan.superseded == (UUID(int=1), UUID(int=2))


@pytest.mark.parametrize(
    "other",
    [{"client": "phone"}, {"kind": "status_change"}, {"base_version": '"2"'}, {"base_version": ""}],
    ids=lambda other: next(iter(other)),
)
def test_only_the_heads_own_followers_are_joined(other: dict[str, Any]) -> None:
    """Another client, kind or version ends it, also for those behind that would fit."""
    lane = [*updates({"a": 1}), change(1, "update", payload={"b": 1}, **other), change(2, "update", payload={"c": 1})]
    assert join(lane) == Plan()


def test_a_base_that_came_along_is_not_dropped() -> None:
    """Without versions, a change with its own base does not go out in the name of one that has none; the oldest base stands for both."""
    first = updates({"a": 1}, base_version="")
    assert join([*first, change(1, "update", payload={"b": 1}, base_version="", has_base=True)]) == Plan()
    first = updates({"a": 1}, base_version="", has_base=True)
    assert join([*first, change(1, "update", payload={"b": 1}, base_version="")]).superseded


def test_what_no_single_patch_can_say_stays_apart() -> None:
    """A place that was replaced and then filled with an object would be merged with what is there."""
    assert join(updates({"a": [1]}, {"a": {"b": 1}})) == Plan()
    assert join(updates({"x": 1}, {"a": None}, {"a": {"b": 1}})).superseded == (UUID(int=1),)


def test_the_result_is_no_larger_than_what_may_come_in() -> None:
    """What would be too large starts the next request."""
    lane = updates(*({f"f{n}": "x" * 100} for n in range(LOOK_AHEAD)))
    plan = join(lane, most_bytes=500)
    assert plan.part is not None
    assert 0 < len(jsontext.dump(plan.part.payload)) <= 500 < len(jsontext.dump(plan.part.payload)) + 107

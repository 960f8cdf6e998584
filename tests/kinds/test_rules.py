"""An organization's own merge rules of a kind: set, replaced, taken away, logged, and used by the next conflict."""

import json
from typing import Any

import pytest

from conflicts.actions.reset_rules import reset_rules
from conflicts.actions.set_rules import LARGEST, set_rules
from conflicts.models import KindRules
from conflicts.ruling import Ruling, ruling
from conflicts.states import ConflictState
from portal.events.models import Event
from portal.kit.errors import Conflicting, Forbidden, Invalid, NotFound
from portal.kit.viewer import Permission, Viewer
from syncqueue.core.builtin_kinds import PLAN_RULES
from tests.support.conflicts import meet
from tests.support.people import People, make_upstream

LOCAL_TITLE = {"/title": {"value": "local"}}


@pytest.fixture
def alice(people: People) -> Viewer:
    """The admin of Tidewater."""
    return people.viewer(people.alice)


def holds(viewer: Viewer, people: People, kind: str = "plan_edit") -> Ruling:
    """What holds in Tidewater."""
    return ruling(viewer, people.tidewater.pk, kind)


def save(viewer: Viewer, people: People, rules: Any, seen: str | None = None) -> Ruling:
    """Rules set in Tidewater, on what holds now if nothing else is said."""
    said = holds(viewer, people).seen if seen is None else seen
    return set_rules(viewer=viewer, organization_id=people.tidewater.pk, kind="plan_edit", rules=rules, seen=said)


def logged() -> list[dict[str, Any]]:
    """What the log tells of rules."""
    rows = Event.objects.unscoped().filter(verb="kind.rules_changed").order_by("id")
    return [{"actor": row.actor, "subject": row.subject, **json.loads(row.data)} for row in rows]


def test_the_defaults_hold_first(people: People, alice: Viewer) -> None:
    """A kind brings its rules along; one without any has none."""
    assert holds(alice, people) == Ruling(PLAN_RULES)
    assert holds(alice, people, "comment_add") == Ruling({})
    assert json.loads(holds(alice, people).text) == PLAN_RULES


def test_setting_them(people: People, alice: Viewer) -> None:
    """They replace the defaults in this organization alone, keep their order, and are told in the log by their paths."""
    rules = {"/z": {"list": "set"}, **LOCAL_TITLE}
    saved = save(alice, people, rules)
    assert (saved.rules, saved.own and saved.own.revision) == (rules, 1)
    assert list(holds(alice, people).rules) == ["/z", "/title"]
    again = save(alice, people, {"/z": {"list": "atomic"}, **LOCAL_TITLE})
    assert again.own is not None
    assert (again.own.revision, again.own.updated_by) == (2, "alice")
    charlie = people.viewer(people.charlie)
    assert ruling(charlie, people.northlight.pk, "plan_edit") == Ruling(PLAN_RULES)
    first, second = logged()
    assert (first["subject"], first["actor"], first["revision"], first["rules"]) == ("kind:plan_edit", "alice", 1, 2)
    assert {"/z", "/title", "/phases"} <= set(first["changed"])
    assert (second["changed"], second["revision"]) == (["/z"], 2)


def test_going_back(people: People, alice: Viewer) -> None:
    """The defaults hold again; doing it twice tells nothing more."""
    seen = save(alice, people, LOCAL_TITLE).seen
    for _ in range(2):
        after = reset_rules(viewer=alice, organization_id=people.tidewater.pk, kind="plan_edit", seen=seen)
        assert after == Ruling(PLAN_RULES)
    assert not KindRules.objects.unscoped().exists()
    assert [row["revision"] for row in logged()] == [1, 0]


def test_two_admins(people: People, alice: Viewer) -> None:
    """Who saw older rules does not overwrite newer ones, not even after a way back to the defaults and there again."""
    defaults = holds(alice, people).seen
    first = save(alice, people, LOCAL_TITLE).seen
    with pytest.raises(Conflicting, match="alice changed the rules"):
        save(alice, people, {}, seen=defaults)
    save(alice, people, {"/title": {"value": "remote"}}, seen=first)
    with pytest.raises(Conflicting):
        reset_rules(viewer=alice, organization_id=people.tidewater.pk, kind="plan_edit", seen=first)
    now = holds(alice, people).seen
    reset_rules(viewer=alice, organization_id=people.tidewater.pk, kind="plan_edit", seen=now)
    with pytest.raises(Conflicting, match="went back to the defaults"):
        save(alice, people, {}, seen=now)
    save(alice, people, {"/title": {"value": "max"}})
    with pytest.raises(Conflicting):
        save(alice, people, {}, seen=first)
    assert holds(alice, people).rules == {"/title": {"value": "max"}}


def test_the_same_again(people: People, alice: Viewer) -> None:
    """Saving what holds already changes and tells nothing, whatever was seen."""
    save(alice, people, LOCAL_TITLE)
    assert save(alice, people, LOCAL_TITLE, seen="older").own is not None
    assert len(logged()) == 1


@pytest.mark.parametrize(
    ("rules", "pointers"),
    [
        ([], [""]),
        ({"title": {"value": "max"}}, ["/title"]),
        ({"/a": {"value": "best"}, "/b": {"list": "key", "text": "lines"}, "/c": 7}, ["/~1a/value", "/~1b", "/~1c"]),
        ({"/a": {"list": "key", "key": [7]}}, ["/~1a/key"]),
        ({"/x": {"value": "latest", "by": "b" * LARGEST}}, []),
    ],
)
def test_rules_that_cannot_be(people: People, alice: Viewer, rules: Any, pointers: list[str]) -> None:
    """Each is named at its place, and nothing is stored."""
    with pytest.raises(Invalid) as refused:
        save(alice, people, rules)
    assert [fault.pointer for fault in refused.value.faults] == pointers
    assert not KindRules.objects.unscoped().exists()
    assert logged() == []


def test_who_may_not(people: People) -> None:
    """A viewer and a token without the scope are refused; a stranger finds nothing."""
    for viewer, error in (
        (people.viewer(people.bob), Forbidden),
        (people.viewer(people.alice, Permission.READ, Permission.OPERATE), Forbidden),
        (people.viewer(people.charlie), NotFound),
    ):
        keys: Any = {"viewer": viewer, "organization_id": people.tidewater.pk, "kind": "plan_edit", "seen": ""}
        with pytest.raises(error):
            set_rules(**keys, rules={})
        with pytest.raises(error):
            reset_rules(**keys)


def test_they_hold_from_then_on(people: People, alice: Viewer) -> None:
    """The next conflict is merged by them; one that is open keeps its own."""
    make_upstream(people.tidewater)
    before = meet(alice)
    assert before.conflict_state is ConflictState.OPEN
    save(alice, people, LOCAL_TITLE)
    after = meet(alice, entity_id="p-2")
    assert (after.conflict_state, after.read_rules()) == (ConflictState.MERGED, LOCAL_TITLE)
    before.refresh_from_db()
    assert (before.conflict_state, before.read_rules()) == (ConflictState.OPEN, PLAN_RULES)

"""The copies of plans against a real Kinto: read through, caught up with deliveries, and edits that arrive."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from conflicts.models import Conflict
from portal.kit import clock
from portal.kit.viewer import Viewer
from portal.projects.actions.add_plan import add_plan, create_plan
from portal.projects.actions.catch_up import catch_up
from portal.projects.actions.copy import keep, keep_gone
from portal.projects.actions.refresh import refresh, refresh_some
from portal.projects.actions.save import CopyBehind, save
from portal.projects.core.editing import NewComment, PlanEdit, StepEdit, seen_met, seen_of
from portal.projects.core.reading import read_plan
from portal.projects.models import Plan
from portal.tenancy.models import Project
from resilience.upstreams.models import Upstream
from syncqueue.actions.cancel import cancel
from syncqueue.actions.enqueue import enqueue
from syncqueue.core.change import NewChange
from syncqueue.models import Item, Snapshot
from tests.projects.conftest import DOCUMENT, Pump, pump
from tests.support.kinto import Kinto

pytestmark = pytest.mark.usefixtures("people")

LIVE = {"HX-Request": "true", "HX-Target": "live"}


@pytest.fixture
def record(request: pytest.FixtureRequest) -> str:
    """A record of this test alone."""
    return "".join(letter if letter.isalnum() else "-" for letter in request.node.name)


@pytest.fixture
def plan(kinto: Kinto, plans_api: Upstream, project: Project, alice: Viewer, record: str) -> Plan:
    """A plan that is at the Kinto, and was read."""
    kinto.put(record, DOCUMENT)
    made = add_plan(viewer=alice, project_id=project.pk, upstream_id=plans_api.pk, entity_id=record)
    return refresh(viewer=alice, plan_id=made.pk)


def plain(document: Any) -> Any:
    """A record without what Kinto sets itself."""
    return {key: value for key, value in (document or {}).items() if key not in ("id", "last_modified", "schema")}


def status_edit(document: Any, number: int, status: str) -> StepEdit:
    """Another status for one microstep of the first phase, by somebody who saw this document."""
    raw = document["phases"][0]["microsteps"][number]
    key = read_plan(document).phases[0].steps[number].key
    seen = {"status": seen_of(raw["status"]), "met": seen_met(raw)}
    met = frozenset(one["id"] for one in raw.get("acceptance_criteria", ()) if one["met"])
    return StepEdit(key, {"status": status}, met, seen)


def title_edit(before: str, after: str) -> PlanEdit:
    """Another title, by somebody who saw this one."""
    return PlanEdit({"title": after}, {"title": seen_of(before)})


def age(plan: Plan, seconds: float = 60) -> None:
    """Makes the copy so old."""
    at = clock.now() - timedelta(seconds=seconds)
    Plan.objects.unscoped().filter(pk=plan.pk).update(fetched_at=at, asked_at=at)


def test_a_plan_is_read_with_its_version(kinto: Kinto, plan: Plan, record: str) -> None:
    """The copy is the document without what the upstream sets itself, with its version and figures."""
    assert plan.read() == DOCUMENT
    assert plan.version == f'"{kinto.get(record)["last_modified"]}"'  # type: ignore[index]
    assert (plan.title, plan.status, plan.steps, plan.criteria, plan.criteria_met) == (
        "Harbour wall",
        "active",
        2,
        2,
        1,
    )
    assert plan.changed_at is not None


def test_a_fresh_copy_is_not_asked_for_again(kinto: Kinto, plan: Plan, alice: Viewer, record: str) -> None:
    """Within 15 seconds readers share one answer; somebody who asks anyway gets a new one."""
    kinto.put(record, {**DOCUMENT, "title": "North wall"})
    assert refresh(viewer=alice, plan_id=plan.pk).title == "Harbour wall"
    assert refresh(viewer=alice, plan_id=plan.pk, anyway=True).title == "North wall"
    kinto.put(record, {**DOCUMENT, "title": "South wall"})
    age(plan)
    assert refresh(viewer=alice, plan_id=plan.pk).title == "South wall"


def test_the_page_shows_the_copy_and_its_fragment_the_present(
    kinto: Kinto, plan: Plan, browse: Callable[[str], Client], record: str
) -> None:
    """Opening never waits for an upstream; the live fragment asks it when the copy is old."""
    kinto.put(record, {**DOCUMENT, "title": "North wall"})
    age(plan)
    place, bob = f"/projects/plans/{plan.pk}", browse("bob")
    first = bob.get(place).content.decode()
    assert "<h1>Harbour wall</h1>" in first
    assert "data-stale" in first
    second = bob.get(place, headers=LIVE).content.decode()
    assert "<h1>North wall</h1>" in second
    assert "data-stale" not in second


def test_an_upstream_that_fails_leaves_the_copy(plan: Plan, plans_api: Upstream, alice: Viewer) -> None:
    """What was known stays, with why it could not be read again; the next good answer clears that."""
    good = plans_api.address
    Upstream.objects.unscoped().filter(pk=plans_api.pk).update(address="http://127.0.0.1:9/v1")
    failed = refresh(viewer=alice, plan_id=plan.pk, anyway=True)
    assert failed.trouble
    assert failed.read() == DOCUMENT
    assert failed.fetched_at == plan.fetched_at
    Upstream.objects.unscoped().filter(pk=plans_api.pk).update(address=good)
    assert refresh(viewer=alice, plan_id=plan.pk, anyway=True).trouble == ""


def test_a_deleted_plan_is_gone_and_may_come_back(kinto: Kinto, plan: Plan, alice: Viewer, record: str) -> None:
    """Its last copy stays readable."""
    kinto.call("DELETE", kinto.path.format(id=record))
    gone = refresh(viewer=alice, plan_id=plan.pk, anyway=True)
    assert (gone.gone, gone.known) == (True, True)
    kinto.put(record, DOCUMENT)
    assert not refresh(viewer=alice, plan_id=plan.pk, anyway=True).gone


def test_lists_ask_for_a_few_old_copies(
    kinto: Kinto, plan: Plan, plans_api: Upstream, alice: Viewer, record: str
) -> None:
    """What was never read comes first; what is young is left alone."""
    for number in range(10):
        kinto.put(f"{record}-{number}", {**DOCUMENT, "title": f"Wall {number}"})
        Plan.objects.create(organization=plans_api.organization, upstream=plans_api, entity_id=f"{record}-{number}")
    refresh_some(viewer=alice)
    assert Plan.objects.unscoped().exclude(document="").count() == 9
    refresh_some(viewer=alice)
    assert Plan.objects.unscoped().exclude(document="").count() == 11


def test_plans_are_learned_from_changes(plans_api: Upstream, alice: Viewer, project: Project, record: str) -> None:
    """A change of a plan that nobody added makes it known, in the project that the change names, as it was delivered."""
    made = NewChange(
        kind="plan_edit", entity_type="plan", entity_id=record, operation="create", payload=DOCUMENT, project="web"
    )
    enqueue(viewer=alice, changes=[made])
    catch_up(viewer=alice)
    known = Plan.objects.unscoped().get()
    assert (known.project, known.known, known.title) == (project, False, "Harbour wall")
    pump()
    catch_up(viewer=alice)
    known.refresh_from_db()
    assert known.read() == DOCUMENT
    enqueue(
        viewer=alice, changes=[NewChange(kind="plan_edit", entity_type="plan", entity_id=record, operation="delete")]
    )
    pump()
    catch_up(viewer=alice)
    known.refresh_from_db()
    assert known.gone


def test_every_lane_is_looked_at(
    plans_api: Upstream, alice: Viewer, project: Project, record: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also when there are more than one reading takes in, and somebody added a plan of a later lane by hand."""
    monkeypatch.setattr("portal.projects.actions.catch_up.MOST", 2)
    monkeypatch.setattr("portal.projects.actions.catch_up._OVERLAP", 0)
    names = [f"{record}-{number}" for number in range(5)]
    made = [
        NewChange(kind="plan_edit", entity_type="plan", entity_id=name, operation="create", payload=DOCUMENT)
        for name in names
    ]
    enqueue(viewer=alice, changes=made)
    add_plan(viewer=alice, project_id=project.pk, upstream_id=plans_api.pk, entity_id=names[-1])
    for _reading in range(3):
        catch_up(viewer=alice)
    assert sorted(Plan.objects.unscoped().values_list("entity_id", flat=True)) == names


def test_what_is_older_does_not_replace_what_is_newer(kinto: Kinto, plan: Plan, alice: Viewer, record: str) -> None:
    """A delivery that was noted before the last reading is not taken over."""
    save(viewer=alice, plan_id=plan.pk, edit=title_edit("Harbour wall", "North wall"))
    pump()
    kinto.put(record, {**DOCUMENT, "title": "South wall"})
    refresh(viewer=alice, plan_id=plan.pk, anyway=True)
    catch_up(viewer=alice)
    plan.refresh_from_db()
    assert plan.title == "South wall"


def test_an_edit_arrives_and_the_copy_follows(
    kinto: Kinto, plan: Plan, alice: Viewer, browse: Callable[[str], Client], record: str
) -> None:
    """It waits, is delivered, and the page shows it as the upstream's without asking it."""
    save(viewer=alice, plan_id=plan.pk, edit=status_edit(DOCUMENT, 0, "active"))
    assert kinto.get(record)["phases"] == DOCUMENT["phases"]  # type: ignore[index]
    assert pump() == 1
    assert kinto.get(record)["phases"][0]["microsteps"][0]["status"] == "active"  # type: ignore[index]
    shown = browse("bob").get(f"/projects/plans/{plan.pk}").content.decode()
    assert "Waits to be sent" not in shown
    assert "data-saving" not in shown
    plan.refresh_from_db()
    assert plan.read()["phases"][0]["microsteps"][0]["status"] == "active"


def test_edits_one_after_the_other_all_arrive(kinto: Kinto, plan: Plan, alice: Viewer, record: str) -> None:
    """Other places, the same place twice, a comment: the upstream has all of it, and nobody is asked."""
    first = status_edit(DOCUMENT, 0, "active")
    save(viewer=alice, plan_id=plan.pk, edit=first)
    save(viewer=alice, plan_id=plan.pk, edit=status_edit(DOCUMENT, 1, "active"))
    again = StepEdit(first.key, {"status": "in_review"}, first.met, {**first.seen, "status": seen_of("active")})
    save(viewer=alice, plan_id=plan.pk, edit=again)
    save(viewer=alice, plan_id=plan.pk, edit=NewComment("k2", "alice", "On it.", "2026-11-21T03:00:00Z"))
    pump()
    there = kinto.get(record) or {}
    assert [step["status"] for step in there["phases"][0]["microsteps"]] == ["in_review", "active"]
    assert [one["id"] for one in there["comments"]] == ["k1", "k2"]


def test_an_edit_after_a_delivery_follows_it(kinto: Kinto, plan: Plan, alice: Viewer, record: str) -> None:
    """While one edit was delivered and another still waits, a third is made on both."""
    save(viewer=alice, plan_id=plan.pk, edit=status_edit(DOCUMENT, 0, "active"))
    pump()
    save(viewer=alice, plan_id=plan.pk, edit=status_edit(DOCUMENT, 1, "active"))
    catch_up(viewer=alice, plan_id=plan.pk)
    save(viewer=alice, plan_id=plan.pk, edit=title_edit("Harbour wall", "North wall"))
    pump()
    there = kinto.get(record) or {}
    assert there["title"] == "North wall"
    assert [step["status"] for step in there["phases"][0]["microsteps"]] == ["active", "active"]


def test_an_edit_while_one_was_delivered_and_one_waits(kinto: Kinto, plan: Plan, alice: Viewer, record: str) -> None:
    """The third edit belongs to the chain of the second: all three arrive, and nothing had to be merged."""
    save(viewer=alice, plan_id=plan.pk, edit=status_edit(DOCUMENT, 0, "active"))
    save(viewer=alice, plan_id=plan.pk, edit=status_edit(DOCUMENT, 1, "active"))
    at = Pump(singly=True)
    assert at.run(most=1) == 1
    save(viewer=alice, plan_id=plan.pk, edit=title_edit("Harbour wall", "North wall"))
    plan.refresh_from_db()
    assert plan.read()["phases"] == status_phases(0, "active"), "what was delivered is in the copy"
    at.run()
    there = kinto.get(record) or {}
    assert there["title"] == "North wall"
    assert [step["status"] for step in there["phases"][0]["microsteps"]] == ["active", "active"]
    assert not Conflict.objects.unscoped().exists()


def test_only_newer_knowledge_is_kept(plan: Plan, alice: Viewer) -> None:
    """Whoever brings it: an answer that was on its way for long changes nothing."""
    assert plan.fetched_at
    late = plan.fetched_at - timedelta(seconds=1)
    keep(alice, plan, {"title": "Old wall"}, version='"1"', at=late)
    keep_gone(alice, plan, at=late)
    plan.refresh_from_db()
    assert (plan.title, plan.gone) == ("Harbour wall", False)


def test_a_copy_behind_our_own_deliveries_is_no_base(
    kinto: Kinto, plan: Plan, alice: Viewer, browse: Callable[[str], Client], record: str
) -> None:
    """When a delivery left no document, an edit on the old copy would take it back: the page reads the plan first."""
    save(viewer=alice, plan_id=plan.pk, edit=status_edit(DOCUMENT, 0, "active"))
    pump()
    Snapshot.objects.unscoped().all().delete()
    edit = status_edit(DOCUMENT, 1, "active")
    with pytest.raises(CopyBehind):
        save(viewer=alice, plan_id=plan.pk, edit=edit)
    said = {"what": "step", "step": edit.key, "status": "active", "notes": ""}
    seen = {f"seen-{name}": value for name, value in {**edit.seen, "notes": seen_of("")}.items()}
    assert browse("alice").post(f"/projects/plans/{plan.pk}/edit", said | seen).status_code == 302
    pump()
    there = kinto.get(record) or {}
    assert [step["status"] for step in there["phases"][0]["microsteps"]] == ["active", "active"]


def test_somebody_else_wrote_meanwhile(kinto: Kinto, plan: Plan, alice: Viewer, record: str) -> None:
    """Another microstep of the same list: the rules merge it, both edits stand, and nobody is asked."""
    theirs = {**DOCUMENT, "phases": status_phases(1, "archived")}
    kinto.put(record, theirs)
    save(viewer=alice, plan_id=plan.pk, edit=status_edit(DOCUMENT, 0, "active"))
    save(viewer=alice, plan_id=plan.pk, edit=NewComment("k2", "alice", "On it.", "2026-11-21T03:00:00Z"))
    pump()
    there = kinto.get(record) or {}
    assert [step["status"] for step in there["phases"][0]["microsteps"]] == ["active", "archived"]
    assert [one["id"] for one in there["comments"]] == ["k1", "k2"]


def test_a_refresh_between_two_edits_loses_neither(kinto: Kinto, plan: Plan, alice: Viewer, record: str) -> None:
    """The first edit waits, the copy moves on with somebody else's edit, the second is made on all of it."""
    save(viewer=alice, plan_id=plan.pk, edit=status_edit(DOCUMENT, 0, "active"))
    kinto.put(record, {**DOCUMENT, "summary": "Theirs.", "phases": status_phases(1, "archived")})
    refresh(viewer=alice, plan_id=plan.pk, anyway=True)
    save(viewer=alice, plan_id=plan.pk, edit=title_edit("Harbour wall", "North wall"))
    second = Item.objects.unscoped().order_by("-seq")[0]
    assert [step["status"] for step in second.read_base()["phases"][0]["microsteps"]] == ["active", "archived"]
    pump()
    there = kinto.get(record) or {}
    assert (there["title"], there["summary"]) == ("North wall", "Theirs.")
    assert [step["status"] for step in there["phases"][0]["microsteps"]] == ["active", "archived"]


def test_both_changed_the_same_place(
    kinto: Kinto, plan: Plan, alice: Viewer, browse: Callable[[str], Client], record: str
) -> None:
    """A person is asked: the page shows the open conflict, and the other text as the plan's."""
    kinto.put(record, {**DOCUMENT, "title": "South wall"})
    save(viewer=alice, plan_id=plan.pk, edit=title_edit("Harbour wall", "North wall"))
    pump()
    age(plan)
    shown = browse("alice").get(f"/projects/plans/{plan.pk}", headers=LIVE).content.decode()
    assert "1 place needs a decision." in shown
    assert "/conflicts/" in shown
    assert "<h1>South wall</h1>" in shown
    assert "data-saving" not in shown
    assert "Conflict" in browse("alice").get("/projects").content.decode()


def test_a_cancelled_edit_does_not_go_along(kinto: Kinto, plan: Plan, alice: Viewer, record: str) -> None:
    """The edit that was made after it goes on without it, where they touch other fields."""
    dropped = save(viewer=alice, plan_id=plan.pk, edit=title_edit("Harbour wall", "North wall"))
    save(viewer=alice, plan_id=plan.pk, edit=status_edit(DOCUMENT, 0, "active"))
    assert dropped is not None
    cancel(viewer=alice, item_id=dropped.pk, reason="No.")
    pump()
    assert kinto.get(record)["title"] == "Harbour wall"  # type: ignore[index]


def test_a_new_plan_is_created_with_its_first_edits(
    kinto: Kinto, plans_api: Upstream, project: Project, alice: Viewer, record: str
) -> None:
    """It can be edited before it is at the upstream."""
    made = create_plan(
        viewer=alice, project_id=project.pk, upstream_id=plans_api.pk, entity_id=record, title="Lighthouse", summary=""
    )
    save(viewer=alice, plan_id=made.pk, edit=title_edit("Lighthouse", "Lighthouse, rebuilt"))
    pump()
    assert plain(kinto.get(record))["title"] == "Lighthouse, rebuilt"
    catch_up(viewer=alice)
    made.refresh_from_db()
    assert (made.title, made.status, made.known) == ("Lighthouse, rebuilt", "draft", True)


def status_phases(number: int, status: str) -> Any:
    """The document's phases with another status for one microstep."""
    steps = list(DOCUMENT["phases"][0]["microsteps"])
    steps[number] = {**steps[number], "status": status}
    return [{**DOCUMENT["phases"][0], "microsteps": steps}]

"""A plan's page: what it shows to whom, and what becomes of an edit."""

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.http import HttpResponse
from django.test import Client

from portal.kit import clock, jsontext
from portal.kit.ids import uuid7
from portal.projects.core.editing import seen_met, seen_of
from portal.projects.core.reading import read_plan
from portal.projects.models import Plan
from portal.tenancy.models import Project
from resilience.upstreams.models import Upstream
from syncqueue.actions.cancel import cancel
from syncqueue.actions.enqueue import enqueue
from syncqueue.core.change import NewChange
from syncqueue.models import Item
from tests.projects.conftest import DOCUMENT, make_plan
from tests.support.breakers import stop
from tests.support.people import People

Browse = Callable[[str], Client]
STEP = read_plan(DOCUMENT).phases[0].steps[0]
LIVE = {"HX-Request": "true", "HX-Target": "live"}


def plan_form(**said: str) -> dict[str, str]:
    """What the form of the plan's texts sends when only this was changed."""
    view = read_plan(DOCUMENT)
    names = ("title", "summary", "description", "status")
    seen = {f"seen-{name}": seen_of(getattr(view, name)) for name in names}
    return {"what": "plan", **seen, **{name: getattr(view, name) for name in names}, **said}


def step_form(**said: Any) -> dict[str, Any]:
    """The same for the first microstep."""
    seen = {"seen-status": seen_of(STEP.status), "seen-notes": seen_of(STEP.notes)}
    raw = DOCUMENT["phases"][0]["microsteps"][0]
    values = {"status": STEP.status, "notes": STEP.notes, "met": ["c2"]}
    return {"what": "step", "step": STEP.key, **seen, "seen-met": seen_met(raw), **values, **said}


def edit(browser: Client, plan: Plan, data: dict[str, Any]) -> HttpResponse:
    """Sends a form of the plan's page."""
    answer: HttpResponse = browser.post(f"/projects/plans/{plan.pk}/edit", data)
    return answer


def page(browser: Client, plan: Plan, query: str = "", **headers: str) -> str:
    """The plan's page."""
    return browser.get(f"/projects/plans/{plan.pk}{query}", headers=headers).content.decode()


def test_members_see_the_plan(browse: Browse, plan: Plan) -> None:
    """Its phases, microsteps, notes, criteria and comments; a viewer sees no forms, a stranger nothing at all."""
    for name in ("alice", "bob"):
        shown = page(browse(name), plan)
        for text in ("Survey", "Measure the tide", "Twice a day.", "Fourteen days in a row", "Bring boots.", "As of"):
            assert text in shown
        assert ("Write a comment" in shown) is (name == "alice")
        assert ("?edit=plan" in shown) is (name == "alice")
    assert browse("charlie").get(f"/projects/plans/{plan.pk}").status_code == 404


def test_texts_are_escaped(browse: Browse, upstream: Upstream, project: Project) -> None:
    """Whatever an upstream holds is shown as text."""
    hostile = json.loads(json.dumps(DOCUMENT).replace("Twice a day.", "<script>alert(1)</script>"))
    hostile |= {"title": "<b>bold</b>", "<i>": "<u>"}
    shown = page(browse("bob"), make_plan(upstream, project, hostile))
    assert "<script>alert" not in shown
    assert "<b>bold" not in shown
    assert "<i>" not in shown
    assert "&lt;script&gt;" in shown


def test_a_viewer_and_a_stranger_cannot_edit(browse: Browse, plan: Plan) -> None:
    """Neither texts nor comments nor the project."""
    for data in (
        plan_form(title="Mine"),
        step_form(status="active"),
        {"what": "comment", "text": "Hi", "name": str(uuid7())},
    ):
        assert [edit(browse(name), plan, data).status_code for name in ("bob", "charlie")] == [403, 404]
    assert browse("bob").post(f"/projects/plans/{plan.pk}/move", {"project": ""}).status_code == 403
    assert not Item.objects.unscoped().exists()


def test_forms_need_their_token(people: People, plan: Plan) -> None:
    """A page of somebody else's cannot send them."""
    careful = Client(enforce_csrf_checks=True)
    careful.force_login(people.alice)
    assert edit(careful, plan, plan_form(title="Mine")).status_code == 403


def test_an_edit_is_one_change_with_its_base(browse: Browse, plan: Plan, project: Project) -> None:
    """It names the plan, the version that it was made on, and only what is different; the copy stays what the upstream has."""
    answer = edit(browse("alice"), plan, plan_form(title="North wall"))
    assert answer.status_code == 302
    item = Item.objects.unscoped().select_related("lane", "project").get()
    assert item.read_payload() == {"title": "North wall"}
    assert item.read_base() == DOCUMENT
    assert (item.base_version, item.form, item.actor, item.project) == ('"7"', "merge-patch", "alice", project)
    assert (item.lane.entity_type, item.lane.entity_id) == ("plan", "p-1")
    plan.refresh_from_db()
    assert plan.read() == DOCUMENT


def test_what_waits_is_shown_and_marked(browse: Browse, plan: Plan) -> None:
    """The page shows the new value with "saving", and the change with what it does."""
    alice = browse("alice")
    edit(alice, plan, step_form(status="active", met=["c1", "c2"]))
    shown = page(alice, plan)
    item = Item.objects.unscoped().get()
    assert "Waits to be sent" in shown
    assert "Status of Measure the tide" in shown
    assert "Met: Fourteen days in a row" in shown
    assert f"/resilience/queue/{item.pk}" in shown
    assert shown.count("data-saving") == 2
    assert "data-saving" not in page(alice, make_plan(plan.upstream, None, entity_id="p-2"))


def test_edits_of_several_places_follow_each_other(browse: Browse, plan: Plan) -> None:
    """The second edit is made on the plan with the first in it, and on the same version, so that both arrive."""
    alice = browse("alice")
    edit(alice, plan, step_form(status="active"))
    edit(alice, plan, plan_form(status="blocked"))
    edit(alice, plan, {"what": "comment", "text": "On it.", "name": str(uuid7())})
    first, second, third = Item.objects.unscoped().order_by("seq")
    assert second.read_base()["phases"] == first.read_payload()["phases"]
    assert third.read_base()["status"] == "blocked"
    assert {item.base_version for item in (first, second, third)} == {'"7"'}
    assert [one["text"] for one in third.read_payload()["comments"]] == ["Bring boots.", "On it."]


def test_a_cancelled_edit_is_no_base(browse: Browse, plan: Plan, people: People) -> None:
    """What will not be sent is not shown either."""
    alice = browse("alice")
    edit(alice, plan, plan_form(title="North wall"))
    cancel(viewer=people.viewer(people.alice), item_id=Item.objects.unscoped().get().pk, reason="No.")
    assert "North wall" not in page(alice, plan)


def test_nothing_different_is_nothing_sent(browse: Browse, plan: Plan) -> None:
    """And pressing twice makes one comment."""
    alice = browse("alice")
    assert edit(alice, plan, plan_form()).status_code == 302
    comment = {"what": "comment", "text": "Once.", "name": str(uuid7())}
    edit(alice, plan, comment)
    edit(alice, plan, comment)
    assert Item.objects.unscoped().count() == 1


def test_bad_input_keeps_what_was_typed(browse: Browse, plan: Plan) -> None:
    """The form is shown again with its faults, and the rest of the page too."""
    alice = browse("alice")
    for data, said in (
        (plan_form(title="", summary="Kept text"), "Kept text"),
        (plan_form(title="x" * 201, summary="Kept text"), "Kept text"),
        (step_form(status="perfect", notes="Kept notes"), "Kept notes"),
        (step_form(met=["c9"], notes="Kept notes"), "Kept notes"),
        ({"what": "comment", "text": "", "name": str(uuid7())}, "Write a comment"),
        ({"what": "comment", "text": "Kept comment", "name": "no id"}, "Kept comment"),
    ):
        answer = edit(alice, plan, data)
        assert answer.status_code == 422, data
        assert said in answer.content.decode()
    assert edit(alice, plan, {"what": "all"}).status_code == 400
    assert not Item.objects.unscoped().exists()


def test_what_the_queue_refuses_is_told_in_the_form(browse: Browse, upstream: Upstream, project: Project) -> None:
    """A document that does not fit its kind cannot be sent on; the reason names the place."""
    odd = json.loads(json.dumps(DOCUMENT).replace('"active"', '"ongoing"'))
    plan = make_plan(upstream, project, odd)
    answer = edit(browse("alice"), plan, step_form(status="active", notes="Kept notes"))
    assert answer.status_code == 422
    assert "/payload/phases/0/status" in answer.content.decode()
    assert "Kept notes" in answer.content.decode()


def test_somebody_was_faster(browse: Browse, plan: Plan) -> None:
    """Who saves a text that changed meanwhile sees the other one, keeps their own, and may save again."""
    Plan.objects.unscoped().filter(pk=plan.pk).update(
        document=jsontext.dump({**DOCUMENT, "title": "South wall"}), version='"8"'
    )
    alice = browse("alice")
    answer = edit(alice, plan, plan_form(title="North wall"))
    shown = answer.content.decode()
    assert answer.status_code == 422
    assert "Somebody else changed this after you opened it." in shown
    assert "It says now: South wall" in shown
    assert 'value="North wall"' in shown
    again = plan_form(title="North wall") | {"seen-title": seen_of("South wall")}
    assert edit(alice, plan, again).status_code == 302
    assert Item.objects.unscoped().get().base_version == '"8"'


def test_a_microstep_that_is_gone_is_told(browse: Browse, plan: Plan) -> None:
    """It cannot be edited any more."""
    answer = edit(browse("alice"), plan, step_form(step="0" * 12))
    assert answer.status_code == 302
    assert "not there any more" in page(answer.client, plan)  # type: ignore[attr-defined]


def test_an_unread_plan_cannot_be_edited(browse: Browse, upstream: Upstream, project: Project) -> None:
    """There is nothing to make an edit on; the page says when there will be."""
    unread = Plan.objects.create(
        organization=upstream.organization, upstream=upstream, entity_id="p-5", project=project
    )
    alice = browse("alice")
    shown = page(alice, unread)
    assert "This plan was not read yet." in shown
    assert "could not be asked." in shown
    assert "Try again" in shown
    assert edit(alice, unread, plan_form(title="Mine")).status_code == 302
    assert alice.get(f"/projects/plans/{unread.pk}/export.json").status_code == 404
    assert not Item.objects.unscoped().exists()


def test_while_the_upstream_is_down_the_last_copy_stays(browse: Browse, plan: Plan) -> None:
    """It is marked with its time, is not asked for, and edits are taken all the same."""
    old = clock.now() - timedelta(hours=1)
    Plan.objects.unscoped().filter(pk=plan.pk).update(fetched_at=old, asked_at=old)
    stop(plan.upstream)
    alice = browse("alice")
    shown = page(alice, plan, **LIVE)
    assert "plans-api is down." in shown
    assert "This is from" in shown
    assert "Try again" in shown
    plan.refresh_from_db()
    assert plan.asked_at == old
    assert edit(alice, plan, plan_form(title="North wall")).status_code == 302


def test_a_plan_that_is_gone_shows_its_last_copy(browse: Browse, plan: Plan) -> None:
    """Without forms: there is nothing to change any more."""
    Plan.objects.unscoped().filter(pk=plan.pk).update(gone=True)
    alice = browse("alice")
    shown = page(alice, plan)
    assert "plans-api has no such plan." in shown
    assert "What stands here is the last copy." in shown
    assert "Write a comment" not in shown
    edit(alice, plan, plan_form(title="Mine"))
    assert not Item.objects.unscoped().exists()
    assert "Harbour wall" not in alice.get("/projects").content.decode()


def test_others_changes_are_listed_and_not_guessed(browse: Browse, plan: Plan, people: People) -> None:
    """What a device has waiting is told, with what it does, and the document stays as the upstream has it."""
    change = NewChange(
        kind="plan_edit",
        entity_type="plan",
        entity_id="p-1",
        operation="update",
        payload={"title": "From a laptop"},
        base=DOCUMENT,
        client_id="laptop-7",
    )
    enqueue(viewer=people.viewer(people.alice), changes=[change])
    shown = page(browse("bob"), plan)
    assert "<ins>From a laptop</ins>" in shown
    assert "data-saving" not in shown
    assert "<h1>Harbour wall</h1>" in shown


def test_the_open_form_is_on_the_page(browse: Browse, plan: Plan) -> None:
    """Its address opens it, so that it works without JavaScript; unknown ones open none."""
    alice = browse("alice")
    assert 'name="seen-notes"' in page(alice, plan, f"?edit={STEP.key}")
    assert 'name="seen-title"' in page(alice, plan, "?edit=plan")
    assert 'name="seen-' not in page(alice, plan, "?edit=nothing")
    assert 'name="seen-' not in page(browse("bob"), plan, "?edit=plan")


def test_a_large_plan_shows_one_phase_at_a_time(browse: Browse, upstream: Upstream, project: Project) -> None:
    """Hundreds of microsteps are not sent at once."""
    phases = [
        {
            "id": f"ph{p}",
            "title": f"Phase {p}",
            "microsteps": [{"id": f"s{s}", "title": f"Step {p}-{s}"} for s in range(200)],
        }
        for p in range(3)
    ]
    large = make_plan(upstream, project, {"title": "Large", "phases": phases})
    alice = browse("alice")
    assert "Step 1-7" not in page(alice, large)
    phase = read_plan(large.read()).phases[1]
    assert "Step 1-7" in page(alice, large, f"?phase={phase.key}")
    assert "Step 1-7" in page(alice, large, f"?edit={phase.steps[7].key}")


def test_a_plan_goes_to_another_project(browse: Browse, plan: Plan, people: People) -> None:
    """Of the same organization only; the queue's items keep the one that they named."""
    other = Project.objects.create(organization=people.tidewater, slug="piers", name="Piers")
    foreign = Project.objects.create(organization=people.northlight, slug="wards", name="Wards")
    alice, place = browse("alice"), f"/projects/plans/{plan.pk}/move"
    assert alice.post(place, {"project": str(foreign.pk)}).status_code == 400
    assert alice.post(place, {"project": "x"}).status_code == 400
    assert alice.post(place, {"project": str(other.pk)}).status_code == 302
    plan.refresh_from_db()
    assert plan.project == other
    alice.post(place, {"project": ""})
    plan.refresh_from_db()
    assert plan.project is None


@pytest.mark.parametrize(("ending", "kind"), [("json", "application/json"), ("md", "text/markdown; charset=utf-8")])
def test_a_plan_is_exported(browse: Browse, plan: Plan, ending: str, kind: str) -> None:
    """As it is at the upstream, for members; the file is called by the plan."""
    place = f"/projects/plans/{plan.pk}/export.{ending}"
    answer = browse("bob").get(place)
    assert answer.headers["Content-Type"] == kind
    assert answer.headers["Content-Disposition"] == f'attachment; filename="Harbour wall.{ending}"'
    text = answer.content.decode()
    if ending == "json":
        assert json.loads(text) == DOCUMENT
    else:
        assert "### Measure the tide" in text
        assert "- [x] By two people" in text
        assert "> Bring boots." in text
    assert browse("charlie").get(place).status_code == 404

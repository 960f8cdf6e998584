"""The pages of projects, as plain forms without JavaScript, for the owner, a team mate and a stranger."""

import json
from collections.abc import Callable

import pytest
from django.test import Client

from portal.events.models import Event
from portal.projects.exports import inline, prose
from portal.projects.models import Plan
from portal.projects.rendering import first_words, html_of
from portal.tenancy.models import Project
from resilience.upstreams.models import Upstream
from syncqueue.models import Item
from tests.projects.conftest import make_plan
from tests.support.people import People, make_upstream

Browse = Callable[[str], Client]


def test_the_list_shows_projects_with_their_plans(browse: Browse, plan: Plan, project: Project) -> None:
    """Each member sees each project with how far its plans are; a stranger sees none of it."""
    Project.objects.unscoped().filter(pk=project.pk).update(specification="# Web\n\nWhat customers *see* first.")
    Plan.objects.unscoped().filter(pk=plan.pk).update(steps=2, steps_done=1, criteria=2, criteria_met=1)
    for name in ("alice", "bob"):
        page = browse(name).get("/projects").content.decode()
        assert "Harbour wall" in page
        assert "What customers see first." in page
        assert "1 of 2" in page
        assert ("Add a project" in page) is (name == "alice")
    assert "Harbour" not in browse("charlie").get("/projects").content.decode()


def test_nothing_yet_says_what_comes(browse: Browse) -> None:
    """An organization without projects reads what would stand here."""
    assert "No project yet." in browse("charlie").get("/projects").content.decode()


def test_an_admin_adds_a_project(browse: Browse, people: People) -> None:
    """With its specification; the team mate and the stranger do not."""
    said = {"name": "Piers", "slug": "piers", "description": "Two of them.", "specification": "# Piers\r\n\r\nStone."}
    assert browse("bob").post("/projects/add", said).status_code == 403
    answer = browse("alice").post("/projects/add", said)
    made = Project.objects.unscoped().get(slug="piers")
    assert answer.headers["Location"] == f"/projects/{made.pk}"
    assert (made.organization, made.specification) == (people.tidewater, "# Piers\n\nStone.")
    assert Event.objects.unscoped().filter(verb="project.created", actor="alice").exists()


def test_a_refused_project_keeps_what_was_typed(browse: Browse, project: Project) -> None:
    """A slug that is taken is told at its field."""
    answer = browse("alice").post("/projects/add", {"name": "Another web", "slug": "web", "specification": "Long text"})
    page = answer.content.decode()
    assert answer.status_code == 422
    assert "There is a project web already." in page
    assert "Another web" in page
    assert "Long text" in page


def test_an_operator_edits_a_specification(browse: Browse, project: Project) -> None:
    """It is saved with who and when; a viewer may not, a stranger finds nothing."""
    said = {"name": "Web", "description": "", "specification": "New text", "revision": "1"}
    place = f"/projects/{project.pk}/edit"
    assert [browse(name).post(place, said).status_code for name in ("bob", "charlie", "alice")] == [403, 404, 302]
    project.refresh_from_db()
    assert (project.specification, project.updated_by, project.revision) == ("New text", "alice", 2)
    assert "New text" in browse("bob").get(f"/projects/{project.pk}").content.decode()


def test_who_saves_later_sees_the_other_text_first(browse: Browse, project: Project) -> None:
    """Neither text is lost: theirs is shown, one's own stays in the form, and saving again is possible."""
    place, alice = f"/projects/{project.pk}/edit", browse("alice")
    alice.post(place, {"name": "Web", "specification": "Theirs", "revision": "1"})
    late = alice.post(place, {"name": "Web", "specification": "Mine", "revision": "1"})
    page = late.content.decode()
    assert late.status_code == 422
    assert "Theirs" in page
    assert "Mine" in page
    assert 'name="revision" value="2"' in page
    assert alice.post(place, {"name": "Web", "specification": "Mine", "revision": "2"}).status_code == 302


def test_a_specification_is_shown_safely(browse: Browse, project: Project) -> None:
    """Raw HTML is text, script addresses are no links, and headings stand below the page's own."""
    hostile = "# Top\n\n<script>alert(1)</script>\n\n[x](javascript:alert(1)) [y](https://example.org) ![z](https://e.org/p.png)"
    Project.objects.unscoped().filter(pk=project.pk).update(specification=hostile)
    page = browse("bob").get(f"/projects/{project.pk}").content.decode()
    assert "<script>alert" not in page
    assert "&lt;script&gt;" in page
    assert 'href="javascript' not in page
    assert 'href="https://example.org" rel="noopener noreferrer nofollow"' in page
    assert "<img" not in page
    assert "<h3>Top</h3>" in page


def test_tables_are_shown() -> None:
    """A specification may have them."""
    assert "<td>1</td>" in html_of("| a |\n|---|\n| 1 |")


def test_the_first_words_are_plain() -> None:
    """A summary is the first paragraph, without marks, headings and lists."""
    assert first_words("# Web\n\n- a list\n\nOne **bold** and\n`code`.\n\nTwo.") == "a list"
    assert first_words("Web\n===\n\nOne **bold** and\n`code`.") == "One bold and code."
    assert first_words("word " * 200).endswith("…")
    assert first_words("") == ""


def test_a_plan_is_added_by_its_id(browse: Browse, project: Project, upstream: Upstream) -> None:
    """An upstream that does not answer is no reason to refuse it: it is read when it answers."""
    said = {"how": "known", "upstream": str(upstream.pk), "entity_id": "p-77"}
    place = f"/projects/{project.pk}/plans/add"
    assert [browse(name).post(place, said).status_code for name in ("bob", "charlie", "alice")] == [403, 404, 302]
    made = Plan.objects.unscoped().get(entity_id="p-77")
    assert (made.project, made.known, bool(made.trouble)) == (project, False, True)


@pytest.mark.parametrize("entity_id", ["..", "a/b", "", " "])
def test_an_id_that_cannot_be_one_is_refused(
    browse: Browse, project: Project, upstream: Upstream, entity_id: str
) -> None:
    """It stands in an address there."""
    said = {"how": "known", "upstream": str(upstream.pk), "entity_id": entity_id}
    answer = browse("alice").post(f"/projects/{project.pk}/plans/add", said)
    assert answer.status_code == 422
    assert not Plan.objects.unscoped().exists()


def test_another_organizations_upstream_is_none(
    browse: Browse, project: Project, people: People, upstream: Upstream
) -> None:
    """Its number says nothing."""
    foreign = make_upstream(people.northlight, slug="foreign")
    said = {"how": "new", "upstream": str(foreign.pk), "title": "Mine"}
    assert browse("alice").post(f"/projects/{project.pk}/plans/add", said).status_code == 422
    assert not Item.objects.unscoped().exists()


def test_a_new_plan_is_an_enqueued_create(browse: Browse, project: Project, upstream: Upstream) -> None:
    """Nothing is at the upstream before it is delivered, and its page shows what will be."""
    said = {"how": "new", "upstream": str(upstream.pk), "title": "Lighthouse", "summary": "Shines."}
    alice = browse("alice")
    answer = alice.post(f"/projects/{project.pk}/plans/add", said)
    item = Item.objects.unscoped().select_related("lane").get()
    assert (item.operation, item.kind, item.project, item.client_id) == ("create", "plan_edit", project, "portal")
    assert item.read_payload() == {
        "title": "Lighthouse",
        "summary": "Shines.",
        "status": "draft",
        "owner": "alice",
        "phases": [],
    }
    assert item.lane.entity_id.startswith("lighthouse-")
    page = alice.get(answer.headers["Location"]).content.decode()
    assert "Creates the plan" in page
    assert "Shines." in page


def test_a_project_is_exported(browse: Browse, plan: Plan, project: Project) -> None:
    """As JSON with every document and where it comes from, and as Markdown; a stranger gets neither."""
    bob = browse("bob").get(f"/projects/{project.pk}/export.json")
    kept = json.loads(bob.content)
    assert kept["plans"][0]["document"] == plan.read()
    assert (kept["plans"][0]["upstream"], kept["plans"][0]["version"]) == ("plans-api", '"7"')
    assert bob.headers["Content-Disposition"] == 'attachment; filename="web.json"'
    text = browse("bob").get(f"/projects/{project.pk}/export.md").content.decode()
    assert "## Harbour wall" in text
    assert browse("charlie").get(f"/projects/{project.pk}/export.md").status_code == 404


def test_texts_stay_texts_in_markdown() -> None:
    """What looks like a mark is escaped, line by line."""
    assert inline("# no *heading*\n<b>") == "\\# no \\*heading\\* \\<b\\>"
    assert prose("1. one\n- two\nthree - four") == "1\\. one\n\\- two\nthree - four"


def test_many_plans_are_one_reading(
    browse: Browse, upstream: Upstream, project: Project, django_assert_max_num_queries: Callable[..., object]
) -> None:
    """The page of all projects costs the same for three plans and for thirty."""
    for number in range(30):
        make_plan(upstream, project, entity_id=f"p-{number}")
    alice = browse("alice")
    alice.get("/projects")
    with django_assert_max_num_queries(40):  # type: ignore[attr-defined]
        alice.get("/projects")

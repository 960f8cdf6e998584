"""Projects and plans in a real browser: light, dark, narrow, without a script; an edit that waits and arrives."""

import os
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from portal.projects.models import Plan
from portal.tenancy.models import Project
from resilience.upstreams.models import Upstream
from syncqueue.models import Item
from tests.projects.conftest import DOCUMENT, make_plan
from tests.support.kinto import Kinto, running_kinto
from tests.web.conftest import Visitor, browser_type_launch_args, visit, world
from tests.web.world import World

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
__all__ = ["browser_type_launch_args", "visit", "world"]
Visit = Callable[..., Visitor]
SPECIFICATION = (
    "# Web\n\nOne **bold** word.\n\n- a\n- b\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\n```\ncode\n```\n\n> quoted"
)
"""What people see first: everything that Markdown may hold."""

os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"


@pytest.fixture
def shown(world: World) -> dict[str, str]:
    """A project, a plan with an edit that waits, and a plan that was never read, by their addresses."""
    upstream = plans_api(world)
    Project.objects.unscoped().filter(pk=world.project.pk).update(specification=SPECIFICATION)
    document: dict[str, Any] = {
        **DOCUMENT,
        "budget": {"amount": 7},
        "files": [{"id": "f", "name": "tide.csv", "size": 4_100}],
        "annotations": [{"id": "n", "author": "theo", "text": "See the map.", "at": "2026-11-20T10:00:00Z"}],
    }
    plan = make_plan(upstream, world.project, document)
    unread = Plan.objects.create(organization=world.tidewater, upstream=upstream, entity_id="p-2")
    project, place = f"/projects/{world.project.pk}", f"/projects/plans/{plan.pk}"
    return {
        "projects": "/projects",
        "project": project,
        "form": f"{project}/edit",
        "add": "/projects/add",
        "add plan": f"{project}/plans/add",
        "plan": place,
        "plan form": f"{place}?edit=plan",
        "unread": f"/projects/plans/{unread.pk}",
    }


def plans_api(world: World, address: str = "http://127.0.0.1:9/v1", **fields: Any) -> Upstream:
    """Tidewater's upstream of plans."""
    upstream = world.upstream("plans-api")
    upstream.address, upstream.routes = address, fields.get("routes", {"plan": {"path": "/plans/{id}"}})
    upstream.keep_credentials(fields.get("credentials", {}))
    upstream.save()
    return upstream


def follow(page: Page) -> None:
    """Lets the page catch up, as a message on its stream would."""
    expect(page.locator(".live")).to_be_visible()
    page.evaluate("import('/static/js/live.js').then((live) => live.refresh())")


@pytest.mark.parametrize(("scheme", "width"), [("light", 1440), ("dark", 1440), ("light", 390)])
def test_axe_finds_nothing(visit: Visit, shown: dict[str, str], scheme: str, width: int) -> None:
    """No page has an accessibility fault, in either theme, wide or narrow, and none breaks the content security policy."""
    visitor = visit(scheme=scheme, width=width)
    page = visitor.open(shown["plan"])
    page.get_by_role("link", name="Edit Measure the tide").click()
    page.get_by_label("Status").select_option("active")
    assert visitor.faults() == []
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.locator("#waiting")).to_contain_text("Status of Measure the tide")
    for name, address in shown.items():
        visitor.open(address)
        assert visitor.faults() == [], name
        assert page.evaluate("document.documentElement.scrollWidth") <= width, name
    assert visitor.complaints == []


@pytest.mark.parametrize("width", [320, 1024])
def test_nothing_scrolls_sideways(visit: Visit, shown: dict[str, str], width: int) -> None:
    """A narrow page is as wide as its window."""
    visitor = visit(width=width)
    for name, address in shown.items():
        page = visitor.open(address)
        assert page.evaluate("document.documentElement.scrollWidth") <= width, name


def test_a_plan_is_edited_without_a_script(visit: Visit, shown: dict[str, str]) -> None:
    """With JavaScript off, a microstep is changed, a fault is told, and a comment is written."""
    page = visit(javascript=False).open("/projects")
    page.get_by_role("link", name="Harbour wall").click()
    page.get_by_role("link", name="Edit Measure the tide").click()
    page.get_by_label("Notes").fill("Three times a day.")
    page.get_by_label("Fourteen days in a row").check()
    page.get_by_role("button", name="Save", exact=True).click()
    assert page.get_by_text("Saved. It waits to be sent to plans-api.").is_visible()
    assert page.get_by_text("Met: Fourteen days in a row").is_visible()
    assert page.locator(".steps [data-saving]").count() == 2
    page.get_by_role("button", name="Add the comment").click()
    assert page.get_by_text("One thing needs another look.").is_visible()
    page.get_by_label("New comment").fill("On it.")
    page.get_by_role("button", name="Add the comment").click()
    assert page.locator("#comments").get_by_text("On it.").is_visible()
    assert Item.objects.unscoped().count() == 2


def test_a_live_page_never_takes_away_what_is_being_typed(visit: Visit, shown: dict[str, str], world: World) -> None:
    """While somebody writes, the plan changes; the form stays, and the other texts follow."""
    page = visit().open(shown["plan form"])
    page.get_by_label("Summary").fill("It holds for a hundred years.")
    page.get_by_role("heading", level=1).click()
    Plan.objects.unscoped().filter(entity_id="p-1").update(
        document='{"title":"North wall","summary":"Other"}', version='"8"'
    )
    follow(page)
    expect(page.get_by_role("heading", level=1)).to_have_text("North wall")
    expect(page.get_by_label("Summary")).to_have_value("It holds for a hundred years.")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_text("It says now: Other", exact=True)).to_be_visible()
    expect(page.get_by_label("Summary")).to_have_value("It holds for a hundred years.")


@pytest.fixture
def kinto() -> Iterator[Kinto]:
    """A Kinto of its own."""
    with running_kinto() as running:
        yield running


def test_an_edit_waits_and_arrives(visit: Visit, world: World, kinto: Kinto, pumped: Callable[[], int]) -> None:
    """The keyboard alone: a status is changed, the page shows that it waits, and then that it is delivered."""
    route = {"path": kinto.path, "document": "data", "update": "PATCH"}
    upstream = plans_api(world, kinto.server, routes={"plan": route}, credentials=kinto.credentials)
    kinto.put("p-1", DOCUMENT)
    plan = Plan.objects.create(organization=world.tidewater, upstream=upstream, entity_id="p-1")
    page = visit().open(f"/projects/plans/{plan.pk}")
    page.get_by_role("link", name="Edit Measure the tide").focus()
    with page.expect_navigation():  # and its scripts
        page.keyboard.press("Enter")
    page.get_by_label("Status").focus()
    page.keyboard.press("a")  # Active
    page.get_by_role("button", name="Save", exact=True).focus()
    page.keyboard.press("Enter")
    expect(page.locator("#waiting")).to_contain_text("Status of Measure the tide")
    expect(page.locator(".steps [data-saving]")).to_have_text("saving")
    assert pumped() == 1
    follow(page)
    expect(page.locator("#waiting")).to_be_empty()
    expect(page.locator(".steps [data-saving]")).to_have_count(0)
    expect(page.locator(".steps li").first).to_contain_text("Active")
    assert kinto.get("p-1")["phases"][0]["microsteps"][0]["status"] == "active"  # type: ignore[index]

"""Live pages: rows change where they stand, new ones wait to be asked for, nothing that is in use is replaced."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from syncqueue.core.states import ItemState
from syncqueue.models import Item
from tests.web.conftest import Visitor
from tests.web.world import World

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

Visit = Callable[..., Visitor]


def catch_up(page: Page) -> None:
    """Lets the page fetch its live fragment, as after a lost connection."""
    with page.expect_response(lambda answer: answer.request.headers.get("hx-target") == "live"):
        page.evaluate("dispatchEvent(new Event('online'))")


def test_a_row_changes_where_it_stands(visit: Visit, items: dict[str, Item], world: World) -> None:
    """A changed row takes its new state in place, with the bar; counts follow; a new item waits behind the line on top."""
    page = visit().open("/resilience/queue")
    before = [row.get_attribute("data-row") for row in page.locator("tr[data-row]").all()]
    world.move(items["retrying"], ItemState.IN_FLIGHT)
    world.item("billing", "INV-77", ItemState.FAILED, title="Brand new")
    catch_up(page)
    row = page.locator(f"#row-{items['retrying'].pk}")
    expect(row).to_contain_text("In flight")
    expect(row).to_have_attribute("data-changed", "")
    assert [row.get_attribute("data-row") for row in page.locator("tr[data-row]").all()] == before
    expect(page.get_by_role("link", name="Failed 2")).to_be_visible()
    page.get_by_role("button", name="1 new item. Show").click()
    expect(page.get_by_role("link", name="Brand new")).to_be_visible()


def test_a_page_that_refused_something_still_follows(visit: Visit, items: dict[str, Item], world: World) -> None:
    """Without a reason nothing is cancelled; the page that says so, under another address, goes on telling what happens."""
    page = visit().open(f"/resilience/queue/{items['failed'].pk}")
    page.get_by_role("button", name="Cancel item").click()
    expect(page.locator("#reason-error")).to_be_visible()
    world.move(items["failed"], ItemState.CANCELLED)
    catch_up(page)
    expect(page.locator("#head")).to_contain_text("Cancelled")


def test_a_row_in_use_is_left_alone(visit: Visit, items: dict[str, Item], world: World) -> None:
    """A row that is chosen or has the focus is not replaced."""
    page = visit().open("/resilience/queue")
    row = page.locator(f"#row-{items['retrying'].pk}")
    row.locator(".pick").check()
    focused = page.locator(f"#row-{items['queued'].pk}")
    focused.get_by_role("link").focus()
    world.move(items["retrying"], ItemState.IN_FLIGHT)
    world.move(items["queued"], ItemState.CANCELLED)
    world.move(items["behind"], ItemState.CANCELLED)
    catch_up(page)
    expect(page.locator(f"#row-{items['behind'].pk}")).to_contain_text("Cancelled")
    expect(focused).to_contain_text("Queued")
    expect(row).to_contain_text("Retrying")
    expect(row.locator(".pick")).to_be_checked()


def test_what_is_done_stays_until_it_is_asked_for(visit: Visit, items: dict[str, Item], world: World) -> None:
    """A delivered item keeps its row, marked, until the reader wants the list anew."""
    page = visit().open("/resilience/queue?state=queued")
    world.move(items["queued"], ItemState.IN_FLIGHT, ItemState.SYNCED)
    catch_up(page)
    expect(page.locator(f"#row-{items['queued'].pk}")).to_contain_text("Synced")
    page.get_by_role("button", name="1 delivered or done. Show").click()
    expect(page.locator(f"#row-{items['queued'].pk}")).to_have_count(0)


def test_an_item_page_follows_and_keeps_what_is_typed(visit: Visit, items: dict[str, Item], world: World) -> None:
    """The item's state and attempts follow; a reason that is being typed and an opened answer stay."""
    page = visit().open(f"/resilience/queue/{items['retrying'].pk}")
    page.get_by_label("Reason, kept in the audit log").first.fill("I am still typing")
    world.move(items["retrying"], ItemState.IN_FLIGHT, ItemState.SYNCED)
    catch_up(page)
    expect(page.locator("#head")).to_contain_text("Synced")
    expect(page.get_by_label("Reason, kept in the audit log").first).to_have_value("I am still typing")
    expect(page.locator("#exchange-1")).to_have_attribute("open", "")


def test_the_sign_is_the_pause_button(visit: Visit, items: dict[str, Item]) -> None:
    """Pressing the sign pauses the page; p does the same; without a stream the sign says from when the data are."""
    page = visit().open("/resilience/queue")
    sign = page.locator("[data-stream]")
    expect(sign).to_contain_text("data from")
    sign.click()
    expect(sign).to_contain_text("Paused")
    expect(sign).to_have_attribute("aria-pressed", "true")
    page.keyboard.press("p")
    expect(sign).not_to_contain_text("Paused")

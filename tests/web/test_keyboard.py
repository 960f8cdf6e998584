"""The keyboard: every page can be used without a pointer, and keys rest while somebody types."""

from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from syncqueue.models import Item
from tests.web.conftest import Visitor

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

Visit = Callable[..., Visitor]


def test_rows_are_walked_chosen_and_opened(visit: Visit, items: dict[str, Item]) -> None:
    """j and k move the cursor, x chooses its row, Enter opens it."""
    page = visit().open("/resilience/queue")
    page.keyboard.press("j")
    page.keyboard.press("j")
    page.keyboard.press("k")
    first = page.locator("tr[data-row]").first
    expect(first).to_have_attribute("data-cursor", "")
    page.keyboard.press("x")
    expect(page.get_by_role("region", name="Selected items")).to_contain_text("1 selected")
    page.keyboard.press("Escape")
    expect(page.get_by_role("region", name="Selected items")).to_be_hidden()
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("Onboarding revamp")


def test_places_are_reached_by_two_keys(visit: Visit, items: dict[str, Item]) -> None:
    """g and a letter go to a page; / goes to the search, where letters are letters."""
    page = visit().open("/")
    page.keyboard.press("g")
    page.keyboard.press("q")
    page.wait_for_url("**/resilience/queue")
    page.keyboard.press("/")
    expect(page.get_by_label("Search items")).to_be_focused()
    page.keyboard.type("gopx")
    expect(page.get_by_label("Search items")).to_have_value("gopx")
    expect(page.get_by_text("No items here.")).to_be_visible()
    assert "text=gopx" in page.url


def test_all_keys_are_listed(visit: Visit, items: dict[str, Item]) -> None:
    """? opens the list of keys, Escape closes it and gives the focus back."""
    visitor = visit()
    page = visitor.open("/")
    page.keyboard.press("?")
    expect(page.get_by_role("dialog", name="Keys")).to_be_visible()
    assert visitor.faults() == []
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog", name="Keys")).to_be_hidden()


def test_the_first_stop_skips_to_the_content(visit: Visit, items: dict[str, Item]) -> None:
    """The first tab stop leads past the navigation."""
    page = visit().open("/resilience/queue")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to content")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("#content")).to_be_focused()


def test_a_dialog_asks_before_what_was_typed_is_lost(visit: Visit, items: dict[str, Item]) -> None:
    """Focus starts in the reason; Escape closes only when it is pressed twice; the chosen items are then cancelled."""
    visitor = visit()
    page = visitor.open("/resilience/queue?state=failed")
    page.locator(".pick").first.check()
    page.get_by_role("button", name="Cancel items").first.click()
    dialog = page.get_by_role("dialog")
    reason = dialog.get_by_label("Reason, kept in the audit log")
    expect(reason).to_be_focused()
    reason.fill("Written off.")
    page.keyboard.press("Escape")
    expect(dialog).to_contain_text("Press Escape again to close.")
    assert visitor.faults() == []
    dialog.get_by_role("button", name="Cancel items").click()
    expect(page.get_by_text("1 item is cancelled. It will not be sent.")).to_be_visible()


def test_keys_can_be_switched_off(visit: Visit, items: dict[str, Item], world: object) -> None:
    """A person who switched the keys off keeps their browser's own."""
    person = world.people["alice"]  # type: ignore[attr-defined]
    person.shortcuts = False
    person.save()
    page = visit().open("/resilience/queue")
    page.keyboard.press("j")
    assert page.locator("tr[data-cursor]").count() == 0

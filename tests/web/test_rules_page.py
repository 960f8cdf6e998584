"""The page of a kind's merge rules in a real browser: tried out while typing, by keyboard, and without a script."""

from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from conflicts.models import KindRules
from tests.web.conftest import Visitor

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

Visit = Callable[..., Visitor]
PAGE = "/settings/kinds/plan_edit"


@pytest.mark.parametrize(("scheme", "width"), [("light", 1440), ("dark", 1440), ("light", 390), ("dark", 320)])
def test_axe_finds_nothing(visit: Visit, scheme: str, width: int) -> None:
    """In both themes and on a phone, with good and with bad rules; nothing scrolls sideways."""
    visitor = visit("alice", scheme=scheme, width=width)
    page = visitor.open(PAGE)
    assert visitor.faults() == []
    page.get_by_label("Rules", exact=True).fill('{"a": 7}')
    page.get_by_role("button", name="Save the rules").click()
    page.get_by_role("alert").wait_for()
    assert visitor.faults() == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    refused = "Failed to load resource: the server responded with a status of 422 (Unprocessable Entity)"
    assert set(visitor.complaints) <= {refused}


def test_it_follows_what_is_typed(visit: Visit) -> None:
    """The outcome changes with the rules and the documents; a fault shows at its box with its line and goes when it is mended."""
    visitor = visit("alice")
    page = visitor.open(PAGE)
    said = page.locator("#outcome-said")
    expect(said).to_contain_text("1 asks a person")
    page.get_by_label("Rules", exact=True).fill('{"/title": {"value": "local"}}')
    expect(page.locator("#outcome pre").first).to_contain_text('"title": "Harbour wall, phase two"')
    page.get_by_label("Local (queued)").fill('{"title": "Ours"}')
    page.get_by_label("Base", exact=True).fill('{"title": "A",\n "title": "B"}')
    expect(page.locator("#base-wrong")).to_have_text("Line 2: The key appears twice.")
    expect(said).to_have_text("1 box cannot be read.")
    page.get_by_label("Base", exact=True).fill('{"title": "A"}')
    page.get_by_label("Upstream", exact=True).fill('{"title": "C", "n": 1}')
    expect(page.locator("#base-wrong")).to_be_empty()
    expect(said).to_have_text("2 places differ; the rules settle all of it.")
    expect(page.locator("#outcome tbody tr").first).to_contain_text("/title")
    assert visitor.complaints == []
    assert not KindRules.objects.unscoped().exists()


def test_saved_and_taken_back_by_keyboard(visit: Visit) -> None:
    """From the box to the button with Tab; the page says what holds, and the documents stay as they were typed."""
    visitor = visit("alice")
    page = visitor.open(PAGE)
    page.get_by_label("Base", exact=True).fill('{"title": "A"}')
    page.get_by_label("Rules", exact=True).fill('{"/title": {"value": "local"}}')
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.get_by_text("The rules are saved.").wait_for()
    expect(page.get_by_label("Base", exact=True)).to_have_value('{"title": "A"}')
    assert page.get_by_text("Tidewater Labs has its own rules").is_visible()
    page.get_by_role("button", name="Back to the defaults").focus()
    page.keyboard.press("Enter")
    page.get_by_text("The defaults hold again.").wait_for()
    expect(page.get_by_label("Rules", exact=True)).to_have_value('{"/title": {"value": "local"}}')
    assert not KindRules.objects.unscoped().exists()


def test_without_a_script(visit: Visit) -> None:
    """A button merges the documents, and what was typed is still there."""
    visitor = visit("alice", javascript=False)
    page = visitor.open(PAGE)
    page.get_by_label("Rules", exact=True).fill('{"/title": {"value": "remote"}}')
    page.get_by_role("button", name="Merge them").click()
    expect(page.locator("#outcome pre").first).to_contain_text('"title": "Harbour wall (north)"')
    expect(page.get_by_label("Rules", exact=True)).to_have_value('{"/title": {"value": "remote"}}')
    page.get_by_role("button", name="Save the rules").click()
    assert page.get_by_text("The rules are saved.").is_visible()

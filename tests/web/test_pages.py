"""The pages in a real browser: light, dark, narrow, without a script; axe finds nothing and the console stays silent."""

from collections.abc import Callable

import pytest

from syncqueue.models import Item
from tests.web.conftest import Visitor

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

Visit = Callable[..., Visitor]
LISTS = [
    "/",
    "/resilience/queue",
    "/resilience/queue?state=failed",
    "/resilience/queue?text=no-such-thing",
    "/settings/upstreams",
    "/settings/upstreams/add",
    "/settings/kinds",
    "/settings/policy",
    "/settings/members",
    "/settings/tokens",
    "/profile",
    "/audit",
    "/projects",
]


def pages(items: dict[str, Item]) -> list[str]:
    """The addresses to look at."""
    return [*LISTS, *(f"/resilience/queue/{items[name].pk}" for name in ("retrying", "failed", "conflict", "synced"))]


@pytest.mark.parametrize(("scheme", "width"), [("light", 1440), ("dark", 1440), ("light", 390)])
def test_axe_finds_nothing(visit: Visit, items: dict[str, Item], scheme: str, width: int) -> None:
    """No page has an accessibility fault, in either theme, wide or narrow, and none breaks the content security policy."""
    visitor = visit(scheme=scheme, width=width)
    for address in pages(items):
        visitor.open(address)
        assert visitor.faults() == [], address
    assert visitor.complaints == []


@pytest.mark.parametrize("width", [320, 390, 1024])
def test_nothing_scrolls_sideways(visit: Visit, items: dict[str, Item], width: int) -> None:
    """A narrow page is as wide as its window."""
    visitor = visit(width=width)
    for address in pages(items):
        page = visitor.open(address)
        assert page.evaluate("document.documentElement.scrollWidth") <= width, address


def test_touch_targets_are_large_enough(visit: Visit, items: dict[str, Item]) -> None:
    """On a phone, what is touched is at least 24 px in each direction."""
    visitor = visit(width=390)
    for address in pages(items):
        page = visitor.open(address)
        small = page.evaluate(
            """[...document.querySelectorAll("button, .btn, .tab, select, summary, .chip, input")]
               .filter(e => e.checkVisibility() && !e.matches(".pick, [data-pick-all]"))
               .map(e => [e.outerHTML.slice(0, 90), e.getBoundingClientRect()])
               .filter(([, box]) => box.width && Math.min(box.width, box.height) < 23.5).map(([html]) => html)"""
        )
        assert small == [], address


def test_an_item_is_found_and_cancelled_without_a_script(visit: Visit, items: dict[str, Item]) -> None:
    """With JavaScript off, the filter, the item's form and its refusal without a reason all work."""
    page = visit(javascript=False).open("/resilience/queue")
    page.get_by_label("Search items").fill("INV-2209")
    page.get_by_role("button", name="Filter", exact=True).click()
    page.get_by_role("link", name="INV-2209").click()
    page.get_by_role("button", name="Cancel item").click()
    assert page.get_by_text("Say why; it is kept in the audit log.").is_visible()
    page.get_by_label("Reason, kept in the audit log").first.fill("The invoice was written off.")
    page.get_by_role("button", name="Cancel item").click()
    assert page.get_by_text("1 item is cancelled. It will not be sent.").is_visible()
    assert page.locator("#head").get_by_text("Cancelled").is_visible()


def test_chosen_items_are_retried_without_a_script(visit: Visit, items: dict[str, Item]) -> None:
    """With JavaScript off, rows are chosen and acted on by the plain form below the list."""
    page = visit(javascript=False).open("/resilience/queue?state=failed")
    page.locator(".pick").first.check()
    page.get_by_role("button", name="Retry", exact=True).click()
    assert page.get_by_text("1 item is sent again.").is_visible()
    assert page.url.endswith("?state=failed")


def test_a_viewer_sees_no_way_to_act(visit: Visit, items: dict[str, Item]) -> None:
    """Who may only look is told so, and gets no button."""
    page = visit("bob").open(f"/resilience/queue/{items['failed'].pk}")
    assert page.get_by_text("Your role may look, not act.").is_visible()
    assert page.get_by_role("button", name="Send again").count() == 0


def test_the_theme_is_kept(visit: Visit, items: dict[str, Item]) -> None:
    """The theme button goes from the system's theme to light to dark, and the server draws the kept one."""
    page = visit().open("/")
    page.get_by_role("button", name="Theme: as the system").click()
    page.get_by_role("button", name="Theme: light").click()
    page.reload()
    assert page.locator("html").get_attribute("data-theme") == "dark"

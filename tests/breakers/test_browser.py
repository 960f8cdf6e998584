"""The page of breakers in a browser: by keyboard, live, in light and dark and on a phone."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from playwright.sync_api import expect

from resilience.breakers.models import Breaker
from tests.breakers.conftest import Harbour
from tests.support.breakers import stop
from tests.web.conftest import Visitor

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

Visit = Callable[..., Visitor]


@pytest.mark.parametrize(
    "look", [{}, {"scheme": "dark"}, {"width": 390, "height": 844}, {"width": 320, "height": 700, "scheme": "dark"}]
)
def test_every_state_is_accessible(visit: Visit, harbour: Harbour, look: dict[str, Any]) -> None:
    """axe finds nothing, nothing is wider than the screen, and the console stays silent."""
    stop(harbour.upstream("billing"), wait=None)
    stop(harbour.upstream("github"), wait=timedelta(hours=1))
    Breaker.objects.filter(upstream__slug="github").update(forced="open", forced_by="alice", forced_reason="A restore.")
    visitor = visit("alice", **look)
    for slug in ("plans-api", "billing", "github", "openai"):
        page = visitor.open(f"/resilience/breakers/{harbour.upstream(slug).pk}")
        assert visitor.faults() == []
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page = visitor.open(f"/resilience/breakers/{harbour.upstream('plans-api').pk}/transitions")
    page.locator(".moves summary").first.click()
    assert visitor.faults() == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert visitor.complaints == []


def test_an_admin_forces_it_open_by_keyboard(visit: Visit, harbour: Harbour) -> None:
    """g b goes there; the dialog starts in its first field, and its button says until when and follows the chip."""
    visitor = visit()
    page = visitor.open("/")
    page.keyboard.press("g")
    page.keyboard.press("b")
    page.wait_for_url("**/resilience/breakers")
    page.get_by_role("link", name="Force open…").focus()
    page.keyboard.press("Enter")
    dialog = page.get_by_role("dialog", name="Force the breaker of plans-api open")
    expect(dialog).to_be_visible()
    assert visitor.faults() == []
    button = dialog.locator("button[type=submit]")
    expect(button).to_contain_text("Force open until")
    expect(dialog).to_contain_text("more changes will wait by")
    before = button.text_content()
    dialog.get_by_text("30 min").click()
    expect(button).not_to_have_text(before or "")
    dialog.get_by_text("A time…").click()
    expect(dialog.get_by_label("A time of your own")).to_be_visible()
    expect(button).to_have_text("Force open")
    dialog.get_by_text("1 hour").click()
    dialog.get_by_label("Reason in your words").fill("Vendor restores a backup.")
    button.click()
    expect(page.get_by_text("Forced open by alice until").first).to_be_visible()
    page.get_by_role("button", name="End it now").click()
    expect(page.get_by_text("is reset: closed, with nothing counted")).to_be_visible()
    assert visitor.complaints == []


def test_the_page_follows(visit: Visit, harbour: Harbour) -> None:
    """A breaker that closes elsewhere is closed here, is said aloud, and what was opened stays open."""
    page = visit().open(f"/resilience/breakers/{harbour.upstream('plans-api').pk}")
    expect(page.locator("#breaker-head")).to_contain_text("Open")
    page.get_by_text("Show as table").click()
    Breaker.objects.filter(upstream__slug="plans-api").update(
        state="closed", generation=9, version=9, open_until=None, opened_at=None, openings=0
    )
    page.keyboard.press("p")
    page.keyboard.press("p")
    expect(page.locator("#breaker-head .state")).to_contain_text("Closed")
    expect(page.locator("#breaker-status")).to_contain_text("Breaker of plans-api: Closed.")
    expect(page.locator("#breaker-calls")).to_have_attribute("open", "")
    expect(page.locator("[aria-current=true] .word")).to_have_text("Closed")


def test_countdowns_tick_in_the_picture(visit: Visit, harbour: Harbour) -> None:
    """By themselves, without asking the server."""
    page = visit().open(f"/resilience/breakers/{harbour.upstream('plans-api').pk}")
    countdown = page.locator(".diagram[data-shape=wide] tspan[data-until]")
    before = countdown.text_content()
    expect(countdown).not_to_have_text(before or "", timeout=4_000)


def test_it_works_without_a_script(visit: Visit, harbour: Harbour) -> None:
    """Plain forms and links do all of it."""
    page = visit(javascript=False).open("/resilience/breakers")
    page.get_by_role("link", name="Force open…").click()
    page.get_by_text("30 min").click()
    page.get_by_role("button", name="Force open").click()
    expect(page.get_by_text("Forced open by alice until").first).to_be_visible()
    page.get_by_role("button", name="End it now").click()
    expect(page.locator("#breaker-head .state")).to_contain_text("Closed")
    page.get_by_role("link", name="Reset all…").click()
    expect(page.get_by_text("There is nothing to reset.")).to_be_visible()

"""The pages of health in a browser: every look, by keyboard, live, with charts that zoom, and without a script."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from playwright.sync_api import expect

from resilience.health.core.states import State
from resilience.health.models import Component
from tests.health.pages.watched import Watched, go_down
from tests.web.conftest import Visitor

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

Visit = Callable[..., Visitor]
HEALTH = "/settings/health"
LOOKS: list[dict[str, Any]] = [
    {},
    {"scheme": "dark"},
    {"width": 390, "height": 844},
    {"width": 320, "height": 700, "scheme": "dark"},
    {"width": 2560, "height": 1440},
]


@pytest.mark.parametrize("look", LOOKS)
def test_every_look_is_accessible(visit: Visit, watched: Watched, look: dict[str, Any]) -> None:
    """axe finds nothing, nothing is wider than the screen (also with a long name), and the console stays silent."""
    Component.objects.filter(slug="plans-api").update(name="plans" * 17)
    visitor = visit("alice", **look)
    for path in (HEALTH, f"{HEALTH}/tidewater/plans-api", f"{HEALTH}/formula"):
        page = visitor.open(path)
        if path == HEALTH:
            expect(page.locator("#minutes .tracks")).to_be_visible()
        assert visitor.faults() == []
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert visitor.complaints == []


def test_a_card_turns_red_without_a_reload(visit: Visit, watched: Watched) -> None:
    """It keeps its place, takes the bar and is said aloud; the outage appears above; another order waits to be asked for."""
    visitor = visit()
    page = visitor.open(HEALTH)
    expect(page.locator("#minutes .tracks")).to_be_visible()
    page.evaluate("window.untouched = true")
    order = page.locator(".card h3").all_inner_texts()
    go_down(watched, "github", minutes=2)
    page.keyboard.press("p")
    page.keyboard.press("p")
    card = page.locator(".card", has=page.get_by_role("link", name="github", exact=True))
    expect(card).to_have_attribute("data-state", "down")
    expect(card).to_have_attribute("data-changed", "")
    expect(card).to_contain_text("Breaker open")
    expect(page.locator("#health-status")).to_contain_text("Down: github, plans-api.")
    expect(page.locator("#outages")).to_contain_text("Also out")
    assert page.locator(".card h3").all_inner_texts() == order
    page.get_by_role("button", name="The order has changed").click()
    assert sorted(page.locator(".card h3").all_inner_texts()[:2]) == ["github", "plans-api"]
    assert page.evaluate("window.untouched")
    assert visitor.complaints == []


def test_it_is_used_by_keyboard(visit: Visit, watched: Watched) -> None:
    """g h goes there, j and k move over the cards, the full stop opens the actions of one, Escape closes them."""
    visitor = visit("ivan")
    page = visitor.open("/")
    page.keyboard.press("g")
    page.keyboard.press("h")
    page.wait_for_url(f"**{HEALTH}")
    page.keyboard.press("j")
    page.keyboard.press("j")
    expect(page.locator(".card[data-cursor] h3")).to_have_text("openai")
    page.keyboard.press("k")
    expect(page.locator(".card[data-cursor] h3")).to_have_text("plans-api")
    page.keyboard.press(".")
    dialog = page.get_by_role("dialog", name="plans-api")
    expect(dialog).to_be_visible()
    queue = dialog.get_by_role("link", name="What waits for it")
    assert str(queue.get_attribute("href")).endswith("/resilience/queue?upstream=plans-api")
    assert visitor.faults() == []
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    page.keyboard.press("Enter")
    page.wait_for_url("**/tidewater/plans-api")
    assert visitor.complaints == []


def test_minutes_of_another_are_chosen_and_followed(visit: Visit, watched: Watched) -> None:
    """The select changes the panel in place, and the live fragment keeps to the choice."""
    page = visit().open(HEALTH)
    page.get_by_label("Whose minutes").select_option(label="openai")
    expect(page.locator("#minutes-title")).to_have_text("openai, minute by minute")
    page.keyboard.press("Escape")
    page.locator("h1").click()
    watched.set("openai", State.UP, timedelta(0))
    page.keyboard.press("p")
    page.keyboard.press("p")
    expect(page.locator("#health-status")).to_have_text("Down: plans-api.")
    expect(page.locator("#minutes-title")).to_have_text("openai, minute by minute")


def test_charts_tell_and_zoom(visit: Visit, watched: Watched) -> None:
    """The arrow keys tell the figures, plus zooms, the button shows all again; the table stays."""
    visitor = visit()
    page = visitor.open(f"{HEALTH}/tidewater/github")
    page.locator("#charts").scroll_into_view_if_needed()
    chart = page.locator("[data-chart=latency]")
    live = chart.locator(".live-chart")
    expect(live.locator("canvas")).to_be_visible()
    live.focus()
    page.keyboard.press("ArrowRight")
    expect(chart.locator(".chart-read")).to_contain_text("p95")
    reset = chart.get_by_role("button", name="Show all of it")
    expect(reset).to_be_hidden()
    page.keyboard.press("+")
    expect(reset).to_be_visible()
    assert visitor.faults() == []
    reset.click()
    expect(reset).to_be_hidden()
    chart.get_by_text("Show as table").click()
    expect(chart.locator("table")).to_be_visible()
    assert visitor.faults() == []
    assert visitor.complaints == []


def test_a_chart_that_is_read_is_not_replaced(visit: Visit, watched: Watched) -> None:
    """The live script leaves the panel alone while a person is in a chart, and what was opened stays open."""
    page = visit().open(f"{HEALTH}/tidewater/plans-api")
    page.get_by_text("Show as table").first.click()
    Component.objects.filter(slug="plans-api").update(reason="Another reason")
    page.keyboard.press("p")
    page.keyboard.press("p")
    expect(page.locator("#standing")).to_contain_text("Another reason")
    expect(page.locator("#table-days")).to_have_attribute("open", "")


def test_the_outage_comes_first_on_a_phone(visit: Visit, watched: Watched) -> None:
    """Before the score, every target is large enough, and what a person may record or plan is reached from there."""
    page = visit("alice", width=390, height=844).open(HEALTH)
    tops = page.evaluate(
        "['#outages', '#system', '#cards'].map((part) => document.querySelector(part).getBoundingClientRect().top)"
    )
    assert tops == sorted(tops)
    for name in ("Record outage", "Plan maintenance"):
        expect(page.get_by_role("main").get_by_role("link", name=name, exact=True)).to_be_visible()
    small = page.evaluate(
        "[...document.querySelectorAll('main .btn, main button, .card .foot a')]"
        ".filter((one) => one.offsetParent && one.getBoundingClientRect().height < 24)"
        ".map((one) => one.outerHTML.slice(0, 100))"
    )
    assert small == []


def test_it_works_without_a_script(visit: Visit, watched: Watched) -> None:
    """Plain links and forms lead to all of it; charts are the server's."""
    page = visit("alice", javascript=False).open(HEALTH)
    assert page.locator("#minutes").evaluate("panel => panel.clientHeight") < 140
    page.get_by_role("link", name="Show what happened to plans-api").click()
    expect(page.locator("#minutes .tracks")).to_be_visible()
    page.get_by_role("link", name="openai", exact=True).first.click()
    expect(page.locator("[data-chart=latency] .line").first).to_be_visible()
    page.get_by_role("link", name="Week", exact=True).click()
    expect(page.locator(".range [aria-current]")).to_have_text("Week")
    page.locator("#table-latency summary").click()
    expect(page.locator("#table-latency table")).to_be_visible()

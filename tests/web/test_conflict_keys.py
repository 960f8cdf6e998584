"""The keys of a conflict: where the focus is after each, on the page, over the queue, and over several pages of questions."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Locator, Page, Route, expect

from conflicts.models import Conflict, Draft
from portal.kit import jsontext
from portal.kit.viewer import Role, Viewer
from resilience.breakers.models import Breaker
from tests.conflicts.cases import many
from tests.support.conflicts import meet
from tests.web.conftest import Visitor
from tests.web.world import World

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

Visit = Callable[..., Visitor]
COVERED = """() => {
  const box = document.activeElement.closest(".side, .or > label")?.getBoundingClientRect();
  const bar = document.querySelector(".submit-bar").getBoundingClientRect();
  const head = document.querySelector("dialog[open] .dialog-head")?.getBoundingClientRect().bottom ?? 0;
  return !box || box.top < head || box.bottom > bar.top;
}"""


@pytest.fixture
def large(world: World) -> Conflict:
    """A plan with 60 questions, more than one page of them."""
    upstream = world.upstream("plans-api")
    upstream.routes = {"plan": {"path": "/plans/{id}"}}
    upstream.save()
    alice = Viewer(user_id=world.people["alice"].pk, name="alice", roles={world.tidewater.pk: Role.ADMIN})
    base, local, remote = many(60)
    made = meet(alice, base=base, local=local, remote=remote, entity_id="p-60")
    Breaker.objects.all().delete()
    return made


def here(page: Page) -> Locator:
    """The radio that has the focus."""
    return page.locator("input[type=radio]:focus")


def press(page: Page, key: str) -> None:
    """Presses a key and waits until the choice is kept on the server."""
    with page.expect_response(lambda answer: answer.request.headers.get("hx-target") == "kept"):
        page.keyboard.press(key)


def decided(conflict: Conflict) -> int:
    """How many places the only draft decides."""
    draft = Draft.objects.unscoped().filter(conflict=conflict).first()
    return len(jsontext.load(draft.choices)) if draft else 0


def refuse(route: Route) -> None:
    """Lets nothing through that keeps something."""
    if route.request.method == "POST":
        route.abort()
    else:
        route.fallback()


def test_the_dialog_starts_in_its_first_question_and_returns(visit: Visit, conflict: Conflict) -> None:
    """Opened by keyboard, the first radio that is not decided has the focus; closed by Escape, the link that opened it."""
    page = visit().open("/resilience/queue")
    link = page.get_by_role("link", name="Resolve Onboarding revamp")
    link.focus()
    page.keyboard.press("Enter")
    first = page.locator("dialog[open] #questions [data-spot]").first
    expect(first.locator("input[type=radio]").first).to_be_focused()
    press(page, "1")
    page.keyboard.press("Escape")
    expect(page.locator("dialog[open]")).to_have_count(0)
    expect(link).to_be_focused()
    page.keyboard.press("Enter")
    expect(here(page)).to_have_count(1)
    expect(first.locator("input[type=radio]:focus")).to_have_count(0)


def test_escape_leaves_a_field_before_it_leaves_the_dialog(visit: Visit, conflict: Conflict) -> None:
    """From the field to its radio, then it asks, since what was typed could not be kept, then it closes."""
    page = visit().open("/resilience/queue")
    page.get_by_role("link", name="Resolve Onboarding revamp").click()
    dialog = page.locator("dialog[open]")
    expect(here(page)).to_have_count(1)
    page.route("**/conflicts/*", refuse)
    page.keyboard.press("e")
    expect(dialog.locator("textarea:focus")).to_have_count(1)
    page.keyboard.press("Escape")
    expect(dialog.locator("input[value=edit]:focus")).to_have_count(1)
    page.keyboard.press("Escape")
    expect(dialog).to_contain_text("Not everything is kept yet. Press Escape again to close all the same.")
    page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)


def test_escape_waits_for_what_is_under_way(visit: Visit, conflict: Conflict) -> None:
    """While a choice is on its way the dialog says so and closes by itself; whoever goes on working meanwhile stays in it."""
    page = visit().open("/resilience/queue")
    held: list[Route] = []

    def hold(route: Route) -> None:
        if route.request.method == "POST":
            held.append(route)
        else:
            route.fallback()

    page.route("**/conflicts/*", hold)
    for key, dialogs in (("j", 1), (None, 0)):
        if not page.locator("dialog[open]").count():
            page.get_by_role("link", name="Resolve Onboarding revamp").click()
        dialog = page.locator("dialog[open]")
        expect(here(page)).to_have_count(1)
        page.keyboard.press("1")
        page.keyboard.press("Escape")
        expect(dialog).to_contain_text("Not everything is kept yet.")
        if key:
            page.keyboard.press(key)
            expect(dialog).not_to_contain_text("Not everything is kept yet.")
        with page.expect_response(lambda answer: answer.request.headers.get("hx-target") == "kept"):
            held.pop().continue_()
        expect(page.locator("#saved time")).to_have_count(dialogs)
        expect(page.locator("dialog[open]")).to_have_count(dialogs)
    assert decided(conflict) > 0


def test_writing_starts_at_the_end_and_escape_leads_back(visit: Visit, conflict: Conflict) -> None:
    """e puts the caret behind what stands there; Escape leads to the radio of the field."""
    page = visit().open(f"/conflicts/{conflict.pk}")
    page.keyboard.press("j")
    page.keyboard.press("e")
    field = page.locator("textarea[name$='.1']")
    expect(field).to_have_value("Old tokens keep working for 14 days.")
    page.keyboard.type(" Or not.")
    expect(field).to_have_value("Old tokens keep working for 14 days. Or not.")
    page.keyboard.press("Escape")
    expect(page.locator("[data-spot$='.1'] input[value=edit]")).to_be_focused()
    page.keyboard.press("1")
    expect(page.locator("[data-spot$='.1'] input[value=local]")).to_be_checked()


def test_a_key_pressed_twice_is_taken_back_once(visit: Visit, conflict: Conflict) -> None:
    """The same choice again is no step of its own; u says when there is nothing left."""
    page = visit().open(f"/conflicts/{conflict.pk}")
    press(page, "1")
    press(page, "1")
    press(page, "2")
    press(page, "u")
    expect(page.locator("#questions input[value=local]").first).to_be_checked()
    press(page, "u")
    expect(page.locator("input[type=radio]:checked")).to_have_count(0)
    page.keyboard.press("u")
    expect(page.locator("#spoken")).to_have_text("There is no choice to take back on this page.")


def test_the_counter_stays_the_element_that_is_read_out(visit: Visit, conflict: Conflict) -> None:
    """A choice changes what the counter says, not the counter."""
    page = visit().open(f"/conflicts/{conflict.pk}")
    page.evaluate("window.tally = document.getElementById('tally')")
    page.keyboard.press("j")
    page.keyboard.press("j")
    press(page, "1")
    expect(page.locator("#tally")).to_contain_text("2 of 3 not yet decided.")
    assert page.evaluate("window.tally === document.getElementById('tally')")


@pytest.mark.parametrize(("path", "width"), [("page", 1440), ("page", 390), ("dialog", 1440)])
def test_no_key_leads_behind_a_bar(visit: Visit, conflict: Conflict, path: str, width: int) -> None:
    """Forth and back through every question, what has the focus is in sight."""
    visitor = visit(width=width, height=620)
    page = visitor.open("/resilience/queue" if path == "dialog" else f"/conflicts/{conflict.pk}")
    if path == "dialog":
        page.get_by_role("link", name="Resolve Onboarding revamp").click()
        expect(here(page)).to_have_count(1)
    for key in "jjjjjkkkkk":
        page.keyboard.press(key)
        expect(here(page)).to_have_count(1)
        assert not page.evaluate(COVERED), key


def test_sixty_questions_by_keyboard(visit: Visit, large: Conflict) -> None:
    """When all of a page is decided, j leads to the first question of the next page that is not."""
    page = visit().open(f"/conflicts/{large.pk}")
    of_page = page.locator("#questions [data-asks]").count()
    assert of_page < 60
    for number in range(of_page):
        page.keyboard.press("j")
        press(page, "12"[number % 2])
    expect(page.locator("#tally")).to_contain_text(f"{60 - of_page} of 60 not yet decided.")
    page.keyboard.press("j")
    page.wait_for_url(f"**from={of_page}*")
    expect(page.locator("#questions [data-spot]").first.locator("input:focus")).to_have_count(1)
    assert not page.evaluate(COVERED)
    press(page, "1")
    assert decided(large) == of_page + 1
    page.keyboard.press("Control+Enter")
    expect(page.locator("#spoken")).to_contain_text("not yet decided")
    expect(page.get_by_role("dialog")).to_have_count(0)


def test_sixty_questions_over_the_queue(visit: Visit, large: Conflict) -> None:
    """The dialog goes on to its next page in place, and keeps the focus inside."""
    page = visit().open("/resilience/queue")
    page.locator("a[data-modal]").first.click()
    dialog = page.locator("dialog[open]")
    expect(here(page)).to_have_count(1)
    of_page = dialog.locator("#questions [data-asks]").count()
    for _number in range(of_page):
        page.keyboard.press("j")
        press(page, "2")
    page.keyboard.press("j")
    expect(dialog.get_by_text(f"Questions {of_page + 1} to")).to_be_visible()
    expect(dialog.locator("#questions [data-spot]").first.locator("input:focus")).to_have_count(1)


def test_without_a_script_no_key_is_promised(visit: Visit, conflict: Conflict) -> None:
    """No key hint is shown, and Send looks as what it is: a button that works."""
    page = visit(javascript=False).open(f"/conflicts/{conflict.pk}")
    assert page.locator("kbd:visible").count() == 0
    expect(page.locator(".hints")).to_be_hidden()
    hint = "[...document.querySelectorAll('.who, .or > label')].map((one) => getComputedStyle(one, '::after').display)"
    assert set(page.evaluate(hint)) == {"none"}
    send = page.get_by_role("button", name="Send resolution")
    expect(send).to_be_enabled()
    assert send.get_attribute("aria-disabled") is None


def test_the_head_and_the_rail_say_what_there_is(visit: Visit, conflict: Conflict) -> None:
    """Versions stand without quotes, the places that rules settled are named and lead there, and no short word is broken."""
    visitor = visit()
    page = visitor.open(f"/conflicts/{conflict.pk}")
    expect(page.locator(".origin")).to_contain_text("Version 7.")
    expect(page.locator(".origin [title='\"7\"']")).to_have_count(1)
    page.locator("#rail").get_by_role("link", name="Due date").click()
    due = page.locator(".settled-rows li:target")
    expect(due).to_be_visible()
    heights = "one => [one.getClientRects().length, parseFloat(getComputedStyle(one).lineHeight)]"
    assert due.locator("ins").evaluate(heights)[0] == 1
    assert visitor.faults() == []


def test_a_long_word_widens_no_page(visit: Visit, conflict: Conflict) -> None:
    """A text without any place to break stays within 320 px."""
    text = conflict.remote.replace("stop at cut-over", "x" * 400)
    Conflict.objects.unscoped().filter(pk=conflict.pk).update(remote=text)
    page = visit(width=320).open(f"/conflicts/{conflict.pk}")
    page.evaluate("document.querySelectorAll('details:not([data-menu])').forEach(one => one.open = true)")
    expect(page.get_by_text("x" * 400).first).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= 320

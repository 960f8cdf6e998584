"""What is chosen or written in a conflict survives: leaving at once, writing without a pause, a line that is down, closing the dialog."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Locator, Page, Route, expect

from conflicts.models import Conflict, Draft
from portal.kit import jsontext
from tests.web.conftest import Visitor

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

Visit = Callable[..., Visitor]
SAVED = re.compile(r"^Saved \d\d:\d\d:\d\d$")


def is_keep(page: Page) -> Callable[..., bool]:
    """Whether an answer is one to the keeping of a draft."""
    return lambda answer: answer.request.headers.get("hx-target") == "kept"


def wrote() -> str:
    """What the only draft holds."""
    draft = Draft.objects.unscoped().first()
    return f"{draft.choices} {draft.manual}" if draft else ""


def field(page: Page) -> Locator:
    """Where the second hunk of the description is written."""
    return page.locator("textarea[name$='.1']")


def editor(page: Page) -> Locator:
    """The editor, once it took the place of its textarea."""
    expect(page.locator("#manual[hidden]")).to_have_count(1)
    return page.get_by_role("textbox", name="Document to send")


def write(page: Page) -> None:
    """Opens the field of the second hunk and selects what it was filled with."""
    page.keyboard.press("j")
    page.keyboard.press("e")
    expect(field(page)).not_to_have_value("")
    page.keyboard.press("Control+a")


def test_a_choice_is_kept_when_one_leaves_at_once(visit: Visit, conflict: Conflict) -> None:
    """A radio and a reload in the same breath: the choice stands on the page again, and in the draft."""
    page = visit().open(f"/conflicts/{conflict.pk}")
    page.evaluate("document.querySelector('#questions input[value=remote]').click(); location.reload()")
    page.wait_for_load_state()
    expect(page.locator("#questions input[value=remote]").first).to_be_checked()
    expect(page.locator("#saved")).to_have_text(SAVED)
    assert "remote" in wrote()


def test_what_is_typed_is_kept_when_one_leaves_at_once(visit: Visit, conflict: Conflict) -> None:
    """The last letter and a click on another page: the sentence is in the draft and comes back."""
    page = visit().open(f"/conflicts/{conflict.pk}")
    write(page)
    page.keyboard.type("Nobody else wrote this.")
    page.get_by_role("link", name="Conflicts", exact=True).last.click()
    page.wait_for_url("**/conflicts")
    page.go_back()
    expect(field(page)).to_have_value("Nobody else wrote this.")
    expect(page.locator("#saved")).to_have_text(SAVED)
    assert "Nobody else wrote this." in wrote()


def test_what_the_line_did_not_carry_comes_back_with_the_page(visit: Visit, conflict: Conflict) -> None:
    """Nothing reaches the server, the page says so; after a reload the text stands there again and is kept."""
    page = visit().open(f"/conflicts/{conflict.pk}")

    def refuse(route: Route) -> None:
        if route.request.method == "POST":
            route.abort()
        else:
            route.fallback()

    page.route("**/conflicts/*", refuse)
    write(page)
    page.keyboard.type("Written without a line.")
    expect(page.locator("#saved")).to_contain_text("Not saved: Breakwater cannot be reached.")
    assert wrote() == ""
    page.unroute("**/conflicts/*")
    page.reload()
    expect(field(page)).to_have_value("Written without a line.")
    expect(page.locator("#saved")).to_have_text(SAVED)
    assert "Written without a line." in wrote()


def test_a_line_that_comes_back_takes_it_along(visit: Visit, conflict: Conflict) -> None:
    """What could not be kept is kept once the browser is online again, without another letter."""
    page = visit().open(f"/conflicts/{conflict.pk}")
    page.route("**/conflicts/*", lambda route: route.abort() if route.request.method == "POST" else route.fallback())
    page.keyboard.press("2")
    expect(page.locator("#saved")).to_contain_text("Not saved")
    page.unroute("**/conflicts/*")
    page.evaluate("dispatchEvent(new Event('online'))")
    expect(page.locator("#saved")).to_have_text(SAVED)
    assert "remote" in wrote()


def test_a_state_is_chosen_by_keyboard_and_kept(visit: Visit, conflict: Conflict) -> None:
    """e at a status leads to its list; what is picked there is kept, and Escape leads back to the radio."""
    page = visit().open(f"/conflicts/{conflict.pk}")
    for key in "jj":
        page.keyboard.press(key)
    page.keyboard.press("e")
    states = page.locator(".write select:focus")
    expect(states).to_have_count(1)
    states.select_option("in_review")
    page.keyboard.press("Escape")
    expect(page.locator("input[value=edit]:focus")).to_have_count(1)
    expect(page.locator("#saved")).to_have_text(SAVED)
    page.reload()
    expect(page.locator(".write select")).to_have_value("in_review")
    assert "in_review" in wrote()


def test_writing_without_a_pause_is_kept(visit: Visit, conflict: Conflict) -> None:
    """Somebody who never pauses for longer than a tenth of a second is kept while they write."""
    page = visit().open(f"/conflicts/{conflict.pk}")
    write(page)
    kept: list[str] = []
    page.on("request", lambda request: request.method == "POST" and kept.append(request.post_data or ""))
    page.keyboard.type("On it goes, letter after letter, for more than three seconds.", delay=60)
    assert any("On it goes" in sent and "three seconds" not in sent for sent in kept)
    expect(page.locator("#saved")).to_have_text(SAVED)
    assert "three seconds" in wrote()


def test_who_is_signed_out_is_told_and_loses_nothing(visit: Visit, conflict: Conflict) -> None:
    """The session ends while one decides: the page stays, says so, and has it again after signing in."""
    visitor = visit()
    page = visitor.open(f"/conflicts/{conflict.pk}")
    cookies = visitor.context.cookies()
    visitor.context.clear_cookies(name="breakwater_session")
    page.keyboard.press("2")
    expect(page.locator("#saved")).to_have_text("Not saved: you are signed out.")
    expect(page.get_by_role("link", name="Sign in")).to_be_visible()
    visitor.context.add_cookies([one for one in cookies if one["name"] == "breakwater_session"])  # type: ignore[misc]
    page.reload()
    expect(page.locator("input[type=radio]:checked")).to_have_count(1)
    expect(page.locator("#saved")).to_have_text(SAVED)


def test_the_whole_document_is_kept_while_it_is_written(visit: Visit, conflict: Conflict) -> None:
    """The editor's text is kept by itself, also when one leaves at once and also while it is no JSON."""
    page = visit().open(f"/conflicts/{conflict.pk}?manual=1")
    editor(page).click()
    page.keyboard.press("Control+a")
    page.keyboard.insert_text('{"title": "Half a')
    page.reload()
    expect(editor(page)).to_contain_text("Half a")
    expect(page.locator("#saved")).to_have_text(SAVED)
    assert '{"title": "Half a' in wrote()


def test_a_long_document_asks_before_one_leaves(visit: Visit, conflict: Conflict) -> None:
    """A text larger than a browser sends for a page that is gone: it asks, and the tab has it again afterwards."""
    page = visit().open(f"/conflicts/{conflict.pk}?manual=1")
    asked: list[str] = []
    page.on("dialog", lambda dialog: (asked.append(dialog.type), dialog.accept()))
    editor(page).click()
    page.keyboard.press("Control+a")
    page.keyboard.insert_text(jsontext.dump({"title": "x" * 70_000}))
    page.reload()
    assert asked == ["beforeunload"]
    assert page.locator("#manual").input_value().count("x") == 70_000


def test_closing_the_dialog_keeps_what_was_typed(visit: Visit, conflict: Conflict) -> None:
    """Close right after the last letter; opened again, it stands there."""
    page = visit().open("/resilience/queue")
    page.get_by_role("link", name="Resolve Onboarding revamp").click()
    dialog = page.get_by_role("dialog", name="Resolve conflict: Onboarding revamp")
    expect(dialog.locator("#tally")).to_be_visible()
    write(page)
    with page.expect_response(is_keep(page)):
        page.keyboard.type("Typed and closed.")
        dialog.get_by_role("button", name="Close").click()
    page.get_by_role("link", name="Resolve Onboarding revamp").click()
    expect(field(page)).to_have_value("Typed and closed.")


def test_the_editor_is_left_and_found_again(visit: Visit, conflict: Conflict) -> None:
    """Broken JSON is marked where it breaks, Escape and Tab lead on, and the decisions and back lose nothing of it."""
    visitor = visit()
    page = visitor.open(f"/conflicts/{conflict.pk}?manual=1")
    editor(page).click()
    page.keyboard.press("Control+a")
    page.keyboard.insert_text('{\n  "title": "Half"\n  "due": 1\n}')
    expect(page.get_by_role("button", name="Line 3: A comma or the closing bracket is expected here.")).to_be_visible()
    page.keyboard.press("Control+Enter")
    expect(page.get_by_text("Nothing was sent. What you wrote is still here.")).to_be_visible()
    editor(page).click()
    page.keyboard.press("Escape")
    page.keyboard.press("Tab")
    expect(page.get_by_role("textbox", name="Document to send")).not_to_be_focused()
    page.get_by_role("button", name="Back to the decisions").click()
    expect(page.locator("#tally")).to_be_visible()
    kept = page.locator("#questions input[value=remote]").first
    with page.expect_response(is_keep(page)):
        kept.check()
    page.get_by_role("button", name="Edit the whole document").click()
    expect(editor(page)).to_contain_text('"title": "Half"')
    page.keyboard.press("Control+Home")
    page.get_by_role("button", name="Back to the decisions").click()
    expect(kept).to_be_checked()
    assert visitor.complaints == [] or all("422" in one for one in visitor.complaints)


def test_what_the_schema_refuses_is_marked_in_the_editor(visit: Visit, conflict: Conflict) -> None:
    """Check it marks each fault at its value; the mark goes with the fault."""
    page = visit().open(f"/conflicts/{conflict.pk}?manual=1")
    editor(page).click()
    page.keyboard.press("Control+a")
    page.keyboard.insert_text('{\n  "title": 5\n}')
    page.get_by_role("button", name="Check it").click()
    fault = page.get_by_role("button", name="Line 2: ")
    expect(fault).to_have_count(1)
    fault.click()
    page.keyboard.press("Delete")
    page.keyboard.type('"Five"')
    expect(fault).to_have_count(0)


def test_escape_in_the_editor_of_the_dialog_closes_no_dialog(visit: Visit, conflict: Conflict) -> None:
    """The first Escape gives Tab back, the dialog stays."""
    page = visit().open("/resilience/queue")
    page.get_by_role("link", name="Resolve Onboarding revamp").click()
    dialog = page.locator("dialog[open]")
    dialog.get_by_role("button", name="Edit the whole document").click()
    expect(editor(page)).to_be_focused()
    page.keyboard.press("Escape")
    page.keyboard.press("Tab")
    expect(dialog).to_be_visible()
    expect(page.get_by_role("textbox", name="Document to send")).not_to_be_focused()

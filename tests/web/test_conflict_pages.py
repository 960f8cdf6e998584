"""Conflicts in a real browser: settled by keyboard alone, without a script, over the queue, and beside somebody who is faster."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, Route, expect

from conflicts.actions.resolve import Resolution, resolve
from conflicts.models import Conflict, Draft, decisions_of
from conflicts.states import ConflictState
from portal.kit.viewer import Role, Viewer
from tests.conflicts.cases import remote, steps
from tests.support.conflicts import answer, desk, refuse
from tests.web.conftest import Visitor
from tests.web.world import World

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

Visit = Callable[..., Visitor]


def state(conflict: Conflict) -> ConflictState:
    """Where it stands now."""
    conflict.refresh_from_db()
    return conflict.conflict_state


def kept(page: Page, key: str) -> None:
    """Presses a key and waits until the choice is kept on the server."""
    with page.expect_response(lambda one: one.request.headers.get("hx-target") == "kept"):
        page.keyboard.press(key)


def choose_all(page: Page, key: str) -> None:
    """Answers every question by one key."""
    for _number in range(4):
        page.keyboard.press("j")
        kept(page, key)


def test_a_conflict_is_settled_by_keyboard_alone(visit: Visit, conflict: Conflict) -> None:
    """From the inbox to the sent resolution without a pointer; the preview and the counter follow, and u takes it back."""
    visitor = visit()
    page = visitor.open("/")
    page.keyboard.press("g")
    page.keyboard.press("c")
    page.wait_for_url("**/conflicts")
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/conflicts/{conflict.pk}")
    expect(page.locator("#tally")).to_contain_text("3 of 3 not yet decided.")
    page.keyboard.press("Control+Enter")
    expect(page.get_by_role("dialog")).to_have_count(0)
    choose_all(page, "1")
    expect(page.locator("#tally")).to_contain_text("All is decided.")
    expect(page.locator("#sent")).not_to_contain_text("Not yet decided")
    page.keyboard.press("Control+Enter")
    dialog = page.get_by_role("dialog", name="values will not be sent")
    expect(dialog).to_contain_text("Old tokens stop at cut-over.")
    expect(dialog.get_by_role("button", name="Send resolution")).to_be_focused()
    assert visitor.faults() == []
    page.keyboard.press("Enter")
    expect(page.get_by_text("It goes out in")).to_be_visible()
    expect(page.get_by_role("button", name="Undo")).to_be_focused()
    assert state(conflict) is ConflictState.DECIDED
    assert steps(conflict.read_result())[0]["status"] == "done"
    assert visitor.faults() == []
    page.keyboard.press("u")
    expect(page.get_by_text("Taken back, nothing was sent.")).to_be_visible()
    assert state(conflict) is ConflictState.OPEN
    assert visitor.complaints == []


def test_a_choice_is_undone(visit: Visit, conflict: Conflict) -> None:
    """u takes the last choice back, on the page and in the draft."""
    page = visit().open(f"/conflicts/{conflict.pk}")
    kept(page, "2")
    assert Draft.objects.unscoped().get().choices != "{}"
    kept(page, "u")
    assert Draft.objects.unscoped().get().choices == "{}"
    expect(page.locator("input[type=radio]:checked")).to_have_count(0)


def test_a_text_is_written_by_keyboard(visit: Visit, conflict: Conflict) -> None:
    """e opens the field with what stands there; keys are letters in it; what is written is shown in the preview."""
    page = visit().open(f"/conflicts/{conflict.pk}")
    page.keyboard.press("j")
    page.keyboard.press("e")
    page.keyboard.press("Control+a")
    with page.expect_response(lambda one: one.request.headers.get("hx-target") == "kept"):
        page.keyboard.type("Tokens 1, 2 and b end. ")
    expect(page.locator("#sent")).to_contain_text("Tokens 1, 2 and b end.")


def test_all_of_one_side_is_one_button(visit: Visit, conflict: Conflict) -> None:
    """Accept all remote fills the questions at once, and u takes all of it back."""
    page = visit().open(f"/conflicts/{conflict.pk}")
    page.get_by_role("button", name="Accept all remote").click()
    expect(page.locator("#tally")).to_contain_text("All is decided.")
    page.keyboard.press("u")
    expect(page.locator("#tally")).to_contain_text("3 of 3 not yet decided.")


def test_a_conflict_is_settled_without_a_script(visit: Visit, conflict: Conflict) -> None:
    """Radios, preview, the refusal, the confirmation and undo work as plain forms."""
    page = visit(javascript=False).open("/conflicts")
    page.get_by_role("link", name="Onboarding revamp").click()
    page.get_by_role("button", name="Send resolution").click()
    expect(page.get_by_text("3 decisions are not made yet. Nothing was sent.")).to_be_visible()
    page.get_by_role("button", name="Keep all local").click()
    expect(page.locator("#tally")).to_contain_text("All is decided.")
    page.locator("#questions [data-side=remote] input").last.check()
    page.get_by_role("button", name="Preview").last.click()
    expect(page.locator("#sent")).to_contain_text("Deleted")
    page.get_by_role("button", name="Send resolution").click()
    expect(page.get_by_role("heading", name="values will not be sent")).to_be_visible()
    page.get_by_role("button", name="Send resolution").click()
    expect(page.get_by_text("Decided by alice")).to_be_visible()
    assert state(conflict) is ConflictState.DECIDED
    assert len(steps(conflict.read_result())) == 1
    page.get_by_role("button", name="Undo").click()
    expect(page.get_by_text("Taken back, nothing was sent.")).to_be_visible()


def test_who_is_slower_loses_nothing(visit: Visit, conflict: Conflict) -> None:
    """Two people have it open; the second one is told who was faster and still sees the own choices."""
    alice, dora = visit("alice"), visit("dora")
    one, other = (visitor.open(f"/conflicts/{conflict.pk}") for visitor in (alice, dora))
    choose_all(one, "1")
    choose_all(other, "2")
    for page in (one, other):
        page.get_by_role("button", name="Send resolution").click()
        expect(page.get_by_role("dialog")).to_be_visible()
    one.get_by_role("dialog").get_by_role("button", name="Send resolution").click()
    expect(one.get_by_text("It goes out in")).to_be_visible()
    other.get_by_role("dialog").get_by_role("button", name="Send resolution").click()
    expect(other.get_by_text("alice was faster")).to_be_visible()
    expect(other.get_by_role("heading", level=1)).to_have_text("Onboarding revamp")
    expect(other.get_by_text("You had chosen: upstream.")).to_have_count(2)
    assert dora.faults() == []
    assert Draft.objects.unscoped().get().name == "dora"


def test_a_conflict_is_settled_over_the_queue(visit: Visit, conflict: Conflict) -> None:
    """The row's link opens it over the list; Escape closes it, since the choice is kept, and it stands there the next time."""
    visitor = visit()
    page = visitor.open("/resilience/queue")
    page.get_by_role("link", name="Resolve Onboarding revamp").click()
    dialog = page.get_by_role("dialog", name="Resolve conflict: Onboarding revamp")
    expect(dialog).to_be_visible()
    assert visitor.faults() == []
    kept(page, "2")
    page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
    page.get_by_role("link", name="Resolve Onboarding revamp").click()
    expect(dialog.locator("input[type=radio]:checked")).to_have_count(1)
    dialog.get_by_role("button", name="Keep all local").click()
    expect(dialog.locator("#tally")).to_contain_text("All is decided.")
    page.keyboard.press("Control+Enter")
    page.get_by_role("dialog", name="values will not be sent").get_by_role("button", name="Send resolution").click()
    expect(page.get_by_text("It goes out in")).to_be_visible()
    assert state(conflict) is ConflictState.DECIDED
    assert visitor.complaints == []


def test_the_page_says_what_happened_meanwhile(visit: Visit, conflict: Conflict) -> None:
    """When the upstream moves, the open page says so and leaves what is being chosen alone."""
    page = visit().open(f"/conflicts/{conflict.pk}")
    kept(page, "1")
    Conflict.objects.unscoped().update(digest="another")
    with page.expect_response(lambda one: one.request.headers.get("hx-target") == "live"):
        page.evaluate("dispatchEvent(new Event('online'))")
    expect(page.get_by_text("The upstream changed this again while you decide.")).to_be_visible()
    expect(page.locator("input[type=radio]:checked")).to_have_count(1)


def test_the_page_follows_a_resolution(visit: Visit, conflict: Conflict, world: World) -> None:
    """An open page learns by itself that the upstream moved, and later that it has the result."""
    alice = Viewer(user_id=world.people["alice"].pk, name="alice", roles={world.tidewater.pk: Role.ADMIN})
    resolution = Resolution(choices={one.id: "local" for one in decisions_of(conflict) if one.asks})
    resolve(viewer=alice, conflict_id=conflict.pk, digest=conflict.digest, resolution=resolution)
    visitor = visit()
    page = visitor.open(f"/conflicts/{conflict.pk}")
    expect(page.get_by_text("Being sent.").or_(page.get_by_text("It goes out in"))).to_be_visible()
    newer = remote()
    steps(newer)[0]["status"] = "archived"
    at = desk()
    (job,) = at.turn([]).assignments
    refuse(at, job, newer, '"10"')
    expect(page.get_by_text("after you decided.")).to_be_visible(timeout=15_000)
    expect(page.locator("#news")).to_contain_text("1 of your 3 decisions needs another look.")
    expect(page.get_by_role("button", name="Undo")).to_have_count(0)
    assert visitor.faults() == []
    page.get_by_role("link", name="Show it").click()
    expect(page.get_by_text("Before this changed you had decided: local.")).to_be_visible()
    conflict.refresh_from_db()
    resolution = Resolution(choices={one.id: "local" for one in decisions_of(conflict) if one.asks})
    resolve(viewer=alice, conflict_id=conflict.pk, digest=conflict.digest, resolution=resolution)
    page.reload()
    (job,) = at.turn([]).assignments
    answer(at, job)
    expect(page.get_by_text("The upstream has it.")).to_be_visible(timeout=15_000)
    expect(page.locator("#conflict-place")).to_contain_text("Delivered")
    expect(page.locator("#earlier")).to_contain_text("1 earlier round")
    assert visitor.faults() == []


def test_the_whole_document_is_edited(visit: Visit, conflict: Conflict) -> None:
    """The editor opens with the preview; a fault of the server stands at its place."""
    visitor = visit()
    page = visitor.open(f"/conflicts/{conflict.pk}")
    page.get_by_role("button", name="Edit the whole document").click()
    expect(page.locator("#manual[hidden]")).to_have_count(1)  # the editor took its place
    editor = page.get_by_role("textbox", name="Document to send")
    editor.click()
    page.keyboard.press("Control+a")
    page.keyboard.insert_text('{"title": ""}')
    page.get_by_role("button", name="Send this document").click()
    expect(page.get_by_text("Nothing was sent. What you wrote is still here.")).to_be_visible()
    expect(page.get_by_text("/title").first).to_be_visible()
    expect(page.get_by_role("heading", level=1)).to_have_text("Onboarding revamp")
    expect(page.locator("#manual")).to_be_hidden()
    expect(page.get_by_role("textbox", name="Document to send")).to_have_attribute("aria-invalid", "true")
    assert visitor.faults() == []


def test_who_writes_before_the_editor_is_there_goes_on_in_it(visit: Visit, conflict: Conflict) -> None:
    """On a slow line the plain field is there first; what is typed in the moment of the change is not lost, nor is the place."""
    visitor = visit()
    page, held = visitor.page, list[Route]()
    page.route("**/built/editor*.js", lambda route: held.append(route))  # noqa: PLW0108  # it marks what it is given
    page.goto(f"{visitor.server.url}/conflicts/{conflict.pk}?manual=1", wait_until="commit")
    page.locator("#manual").focus()
    page.keyboard.press("Control+End")
    while not held:
        page.wait_for_timeout(50)
    held[0].continue_()
    expect(page.get_by_role("textbox", name="Document to send")).to_be_focused()
    page.keyboard.insert_text("here")
    expect(page.locator(".cm-line").last).to_contain_text("here")


@pytest.mark.parametrize(("scheme", "width"), [("light", 1440), ("dark", 1440), ("light", 390)])
def test_axe_finds_nothing(visit: Visit, conflict: Conflict, scheme: str, width: int) -> None:
    """Inbox, page, item and editor have no accessibility fault and break no rule of the content security policy."""
    visitor = visit(scheme=scheme, width=width)
    page = f"/conflicts/{conflict.pk}"
    for address in (
        "/conflicts",
        "/conflicts?state=delivered",
        page,
        f"{page}?manual=1",
        f"/resilience/queue/{conflict.item_id}",
    ):
        visitor.open(address)
        assert visitor.faults() == [], address
    visitor.open(page).locator("#settled > summary").click()
    visitor.page.locator("label[data-side=edit]").first.click()
    assert visitor.faults() == []
    assert visitor.complaints == []


@pytest.mark.parametrize("width", [320, 390, 1024])
def test_nothing_scrolls_sideways(visit: Visit, conflict: Conflict, width: int) -> None:
    """A narrow page is as wide as its window, also with everything unfolded."""
    visitor = visit(width=width)
    for address in ("/conflicts", f"/conflicts/{conflict.pk}", f"/conflicts/{conflict.pk}?manual=1"):
        page = visitor.open(address)
        page.evaluate("document.querySelectorAll('details:not([data-menu])').forEach(one => one.open = true)")
        assert page.evaluate("document.documentElement.scrollWidth") <= width, address

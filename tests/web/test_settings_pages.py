"""Sign-in, profile, members, tokens and the API's documentation in a real browser."""

from collections.abc import Callable

import pytest

from tests.web.conftest import Visitor
from tests.web.world import PASSWORD, World

pytestmark = pytest.mark.browser
Visit = Callable[..., Visitor]
PAGES = ("/settings/members", "/settings/tokens", "/profile", "/api/docs/problems")


@pytest.mark.parametrize(("scheme", "width"), [("light", 1440), ("dark", 1440), ("light", 390)])
def test_axe_finds_nothing(visit: Visit, scheme: str, width: int) -> None:
    """In both themes, and on a phone; and nothing is refused by the content security policy."""
    visitor = visit("alice", scheme=scheme, width=width)
    for path in PAGES:
        visitor.open(path)
        assert not visitor.faults(), path
        wide = visitor.page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert wide <= 0, path
    assert not visitor.complaints


def test_signing_in_with_the_keyboard(visit: Visit, world: World) -> None:
    """The name has the focus; a wrong password says so; the right one leads on."""
    visitor = visit("alice")
    visitor.context.clear_cookies()
    page = visitor.open("/settings/members")
    assert not visitor.faults()
    page.keyboard.type("alice")
    page.keyboard.press("Tab")
    page.keyboard.type("wrong")
    page.keyboard.press("Enter")
    page.get_by_text("Name and password do not belong together").wait_for()
    assert not visitor.faults()
    page.get_by_label("Name").fill("alice")
    page.get_by_label("Password").fill(PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url("**/settings/members")


def test_a_token_is_made_without_a_script(visit: Visit) -> None:
    """And works."""
    visitor = visit("alice", javascript=False)
    page = visitor.open("/settings/tokens")
    page.get_by_label("Name").fill("import")
    page.get_by_role("button", name="Make the token").click()
    secret = page.locator("#secret").inner_text()
    address, header = f"{visitor.server.url}/api/v1/tokens", {"Authorization": f"Bearer {secret}"}
    assert visitor.context.request.get(address, headers=header).status == 403  # the new token may read, not administer
    assert visitor.context.request.get(address, headers={"Authorization": f"Bearer {secret}x"}).status == 401


def test_the_documentation_of_the_api_shows_its_operations(visit: Visit) -> None:
    """Under the same content security policy as every page."""
    visitor = visit("alice")
    page = visitor.open("/api/docs")
    page.get_by_text("/api/v1/tokens", exact=True).first.wait_for()
    assert not visitor.complaints

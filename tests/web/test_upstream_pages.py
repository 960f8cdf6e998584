"""The pages of upstreams and kinds in a real browser."""

from collections.abc import Callable

import pytest

from resilience.upstreams.models import Upstream
from syncqueue.models import Item
from tests.web.conftest import Visitor

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

Visit = Callable[..., Visitor]


def addresses() -> list[str]:
    """The pages to look at."""
    one = Upstream.objects.order_by("pk").values_list("pk", flat=True)[0]
    return ["/settings/upstreams", "/settings/upstreams/add", f"/settings/upstreams/{one}", "/settings/kinds"]


@pytest.mark.parametrize(("scheme", "width"), [("light", 1440), ("dark", 390)])
def test_axe_finds_nothing(visit: Visit, items: dict[str, Item], scheme: str, width: int) -> None:
    """No fault of accessibility, no complaint of the console, and nothing scrolls sideways."""
    visitor = visit(scheme=scheme, width=width)
    for address in addresses():
        page = visitor.open(address)
        assert visitor.faults() == [], address
        assert page.evaluate("document.documentElement.scrollWidth") <= width, address
    assert visitor.complaints == []


@pytest.mark.parametrize("width", [320, 768])
def test_nothing_scrolls_sideways(visit: Visit, items: dict[str, Item], width: int) -> None:
    """The pages are as wide as the window; wide tables scroll in their own box."""
    visitor = visit(width=width)
    for address in addresses():
        page = visitor.open(address)
        assert page.evaluate("document.documentElement.scrollWidth") <= width, address


def test_an_upstream_is_added_and_paused_without_a_script(visit: Visit) -> None:
    """Plain forms do it all; what is refused comes back with its reason."""
    page = visit(javascript=False).open("/settings/upstreams/add")
    page.get_by_label("Name", exact=True).fill("Bills")
    page.get_by_label("Slug").fill("UPPER")
    page.get_by_label("Address").fill("http://127.0.0.1:9/v1")
    page.get_by_role("button", name="Add the upstream").click()
    assert page.get_by_text("small letters, digits and hyphens, such as").first.is_visible()
    page.get_by_label("Slug").fill("bills")
    page.get_by_role("button", name="Add the upstream").click()
    assert page.get_by_role("heading", name="Bills", level=1).is_visible()
    page.get_by_label("Reason, kept in the audit log").fill("Not yet")
    page.get_by_role("button", name="Pause sending").click()
    assert page.get_by_text("paused it: Not yet").is_visible()
    page.get_by_role("button", name="Test the connection").click()
    assert page.get_by_text("did not accept the connection").is_visible()

"""Steering in a browser: forms that are accessible in every look, and a check that stays on its page."""

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import expect

from resilience.health.models import Component, Probe
from tests.web.conftest import Visitor
from tests.web.world import World

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

Visit = Callable[..., Visitor]


@pytest.fixture
def store(world: World) -> Component:
    """A service of Tidewater with two probes, one of which failed."""
    made = Component.objects.create(organization=world.tidewater, slug="store", name="User store")
    Probe.objects.create(component=made, name="port", kind="tcp", template="tcp", address="127.0.0.1:1")
    failed = {"last_ok": False, "last_at": made.created_at, "last_error": "Connection refused."}
    Probe.objects.create(
        component=made, name="by hand", kind="http", address="http://127.0.0.1:1/", state="down", **failed
    )
    return made


@pytest.mark.parametrize(
    "look", [{}, {"scheme": "dark"}, {"width": 390, "height": 844}, {"width": 320, "height": 700, "scheme": "dark"}]
)
def test_every_form_is_accessible(visit: Visit, store: Component, look: dict[str, Any]) -> None:
    """axe finds nothing, nothing is wider than the screen, and the console stays silent; with faults shown, too."""
    visitor = visit("alice", **look)
    probe = store.probes.get(name="by hand")
    for path in (
        "add",
        f"components/{store.pk}/edit",
        f"components/{store.pk}/remove",
        f"components/{store.pk}/probes/add",
        f"components/{store.pk}/probes/add/http",
        f"components/{store.pk}/probes/add/by-hand",
        f"probes/{probe.pk}/edit",
        f"probes/{probe.pk}/remove",
    ):
        page = visitor.open(f"/settings/health/{path}")
        assert visitor.faults() == [], path
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), path
    page = visitor.open(f"/settings/health/components/{store.pk}/probes/add/postgresql")
    page.get_by_role("button", name="Add the probe").click()
    expect(page.get_by_role("alert")).to_be_focused()
    assert visitor.faults() == []
    assert [one for one in visitor.complaints if "422" not in one] == []


def test_a_probe_is_added_from_a_template(visit: Visit, store: Component) -> None:
    """By choosing it, filling its few fields, and checking at once."""
    visitor = visit("alice")
    page = visitor.open(f"/settings/health/components/{store.pk}/edit")
    page.get_by_role("link", name="Add a probe").click()
    page.get_by_role("link", name="TCP").click()
    page.get_by_label("Host and port").fill("127.0.0.1:9")
    page.get_by_label("Interval").fill("5")
    page.get_by_role("button", name="Add the probe").click()
    expect(page.get_by_text("is added and runs from now on")).to_be_visible()
    probe = store.probes.get(name="TCP")
    assert (probe.address, probe.interval, probe.timeout) == ("127.0.0.1:9", 5.0, 4.0)
    page.wait_for_load_state()  # the script makes the check stay here
    page.get_by_role("button", name="Check now").click()
    finding = page.locator(f"#finding-{probe.pk}")
    expect(finding).to_contain_text("Connection refused.")
    assert page.url.endswith(f"/settings/health/probes/{probe.pk}/edit")
    assert visitor.faults() == []
    assert visitor.complaints == []


def test_without_a_script(visit: Visit, store: Component) -> None:
    """The finding has a page of its own, with the way back."""
    visitor = visit("alice", javascript=False)
    page = visitor.open(f"/settings/health/components/{store.pk}/edit")
    page.get_by_role("button", name="Check now port").click()
    expect(page.get_by_role("heading", name="What port found")).to_be_visible()
    expect(page.get_by_text("Connection refused.")).to_be_visible()
    page.get_by_role("link", name="Back").click()
    expect(page.get_by_role("heading", name="Settings of User store")).to_be_visible()

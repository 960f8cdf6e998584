"""The pages of outages and maintenance in a real browser."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from playwright.sync_api import expect

from portal.kit import clock
from resilience.health.models import Component, Maintenance, Note, Outage
from tests.web.conftest import Visitor
from tests.web.world import World

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

Visit = Callable[..., Visitor]
HOUR = timedelta(hours=1)


@pytest.fixture
def outage(world: World) -> Outage:
    """One that goes on at plans-api, with all that its page can tell; others of it that are over; and plans of every kind."""
    now = clock.now()
    component = Component.objects.get(upstream=world.upstream("plans-api"))
    component.run_book = "https://wiki.example.org/plans-api-is-down"
    component.save()
    for n in range(1, 5):
        Outage.objects.create(
            component=component,
            began_at=now - n * 24 * HOUR,
            noticed_at=now - n * 24 * HOUR,
            ended_at=now - n * 24 * HOUR + HOUR,
            severity="minor",
            cause="answers: timed out after 10 s",
        )
    made = Outage.objects.create(
        component=component,
        began_at=now - HOUR / 2,
        noticed_at=now - HOUR / 2,
        severity="critical",
        cause="answers: It answered 503 Service Unavailable",
        expected_at=now + HOUR,
        expected_source="past",
        expected_low=600,
        expected_high=3_600,
        expected_of=6,
        most_waiting=125,
    )
    Note.objects.create(outage=made, author="alice", text="The vendor knows.\nThey replace a disk.")
    common: dict[str, Any] = {"organization": component.organization, "starts_at": now, "created_by": "alice"}
    Maintenance.objects.create(**common | {"title": "Move", "starts_at": now - HOUR, "ends_at": now + HOUR})
    Maintenance.objects.create(
        **common
        | {"title": "Upgrade", "starts_at": now + 20 * HOUR, "ends_at": now + 22 * HOUR, "component": component}
    )
    Maintenance.objects.create(**common, title="Backup", schedule="0 2 * * 1", minutes=90, time_zone="Asia/Kolkata")
    Maintenance.objects.create(
        **common, title="Old", schedule="0 2 * * 1", minutes=90, called_off_at=now, called_off_by="alice"
    )
    return made


PAGES = [
    "/settings/health/outages",
    "/settings/health/outages/{id}",
    "/settings/health/outages/{id}/close",
    "/settings/health/outages/record",
    "/settings/maintenance",
    "/settings/maintenance/plan",
    "/settings/maintenance/{plan}/call-off",
]


@pytest.mark.parametrize(("scheme", "width"), [("light", 1440), ("dark", 1440), ("light", 320), ("dark", 390)])
def test_axe_finds_nothing(visit: Visit, outage: Outage, scheme: str, width: int) -> None:
    """Each page holds in light, dark and on a phone, without a fault and without a word in the console."""
    visitor = visit("alice", width=width, scheme=scheme)
    plan = Maintenance.objects.get(title="Backup").pk
    for path in PAGES:
        page = visitor.open(path.format(id=outage.pk, plan=plan))
        assert visitor.faults() == [], path
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), path
        cut = "[...document.querySelectorAll('.scroll')].some((box) => box.scrollWidth > box.clientWidth)"
        assert width > 768 or not page.evaluate(cut), path
    assert visitor.complaints == []


def test_closed_with_the_keyboard(visit: Visit, outage: Outage) -> None:
    """The dialog starts in the reason, Escape asks once when something was typed, Enter on the button closes the outage."""
    visitor = visit("alice")
    page = visitor.open(f"/settings/health/outages/{outage.pk}")
    opener = page.get_by_role("link", name="Close outage…")
    opener.focus()
    page.keyboard.press("Enter")
    reason = page.get_by_label("Reason, kept in the audit log")
    expect(reason).to_be_focused()
    page.keyboard.type("The vendor is back.")
    page.keyboard.press("Escape")
    expect(reason).to_be_visible()
    button = page.get_by_role("button", name="Close the outage")
    button.focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_contain_text("was out for")
    expect(page.get_by_text("The vendor is back.")).to_be_visible()
    assert Outage.objects.get(pk=outage.pk).closed_by == "alice"


def test_the_form_of_a_plan_shows_what_the_rhythm_needs(visit: Visit, outage: Outage) -> None:
    """Once has moments, every week a day and a time, a cron line its line; what is not needed is not shown."""
    page = visit("alice").open("/settings/maintenance/plan")
    shown = {
        "Once": ["starts_at", "ends_at"],
        "Every day": ["at", "minutes", "until"],
        "Every week": ["weekday", "at", "minutes", "until"],
        "Every month": ["day", "at", "minutes", "until"],
        "Cron line": ["schedule", "minutes", "until"],
    }
    every = ["starts_at", "ends_at", "schedule", "weekday", "day", "at", "minutes", "until"]
    for word, names in shown.items():
        page.get_by_label(word, exact=True).first.check()
        assert [name for name in every if page.locator(f"[name={name}]").is_visible()] == [
            name for name in every if name in names
        ], word


def test_without_a_script(visit: Visit, outage: Outage) -> None:
    """Closing has a page of its own, and a plan is made from the same form."""
    page = visit("alice", javascript=False).open(f"/settings/health/outages/{outage.pk}")
    page.get_by_role("link", name="Close outage…").click()
    page.get_by_label("Reason, kept in the audit log").fill("The vendor is back.")
    page.get_by_role("button", name="Close the outage").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("was out for")
    page.goto(page.url.split("/settings")[0] + "/settings/maintenance/plan")
    page.get_by_label("What", exact=True).select_option(label="Everything of Tidewater Labs")
    page.get_by_label("What is done").fill("Reboot")
    page.get_by_label("Every day", exact=True).check()
    page.locator("[name=at]").fill("03:15")
    page.get_by_label("For how many minutes").fill("20")
    page.get_by_role("button", name="Plan it").click()
    expect(page.get_by_text("every day at 03:15 for 20")).to_be_visible()


def test_an_update_from_the_page_of_health(visit: Visit, outage: Outage) -> None:
    """The buttons of an outage open its dialogs there; axe finds nothing in them."""
    visitor = visit("alice")
    page = visitor.open("/settings/health")
    page.get_by_role("link", name="Close outage…").click()
    expect(page.get_by_role("dialog", name="Close the outage of plans-api")).to_be_visible()
    assert visitor.faults() == []
    page.keyboard.press("Escape")
    page.get_by_role("link", name="Write an update").click()
    page.get_by_label("What is new").fill("They are nearly done.")
    assert visitor.faults() == []
    page.get_by_role("button", name="Write the update").click()
    page.wait_for_url(f"**/settings/health/outages/{outage.pk}")
    expect(page.get_by_text("They are nearly done.")).to_be_visible()

"""The pages of maintenance, as plain forms without JavaScript."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from django.http import HttpResponse
from django.test import Client
from django.utils import timezone

from portal.kit import clock
from resilience.health import maintenance_words as words
from resilience.health.core.occurrences import Window
from resilience.health.models import Component, Maintenance
from resilience.upstreams.models import Upstream
from tests.support.people import People

EVIL = "<script>alert(1)</script>"
HOUR = timedelta(hours=1)
PLAN = "/settings/maintenance/plan"


def browser(user: Any) -> Client:
    """Somebody's browser."""
    client = Client()
    client.force_login(user)
    return client


@pytest.fixture
def owner(people: People) -> Client:
    """alice's browser."""
    return browser(people.alice)


@pytest.fixture
def component(upstream: Upstream) -> Component:
    """Tidewater's plans-api."""
    return Component.objects.get(upstream=upstream)


def text(answer: HttpResponse, status: int = 200) -> str:
    """The page."""
    assert answer.status_code == status, answer.content.decode()[:2_000]
    return answer.content.decode()


def weekly(component: Component, **fields: Any) -> dict[str, Any]:
    """The form of a plan for each Monday."""
    said = {"what": component.pk, "title": "Backup", "how": "week", "weekday": "1", "at": "02:00", "minutes": "90"}
    return {**said, "time_zone": "Europe/Berlin", **fields}


@pytest.mark.parametrize(
    ("fields", "schedule", "rhythm"),
    [
        ({"how": "day"}, "0 2 * * *", "every day at 02:00 for 1 h 30 min"),
        ({"how": "workday", "at": "22:15"}, "15 22 * * 1-5", "Monday to Friday at 22:15 for 1 h 30 min"),
        ({}, "0 2 * * 1", "every Monday at 02:00 for 1 h 30 min"),
        ({"weekday": "7"}, "0 2 * * 0", "every Sunday at 02:00 for 1 h 30 min"),
        ({"how": "month", "day": "15"}, "0 2 15 * *", "on day 15 of every month at 02:00 for 1 h 30 min"),
        ({"how": "month", "day": "0"}, "0 2 L * *", "on the last day of every month at 02:00 for 1 h 30 min"),
        ({"how": "cron", "schedule": "0 2 * * MON#2"}, "0 2 * * MON#2", "as the cron line “0 2 * * MON#2” says"),
    ],
)
def test_rhythms(owner: Client, component: Component, fields: dict[str, str], schedule: str, rhythm: str) -> None:
    """What a person chooses becomes a cron line, and is shown back in words."""
    assert owner.post(PLAN, weekly(component, **fields)).headers["Location"] == "/settings/maintenance"
    row = Maintenance.objects.get()
    assert (row.schedule, row.minutes, row.time_zone, row.ends_at) == (schedule, 90, "Europe/Berlin", None)
    page = text(owner.get("/settings/maintenance")).replace("\u00a0", " ")
    assert rhythm in page
    assert "Europe/Berlin" in page


def test_once_is_read_on_the_clock_of_the_zone(owner: Client, component: Component) -> None:
    """02:00 typed for Kolkata is 20:30 UTC of the day before, whatever the reader's zone is."""
    day = clock.now().date() + timedelta(days=3)
    said = {
        "what": f"all-{component.organization_id}",
        "title": f"Move {EVIL}",
        "how": "once",
        "starts_at": f"{day}T02:00",
        "ends_at": f"{day}T04:00",
        "time_zone": "Asia/Kolkata",
    }
    assert owner.post(PLAN, said).status_code == 302
    row = Maintenance.objects.get()
    assert (row.component, row.schedule) == (None, "")
    before = day - timedelta(days=1)
    assert row.starts_at == datetime(before.year, before.month, before.day, 20, 30, tzinfo=UTC)
    page = text(owner.get("/settings/maintenance"))
    assert EVIL not in page
    assert "02:00 to 04:00" in page
    assert "20:30 to 22:30" in page
    assert "Everything of Tidewater" in page


def test_nothing_is_chosen_before_a_person_does(owner: Client, component: Component) -> None:
    """One key press puts no organization in maintenance; a component's own link still names it."""
    assert '<option value="" selected>Choose one</option>' in text(owner.get(PLAN))
    assert "Choose what the maintenance is for." in text(owner.post(PLAN, weekly(component, what="")), 422)
    assert not Maintenance.objects.exists()
    assert f'<option value="{component.pk}" selected>' in text(owner.get(f"{PLAN}?component={component.pk}"))


def test_one_that_has_begun_says_so(owner: Client, component: Component) -> None:
    """It is taken, and the page says that it counts from now on."""
    start, end = (f"{clock.now() + timedelta(hours=n):%Y-%m-%dT%H:%M}" for n in (-1, 1))
    said = {
        "what": component.pk,
        "title": "Disk",
        "how": "once",
        "starts_at": start,
        "ends_at": end,
        "time_zone": "UTC",
    }
    page = text(owner.post(PLAN, said, follow=True))
    assert "Disk is planned and has begun already" in page


def test_the_last_day_counts(owner: Client, component: Component) -> None:
    """Up to and with a day is the midnight after it on the clock of the plan."""
    last = date(2027, 3, 28)
    assert owner.post(PLAN, weekly(component, until=str(last))).status_code == 302
    assert Maintenance.objects.get().ends_at == datetime(2027, 3, 28, 22, tzinfo=UTC)


def test_the_next_times_are_said_first(owner: Client, component: Component) -> None:
    """The preview keeps nothing, and keeps what was typed."""
    page = text(owner.post(PLAN, weekly(component, do="preview")))
    assert page.count("02:00 to 03:30") == 6
    assert 'value="Backup"' in page
    assert not Maintenance.objects.exists()


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({"title": ""}, "Say what is done."),
        ({"what": "999999"}, "valid choice"),
        ({"what": "all-999999"}, "valid choice"),
        ({"how": "never"}, "valid choice"),
        ({"at": ""}, "Say at what time it starts."),
        ({"at": "25:00"}, "valid time"),
        ({"minutes": "0"}, "greater than or equal to 1"),
        ({"minutes": ""}, "Say for how many minutes."),
        ({"weekday": "9"}, "valid choice"),
        ({"how": "cron", "schedule": "x"}, "no cron line that comes about"),
        ({"how": "cron", "schedule": "*/30 * * * *"}, "before this one ends"),
        ({"how": "once"}, "Say when it starts."),
        ({"how": "once", "starts_at": "2027-03-28T05:00"}, "Say when it ends."),
        ({"how": "cron", "schedule": ""}, "Write a cron line."),
        ({"how": "once", "starts_at": "2027-03-28T02:30", "ends_at": "2027-03-28T05:00"}, "interpreted in time zone"),
        ({"until": "2020-01-01"}, "No window starts before this end"),
        ({"time_zone": "Mars/Olympus"}, "valid choice"),
        ({"time_zone": "\x00"}, "valid choice"),
    ],
)
def test_what_cannot_be_planned(owner: Client, component: Component, fields: dict[str, str], why: str) -> None:
    """422 with the fault at its field, and nothing is stored."""
    page = text(owner.post(PLAN, weekly(component, **fields)), 422)
    assert why in page
    assert not Maintenance.objects.exists()


def test_where_each_plan_stands(owner: Client, people: People, component: Component) -> None:
    """Now, planned, recurring, past; a recurring one that goes on stands in both."""
    now = clock.now()

    def plan(title: str, **fields: Any) -> None:
        Maintenance.objects.create(
            **{"organization": people.tidewater, "title": title, "starts_at": now, "created_by": "alice", **fields}
        )

    plan("Goes on", starts_at=now - HOUR, ends_at=now + HOUR)
    plan("Comes", starts_at=now + HOUR, ends_at=now + 2 * HOUR)
    plan("Recurs", schedule=f"{now.minute} {now.hour} * * *", minutes=60, starts_at=now - timedelta(days=3))
    plan("Was", starts_at=now - 2 * HOUR, ends_at=now - HOUR)
    plan("Off", schedule="0 2 * * *", minutes=5, called_off_at=now, called_off_by="bob")
    page = text(owner.get("/settings/maintenance"))
    panels = {
        name: page.split(f'<section class="panel" id="plans-{name}"', 1)[1].split("</section>")[0]
        for name in ("now", "coming", "recurring", "past")
    }
    where = {
        title: {name for name, panel in panels.items() if f'<th scope="row">{title}</th>' in panel}
        for title in ("Goes on", "Comes", "Recurs", "Was", "Off")
    }
    assert where == {
        "Goes on": {"now"},
        "Comes": {"coming"},
        "Recurs": {"now", "recurring"},
        "Was": {"past"},
        "Off": {"past"},
    }
    assert "by bob" in panels["past"]


def test_the_list_follows_by_itself(owner: Client, component: Component) -> None:
    """A tab that was left open tells what somebody else planned."""
    path = "/settings/maintenance"
    assert 'data-topics="health"' in text(owner.get(path))
    owner.post(f"{path}/plan", weekly(component, title="Backups"))
    live = text(owner.get(path, headers={"HX-Request": "true", "HX-Target": "live"}))
    assert "<html" not in live
    assert 'id="plans-recurring"' in live
    assert "Backups" in live


def test_call_off(owner: Client, component: Component) -> None:
    """It says which times fall away; the second of two tabs is told who was first."""
    owner.post(PLAN, weekly(component))
    path = f"/settings/maintenance/{Maintenance.objects.get().pk}/call-off"
    page = text(owner.get(path))
    assert page.count("02:00 to 03:30") == 3
    assert owner.post(path, {"reason": "Put off."}).headers["Location"] == "/settings/maintenance"
    assert Maintenance.objects.get().called_off_by == "alice"
    assert "alice called it off meanwhile" in text(owner.post(path, {"reason": "Put off."}), 422)


def test_the_zone_of_the_organization(owner: Client, people: People) -> None:
    """An admin changes it, and the form of a plan starts with it."""
    said = {"organization": people.tidewater.pk, "time_zone": "Asia/Kolkata"}
    assert owner.post("/settings/maintenance/time-zone", said).headers["Location"] == "/settings/maintenance"
    assert '<option value="Asia/Kolkata" selected>' in text(owner.get(PLAN))
    refused = text(owner.post("/settings/maintenance/time-zone", said | {"time_zone": "Mars/Olympus"}), 422)
    assert "valid choice" in refused
    people.tidewater.refresh_from_db()
    assert people.tidewater.time_zone == "Asia/Kolkata"


def test_who_may(people: People, owner: Client, component: Component) -> None:
    """A team mate reads without a button, and is refused; a stranger finds nothing and plans nothing here."""
    owner.post(PLAN, weekly(component))
    row = Maintenance.objects.get()
    path = f"/settings/maintenance/{row.pk}/call-off"
    zone = {"organization": people.tidewater.pk, "time_zone": "Asia/Kolkata"}
    bob, charlie = browser(people.bob), browser(people.charlie)
    page = text(bob.get("/settings/maintenance"))
    assert "Backup" in page
    assert "Call off" not in page
    assert "Plan maintenance" not in page
    assert [bob.get(PLAN).status_code, bob.post(PLAN, weekly(component)).status_code] == [403, 403]
    assert [bob.post(path).status_code, bob.post("/settings/maintenance/time-zone", zone).status_code] == [403, 403]
    assert "Backup" not in text(charlie.get("/settings/maintenance"))
    assert [charlie.post(path).status_code, charlie.post("/settings/maintenance/time-zone", zone).status_code] == [
        404,
        404,
    ]
    assert charlie.post(PLAN, weekly(component)).status_code == 422
    row.refresh_from_db()
    assert row.called_off_at is None
    assert Maintenance.objects.count() == 1


def test_a_span_names_the_day_of_its_end_only_where_it_is_another() -> None:
    """Within a day the clock suffices; the reader's clock is said where it shows another time."""
    window = Window(datetime(2031, 5, 2, 22, tzinfo=UTC), datetime(2031, 5, 3, 1, tzinfo=UTC))
    with timezone.override("UTC"):
        assert words.span(window).replace("\u00a0", " ") == "2 May 2031 22:00 to 3 May 2031 01:00"
        there, here = words.spans(window, "Europe/Berlin")
        assert there.replace("\u00a0", " ") == "3 May 2031 00:00 to 03:00"
        assert here
        assert words.spans(window, "UTC")[1] == ""

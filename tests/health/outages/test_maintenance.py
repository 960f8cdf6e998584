"""Maintenance planned and called off, without a page between."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from portal.events.models import Event
from portal.kit import clock
from portal.kit.errors import Conflicting, Forbidden, Invalid, NotFound
from portal.kit.viewer import Permission, Viewer
from portal.tenancy.actions.change_time_zone import change_time_zone
from resilience.health.actions.call_off_maintenance import call_off_maintenance
from resilience.health.actions.plan_maintenance import Plan, plan_maintenance
from resilience.health.core.occurrences import active_at, next_window
from resilience.health.models import Component, Maintenance
from tests.support.people import People, make_upstream

HOUR = timedelta(hours=1)
WEEKLY = Plan("Backup", schedule="0 2 * * 1", minutes=90)


@pytest.fixture
def component(people: People) -> Component:
    """Tidewater's plans-api."""
    return Component.objects.get(upstream=make_upstream(people.tidewater))


@pytest.fixture
def alice(people: People) -> Viewer:
    """The admin."""
    return people.viewer(people.alice)


def once(**fields: Any) -> Plan:
    """A plan from an hour from now for an hour."""
    now = clock.now()
    return replace(Plan("Database upgrade", now + HOUR, now + 2 * HOUR), **fields)


def test_once(alice: Viewer, component: Component) -> None:
    """It stands with who planned it, takes place when it should, and an event tells of it."""
    plan = once()
    row = plan_maintenance(viewer=alice, plan=plan, component_id=component.pk)
    assert (row.component, row.organization, row.created_by) == (component, component.organization, "alice")
    assert plan.starts_at is not None
    assert [one.plan for one in active_at(Maintenance.objects.standing(), plan.starts_at)] == [row]
    event = Event.objects.get(verb="maintenance.planned")
    assert event.subject == f"maintenance:{row.pk}"
    said = json.loads(event.data)
    assert (said["title"], said["component"], said["upstream"]) == (
        "Database upgrade",
        "plans-api",
        component.upstream_id,
    )


def test_recurring_in_the_organizations_zone(alice: Viewer, people: People) -> None:
    """Without a zone it is the organization's; 02:00 in Berlin stays 02:00 in Berlin; it has no end."""
    change_time_zone(viewer=alice, organization_id=people.tidewater.pk, time_zone="Europe/Berlin")
    row = plan_maintenance(viewer=alice, plan=WEEKLY, organization_id=people.tidewater.pk)
    assert (row.component, row.time_zone, row.ends_at) == (None, "Europe/Berlin", None)
    winter = next_window(row, datetime(2026, 12, 1, tzinfo=UTC))
    summer = next_window(row, datetime(2027, 7, 1, tzinfo=UTC))
    assert winter is not None
    assert summer is not None
    assert (winter.starts_at.hour, summer.starts_at.hour) == (1, 0)


def test_another_zone_moves_nothing_that_is_planned(alice: Viewer, people: People) -> None:
    """The organization's zone is for what is planned from then on; an event tells of the change, and of none when there is none."""
    row = plan_maintenance(viewer=alice, plan=WEEKLY, organization_id=people.tidewater.pk)
    for _time in range(2):
        change_time_zone(viewer=alice, organization_id=people.tidewater.pk, time_zone="Asia/Kolkata")
    row.refresh_from_db()
    people.tidewater.refresh_from_db()
    assert (row.time_zone, people.tidewater.time_zone) == ("UTC", "Asia/Kolkata")
    event = Event.objects.get(verb="organization.updated")
    assert json.loads(event.data) == {"time_zone": ["UTC", "Asia/Kolkata"]}


@pytest.mark.parametrize("zone", ["", "Mars/Olympus", "../etc/passwd", "Europe/Berlin\x00", "europe/berlin "])
def test_what_is_no_zone(alice: Viewer, people: People, zone: str) -> None:
    """It is refused with an example."""
    with pytest.raises(Invalid, match="Europe/Berlin"):
        change_time_zone(viewer=alice, organization_id=people.tidewater.pk, time_zone=zone)


@pytest.mark.parametrize(
    ("fields", "pointers"),
    [
        ({"title": " "}, ["/title"]),
        ({"title": "x" * 101}, ["/title"]),
        ({"title": "a\x00b"}, ["/title"]),
        ({"starts_at": None}, ["/starts_at"]),
        ({"ends_at": None}, ["/ends_at"]),
        ({"starts_at": None, "ends_at": None}, ["/starts_at", "/ends_at"]),
        ({"ends_at": timedelta(minutes=30)}, ["/ends_at"]),
        ({"starts_at": timedelta(hours=-3), "ends_at": timedelta(hours=-2)}, ["/ends_at"]),
        ({"starts_at": timedelta(days=-3)}, ["/starts_at"]),
        ({"ends_at": timedelta(days=100)}, ["/ends_at"]),
        ({"starts_at": timedelta(days=4_000), "ends_at": timedelta(days=4_001)}, ["/starts_at"]),
        ({"time_zone": "Mars/Olympus"}, ["/time_zone"]),
        ({"title": "", "ends_at": None, "time_zone": "x"}, ["/title", "/time_zone", "/ends_at"]),
        ({"schedule": "x", "minutes": 30}, ["/schedule"]),
        ({"schedule": "0 2 * * *", "minutes": 0, "ends_at": None}, ["/minutes"]),
        ({"schedule": "0 2 * * *", "minutes": 10_081, "ends_at": None}, ["/minutes"]),
        ({"schedule": "0 2 * * *", "minutes": True, "ends_at": None}, ["/minutes"]),
        ({"schedule": "*/30 * * * *", "minutes": 45, "ends_at": None}, ["/minutes"]),
        ({"schedule": "0 0 30 2 *", "minutes": 45, "ends_at": None}, ["/schedule"]),
        ({"schedule": "0 0 29 2 *", "minutes": 45}, ["/ends_at"]),
        ({"schedule": "* * * * * *", "minutes": 45, "ends_at": None}, ["/schedule"]),
    ],
)
def test_what_cannot_be_planned(alice: Viewer, people: People, fields: dict[str, Any], pointers: list[str]) -> None:
    """Each fault is named at its place, and nothing is stored."""
    said = {name: clock.now() + value if isinstance(value, timedelta) else value for name, value in fields.items()}
    with pytest.raises(Invalid) as refused:
        plan_maintenance(viewer=alice, plan=once(**said), organization_id=people.tidewater.pk)
    found = [fault.pointer for fault in refused.value.faults]
    assert found == pointers
    assert not Maintenance.objects.exists()


def test_moments_need_their_offset(alice: Viewer, people: People) -> None:
    """Nobody guesses the zone of a moment."""
    naive = once(starts_at=datetime(2026, 12, 1, 2), ends_at=datetime(2026, 12, 1, 3))
    with pytest.raises(Invalid) as refused:
        plan_maintenance(viewer=alice, plan=naive, organization_id=people.tidewater.pk)
    assert [fault.pointer for fault in refused.value.faults] == ["/starts_at", "/ends_at"]


def test_one_that_has_begun_may_still_be_planned(alice: Viewer, people: People) -> None:
    """Who forgot it plans it while it goes on."""
    now = clock.now()
    row = plan_maintenance(
        viewer=alice, plan=once(starts_at=now - HOUR, ends_at=now + HOUR), organization_id=people.tidewater.pk
    )
    assert active_at([row], now)


def test_who_may(people: People, component: Component) -> None:
    """A team mate and a token without the scope are refused, a stranger finds nothing, and Breakwater itself is nobody's."""
    row = plan_maintenance(viewer=people.viewer(people.alice), plan=WEEKLY, component_id=component.pk)
    ours = Component.objects.create(slug="o8-itself", name="Breakwater itself")
    bob, charlie = people.viewer(people.bob), people.viewer(people.charlie)
    operator = people.viewer(people.alice, Permission.READ, Permission.OPERATE)
    for viewer, error in ((bob, Forbidden), (operator, Forbidden), (charlie, NotFound)):
        with pytest.raises(error):
            plan_maintenance(viewer=viewer, plan=WEEKLY, component_id=component.pk)
        with pytest.raises(error):
            plan_maintenance(viewer=viewer, plan=WEEKLY, organization_id=people.tidewater.pk)
        with pytest.raises(error):
            call_off_maintenance(viewer=viewer, maintenance_id=row.pk)
        with pytest.raises(error):
            change_time_zone(viewer=viewer, organization_id=people.tidewater.pk, time_zone="UTC")
    with pytest.raises(Forbidden):
        plan_maintenance(viewer=people.viewer(people.alice), plan=WEEKLY, component_id=ours.pk)
    with pytest.raises(Invalid):
        plan_maintenance(viewer=people.viewer(people.alice), plan=WEEKLY)
    assert Maintenance.objects.count() == 1


def test_called_off(alice: Viewer, people: People) -> None:
    """What goes on ends, nothing more comes, and the second of two tabs is told who was first."""
    now = clock.now()
    row = plan_maintenance(
        viewer=alice, plan=once(starts_at=now - HOUR, ends_at=now + HOUR), organization_id=people.tidewater.pk
    )
    off = call_off_maintenance(viewer=alice, maintenance_id=row.pk, reason="The vendor is ill.")
    assert (off.called_off_by, active_at([off], clock.now())) == ("alice", [])
    assert not Maintenance.objects.standing().exists()
    said = json.loads(Event.objects.get(verb="maintenance.called_off").data)
    assert (said["reason"], said["was_active"]) == ("The vendor is ill.", True)
    with pytest.raises(Conflicting, match="alice called it off"):
        call_off_maintenance(viewer=alice, maintenance_id=row.pk)


def test_what_is_over_cannot_be_called_off(alice: Viewer, people: People) -> None:
    """There is nothing left of it."""
    now = clock.now()
    row = plan_maintenance(viewer=alice, plan=once(), organization_id=people.tidewater.pk)
    Maintenance.objects.update(starts_at=now - 2 * HOUR, ends_at=now - HOUR)
    with pytest.raises(Conflicting, match="over"):
        call_off_maintenance(viewer=alice, maintenance_id=row.pk)
    with pytest.raises(NotFound):
        call_off_maintenance(viewer=alice, maintenance_id=row.pk + 1)

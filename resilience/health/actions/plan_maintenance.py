"""Planning maintenance of a component, or of all that an organization has."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from portal.events.record import record
from portal.kit import clock
from portal.kit.errors import Fault, Invalid, NotFound
from portal.kit.viewer import Permission, Viewer
from portal.tenancy.models import Organization
from portal.web.middleware import ZONES
from resilience.health.actions.outages import iso, one_line, text_faults
from resilience.health.actions.steering import component_of, refuse, shown
from resilience.health.core.occurrences import LONGEST, next_window, overlaps_itself, readable, window_at
from resilience.health.models import Component, Maintenance

LONGEST_TITLE, LONGEST_SCHEDULE = 100, 100
LONGEST_ONCE = timedelta(days=90)
LONGEST_AGO = timedelta(days=1)
LONGEST_AHEAD = timedelta(days=366 * 5)
MOST_MINUTES = int(LONGEST.total_seconds() // 60)


@dataclass(frozen=True, slots=True)
class Plan:
    """What is planned. Once: `starts_at` and `ends_at`. Recurring: `schedule` (cron, five fields) and `minutes`.

    A recurring one starts now and has no end unless these moments say otherwise. `time_zone` is the organization's unless said.
    """

    title: str
    starts_at: datetime | None = None
    ends_at: datetime | None = None
    schedule: str = ""
    minutes: int = 0
    time_zone: str = ""


def plan_maintenance(
    *, viewer: Viewer, plan: Plan, organization_id: int | None = None, component_id: int | None = None
) -> Maintenance:
    """The maintenance of this component, or of all that the organization has.

    While a window of it is open the component reads maintenance, no outage opens by itself, and the time counts in neither side
    of availability.
    """
    with transaction.atomic():
        row = draft_maintenance(viewer=viewer, plan=plan, organization_id=organization_id, component_id=component_id)
        row.save()
        tell_maintenance("maintenance.planned", viewer, row, _said(row))
    return row


def draft_maintenance(
    *, viewer: Viewer, plan: Plan, organization_id: int | None = None, component_id: int | None = None
) -> Maintenance:
    """The same, checked and not kept: to say its next times first. Call it in a transaction."""
    component = component_of(viewer, component_id, Permission.ADMINISTER) if component_id is not None else None
    organization = _organization(viewer, component, organization_id)
    now = clock.now()
    schedule = one_line(plan.schedule)
    row = Maintenance(
        organization=organization,
        component=component,
        title=one_line(plan.title),
        starts_at=plan.starts_at or now,
        ends_at=plan.ends_at,
        schedule=schedule,
        minutes=plan.minutes if schedule else 0,
        time_zone=plan.time_zone or organization.time_zone,
        created_by=viewer.name,
    )
    refuse([*_texts(row), *(_recurring(row, now) if schedule else _once(plan, now))])
    return row


def _organization(viewer: Viewer, component: Component | None, organization_id: int | None) -> Organization:
    if component is not None and component.organization is not None:
        return component.organization
    if organization_id is None:
        raise Invalid.at("/organization", _("Say which component, or which organization."))
    organization = Organization.objects.for_org(viewer).filter(pk=organization_id).first()
    viewer.require(Permission.ADMINISTER, organization_id)
    if organization is None:
        raise NotFound
    return organization


def _texts(row: Maintenance) -> list[Fault]:
    found = text_faults(row.title, "/title", most=LONGEST_TITLE)
    if not row.title:
        found = [Fault("/title", _("Say what is done, so that others know why it is out."))]
    found += text_faults(row.schedule, "/schedule", most=LONGEST_SCHEDULE)
    if row.time_zone not in ZONES:
        found.append(Fault("/time_zone", _("There is no such time zone. One reads Europe/Berlin.")))
    moments = ("starts_at", "ends_at")
    return found + [
        Fault(f"/{name}", _("A time needs its offset, as in 2026-11-21T02:00:00Z."))
        for name in moments
        if (at := getattr(row, name)) is not None and at.tzinfo is None
    ]


def _once(plan: Plan, now: datetime) -> list[Fault]:
    if plan.starts_at is None or plan.ends_at is None:
        missing = [name for name in ("starts_at", "ends_at") if getattr(plan, name) is None]
        return [Fault(f"/{name}", _("Say when it starts and when it ends.")) for name in missing]
    if plan.starts_at.tzinfo is None or plan.ends_at.tzinfo is None:
        return []  # said before
    found = _too_far(plan.starts_at, now)
    if plan.ends_at <= plan.starts_at:
        found.append(Fault("/ends_at", _("It ends before it starts.")))
    elif plan.ends_at <= now:
        found.append(Fault("/ends_at", _("This is over already. Plan one that is still to come.")))
    elif plan.ends_at - plan.starts_at > LONGEST_ONCE:
        found.append(Fault("/ends_at", _("Maintenance lasts 90 days at most.")))
    return found


def _recurring(row: Maintenance, now: datetime) -> list[Fault]:
    found = []
    if isinstance(row.minutes, bool) or not isinstance(row.minutes, int) or not 1 <= row.minutes <= MOST_MINUTES:
        found.append(Fault("/minutes", _("A window lasts 1 to %d minutes (7 days).") % MOST_MINUTES))
    if not isinstance(row.schedule, str) or not readable(row.schedule):
        detail = _(
            "This is no cron line that comes about. It has five fields: minute, hour, day of the month, month, day of the week; "
            "0 2 * * 1 is each Monday at 02:00."
        )
        return [*found, Fault("/schedule", detail)]
    if found:
        return found
    if overlaps_itself(row.schedule, row.minutes):
        return [Fault("/minutes", _("The next window would start before this one ends. Make it shorter, or rarer."))]
    if any(at is not None and at.tzinfo is None for at in (row.starts_at, row.ends_at)) or row.time_zone not in ZONES:
        return []  # said before
    found = _too_far(row.starts_at, now)
    if not found and next_window(row, now) is None and window_at(row, now) is None:
        found.append(Fault("/ends_at", _("No window starts before this end. Choose a later one, or none.")))
    return found


def _too_far(at: datetime, now: datetime) -> list[Fault]:
    if at < now - LONGEST_AGO:
        return [Fault("/starts_at", _("This is more than a day ago. What has been cannot be planned."))]
    return [Fault("/starts_at", _("This is more than five years ahead."))] if at > now + LONGEST_AHEAD else []


def _said(row: Maintenance) -> dict[str, Any]:
    kept: dict[str, Any] = {"starts_at": iso(row.starts_at), "ends_at": iso(row.ends_at), "time_zone": row.time_zone}
    return {**kept, "schedule": row.schedule, "minutes": row.minutes} if row.schedule else kept


def tell_maintenance(verb: str, viewer: Viewer, row: Maintenance, data: Mapping[str, Any]) -> None:
    """Writes the event of what a person did to a maintenance."""
    about = {"component": row.component.slug, "upstream": row.component.upstream_id} if row.component else {}
    record(
        verb=verb,
        subject=f"maintenance:{row.pk}",
        actor=viewer.name,
        organization_id=row.organization_id,
        organization_name=row.organization.name,
        data={"title": shown(row.title), **about, **data},
        request_id=viewer.request_id,
    )

"""The pages of maintenance: what is planned, and the forms that plan it and call it off. They parse, call one action or read, render."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from portal.kit import clock
from portal.kit.errors import Conflicting, Forbidden, Invalid, NotFound
from portal.kit.viewer import Permission, Viewer
from portal.settings_pages.reading import administered, chosen_of, viewer_of
from portal.tenancy.actions.change_time_zone import change_time_zone
from portal.web.parts import part_of, rendered
from resilience.health import maintenance_words as words
from resilience.health.actions.call_off_maintenance import call_off_maintenance
from resilience.health.actions.plan_maintenance import draft_maintenance, plan_maintenance
from resilience.health.core.occurrences import Window, next_windows, window_at
from resilience.health.maintenance_forms import CallOffForm, PlanForm, ZoneForm
from resilience.health.maintenance_listing import Asked
from resilience.health.models import Component, Maintenance

NEXT, PREVIEWED, PAST = 3, 6, 30
SLACK = timedelta(minutes=1)
MOST = 500
"""So many plans that can still come are listed."""


@dataclass(frozen=True, slots=True)
class Times:
    """One window in words: on the plan's clock, and on the reader's where that shows another time."""

    there: str
    here: str


@dataclass(frozen=True, slots=True)
class Row:
    """A plan as the page shows it."""

    plan: Maintenance
    where: str
    rhythm: str
    zone: str
    may: bool
    now: Times | None = None
    until: datetime | None = None
    next: Sequence[Times] = ()


@dataclass(slots=True)
class Listed:
    """The plans by how they stand."""

    now: list[Row] = field(default_factory=list)
    coming: list[Row] = field(default_factory=list)
    recurring: list[Row] = field(default_factory=list)
    past: list[Row] = field(default_factory=list)


@require_GET
def index(request: HttpRequest) -> HttpResponse:
    """What is now, what is planned once, what recurs, and what was."""
    return _index(request)


def _index(request: HttpRequest, refused: ZoneForm | None = None) -> HttpResponse:
    chosen = chosen_of(request)
    mine = administered(chosen)
    zones = [ZoneForm(organization=one) for one in mine]
    if refused is not None and refused.owner is not None:
        zones = [refused if one.owner == refused.owner else one for one in zones]
    context = {
        "listed": _listed(chosen),
        "may_plan": bool(mine),
        "zone_forms": zones,
        "here": words.zone_word(timezone.get_current_timezone_name()),
        "several": len(chosen.organization_ids) > 1,
    }
    template = "health/maintenance.html#live" if part_of(request) == "live" else "health/maintenance.html"
    return rendered(request, template, context, status=422 if refused else 200)


def _listed(viewer: Viewer) -> Listed:
    now, listed = clock.now(), Listed()
    standing = list(Asked(standing="true").plans(viewer).order_by("starts_at", "pk")[:MOST])
    for plan in standing:
        row = _row(viewer, plan, now)
        if row.now:
            listed.now.append(row)
        if plan.schedule and (row.next or row.now):
            listed.recurring.append(row)
        elif row.next:
            listed.coming.append(row)
    known = [plan.pk for plan in standing]
    past = Asked().plans(viewer).exclude(pk__in=known).order_by("-pk")[:PAST]
    listed.past = [_row(viewer, plan, now) for plan in past]
    return listed


def _row(viewer: Viewer, plan: Maintenance, now: datetime) -> Row:
    window = window_at(plan, now)
    return Row(
        plan=plan,
        where=words.where(plan),
        rhythm=words.rhythm(plan),
        zone=words.zone_word(plan.time_zone),
        may=viewer.can(Permission.ADMINISTER, plan.organization_id),
        now=_times(window, plan) if window else None,
        until=window.ends_at if window else None,
        next=[_times(one, plan) for one in next_windows(plan, now, NEXT)],
    )


def _times(window: Window, plan: Maintenance) -> Times:
    return Times(*words.spans(window, plan.time_zone))


@require_http_methods(["GET", "POST"])
def plan(request: HttpRequest) -> HttpResponse:
    """The form of a plan; it can say its next times before anything is kept."""
    viewer = viewer_of(request)
    organizations = administered(viewer)
    if not organizations:
        raise Forbidden(_("Maintenance is planned by an admin of the organization."))
    rows = Component.objects.for_org(viewer).filter(organization__in=organizations)
    components = list(rows.order_by("organization__name", "name", "pk"))
    form = PlanForm(
        request.POST if request.method == "POST" else None,
        organizations=organizations,
        components=components,
        initial={"what": request.GET.get("component", "")},
    )
    context: dict[str, Any] = {"form": form, "several": len(organizations) > 1}
    if form.is_bound and form.is_valid():
        try:
            if request.POST.get("do") != "preview":
                row = _planned(viewer, form)
                messages.success(request, _said_planned(row))
                return redirect("maintenance")
            context["times"] = _preview(viewer, form)
        except (Invalid, Conflicting) as error:
            form.show(error.faults, error.detail)
    return rendered(request, "health/maintenance_plan.html", context, status=422 if form.errors else 200)


def _said_planned(row: Maintenance) -> str:
    """That it is planned; of one that has begun already, from when on it counts."""
    if row.schedule or row.starts_at >= clock.now() - SLACK:
        return _("%s is planned.") % row.title
    return _("%s is planned and has begun already: from now on what it is for reads maintenance.") % row.title


def _planned(viewer: Viewer, form: PlanForm) -> Maintenance:
    organization_id, component_id = form.place
    return plan_maintenance(viewer=viewer, plan=form.plan(), organization_id=organization_id, component_id=component_id)


def _preview(viewer: Viewer, form: PlanForm) -> list[Times]:
    """The next times of what the form says; nothing is kept."""
    organization_id, component_id = form.place
    now = clock.now()
    with transaction.atomic():
        row = draft_maintenance(
            viewer=viewer, plan=form.plan(), organization_id=organization_id, component_id=component_id
        )
    window = window_at(row, now)
    coming = next_windows(row, now, PREVIEWED)
    return [_times(one, row) for one in ([window] if window else []) + coming]


@require_http_methods(["GET", "POST"])
def call_off(request: HttpRequest, maintenance_id: int) -> HttpResponse:
    """Says what calling off means, then does it."""
    viewer = viewer_of(request)
    row = (
        Maintenance.objects.for_org(viewer)
        .select_related("organization", "component")
        .filter(pk=maintenance_id)
        .first()
    )
    if row is None:
        raise NotFound
    viewer.require(Permission.ADMINISTER, row.organization_id)
    form = CallOffForm(request.POST if request.method == "POST" else None)
    if form.is_bound and form.is_valid():
        try:
            call_off_maintenance(viewer=viewer, maintenance_id=row.pk, reason=form.cleaned_data["reason"])
        except (Invalid, Conflicting) as error:
            form.show(error.faults, error.detail)
        else:
            messages.success(request, _("%s is called off.") % row.title)
            return redirect("maintenance")
    context = {"form": form, "row": _row(viewer, row, clock.now())}
    return rendered(request, "health/maintenance_call_off.html", context, status=422 if form.errors else 200)


@require_POST
def time_zone(request: HttpRequest) -> HttpResponse:
    """Sets the zone in which an organization plans."""
    viewer, asked = viewer_of(request), request.POST.get("organization", "")
    organization_id = int(asked) if asked.isascii() and asked.isdigit() and len(asked) < 19 else 0
    viewer.require(Permission.ADMINISTER, organization_id)
    organization = next((one for one in administered(viewer) if one.pk == organization_id), None)
    form = ZoneForm(request.POST, organization=organization)
    if organization is None or not form.is_valid():
        return _index(request, form)
    done = change_time_zone(viewer=viewer, organization_id=organization.pk, time_zone=form.cleaned_data["time_zone"])
    said = {"name": done.name, "zone": words.zone_word(done.time_zone)}
    messages.success(request, _("%(name)s plans on the clock of %(zone)s from now on.") % said)
    return redirect("maintenance")

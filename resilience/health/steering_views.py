"""The pages that steer what is watched: components and their probes. They parse, call one action or one read, render."""

from dataclasses import dataclass
from datetime import datetime

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from portal.kit import clock
from portal.kit.errors import Conflicting, Forbidden, Invalid, NotFound
from portal.kit.viewer import Permission, Viewer
from portal.settings_pages.reading import administered, viewer_of
from portal.tenancy.models import Organization
from portal.web.parts import rendered
from resilience.health import words
from resilience.health.actions.add_component import add_component
from resilience.health.actions.remove_component import remove_component
from resilience.health.actions.steering import OURS, shown_address
from resilience.health.actions.update_component import update_component
from resilience.health.core.draft import would_cycle
from resilience.health.forms import ComponentForm, RemoveForm, show
from resilience.health.models import Component, Outage, Probe
from resilience.health.standing import href_of, stands


@dataclass(frozen=True, slots=True)
class Line:
    """A probe as a list shows it: its state as it can be read now, its address with what looks like a secret masked."""

    probe: Probe
    state: str
    address: str


def line_of(probe: Probe, now: datetime) -> Line:
    """The probe as a list shows it."""
    return Line(probe, stands(probe, now).value, shown_address(probe))


def component_in(viewer: Viewer, component_id: int, permission: Permission) -> Component:
    """The component; NotFound for a stranger, Forbidden without the right."""
    rows = Component.objects.for_org(viewer).select_related("organization", "upstream", "parent")
    component = rows.filter(pk=component_id).first()
    if component is None:
        raise NotFound
    if component.organization_id is None:
        raise Forbidden(OURS)
    viewer.require(permission, component.organization_id)
    return component


def _parents(viewer: Viewer, organizations: list[Organization], component: Component | None = None) -> list[Component]:
    """What can be a parent: every component of the organizations that does not stand below `component`."""
    rows = Component.objects.for_org(viewer).filter(organization__in=organizations).select_related("organization")
    known = list(rows.order_by("organization__name", "name", "pk"))
    if component is None:
        return known
    above = {row.pk: row.parent_id for row in known}
    return [row for row in known if not would_cycle(component.pk, row.pk, above)]


@require_http_methods(["GET", "POST"])
def add(request: HttpRequest) -> HttpResponse:
    """The form of a service that nothing is sent to."""
    viewer = viewer_of(request)
    organizations = administered(viewer)
    if not organizations:
        raise Forbidden(_("Services are added by an admin of the organization."))
    data = request.POST if request.method == "POST" else None
    form = ComponentForm(data, organizations=organizations, parents=_parents(viewer, organizations))
    if form.is_bound and form.is_valid():
        try:
            component = add_component(viewer=viewer, fields=form.said())
        except (Invalid, Conflicting) as error:
            show(form, error.faults)
        else:
            messages.success(request, _("%s is added. Choose how to ask whether it is well.") % component.name)
            return redirect("probe-add", component.pk)
    return rendered(request, "health/component_add.html", {"form": form}, status=422 if form.errors else 200)


@require_http_methods(["GET", "POST"])
def edit(request: HttpRequest, component_id: int) -> HttpResponse:
    """What people set of a component, and its probes."""
    viewer = viewer_of(request)
    component = component_in(viewer, component_id, Permission.ADMINISTER)
    organizations = [component.organization] if component.organization else []
    data = request.POST if request.method == "POST" else None
    form = ComponentForm(data, parents=_parents(viewer, organizations, component), component=component)
    if form.is_bound and form.is_valid():
        try:
            updated = update_component(viewer=viewer, component_id=component.pk, changes=form.said())
        except (Invalid, Conflicting) as error:
            show(form, error.faults)
        else:
            if updated.changed:
                messages.success(request, _("%s is saved.") % updated.component.name)
            return redirect("component-edit", component.pk)
    now = clock.now()
    lines = [line_of(probe, now) for probe in component.probes.order_by("pk")]
    context = {"form": form, "component": component, "lines": lines, "home": href_of(component)}
    return rendered(request, "health/component_edit.html", context, status=422 if form.errors else 200)


def _going(component: Component) -> str:
    """What goes with a component that is removed."""
    said = _("Its probes, results, history and outages go with it. This cannot be undone.")
    outage = Outage.objects.unscoped().active().filter(component=component).first()
    if outage is None:
        return said
    since = words.moment_of(outage.began_at)
    return f"{_('Its outage since %s goes on; it is closed, and its page is gone.') % since} {said}"


@require_http_methods(["GET", "POST"])
def remove(request: HttpRequest, component_id: int) -> HttpResponse:
    """Asks for the name, then removes a component with everything that was found of it."""
    viewer = viewer_of(request)
    component = component_in(viewer, component_id, Permission.ADMINISTER)
    form = RemoveForm(request.POST if request.method == "POST" else None, name=component.name)
    if form.is_bound and form.is_valid():
        try:
            remove_component(viewer=viewer, component_id=component.pk)
        except Conflicting as error:
            form.add_error(None, error.detail)
        else:
            messages.success(request, _("%s is removed.") % component.name)
            return redirect("health")
    context = {
        "form": form,
        "component": component,
        "title": _("Remove %s") % component.name,
        "what": _going(component),
        "submit": _("Remove %s") % component.name,
    }
    return rendered(request, "health/remove.html", context, status=422 if form.errors else 200)

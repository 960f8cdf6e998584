"""The pages of probes: choosing a template, adding, changing, pausing, removing, asking at once. They parse, call one action, render."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from portal.kit import clock
from portal.kit.errors import Conflicting, Invalid, NotFound
from portal.kit.viewer import Permission, Viewer
from portal.settings_pages.reading import viewer_of
from portal.web.parts import part_of, rendered
from resilience.health.actions.add_probe import add_probe
from resilience.health.actions.check_now import Checked, check_now
from resilience.health.actions.filling import offered, template_named
from resilience.health.actions.remove_probe import remove_probe
from resilience.health.actions.update_probe import update_probe
from resilience.health.forms import ProbeForm, RemoveForm
from resilience.health.models import Probe
from resilience.health.standing import href_of
from resilience.health.steering_views import component_in, line_of
from resilience.health.targets.fields import Template
from resilience.health.words import latency

BY_HAND = "by-hand"


def _probe(viewer: Viewer, probe_id: int, permission: Permission) -> Probe:
    """The probe with its component; NotFound for a stranger, Forbidden without the right."""
    probe = Probe.objects.for_org(viewer).filter(pk=probe_id).first()
    if probe is None:
        raise NotFound
    probe.component = component_in(viewer, probe.component_id, permission)
    return probe


@require_GET
def choose(request: HttpRequest, component_id: int) -> HttpResponse:
    """The templates to choose from."""
    component = component_in(viewer_of(request), component_id, Permission.ADMINISTER)
    return rendered(request, "health/probe_choose.html", {"component": component, "templates": offered(component)})


@require_http_methods(["GET", "POST"])
def add(request: HttpRequest, component_id: int, template: str) -> HttpResponse:
    """The form of a new probe, made from the template's fields."""
    viewer = viewer_of(request)
    component = component_in(viewer, component_id, Permission.ADMINISTER)
    made_of = _template(template)
    form = ProbeForm(request.POST if request.method == "POST" else None, made_of=made_of)
    if form.is_bound and form.is_valid():
        try:
            probe = add_probe(viewer=viewer, component_id=component.pk, fields=form.said())
        except (Invalid, Conflicting) as error:
            _show(form, error)
        else:
            messages.success(
                request, _("%s is added and runs from now on. Check it now to see what it finds.") % probe.name
            )
            return redirect("probe-edit", probe.pk)
    context = {"form": form, "component": component, "made_of": made_of}
    return rendered(request, "health/probe_add.html", context, status=422 if form.errors else 200)


def _template(name: str) -> Template | None:
    """The template of this name, None for no template at all; raises NotFound when there is none such."""
    if name == BY_HAND:
        return None
    found = template_named(name)
    if found is None:
        raise NotFound
    return found


def _show(form: ProbeForm, error: Invalid | Conflicting) -> None:
    if error.faults:
        form.show(error.faults)
    else:
        form.add_error(None, error.detail)


@require_http_methods(["GET", "POST"])
def edit(request: HttpRequest, probe_id: int) -> HttpResponse:
    """One probe: what it found last, and the form to change it."""
    viewer = viewer_of(request)
    probe = _probe(viewer, probe_id, Permission.ADMINISTER)
    made_of = template_named(probe.template) if probe.template else None
    form = ProbeForm(request.POST if request.method == "POST" else None, made_of=made_of, probe=probe)
    if form.is_bound and form.is_valid():
        try:
            updated = update_probe(viewer=viewer, probe_id=probe.pk, changes=form.said())
        except (Invalid, Conflicting) as error:
            _show(form, error)
        else:
            if updated.notice:
                messages.warning(request, updated.notice)
            elif updated.changed:
                messages.success(request, _("%s is saved.") % updated.probe.name)
            return redirect("probe-edit", probe.pk)
    home, line = href_of(probe.component), line_of(probe, clock.now())
    context = {
        "form": form,
        "probe": probe,
        "component": probe.component,
        "made_of": made_of,
        "home": home,
        "line": line,
    }
    return rendered(request, "health/probe_edit.html", context, status=422 if form.errors else 200)


@require_POST
def pause(request: HttpRequest, probe_id: int) -> HttpResponse:
    """Stops the probe until it is resumed."""
    return _switch(request, probe_id, enabled=False)


@require_POST
def resume(request: HttpRequest, probe_id: int) -> HttpResponse:
    """Lets the probe run again."""
    return _switch(request, probe_id, enabled=True)


def _switch(request: HttpRequest, probe_id: int, *, enabled: bool) -> HttpResponse:
    updated = update_probe(viewer=viewer_of(request), probe_id=probe_id, changes={"enabled": enabled})
    said = (
        _("%s runs again.") if enabled else _("%s is paused. It says nothing about its component until it runs again.")
    )
    messages.success(request, said % updated.probe.name)
    return redirect("probe-edit", probe_id)


@require_http_methods(["GET", "POST"])
def remove(request: HttpRequest, probe_id: int) -> HttpResponse:
    """Asks for the name, then removes a probe with what it found."""
    viewer = viewer_of(request)
    probe = _probe(viewer, probe_id, Permission.ADMINISTER)
    form = RemoveForm(request.POST if request.method == "POST" else None, name=probe.name)
    if form.is_bound and form.is_valid():
        remove_probe(viewer=viewer, probe_id=probe.pk)
        messages.success(request, _("%s is removed.") % probe.name)
        return redirect("component-edit", probe.component_id)
    context = {
        "form": form,
        "probe": probe,
        "component": probe.component,
        "title": _("Remove the probe %s") % probe.name,
        "what": _("Its results and its charts go with it; outages and availability of %s stay. This cannot be undone.")
        % probe.component.name,
        "submit": _("Remove %s") % probe.name,
    }
    return rendered(request, "health/remove.html", context, status=422 if form.errors else 200)


@require_POST
def check(request: HttpRequest, probe_id: int) -> HttpResponse:
    """Asks now, and shows what was found: in its place with htmx, else on a page of its own."""
    viewer = viewer_of(request)
    probe = Probe.objects.for_org(viewer).select_related("component__organization").filter(pk=probe_id).first()
    if probe is None:
        raise NotFound
    found, why = None, ""
    try:
        found = check_now(viewer=viewer, probe_id=probe_id)
    except (Conflicting, Invalid) as error:
        why = error.detail
    return _found(request, probe, found, why)


def _found(request: HttpRequest, probe: Probe, found: Checked | None, why: str) -> HttpResponse:
    back = request.POST.get("next", "")
    if not url_has_allowed_host_and_scheme(back, allowed_hosts=None):
        back = href_of(probe.component)
    context = {"probe": probe, "found": found, "why": why, "back": back, "took": latency(found.ms) if found else ""}
    part = part_of(request).partition("-")[0] == "finding"
    return rendered(request, "health/probe_found.html#found" if part else "health/probe_found.html", context)

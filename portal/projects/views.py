"""The pages of projects: all of them, one, its form, and adding a plan. They parse, call one action or one read, render."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods

from portal.kit.errors import Conflicting, Invalid
from portal.kit.viewer import Permission, Viewer
from portal.projects import exports
from portal.projects.actions.add_plan import add_plan, create_plan
from portal.projects.actions.catch_up import catch_up
from portal.projects.actions.refresh import look, refresh, refresh_some
from portal.projects.forms import KnownPlanForm, NewPlanForm, NewProjectForm, ProjectForm, show, taking_plans
from portal.projects.listing import MOST_LISTED, cards, lines, loose, plans_of, project_of
from portal.projects.models import Plan
from portal.projects.requests import chosen_of, viewer_of
from portal.tenancy.actions.create_project import create_project
from portal.tenancy.actions.edit_project import ProjectMoved, edit_project
from portal.tenancy.models import Organization, Project
from portal.web.parts import part_of, rendered
from resilience.upstreams.models import Upstream
from syncqueue.adapters.base import Gone


@require_GET
def index(request: HttpRequest) -> HttpResponse:
    """All projects with their plans; `live` is its fragment."""
    viewer, live = chosen_of(request), part_of(request) == "live"
    catch_up(viewer=viewer)
    if live:
        refresh_some(viewer=viewer)
    without, count = loose(viewer)
    context = {
        "cards": cards(viewer),
        "loose": without,
        "loose_count": count,
        "several": len(viewer.organization_ids) > 1,
        "may_add": bool(viewer.organizations_with(Permission.ADMINISTER)),
        "has_upstream": any(taking_plans(list(Upstream.objects.for_org(viewer)))),
    }
    template = "projects/index.html#live" if live else "projects/index.html"
    return rendered(request, template, context)


@require_GET
def project(request: HttpRequest, project_id: int) -> HttpResponse:
    """One project: its specification and its plans; `live` is its fragment."""
    viewer = viewer_of(request)
    found = project_of(viewer, project_id)
    here, live = viewer.narrowed(found.organization_id), part_of(request) == "live"
    catch_up(viewer=here)
    if live:
        refresh_some(viewer=here)
    plans = plans_of(viewer).filter(project=found).order_by("-pk")
    context = {
        "project": found,
        "lines": lines(viewer, list(plans[:MOST_LISTED])),
        "may_edit": viewer.can(Permission.OPERATE, found.organization_id),
        "may_add": viewer.can(Permission.ENQUEUE, found.organization_id),
    }
    template = "projects/project.html#live" if live else "projects/project.html"
    return rendered(request, template, context)


@require_http_methods(["GET", "POST"])
def add(request: HttpRequest) -> HttpResponse:
    """The form of a new project."""
    viewer = viewer_of(request)
    mine = viewer.require_anywhere(Permission.ADMINISTER)
    organizations = list(Organization.objects.for_org(viewer).filter(pk__in=mine).order_by("name"))
    form = NewProjectForm(request.POST if request.method == "POST" else None, organizations=organizations)
    if form.is_bound and form.is_valid():
        names = ("slug", "name", "description", "specification")
        said = {name: form.cleaned_data[name] for name in names}
        try:
            made = create_project(viewer=viewer, organization_id=form.organization_id(), **said)
        except (Invalid, Conflicting) as error:
            show(form, error)
        else:
            messages.success(request, _("%s is added. Add its first plan next.") % made.name)
            return redirect("project", made.pk)
    return rendered(request, "projects/project_form.html", {"form": form}, status=422 if form.errors else 200)


@require_http_methods(["GET", "POST"])
def edit(request: HttpRequest, project_id: int) -> HttpResponse:
    """The form of a project's name, description and specification."""
    viewer = viewer_of(request)
    found = project_of(viewer, project_id)
    viewer.require(Permission.OPERATE, found.organization_id)
    form = ProjectForm(request.POST) if request.method == "POST" else ProjectForm.of(found)
    theirs = ""
    if form.is_bound and form.is_valid():
        said = form.cleaned_data | {"revision": form.cleaned_data["revision"] or 0}
        try:
            edit_project(viewer=viewer, project_id=project_id, **said)
        except ProjectMoved as error:
            form.add_error(None, error.title())
            found = project_of(viewer, project_id)
            form.data = request.POST.copy()
            form.data["revision"] = str(found.revision)  # who has seen their text may save over it
            theirs = found.specification
        except (Invalid, Conflicting) as error:
            show(form, error)
        else:
            messages.success(request, _("%s is saved.") % said["name"])
            return redirect("project", project_id)
    context = {"form": form, "project": found, "theirs": theirs}
    return rendered(request, "projects/project_form.html", context, status=422 if form.errors else 200)


@require_http_methods(["GET", "POST"])
def add_a_plan(request: HttpRequest, project_id: int) -> HttpResponse:
    """Two forms: a plan that an upstream has, and a new one."""
    viewer = viewer_of(request)
    found = project_of(viewer, project_id)
    viewer.require(Permission.ENQUEUE, found.organization_id)
    mine = Upstream.objects.for_org(viewer).filter(organization_id=found.organization_id).order_by("slug")
    upstreams = taking_plans(list(mine))
    new = request.POST.get("how") == "new"
    data = request.POST if request.method == "POST" else None
    known_form = KnownPlanForm(None if new else data, upstreams=upstreams, auto_id="known_%s")
    new_form = NewPlanForm(data if new else None, upstreams=upstreams, auto_id="new_%s")
    plan = None
    if data is not None:
        plan = _created(request, viewer, found, new_form) if new else _added(request, viewer, found, known_form)
    if plan is not None:
        return redirect("plan", plan.pk)
    context: dict[str, Any] = {"project": found, "known_form": known_form, "new_form": new_form, "upstreams": upstreams}
    status = 422 if known_form.errors or new_form.errors else 200
    return rendered(request, "projects/add_plan.html", context, status=status)


def _added(request: HttpRequest, viewer: Viewer, project: Project, form: KnownPlanForm) -> Plan | None:
    """The plan that the upstream has; None with the reason in the form."""
    if not form.is_valid():
        return None
    upstream_id, entity_id = form.upstream_id(), form.cleaned_data["entity_id"]
    upstream = Upstream.objects.for_org(viewer).get(pk=upstream_id)
    try:
        if isinstance(look([(upstream, entity_id)])[0], Gone):
            form.add_error("entity_id", _("%s has no plan of this id.") % upstream.slug)
            return None
        plan = add_plan(viewer=viewer, project_id=project.pk, upstream_id=upstream_id, entity_id=entity_id)
    except (Invalid, Conflicting) as error:
        show(form, error)
        return None
    plan = refresh(viewer=viewer, plan_id=plan.pk, anyway=True)
    said = {"plan": plan.name, "project": project.name}
    messages.success(request, _("%(plan)s belongs to %(project)s now.") % said)
    return plan


def _created(request: HttpRequest, viewer: Viewer, project: Project, form: NewPlanForm) -> Plan | None:
    """The plan that waits to be created; None with the reason in the form."""
    if not form.is_valid():
        return None
    try:
        plan = create_plan(
            viewer=viewer,
            project_id=project.pk,
            upstream_id=form.upstream_id(),
            entity_id=form.id_or_made(),
            title=" ".join(form.cleaned_data["title"].split()),
            summary=form.cleaned_data["summary"],
        )
    except (Invalid, Conflicting) as error:
        show(form, error)
        return None
    messages.success(request, _("%s is queued. It is created at its upstream next.") % plan.name)
    return plan


@require_GET
def export(request: HttpRequest, project_id: int, ending: str) -> HttpResponse:
    """The project with its plans as a file."""
    viewer = viewer_of(request)
    found = project_of(viewer, project_id)
    catch_up(viewer=viewer.narrowed(found.organization_id))
    rows = Plan.objects.for_org(viewer).there().filter(project=found).exclude(document="")
    plans = rows.select_related("upstream").order_by("title", "entity_id")[:MOST_LISTED]
    make = exports.project_json if ending == "json" else exports.project_markdown
    return exports.as_file(found.slug, ending, make(found, plans))

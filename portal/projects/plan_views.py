"""The pages of plans: one plan, its edits, its refresh, its files. They parse, call one action or one read, render."""

from typing import Any
from urllib.parse import urlencode

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from portal.kit import clock
from portal.kit.errors import Conflicting, Invalid, NotFound
from portal.kit.viewer import Permission, Viewer
from portal.projects import exports
from portal.projects.actions.catch_up import catch_up
from portal.projects.actions.move_plan import move_plan
from portal.projects.actions.refresh import refresh as ask_again
from portal.projects.actions.save import Overtaken, save
from portal.projects.core.editing import Edit, NewComment
from portal.projects.forms import CommentForm, PlanForm, SeenForm, StepForm, show
from portal.projects.listing import plan_of
from portal.projects.models import Plan
from portal.projects.plan_page import PlanPage, plan_page
from portal.projects.requests import viewer_of
from portal.projects.waiting import behind
from portal.web.parts import part_of, rendered

TEMPLATE = "projects/plan.html"


@require_GET
def plan(request: HttpRequest, plan_id: int) -> HttpResponse:
    """One plan, its copy at once. The `live` fragment asks the upstream when the copy is old; what was never read is asked for now."""
    viewer, live = viewer_of(request), part_of(request) == "live"
    found = _current(viewer, plan_id)
    if live or not found.fetched_at:
        found = ask_again(viewer=viewer, plan_id=plan_id)
    return _page(request, found, live=live)


def _current(viewer: Viewer, plan_id: int) -> Plan:
    """The plan with what was delivered meanwhile."""
    plan_of(viewer, plan_id)
    catch_up(viewer=viewer, plan_id=plan_id)
    return plan_of(viewer, plan_id)


def _page(
    request: HttpRequest, found: Plan, *, live: bool = False, forms_: dict[str, forms.Form] | None = None
) -> HttpResponse:
    """The page, with the form that is open: the one that was refused, or the one that the address names."""
    opened = request.GET.get("edit", "")
    refused = forms_ or {}
    step = request.POST.get("step", "") if "step_form" in refused else opened
    shown = plan_page(viewer_of(request), found, clock.now(), unfold=request.GET.get("phase", ""), step=step)
    context: dict[str, Any] = {"shown": shown, "plan": found, "comment_form": CommentForm.new(), **refused}
    if shown.editable and not refused:
        context |= _forms(shown, opened)
    if "step_form" in context:
        context["step_key"] = step
    if request.method == "POST":  # what is shown live is the page itself, with the same form open
        query = urlencode({"edit": step or request.POST.get("what", "")})
        context["fragment_of"] = f"{reverse('plan', args=[found.pk])}?{query}"
    failed = any(form.errors for form in refused.values())
    return rendered(request, f"{TEMPLATE}#live" if live else TEMPLATE, context, status=422 if failed else 200)


def _forms(shown: PlanPage, opened: str) -> dict[str, forms.Form]:
    if shown.view is None or not opened:
        return {}
    if opened == "plan":
        return {"plan_form": PlanForm.of(shown.view, shown.rules)}
    step = shown.view.step(opened)
    return {"step_form": StepForm.of(step, shown.rules)} if step else {}


@require_POST
def edit(request: HttpRequest, plan_id: int) -> HttpResponse:
    """Enqueues one edit: of the plan's texts, of a microstep, or a new comment."""
    viewer = viewer_of(request)
    found = _current(viewer, plan_id)
    viewer.require(Permission.ENQUEUE, found.organization_id)
    if behind(found):
        found = ask_again(viewer=viewer, plan_id=plan_id, anyway=True)
    shown = plan_page(viewer, found, clock.now())
    what = request.POST.get("what", "")
    name, form, place = _bound(request, shown, what)
    if form is None:
        messages.error(request, _("This microstep is not there any more, or the plan cannot be edited now."))
        return redirect("plan", plan_id)
    if form.is_valid() and _saved(request, viewer, shown, form):
        return redirect(reverse("plan", args=[plan_id]) + place)
    return _page(request, plan_of(viewer, plan_id), forms_={name: form})


def _bound(request: HttpRequest, shown: PlanPage, what: str) -> tuple[str, forms.Form | None, str]:
    """The form that was sent: its name on the page, itself, and where on the page it stands."""
    if what not in ("plan", "step", "comment"):
        raise Invalid.at("/what", _("This is no edit of a plan."))
    if not shown.editable or shown.view is None:
        return "", None, ""
    if what == "comment":
        return "comment_form", CommentForm(request.POST, auto_id="comment-%s"), "#comments"
    if what == "plan":
        return "plan_form", PlanForm.of(shown.view, shown.rules, request.POST), ""
    step = shown.view.step(request.POST.get("step", ""))
    if step is None:
        return "", None, ""
    return "step_form", StepForm.of(step, shown.rules, request.POST), f"#step-{step.key}"


def _saved(request: HttpRequest, viewer: Viewer, shown: PlanPage, form: forms.Form) -> bool:
    """Whether the edit was taken; why not stands in the form."""
    edit_of = _edit(request, viewer, shown, form)
    try:
        item = save(viewer=viewer, plan_id=shown.plan.pk, edit=edit_of)
    except Overtaken as error:
        if isinstance(form, SeenForm):
            form.overtaken(error.clashes)
        return False
    except (Invalid, Conflicting) as error:
        show(form, error)
        return False
    if item is None:
        messages.info(request, _("Nothing was different, so nothing is sent."))
    else:
        messages.success(request, _("Saved. It waits to be sent to %s.") % shown.plan.upstream.slug)
    return True


def _edit(request: HttpRequest, viewer: Viewer, shown: PlanPage, form: forms.Form) -> Edit:
    if isinstance(form, PlanForm):
        return form.edit(request.POST)
    if isinstance(form, StepForm):
        step = shown.view.step(request.POST.get("step", "")) if shown.view else None
        if step is None:
            raise NotFound
        return form.edit(step, request.POST)
    said = form.cleaned_data
    at = clock.now().isoformat(timespec="seconds").replace("+00:00", "Z")
    return NewComment(str(said["name"]), viewer.name, said["text"], at)


@require_POST
def refresh(request: HttpRequest, plan_id: int) -> HttpResponse:
    """Asks the upstream for the plan now and shows it again; the page says so when it could not be asked."""
    ask_again(viewer=viewer_of(request), plan_id=plan_id, anyway=True)
    return redirect("plan", plan_id)


@require_POST
def move(request: HttpRequest, plan_id: int) -> HttpResponse:
    """Puts the plan into another project, or into none."""
    text = request.POST.get("project", "")
    if text and not (text.isascii() and text.isdigit() and len(text) < 19):
        raise Invalid.at("/project", _("The organization has no such project."))
    moved = move_plan(viewer=viewer_of(request), plan_id=plan_id, project_id=int(text) if text else None)
    if moved.project:
        said = {"plan": moved.name, "project": moved.project.name}
        messages.success(request, _("%(plan)s belongs to %(project)s now.") % said)
    else:
        messages.success(request, _("%s belongs to no project now.") % moved.name)
    return redirect("plan", plan_id)


@require_GET
def export(request: HttpRequest, plan_id: int, ending: str) -> HttpResponse:
    """The plan's copy as a file."""
    found = _current(viewer_of(request), plan_id)
    if not found.known:
        raise NotFound(_("This plan was never read, so there is nothing to export."))
    text = exports.plan_json(found) if ending == "json" else exports.plan_markdown(found)
    return exports.as_file(found.name, ending, text)

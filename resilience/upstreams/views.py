"""The pages of upstreams: the list, and one to add, change, test, pause and resume. They parse, call one action, render."""

from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from portal.kit.errors import Conflicting, Forbidden, Invalid, NotFound, Unavailable
from portal.kit.viewer import Permission, Viewer
from portal.tenancy.models import Organization
from resilience.upstreams import standing
from resilience.upstreams.actions.create_upstream import create_upstream
from resilience.upstreams.actions.pause import pause
from resilience.upstreams.actions.resume import resume
from resilience.upstreams.actions.update_upstream import update_upstream
from resilience.upstreams.forms import UpstreamForm
from resilience.upstreams.models import Upstream
from resilience.upstreams.standing import Standing, standings


@dataclass(frozen=True, slots=True)
class Row:
    """An upstream as the list shows it."""

    upstream: Upstream
    standing: Standing

    @property
    def state(self) -> str:
        """The slug of its sign. Up needs a delivery: what was never reached is not drawn as good."""
        if self.upstream.paused_at:
            return "paused"
        if self.standing.out_since:
            return "down"
        return "up" if self.standing.delivered else "no_data"


def _viewer(request: HttpRequest) -> Viewer:
    viewer: Viewer = request.viewer  # type: ignore[attr-defined]
    return viewer


def _rows(upstreams: list[Upstream]) -> list[Row]:
    known = standings([upstream.pk for upstream in upstreams])
    return [Row(upstream, known[upstream.pk]) for upstream in upstreams]


def _get(viewer: Viewer, upstream_id: int) -> Upstream:
    upstream = Upstream.objects.for_org(viewer).select_related("organization").filter(pk=upstream_id).first()
    if upstream is None:
        raise NotFound
    return upstream


@require_GET
def index(request: HttpRequest) -> HttpResponse:
    """All upstreams with their state and what waits for them; those that need a hand first."""
    chosen: Viewer = request.chosen  # type: ignore[attr-defined]
    upstreams = Upstream.objects.for_org(chosen).select_related("organization").order_by("organization__name", "name")
    rows = sorted(_rows(list(upstreams)), key=lambda row: {"down": 0, "paused": 1}.get(row.state, 2))
    context = {
        "rows": rows,
        "may_add": bool(chosen.organizations_with(Permission.ADMINISTER)),
        "several": len(chosen.organization_ids) > 1,
    }
    return render(request, "upstreams/index.html", context)


@require_http_methods(["GET", "POST"])
def add(request: HttpRequest) -> HttpResponse:
    """The form of a new upstream."""
    viewer = _viewer(request)
    administered = viewer.organizations_with(Permission.ADMINISTER)
    organizations = list(Organization.objects.for_org(viewer).filter(pk__in=administered).order_by("name"))
    if not organizations:
        raise Forbidden(_("Upstreams are added by an admin of the organization."))
    form = UpstreamForm(request.POST if request.method == "POST" else None, organizations=organizations)
    if form.is_bound and form.is_valid():
        try:
            upstream = create_upstream(viewer=viewer, fields=form.said())
        except (Invalid, Conflicting) as error:
            form.show(error.faults)
        else:
            messages.success(request, _("%s is added. Test the connection next.") % upstream.name)
            return redirect("upstream", upstream.pk)
    return _page(request, form, None)


@require_http_methods(["GET", "POST"])
def edit(request: HttpRequest, upstream_id: int) -> HttpResponse:
    """One upstream: its state, and the form to change it."""
    viewer = _viewer(request)
    upstream = _get(viewer, upstream_id)
    form = UpstreamForm(request.POST if request.method == "POST" else None, upstream=upstream)
    if form.is_bound:
        viewer.require(Permission.ADMINISTER, upstream.organization_id)
        if form.is_valid():
            try:
                updated = update_upstream(viewer=viewer, upstream_id=upstream.pk, changes=form.said())
            except (Invalid, Conflicting) as error:
                form.show(error.faults)
            else:
                _say_updated(request, upstream, changed=bool(updated.changed), notice=updated.notice)
                return redirect("upstream", upstream.pk)
    return _page(request, form, upstream)


def _say_updated(request: HttpRequest, upstream: Upstream, *, changed: bool, notice: str) -> None:
    if notice:
        messages.warning(request, notice)
    elif changed:
        messages.success(request, _("%s is saved.") % upstream.name)


def _page(request: HttpRequest, form: UpstreamForm, upstream: Upstream | None) -> HttpResponse:
    viewer = _viewer(request)
    context: dict[str, Any] = {"form": form, "upstream": upstream}
    if upstream:
        context |= {
            "row": _rows([upstream])[0],
            "may_change": viewer.can(Permission.ADMINISTER, upstream.organization_id),
            "may_operate": viewer.can(Permission.OPERATE, upstream.organization_id),
        }
    template = "upstreams/upstream.html" if upstream else "upstreams/add.html"
    return render(request, template, context, status=422 if form.errors else 200)


@require_POST
def test(request: HttpRequest, upstream_id: int) -> HttpResponse:
    """Tests the connection and says the result."""
    try:
        tested = standing.test(viewer=_viewer(request), upstream_id=upstream_id)
    except (Conflicting, Unavailable) as error:
        messages.warning(request, error.detail)
    else:
        (messages.success if tested.ok else messages.error)(request, tested.sentence)
    return redirect("upstream", upstream_id)


@require_POST
def hold(request: HttpRequest, upstream_id: int) -> HttpResponse:
    """Pauses the upstream with a reason."""
    try:
        upstream = pause(viewer=_viewer(request), upstream_id=upstream_id, reason=request.POST.get("reason", ""))
    except Invalid as error:
        messages.error(request, error.detail)
    else:
        messages.success(request, _("%s is paused. What comes in waits, nothing is lost.") % upstream.name)
    return redirect("upstream", upstream_id)


@require_POST
def go_on(request: HttpRequest, upstream_id: int) -> HttpResponse:
    """Resumes the upstream."""
    try:
        upstream = resume(viewer=_viewer(request), upstream_id=upstream_id, reason=request.POST.get("reason", ""))
    except Invalid as error:
        messages.error(request, error.detail)
    else:
        messages.success(request, _("%s is sent to again, in order.") % upstream.name)
    return redirect("upstream", upstream_id)

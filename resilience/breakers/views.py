"""The pages of breakers: all of them beside one, its transitions, and the forms that act. They parse, call one action or read, render."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from portal.kit import clock
from portal.kit.errors import Conflicting, Invalid, Unavailable
from portal.kit.viewer import Permission, Viewer
from portal.web.parts import part_of, rendered
from resilience.breakers import page as pages
from resilience.breakers.actions.force import disable, force_closed, force_open
from resilience.breakers.actions.reset import reset, reset_all
from resilience.breakers.actions.test_now import test_now
from resilience.breakers.forms import ForceForm, next_morning
from resilience.breakers.models import Breaker
from resilience.breakers.own import OwnFigures
from resilience.upstreams.actions.update_upstream import update_upstream
from resilience.upstreams.models import Upstream
from resilience.upstreams.standing import inflow, standings

FORCE = {"force-open": force_open, "force-closed": force_closed}


def _viewer(request: HttpRequest) -> Viewer:
    viewer: Viewer = request.viewer  # type: ignore[attr-defined]
    return viewer


def _chosen(request: HttpRequest) -> Viewer:
    chosen: Viewer = request.chosen  # type: ignore[attr-defined]
    return chosen


@require_GET
def index(request: HttpRequest) -> HttpResponse:
    """All breakers, the worst of them chosen."""
    rows = pages.rows(_chosen(request))
    chosen = pages.chosen(_viewer(request), rows[0].upstream.pk) if rows else None
    return _page(request, rows, chosen, one=False)


@require_GET
def breaker(request: HttpRequest, upstream_id: int) -> HttpResponse:
    """All breakers, and the one of this upstream; `live` is the fragment that follows it."""
    chosen = pages.chosen(_viewer(request), upstream_id)
    return _page(request, pages.rows(_chosen(request)), chosen, one=True)


def _page(request: HttpRequest, rows: list[pages.Row], shown: pages.Page | None, *, one: bool) -> HttpResponse:
    mine = [row for row in rows if _viewer(request).can(Permission.OPERATE, row.upstream.organization_id)]
    context: dict[str, Any] = {
        "rows": rows,
        "shown": shown,
        "one": one,
        "open": sum(1 for row in rows if row.state == "open"),
        "may_operate": bool(_chosen(request).organizations_with(Permission.OPERATE)),
        "resettable": [row for row in mine if row.breaker.out and not row.breaker.force],
        "several": len({row.upstream.organization_id for row in rows}) > 1,
    }
    if shown and shown.acts.administer:
        context |= {
            "open_form": ForceForm(how="force-open"),
            "closed_form": ForceForm(how="force-closed"),
            **_forcing(shown.upstream),
        }
    template = "breakers/breakers.html"
    return rendered(request, f"{template}#live" if part_of(request) == "live" else template, context)


@require_GET
def transitions(request: HttpRequest, upstream_id: int) -> HttpResponse:
    """All transitions of one breaker, in pages."""
    viewer = _viewer(request)
    upstream = pages.upstream_of(viewer, upstream_id)
    bounds = {name: _number(request.GET.get(name, "")) for name in ("before", "after")}
    context = {"upstream": upstream, "page": pages.moves_of(viewer, upstream, **bounds)}
    return rendered(request, "breakers/transitions.html", context)


def _number(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else None


def _say(request: HttpRequest, act: Callable[[], str]) -> None:
    """Does it and says what came of it."""
    try:
        messages.success(request, act())
    except (Conflicting, Invalid, Unavailable) as error:
        messages.error(request, error.detail or error.title())


@require_POST
def test(request: HttpRequest, upstream_id: int) -> HttpResponse:
    """Tests the upstream now and says the result."""
    try:
        tested = test_now(viewer=_viewer(request), upstream_id=upstream_id)
    except (Conflicting, Unavailable) as error:
        messages.warning(request, error.detail)
    else:
        (messages.success if tested.ok else messages.error)(request, tested.sentence)
    return redirect("breaker", upstream_id)


@require_POST
def close(request: HttpRequest, upstream_id: int) -> HttpResponse:
    """Resets the breaker, which also ends what a person forced."""

    def act() -> str:
        row = reset(viewer=_viewer(request), upstream_id=upstream_id, reason=request.POST.get("reason", ""))
        return _("The breaker of %s is reset: closed, with nothing counted. What waits goes out.") % row.upstream.name

    _say(request, act)
    return redirect("breaker", upstream_id)


@require_http_methods(["GET", "POST"])
def close_all(request: HttpRequest) -> HttpResponse:
    """Resets every breaker that is not simply closed; asks first."""
    chosen = _chosen(request)
    mine = chosen.organizations_with(Permission.OPERATE)
    if request.method == "POST":

        def act() -> str:
            done = reset_all(viewer=chosen, reason=request.POST.get("reason", ""))
            return ngettext("%d breaker is reset.", "%d breakers are reset.", len(done)) % len(done)

        _say(request, act)
        return redirect("breakers")
    rows = [row for row in pages.rows(chosen) if row.upstream.organization_id in mine]
    resettable = [row for row in rows if row.breaker.out and not row.breaker.force]
    return rendered(request, "breakers/reset_all.html", {"resettable": resettable})


@require_http_methods(["GET", "POST"])
def force(request: HttpRequest, upstream_id: int, how: str) -> HttpResponse:
    """Forces the breaker open or closed until a moment; the page of the form for those without a script."""
    viewer = _viewer(request)
    upstream = pages.upstream_of(viewer, upstream_id)
    viewer.require(Permission.ADMINISTER, upstream.organization_id)
    form = ForceForm(request.POST if request.method == "POST" else None, how=how)
    if form.is_bound and form.is_valid():
        act = disable if how == "force-closed" and form.cleaned_data["disable"] else FORCE[how]
        try:
            row = act(viewer=viewer, upstream_id=upstream.pk, reason=form.said_reason, until=form.said_until)
        except Invalid as error:
            form.add_error("at" if error.faults and error.faults[0].pointer == "/until" else "reason", error.detail)
        except Unavailable as error:
            form.add_error(None, error.detail)
        else:
            messages.success(request, _forced(row))
            return redirect("breaker", upstream.pk)
    context = {"upstream": upstream, "how": how, "form": form, **_forcing(upstream)}
    return rendered(request, "breakers/force.html", context, status=422 if form.errors else 200)


@require_http_methods(["GET", "POST"])
def own_figures(request: HttpRequest, upstream_id: int) -> HttpResponse:
    """Where an upstream departs from the policy: a field for each key, with what holds without it."""
    viewer = _viewer(request)
    upstream = pages.upstream_of(viewer, upstream_id)
    may_change = viewer.can(Permission.ADMINISTER, upstream.organization_id)
    form = OwnFigures(upstream, request.POST.dict() if request.method == "POST" else None)
    revision = upstream.revision
    if request.method == "POST":
        viewer.require(Permission.ADMINISTER, upstream.organization_id)
        revision = _number(request.POST.get("revision", "")) or upstream.revision
        if form.valid and _figures_saved(request, upstream, form, revision):
            return redirect("upstream", upstream.pk)
    context = {"upstream": upstream, "form": form, "may_change": may_change, "revision": revision}
    return rendered(request, "breakers/own_figures.html", context, status=200 if form.valid else 422)


def _figures_saved(request: HttpRequest, upstream: Upstream, form: OwnFigures, revision: int) -> bool:
    changes = {"figures": form.values, "revision": revision}
    try:
        updated = update_upstream(viewer=_viewer(request), upstream_id=upstream.pk, changes=changes)
    except (Invalid, Conflicting) as error:
        form.show(error.faults)
        return False
    if updated.changed:
        messages.success(request, _("The figures of %s are saved.") % upstream.name)
    return True


def _forced(row: Breaker) -> str:
    until = timezone.localtime(row.forced_until).strftime("%H:%M") if row.forced_until else ""
    said = {"name": row.upstream.name, "until": until}
    if row.forced_open:
        return _("Nothing goes out to %(name)s until %(until)s. You can end it at any time.") % said
    return _("Everything goes out to %(name)s until %(until)s. You can end it at any time.") % said


def _forcing(upstream: Upstream) -> dict[str, Any]:
    """What the form says follows, and the moments that its chips name."""
    waiting = standings([upstream.pk])[upstream.pk].waiting
    rate = inflow(upstream.pk)
    return {
        "waiting": waiting,
        "per_minute": None if rate is None else round(rate, 1),
        "per_minute_shown": None if not rate else max(round(rate), 1),
        "in_an_hour": clock.now() + timedelta(hours=1),
        "next_morning": next_morning(),
    }

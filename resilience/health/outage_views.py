"""The pages of outages: all of them, one with its story, and the forms that act. They parse, call one action or read, render."""

import csv
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.contrib import messages
from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.cache import patch_cache_control
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from portal.kit import clock
from portal.kit.errors import Conflicting, Forbidden, Invalid
from portal.kit.viewer import Permission, Viewer
from portal.settings_pages.reading import chosen_of, viewer_of
from portal.web.parts import part_of, rendered
from resilience.health.actions.close_outage import close_outage, refuse_over
from resilience.health.actions.expect_outage import expect_outage
from resilience.health.actions.note_outage import note_outage
from resilience.health.actions.record_outage import record_outage
from resilience.health.expecting import source_of
from resilience.health.models import Component, Outage
from resilience.health.outage_forms import CloseForm, ExpectForm, NoteForm, RecordForm, Showing
from resilience.health.outage_listing import Asked
from resilience.health.outage_page import outage_of, story
from resilience.health.partly import is_partly

PAGE = 30
MOST_ROWS = 10_000
SEVERITY_WORDS = {
    "minor": gettext_lazy("Minor"),
    "major": gettext_lazy("Major"),
    "critical": gettext_lazy("Critical"),
}
COLUMNS = [
    "id",
    "component",
    "organization",
    "severity",
    "cause",
    "began_at",
    "noticed_at",
    "ended_at",
    "seconds",
    "opened_by",
    "closed_by",
    "expected_at",
    "expected_source",
    "most_waiting",
]


@dataclass(frozen=True, slots=True)
class Row:
    """An outage as the list shows it."""

    outage: Outage
    severity: str
    seconds: float
    partly: bool


@dataclass(frozen=True, slots=True)
class Listed:
    """A page of outages; `before` and `after` are the ids that lead to its neighbours, 0 where there are none."""

    rows: Sequence[Row]
    before: int = 0
    after: int = 0


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else 0


@require_GET
def index(request: HttpRequest) -> HttpResponse:
    """All outages, the newest first, as the address filters them."""
    viewer, asked = chosen_of(request), Asked.read(request.GET)
    page = _page(
        viewer, asked, before=_number(request.GET.get("before", "")), after=_number(request.GET.get("after", ""))
    )
    components = Component.objects.for_org(viewer).order_by("name").values_list("slug", "name").distinct()
    context = {
        "asked": asked,
        "page": page,
        "components": components,
        "severities": SEVERITY_WORDS.items(),
        "several": len(viewer.organization_ids) > 1,
        "may_record": bool(viewer.organizations_with(Permission.OPERATE)),
        "query": request.GET.urlencode(),
    }
    template = "health/outages.html#live" if part_of(request) == "live" else "health/outages.html"
    return rendered(request, template, context)


def _page(viewer: Viewer, asked: Asked, *, before: int, after: int) -> Listed:
    """By keyset: so many before or after the outage of this id."""
    rows = asked.outages(viewer)
    place = Outage.objects.for_org(viewer).filter(pk=before or after).first() if before or after else None
    if place is not None and after:
        newer = rows.filter(Q(began_at__gt=place.began_at) | Q(began_at=place.began_at, pk__gt=place.pk))
        found = list(newer.order_by("began_at", "pk")[: PAGE + 1])
        return _listed(found[:PAGE][::-1], newer=len(found) > PAGE, older=True)
    if place is not None:
        rows = rows.filter(Q(began_at__lt=place.began_at) | Q(began_at=place.began_at, pk__lt=place.pk))
    found = list(rows.order_by("-began_at", "-pk")[: PAGE + 1])
    return _listed(found[:PAGE], newer=place is not None, older=len(found) > PAGE)


def _listed(found: Sequence[Outage], *, newer: bool, older: bool) -> Listed:
    rows = [Row(one, str(SEVERITY_WORDS[one.severity]), _seconds(one), is_partly(one)) for one in found]
    if not found:
        return Listed(rows)
    return Listed(rows, found[-1].pk if older else 0, found[0].pk if newer else 0)


def _seconds(outage: Outage) -> float:
    return ((outage.ended_at or clock.now()) - outage.began_at).total_seconds()


@require_GET
def download(request: HttpRequest) -> HttpResponse:
    """The same outages as CSV, 10,000 at the most."""
    asked = Asked.read(request.GET)
    response = HttpResponse(content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = 'attachment; filename="outages.csv"'
    rows = asked.outages(chosen_of(request)).order_by("-began_at", "-pk")[:MOST_ROWS]
    writer = csv.writer(response)
    writer.writerow(COLUMNS)
    writer.writerows(_cells(row) for row in rows)
    patch_cache_control(response, no_store=True, private=True)
    return response


def _cells(outage: Outage) -> Iterable[str]:
    component = outage.component
    values = {
        "component": component.slug,
        "organization": component.organization.slug if component.organization else "",
        "seconds": round(_seconds(outage)),
        "expected_source": source_of(outage).value,
    }
    return [_cell(values.get(name, getattr(outage, name, ""))) for name in COLUMNS]


def _cell(value: object) -> str:
    """A cell that no spreadsheet takes for a formula."""
    if value is None:
        return ""
    if isinstance(value, datetime):
        return value.isoformat(timespec="seconds")
    text = str(value)
    return f"'{text}" if text.startswith(("=", "+", "-", "@", "\t", "\r")) else text


def recordable(viewer: Viewer) -> list[Component]:
    """The components of which the viewer may record an outage, by organization and name."""
    mine = Component.objects.for_org(viewer).filter(organization__in=viewer.organizations_with(Permission.OPERATE))
    return list(mine.select_related("organization").order_by("organization__name", "organization_id", "name", "pk"))


@require_http_methods(["GET", "POST"])
def record(request: HttpRequest) -> HttpResponse:
    """The form of an outage that a person saw."""
    viewer = viewer_of(request)
    viewer.require_anywhere(Permission.OPERATE)
    data = request.POST if request.method == "POST" else None
    form = RecordForm(data, components=recordable(viewer), initial={"component": request.GET.get("component", "")})
    active = None
    if form.is_bound and form.is_valid():
        try:
            outage = record_outage(viewer=viewer, component_id=int(form.cleaned_data["component"]), **form.said())
        except Conflicting as error:
            form.show([], error.detail)
            active = error.extra.get("outage")
        except Invalid as error:
            form.show(error.faults, error.detail)
        else:
            messages.success(request, _("The outage of %s is recorded.") % outage.component.name)
            return redirect("outage", outage.pk)
    context = {"form": form, "active": active}
    return rendered(request, "health/outage_record.html", context, status=422 if form.errors else 200)


@require_GET
def outage(request: HttpRequest, outage_id: int) -> HttpResponse:
    """One outage with its story."""
    return _one(request, outage_id)


def _one(request: HttpRequest, outage_id: int, **forms: Showing) -> HttpResponse:
    viewer = viewer_of(request)
    out = story(viewer, outage_of(viewer, outage_id))
    context: dict[str, Any] = {"out": out, "note_form": NoteForm(), "expect_form": _expect_form(out.outage), **forms}
    status = 422 if any(form.errors for form in forms.values()) else 200
    template = "health/outage.html#live" if part_of(request) == "live" else "health/outage.html"
    return rendered(request, template, context, status=status)


def _expect_form(outage: Outage) -> ExpectForm:
    person = outage.expected_source == "person"
    initial = {"at": outage.expected_at, "text": outage.expected_text} if person else {}
    return ExpectForm(initial=initial)


@require_POST
def note(request: HttpRequest, outage_id: int) -> HttpResponse:
    """Writes an update."""
    viewer = viewer_of(request)
    _may(viewer, outage_id)
    form = NoteForm(request.POST)
    done = _done(form, lambda said: note_outage(viewer=viewer, outage_id=outage_id, **said))
    if not done:
        return _one(request, outage_id, note_form=form)
    messages.success(request, _("Your update is written."))
    return redirect("outage", outage_id)


@require_POST
def expect(request: HttpRequest, outage_id: int) -> HttpResponse:
    """Says when it is likely back."""
    viewer = viewer_of(request)
    _may(viewer, outage_id)
    form = ExpectForm(request.POST)
    done = _done(form, lambda said: expect_outage(viewer=viewer, outage_id=outage_id, **said))
    if not done:
        return _one(request, outage_id, expect_form=form)
    messages.success(request, _("What you expect is kept. It does not move by itself."))
    return redirect("outage", outage_id)


@require_http_methods(["GET", "POST"])
def close(request: HttpRequest, outage_id: int) -> HttpResponse:
    """Asks why, says what follows, then closes the outage."""
    viewer = viewer_of(request)
    outage = _may(viewer, outage_id)
    if outage.ended_at is not None and request.method == "GET":
        return _over(request, outage)
    form = CloseForm(request.POST if request.method == "POST" else None)
    if form.is_bound and _done(form, lambda said: close_outage(viewer=viewer, outage_id=outage_id, **said)):
        messages.success(request, _("The outage of %s is closed.") % outage.component.name)
        return redirect("outage", outage_id)
    if form.errors:
        outage = outage_of(viewer, outage_id)  # it may be over by now
    context = {"outage": outage, "form": form}
    return rendered(request, "health/outage_close.html", context, status=422 if form.errors else 200)


def _over(request: HttpRequest, outage: Outage) -> HttpResponse:
    """Leads to an outage that is over already, and says who was first."""
    try:
        refuse_over(outage)
    except Conflicting as error:
        messages.warning(request, error.detail)
    return redirect("outage", outage.pk)


def _may(viewer: Viewer, outage_id: int) -> Outage:
    """The outage, if the viewer may act on it; NotFound or Forbidden otherwise."""
    outage = outage_of(viewer, outage_id)
    if outage.component.organization_id is None:
        raise Forbidden(_("Breakwater's own outages open and close by themselves."))
    viewer.require(Permission.OPERATE, outage.component.organization_id)
    return outage


def _done(form: Showing, act: Callable[[dict[str, Any]], object]) -> bool:
    """Whether the action took what the form says; what was wrong stands in the form."""
    if not form.is_valid():
        return False
    try:
        act(form.cleaned_data)
    except (Invalid, Conflicting) as error:
        form.show(error.faults, error.detail)
        return False
    return True

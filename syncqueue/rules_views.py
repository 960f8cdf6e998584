"""The page of one kind: its fields, the rules that its conflicts are merged by, and a place to try them out."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.cache import patch_vary_headers
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from conflicts.actions.reset_rules import reset_rules
from conflicts.actions.set_rules import set_rules
from conflicts.rule_words import rows_of
from conflicts.ruling import Ruling, ruling
from portal.kit.errors import Conflicting, Invalid, NotFound
from portal.kit.viewer import Permission, Viewer
from portal.tenancy.models import Organization
from portal.web.parts import part_of
from syncqueue import kinds
from syncqueue.core.kinds import Kind
from syncqueue.rules_page import Tried, Typed, Wrong, fields_of, read_rules, tried, wrong_rules


@require_http_methods(["GET", "POST"])
def kind_page(request: HttpRequest, name: str) -> HttpResponse:
    """The kind and its rules in one organization; an admin of it saves other rules here, or goes back to the defaults."""
    viewer, kind = _viewer(request), _kind(name)
    if request.method == "GET":
        here = _organization(request, request.GET.get("organization", ""))
        return _page(request, kind, here, Typed.first(kind, ruling(viewer, here.pk, kind.name)))
    here, typed = _organization(request, request.POST.get("organization", "")), Typed.read(request.POST)
    seen = request.POST.get("seen", "")
    try:
        if request.POST.get("do") == "reset":
            reset_rules(viewer=viewer, organization_id=here.pk, kind=kind.name, seen=seen)
            messages.success(
                request, _("The defaults hold again. The rules that you see below are not saved any more.")
            )
        else:
            rules = read_rules(typed)
            set_rules(viewer=viewer, organization_id=here.pk, kind=kind.name, rules=rules, seen=seen)
            messages.success(request, _("The rules are saved. They hold for conflicts from now on."))
    except Invalid as error:
        return _page(request, kind, here, typed, wrong=wrong_rules(typed, error))
    except Conflicting as error:
        lead = _("Nothing was saved. What you typed still stands in the box, what holds now is in the table.")
        return _page(request, kind, here, typed, wrong=[Wrong(f"{error.detail} {lead}")])
    return _page(request, kind, here, typed)


@require_POST
def try_rules(request: HttpRequest, name: str) -> HttpResponse:
    """What the typed rules make of the typed documents: the fragment, or the page with it for those without a script."""
    kind, typed = _kind(name), Typed.read(request.POST)
    if part_of(request) == "outcome":
        response = render(request, "syncqueue/kind.html#live", _outcome(tried(typed)))
    else:
        here = _organization(request, request.POST.get("organization", ""))
        response = _page(request, kind, here, typed, tries=True)
    patch_vary_headers(response, ["HX-Request", "HX-Target"])
    return response


def _viewer(request: HttpRequest) -> Viewer:
    viewer: Viewer = request.viewer  # type: ignore[attr-defined]
    return viewer


def _kind(name: str) -> Kind:
    kind = kinds.find(name)
    if kind is None:
        raise NotFound
    return kind


def _organizations(request: HttpRequest) -> list[Organization]:
    """Those of the viewer, the ones that they administer first."""
    viewer = _viewer(request)
    found = Organization.objects.for_org(viewer).order_by("name")
    return sorted(found, key=lambda row: not viewer.can(Permission.ADMINISTER, row.pk))


def _organization(request: HttpRequest, slug: str) -> Organization:
    """The one that is named, else the one that is chosen on every page, else the first. Raises Invalid for one that is not theirs."""
    rows = _organizations(request)
    if slug:
        found = next((row for row in rows if row.slug == slug), None)
        if found is None:
            raise Invalid.at("/organization", _("You have no organization of this name."))
        return found
    chosen: Viewer = request.chosen  # type: ignore[attr-defined]
    for row in rows:
        if row.pk in chosen.organization_ids:
            return row
    raise NotFound


def _page(
    request: HttpRequest,
    kind: Kind,
    here: Organization,
    typed: Typed,
    *,
    wrong: Sequence[Wrong] = (),
    tries: bool = False,
) -> HttpResponse:
    viewer = _viewer(request)
    now: Ruling = ruling(viewer, here.pk, kind.name)
    found = tried(typed)
    context = {
        "kind": kind,
        "schema": json.dumps(kind.schema, indent=2, ensure_ascii=False),
        "fields": fields_of(kind),
        "here": here,
        "organizations_here": _organizations(request),
        "may_change": viewer.can(Permission.ADMINISTER, here.pk),
        "now": now,
        "rows": rows_of(now.rules),
        "typed": typed,
        "saved_wrong": wrong,
        "tries": tries,
        **_outcome(found),
    }
    failed = bool(wrong) or (tries and bool(found.faults))
    response = render(request, "syncqueue/kind.html", context, status=422 if failed else 200)
    patch_vary_headers(response, ["HX-Request", "HX-Target"])
    return response


def _outcome(found: Tried) -> Mapping[str, Any]:
    return {
        "tried": found,
        "wrong": {name: found.faults.get(name, ()) for name in ("rules", "base", "local", "remote")},
    }

"""The pages of health: everything on one, and one component on its own. They parse, read, render."""

import csv
from contextlib import suppress
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.cache import patch_cache_control
from django.views.decorators.http import require_GET, require_POST

from portal.kit.errors import Conflicting, Invalid, NotFound
from portal.kit.viewer import Viewer
from portal.web.parts import part_of, rendered
from resilience.health import charted, words
from resilience.health import component as components
from resilience.health import page as pages
from resilience.health.actions.check_everything import check_everything
from resilience.health.actions.check_now import check_all_now
from resilience.health.core.states import State
from resilience.health.formula import formula as published
from resilience.health.itself import facts
from resilience.health.minutes import minutes
from resilience.health.models import Probe
from resilience.health.series import Range, series
from resilience.health.standing import ComponentHealth
from resilience.health.system import System

STATES = {state.value for state in State}


def _viewer(request: HttpRequest) -> Viewer:
    viewer: Viewer = request.viewer  # type: ignore[attr-defined]
    return viewer


def _chosen(request: HttpRequest) -> Viewer:
    chosen: Viewer = request.chosen  # type: ignore[attr-defined]
    return chosen


def _known(request: HttpRequest, whole: System) -> None:
    """Tells the frame of the page what was read anyway."""
    request.known_counts = pages.counts(whole)  # type: ignore[attr-defined]
    owners = (one.component.organization for one in whole.components)
    request.known_organizations = {owner.pk: owner for owner in owners if owner}  # type: ignore[attr-defined]


def _asked(request: HttpRequest) -> pages.Asked:
    state, after = request.GET.get("state", ""), request.GET.get("after", "")
    return pages.Asked(
        state=state if state in STATES else "",
        text=request.GET.get("text", "").strip()[:60],
        after=int(after) if after.isascii() and after.isdigit() and len(after) < 7 else 0,
        of=request.GET.get("of", "")[:200],
    )


@require_GET
def index(request: HttpRequest) -> HttpResponse:
    """How everything is; `live` is the fragment that follows it, with the minutes of one component if the page shows them."""
    asked = _asked(request)
    shown = pages.shown(_chosen(request), asked)
    _known(request, shown.system)
    context: dict[str, Any] = {"page": shown, "itself_facts": facts(shown.itself)}
    if asked.of and shown.chosen:
        context |= _minutes(shown.chosen, shown.choices)
    template = "health/index.html"
    return rendered(request, f"{template}#live" if part_of(request) == "live" else template, context)


def _minutes(one: ComponentHealth, choices: list[ComponentHealth]) -> dict[str, Any]:
    return {"minutes": minutes(one), "minutes_of": one.href, "choices": choices}


@require_GET
def panel(request: HttpRequest) -> HttpResponse:
    """The minutes of one component with all that the outage means, which the page fetches when it stands."""
    shown = pages.shown(_chosen(request), _asked(request))
    if shown.chosen is None:
        raise NotFound
    context = _minutes(shown.chosen, shown.choices)
    if shown.outages:
        context["out"] = shown.outages[0]
    return rendered(request, "health/partials/minutes.html", context)


@require_GET
def component(request: HttpRequest, slug: str, organization: str = "") -> HttpResponse:
    """One component; `live` is the fragment that follows it."""
    asked = _asked_charts(request)
    shown = components.shown(_viewer(request), organization, slug, asked)
    _known(request, shown.system)
    context = {
        "shown": shown,
        "minutes": shown.minutes,
        "ranges": components.RANGES.items(),
        "charts": "charts" in request.GET,
        "chart_words": charted.words_of_script(),
        "itself_facts": facts(shown.one) if shown.one.component.organization_id is None else [],
    }
    template = "health/component.html"
    return rendered(request, f"{template}#live" if part_of(request) == "live" else template, context)


def _asked_charts(request: HttpRequest) -> components.Asked:
    over, probe = Range.HOUR, request.GET.get("probe", "")
    with suppress(ValueError):
        over = Range(request.GET.get("range", Range.HOUR))
    number = int(probe) if probe.isascii() and probe.isdigit() and len(probe) < 19 else None
    return components.Asked(over, number)


@require_GET
def download(request: HttpRequest, slug: str, what: str, organization: str = "") -> HttpResponse:
    """The figures of a chart as CSV."""
    if what not in charted.CHARTS:
        raise NotFound
    viewer, asked = _viewer(request), _asked_charts(request)
    _system, one = components.found(viewer, organization, slug)
    probes = list(Probe.objects.for_org(viewer).filter(component=one.component).order_by("pk"))
    history = series(one.component, components.chosen_probe(probes, asked), asked.over)
    response = HttpResponse(content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{slug}-{what}-{asked.over.value}.csv"'
    csv.writer(response).writerows(charted.csv_rows(history, what))
    patch_cache_control(response, no_store=True, private=True)
    return response


@require_POST
def check(request: HttpRequest, slug: str, organization: str = "") -> HttpResponse:
    """Asks all probes of a component now, and says what they found."""
    _system, one = components.found(_viewer(request), organization, slug)
    try:
        checked = check_all_now(viewer=_viewer(request), component_id=one.component.pk)
    except (Conflicting, Invalid) as error:
        messages.warning(request, error.detail or error.title())
    else:
        for found in checked:
            messages.add_message(request, messages.SUCCESS if found.ok else messages.ERROR, words.checked(found))
    return redirect(one.href)


@require_POST
def check_all(request: HttpRequest) -> HttpResponse:
    """Asks after everything now."""
    try:
        asked = check_everything(viewer=_chosen(request))
    except Invalid as error:
        messages.warning(request, error.detail)
    else:
        messages.success(request, words.asked_all(asked.asked, asked.done, asked.left))
    return redirect("health")


@require_GET
def formula(request: HttpRequest) -> HttpResponse:
    """How the score is made."""
    return rendered(request, "health/formula.html", {"formula": published()})

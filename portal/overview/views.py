"""The first page: what needs a hand, the score, the queue's figures, the upstreams, what happened last."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_GET

from portal.kit import clock
from portal.kit.viewer import Viewer
from portal.overview.needs import needs
from portal.overview.recent import recent
from portal.overview.score import line, lost_most
from portal.web.parts import part_of, rendered
from resilience.health.figures import Details, details
from resilience.health.page import card, meter
from resilience.health.system import system
from resilience.health.troubles import troubles
from resilience.upstreams.models import Upstream
from resilience.upstreams.standing import standings
from syncqueue import figures

CARDS = 6
"""So many upstreams are shown, the worst first; the page of health has all of them."""


@require_GET
def overview(request: HttpRequest) -> HttpResponse:
    """The page, or its live fragment."""
    viewer: Viewer = request.chosen  # type: ignore[attr-defined]
    template = "overview/overview.html#live" if part_of(request) == "live" else "overview/overview.html"
    return rendered(request, template, _figures(viewer) | {"charts": "charts" in request.GET})


def _figures(viewer: Viewer) -> dict[str, Any]:
    now, whole = clock.now(), system(viewer)
    counters = figures.by_upstream(viewer)
    counts = figures.totals(counters)
    seen = figures.history(viewer, now=now, waiting=counts["waiting"])
    upstreams = list(Upstream.objects.for_org(viewer).order_by("slug"))
    known = standings([upstream.pk for upstream in upstreams])
    watched = [one for one in whole.components if one.component.upstream_id is not None]
    drawn = details([one.component for one in watched[:CARDS]])
    return {
        "counts": counts,
        "seen": seen,
        "last_hour": figures.delivered_last_hour(upstreams, counters, seen, now),
        "waiting": figures.waiting_chart(seen, troubles(viewer, seen.start, now)),
        "needs": needs(viewer, counts, upstreams, known),
        "system": whole,
        "meters": [meter(part) for part in whole.parts],
        "line": line(viewer, whole),
        "lost": lost_most(whole),
        "cards": [card(one, drawn.get(one.component.pk, Details()), now) for one in watched[:CARDS]],
        "upstreams": len(watched),
        "several": len(viewer.organization_ids) > 1,
        "events": recent(viewer, {upstream.pk: upstream.name for upstream in upstreams}),
    }

"""The first page: what needs a hand, the queue's figures, the upstreams, what happened last."""

from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.cache import patch_cache_control, patch_vary_headers
from django.views.decorators.http import require_GET

from portal.kit import clock
from portal.kit.viewer import Viewer
from portal.overview.needs import needs
from portal.overview.recent import recent
from portal.web.parts import part_of
from resilience.health.troubles import troubles
from resilience.upstreams.models import Upstream
from resilience.upstreams.standing import Standing, standings
from syncqueue import figures

URGENT = {"down": 0, "paused": 1, "up": 2}


@dataclass(frozen=True, slots=True)
class Card:
    """An upstream with how it stands."""

    upstream: Upstream
    standing: Standing

    @property
    def state(self) -> str:
        """Down while its breaker is not closed, paused by a person, else up."""
        if self.standing.out_since:
            return "down"
        return "paused" if self.upstream.paused_at else "up"


@require_GET
def overview(request: HttpRequest) -> HttpResponse:
    """The page, or its live fragment."""
    viewer: Viewer = request.chosen  # type: ignore[attr-defined]
    template = "overview/overview.html#live" if part_of(request) == "live" else "overview/overview.html"
    response = render(request, template, _figures(viewer) | {"charts": "charts" in request.GET})
    patch_vary_headers(response, ["HX-Request", "HX-Target"])
    patch_cache_control(response, no_store=True, private=True)
    return response


def _figures(viewer: Viewer) -> dict[str, Any]:
    now = clock.now()
    counts = figures.totals(figures.by_upstream(viewer))
    seen = figures.history(viewer, now=now, waiting=counts["waiting"])
    upstreams = list(Upstream.objects.for_org(viewer).select_related("organization").order_by("slug"))
    known = standings([upstream.pk for upstream in upstreams])
    cards = [Card(upstream, known[upstream.pk]) for upstream in upstreams]
    tried = counts["delivered"] + counts["refused"]
    return {
        "counts": counts,
        "seen": seen,
        "last_hour": seen.delivered_last(60),
        "success": counts["delivered"] / tried if tried else None,
        "waiting": figures.waiting_chart(seen, troubles(viewer, seen.start, now)),
        "needs": needs(viewer, counts, upstreams, known),
        "cards": sorted(cards, key=lambda card: (URGENT[card.state], -card.standing.waiting, card.upstream.slug)),
        "events": recent(viewer, {upstream.pk: upstream.slug for upstream in upstreams}),
    }

"""The published formula of the score, told with the figures that it is made with."""

from django.conf import settings
from django.utils.translation import gettext as _

from portal.web.formats import GAP
from resilience.health.core import score


def formula() -> dict[str, object]:
    """The published formula, from the figures that it is made with."""
    said = {
        "upstreams": _(
            "100 for one that is up, 60 for a slow one, 0 for one that is down; the mean, weighted: critical 5, high 3, normal 1."
        ),
        "queue": _("100, less up to 50 points for how much waits and up to 50 for how old the oldest is."),
        "breakers": _("The share of breakers that are closed; a half-open one counts half."),
        "conflicts": _(
            "100, less up to 50 points for how many wait for a decision and up to 50 for how old the oldest is."
        ),
    }
    names = {"upstreams": _("Upstreams"), "queue": _("Queue"), "breakers": _("Breakers"), "conflicts": _("Conflicts")}
    return {
        "healthy": settings.HEALTH["healthy_from"],
        "degraded": settings.HEALTH["degraded_from"],
        "cap_down": f"{score.CAP_DOWN:g}",
        "cap_open": f"{score.CAP_OPEN:g}",
        "parts": [
            {"word": names[name], "weight": f"{weight * 100:g}{GAP}%", "says": said[name]}
            for name, weight in score.PARTS.items()
        ],
        "component": _(
            "Up 100, slow 60, down 0; less %(open)s while its breaker is open and %(half)s while it is half-open, "
            "up to %(backlog)s for what waits and up to %(age)s for how old it is."
        )
        % {
            "open": f"{score.OPEN:g}",
            "half": f"{score.HALF_OPEN:g}",
            "backlog": f"{score.BACKLOG.points:g}",
            "age": f"{score.AGE.points:g}",
        },
    }

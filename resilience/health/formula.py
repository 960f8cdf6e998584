"""The published formula of the score, whole, told with the figures that it is made with."""

from collections.abc import Iterator
from dataclasses import dataclass

from django.conf import settings
from django.utils.translation import gettext as _

from portal.web.formats import GAP, age, number
from resilience.health import saying
from resilience.health.core import score, trend
from resilience.health.core.score import Scale
from resilience.health.core.states import Importance
from resilience.health.system import TREND_OVER
from resilience.health.words import importance, state_word


@dataclass(frozen=True, slots=True)
class PartOf:
    """A part of the whole: its word, its share, and how it is made."""

    word: str
    weight: str
    says: str


@dataclass(frozen=True, slots=True)
class Line:
    """What takes points, from where on, and from where on all of them."""

    of: str
    why: str
    free: str
    full: str
    points: str


def formula() -> dict[str, object]:
    """The published formula, from the figures that it is made with."""
    return {
        "healthy": settings.HEALTH["healthy_from"],
        "degraded": settings.HEALTH["degraded_from"],
        "cap_down": number(score.CAP_DOWN),
        "cap_open": number(score.CAP_OPEN),
        "cap_flawed": number(score.FLAWED_AT_MOST),
        "parts": [
            PartOf(saying.part(name), f"{number(weight * 100)}{GAP}%", _part(name))
            for name, weight in score.PARTS.items()
        ],
        "lines": list(_lines()),
        "states": [(state_word(state.value), number(points)) for state, points in score.BASE.items()],
        "trend_over": age(TREND_OVER),
        "trend_least": trend.LEAST,
        "trend_steady": number(trend.STEADY),
    }


def _part(name: str) -> str:
    match name:
        case "upstreams":
            return _(
                "The mean over all components of what their states give (%(states)s), weighted by importance: %(weights)s."
            ) % {
                "states": ", ".join(f"{state_word(state.value)} {number(n)}" for state, n in score.BASE.items()),
                "weights": ", ".join(
                    f"{importance(Importance(value))} {number(n)}" for value, n in score.WEIGHTS.items()
                ),
            }
        case "breakers":
            return _("The share of breakers that are closed. A half-open one counts half.")
        case "queue":
            return _("100, less what the backlog of all together and the age of the oldest that waits take.")
    return _("100, less what the number of open conflicts and the age of the oldest take.")


def _lines() -> Iterator[Line]:
    """Every scale, and what a breaker takes."""
    component = _("A component")
    waiting, oldest = _("items that wait"), _("age of the oldest that waits")
    yield _counted(saying.part("queue"), waiting, score.QUEUE_DEPTH)
    yield _aged(saying.part("queue"), oldest, score.QUEUE_AGE)
    yield _counted(saying.part("conflicts"), _("open conflicts"), score.CONFLICTS)
    yield _aged(saying.part("conflicts"), _("age of the oldest"), score.CONFLICT_AGE)
    yield Line(component, _("its breaker is open"), "–", "–", number(score.OPEN))
    yield Line(component, _("its breaker is half-open"), "–", "–", number(score.HALF_OPEN))
    yield _counted(component, waiting, score.BACKLOG)
    yield _aged(component, oldest, score.AGE)


def _counted(of: str, why: str, scale: Scale) -> Line:
    return Line(of, why, number(scale.free), number(scale.full), number(scale.points))


def _aged(of: str, why: str, scale: Scale) -> Line:
    return Line(of, why, age(scale.free), age(scale.full), number(scale.points))

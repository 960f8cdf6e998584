"""The score as the overview shows it: the last day as a line, and what it lost most by."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from django.utils.translation import gettext as _

from portal.kit.viewer import Viewer
from resilience.health.drawing import Spark, spark
from resilience.health.models import SystemSnapshot
from resilience.health.standing import Loss
from resilience.health.system import Part, System

SPAN = timedelta(hours=24)
QUARTER = timedelta(minutes=15)
MOST_LOSSES = 3


def line(viewer: Viewer, whole: System) -> Spark:
    """The score of the last day, each quarter of an hour, and of this moment. Several organizations count by their weights."""
    start = (whole.at - SPAN).replace(minute=whole.at.minute // 15 * 15, second=0, microsecond=0)
    snapshots = SystemSnapshot.objects.for_org(viewer).filter(at__gte=start, at__minute__in=(0, 15, 30, 45))
    scores: dict[datetime, list[tuple[float, float]]] = defaultdict(list)
    for at, score, weight in snapshots.values_list("at", "score", "weight"):
        if score is not None:
            scores[at].append((score, max(weight, 1.0)))
    slots = [start + QUARTER * step for step in range(SPAN // QUARTER + 1)]
    return spark([*(_mean(scores.get(at, ())) for at in slots), whole.score], top=100)


def _mean(said: Sequence[tuple[float, float]]) -> float | None:
    weight = sum(weight for _score, weight in said)
    return sum(score * weight for score, weight in said) / weight if weight else None


def lost_most(whole: System) -> list[Loss]:
    """What costs the whole score most, in its points: those of a part weigh as the part does, among the parts that have data."""
    if whole.score is None:
        return []
    known = [part for part in whole.parts if part.exact is not None]
    shares = sum(part.weight for part in known) or 1.0
    weighed = [
        replace(loss, text=_in_part(part, loss), points=loss.points * part.weight / shares)
        for part in known
        for loss in part.losses
    ]
    return sorted(weighed, key=lambda loss: -loss.points)[:MOST_LOSSES]


def _in_part(part: Part, loss: Loss) -> str:
    """A loss out of sight of its part: it says which one, unless it names a component."""
    if part.name == "upstreams" and loss.component:
        return loss.text
    return _("%(part)s: %(loss)s") % {"part": part.word.lower(), "loss": loss.text}

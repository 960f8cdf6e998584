"""The score as the overview shows it: the last day as a line, and what it lost most by."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from portal.kit.viewer import Viewer
from resilience.health.drawing import Spark, spark
from resilience.health.models import SystemSnapshot
from resilience.health.standing import Loss
from resilience.health.system import System

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
    """What costs the whole score most, in its points: those of a part weigh as the part does."""
    weighed = [replace(loss, points=loss.points * part.weight) for part in whole.parts for loss in part.losses]
    losses = sorted(weighed, key=lambda loss: -loss.points)
    named: dict[str, Loss] = {}
    for loss in losses:
        named.setdefault(loss.text, loss)
    return list(named.values())[:MOST_LOSSES]

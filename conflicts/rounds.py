"""The earlier rounds of a conflict, for its page: who decided, when it ended, and what it left out."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from django.utils.translation import gettext as _

from conflicts.losses import Loss, left_out_of, losses_of
from conflicts.models import Conflict, Round, decisions_of
from portal.kit.viewer import Viewer

MOST = 10
"""So many rounds are told with what they left out, the newest; the REST API has all of them."""


@dataclass(frozen=True, slots=True)
class Past:
    """An earlier round; `place` counts from 1."""

    place: int
    round: Round
    how: str
    losses: list[Loss] = field(default_factory=list)


def rounds_of(viewer: Viewer, conflict: Conflict) -> list[Round]:
    """The earlier rounds, the first one first."""
    return list(Round.objects.for_org(viewer).filter(conflict=conflict).order_by("number"))


def past(rounds: Sequence[Round]) -> list[Past]:
    """The rounds as they are told, the newest first."""
    placed = list(enumerate(rounds, 1))[-MOST:]
    return [Past(place, one, _how(one), _losses(one)) for place, one in reversed(placed)]


def _how(one: Round) -> str:
    if not one.resolved_by:
        return _("Settled by rule") if one.settled else _("Not decided")
    said = _("Merged by hand by %s") if one.manual else _("Decided by %s")
    return said % one.resolved_by


def _losses(one: Round) -> list[Loss]:
    if not one.settled:
        return []
    decisions = decisions_of(one)
    if one.manual:
        return left_out_of(one, decisions, one.read_result())
    return losses_of(one, decisions, one.read_choices())

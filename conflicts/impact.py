"""Which acceptance criteria a conflict touches, and what becomes of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.utils.translation import gettext as _

from conflicts.core import MISSING, Decision
from conflicts.core.equality import same
from conflicts.labels import Places

LIST = "acceptance_criteria"
MOST = 12


@dataclass(slots=True)
class Criterion:
    """An acceptance criterion that a decision touches. `change` says what becomes of it; `alarming` when it is worse than before."""

    name: str
    text: str
    change: str = ""
    alarming: bool = False
    touched_by: list[str] = field(default_factory=list)


def criteria_near(places: Places, decision: Decision) -> list[Mapping[str, Any]]:
    """The criteria that a decision is about: its own one, or those of the nearest object around it that has some."""
    steps, values = places.way(decision)
    if LIST in steps and steps.index(LIST) + 1 < len(steps):
        at = steps.index(LIST) + 2
        item = values[at] if at < len(values) else MISSING
        if item is MISSING:
            item = next(
                (one for one in (decision.base, decision.remote, decision.local) if isinstance(one, Mapping)), {}
            )
        return [item] if isinstance(item, Mapping) and item else []
    own = [one for one in (decision.base, decision.local, decision.remote) if isinstance(one, Mapping) and LIST in one]
    around = [value for _path, value in places.around(decision)]
    lists: list[Any] = [one[LIST] for one in [*own, *around] if isinstance(one.get(LIST), list)]
    found = lists[0] if lists else []
    return [one for one in found if isinstance(one, Mapping)]


def name_of(criterion: Mapping[str, Any]) -> str:
    """What a criterion is called: its id."""
    return str(criterion.get("id") or criterion.get("key") or "")


def touched(
    places: Places, decisions: Sequence[Decision], labels: Mapping[str, str], result: Any, undecided: set[str]
) -> tuple[list[Criterion], dict[str, list[str]]]:
    """The criteria that these decisions touch, and for each decision the names of its criteria. `result` is the document of the preview."""
    finder = _index(result)
    found: dict[str, Criterion] = {}
    of_decision: dict[str, list[str]] = {}
    for decision in decisions:
        near = [one for one in criteria_near(places, decision) if name_of(one)]
        of_decision[decision.id] = [name_of(one) for one in near]
        for one in near:
            name = name_of(one)
            known = found.setdefault(name, Criterion(name, str(one.get("text") or one.get("title") or "")))
            known.touched_by.append(decision.id)
            _tell(known, one, finder, labels[decision.id], open_=decision.id in undecided)
    return list(found.values())[:MOST], of_decision


def _index(result: Any) -> Mapping[str, Mapping[str, Any]]:
    """Every criterion of a document by its name."""
    found: dict[str, Mapping[str, Any]] = {}
    pending = [result]
    while pending:
        value = pending.pop()
        if isinstance(value, Mapping):
            rows = value.get(LIST)
            for one in rows if isinstance(rows, list) else []:
                if isinstance(one, Mapping) and name_of(one):
                    found.setdefault(name_of(one), one)
            pending += value.values()
        elif isinstance(value, list):
            pending += value
    return found


def _tell(
    criterion: Criterion, before: Mapping[str, Any], after: Mapping[str, Any], label: str, *, open_: bool
) -> None:
    now = after.get(criterion.name)
    if now is None:
        criterion.change, criterion.alarming = _("Is gone afterwards."), True
    elif before.get("met") is True and now.get("met") is not True:
        criterion.change, criterion.alarming = _("Was met; afterwards it is open again."), True
    elif before.get("met") is not True and now.get("met") is True:
        criterion.change = _("Is met afterwards.")
    elif not same(before.get("text"), now.get("text")):
        criterion.change = _("Its text changes.")
    elif open_:
        criterion.change = _("Depends on: %s.") % label
    elif not criterion.change:
        criterion.change = _("Touched by: %s.") % label

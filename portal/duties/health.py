"""Whether this portal can be used, as load balancers and `up` ask."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import Error

from portal.duties import registry
from portal.duties.core.locks import STALE, Hold, is_held
from portal.duties.migrations_state import missing
from portal.duties.models import ProcessingLock
from portal.kit import processes


@dataclass(frozen=True, slots=True)
class Standing:
    """Whether somebody runs a duty: `fault` is empty then. `age` is how many seconds ago its holder last said so."""

    name: str
    fault: str = ""
    age: float | None = None


def faults(duties: Sequence[str] | None = None) -> dict[str, str]:
    """What is wrong, by part: `database`, `migrations`, or a duty's name. Empty when the portal can be used."""
    try:
        if lacking := missing():
            return {"migrations": "not applied: " + ", ".join(lacking)}
        return {one.name: one.fault for one in standings(duties) if one.fault}
    except Error as error:
        return {"database": str(error).strip().partition("\n")[0] or type(error).__name__}


def standings(duties: Sequence[str] | None = None) -> list[Standing]:
    """How these duties (or all) stand. Raises django.db.Error."""
    names = registry.names() if duties is None else duties
    holds, clock = ProcessingLock.objects.holds(names)
    return [_standing(name, holds.get(name), clock) for name in names]


def _standing(name: str, hold: Hold | None, clock: datetime) -> Standing:
    if hold is None or hold.heartbeat_at is None:
        return Standing(name, "nobody runs it")
    age = max((clock - hold.heartbeat_at).total_seconds(), 0.0)
    changes_hands = hold.holder is None and age < STALE.total_seconds()
    if changes_hands or is_held(hold, clock, processes.known_dead):
        return Standing(name, "", age)
    return Standing(name, f"last heartbeat {age:.0f} s ago", age)

"""Whether this portal can be used, as load balancers and `up` ask."""

from collections.abc import Sequence

from django.db import DatabaseError

from portal.duties import registry
from portal.duties.core.locks import is_held
from portal.duties.migrations_state import missing
from portal.duties.models import ProcessingLock
from portal.kit import processes


def faults(duties: Sequence[str] | None = None) -> dict[str, str]:
    """What is wrong, by part: `database`, `migrations`, or a duty's name. Empty when the portal can be used."""
    names = registry.names() if duties is None else duties
    try:
        if lacking := missing():
            return {"migrations": "not applied: " + ", ".join(lacking)}
        holds, clock = ProcessingLock.objects.holds(names)
    except DatabaseError as error:
        return {"database": str(error).strip().partition("\n")[0] or type(error).__name__}
    found = {}
    for name in names:
        hold = holds.get(name)
        if hold is None or hold.heartbeat_at is None:
            found[name] = "nobody runs it"
        elif not is_held(hold, clock, processes.known_dead):
            found[name] = f"last heartbeat {(clock - hold.heartbeat_at).total_seconds():.0f} s ago"
    return found

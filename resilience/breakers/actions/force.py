"""Taking a breaker out of its own hands until a moment: nothing goes out, or everything does."""

from collections.abc import Callable
from datetime import datetime
from functools import partial

from portal.kit.viewer import Permission, Viewer
from resilience.breakers.actions.moving import checked_until, move
from resilience.breakers.core import shared
from resilience.breakers.core.shared import Shared
from resilience.breakers.models import Breaker
from resilience.upstreams.actions.check import checked_reason

Force = Callable[..., Shared]


def force_open(*, viewer: Viewer, upstream_id: int, reason: str, until: datetime | None = None) -> Breaker:
    """The open breaker: no call goes out until then (an hour from now unless said); after that it is half-open and tests by itself."""
    return _force(viewer, upstream_id, reason, until, shared.force_open)


def force_closed(*, viewer: Viewer, upstream_id: int, reason: str, until: datetime | None = None) -> Breaker:
    """The closed breaker: failures are counted and do not open it until then; after that it trips as ever."""
    return _force(viewer, upstream_id, reason, until, shared.force_closed)


def disable(*, viewer: Viewer, upstream_id: int, reason: str, until: datetime | None = None) -> Breaker:
    """The disabled breaker: every call goes out and nothing is counted until then."""
    return _force(viewer, upstream_id, reason, until, partial(shared.force_closed, disabled=True))


def _force(viewer: Viewer, upstream_id: int, reason: str, until: datetime | None, how: Force) -> Breaker:
    why, end = checked_reason(reason, needed=True), checked_until(until)
    return move(
        viewer=viewer,
        upstream_id=upstream_id,
        permission=Permission.ADMINISTER,
        step=lambda known, now: how(known, now, by=viewer.name, reason=why, until=end),
    )

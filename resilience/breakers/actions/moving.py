"""What every action on a breaker needs first: the right one, the permission, and a compare-and-set that tells who did it."""

from collections.abc import Callable
from datetime import datetime, timedelta

from django.utils.translation import gettext as _

from portal.kit import clock
from portal.kit.errors import Invalid, NotFound, Unavailable
from portal.kit.viewer import Permission, Viewer
from resilience.breakers.core.shared import Shared
from resilience.breakers.models import Breaker
from resilience.breakers.store import Store, TooBusy, Why
from resilience.upstreams.models import Upstream

LONGEST_FORCE = timedelta(days=7)
SHORTEST_FORCE = timedelta(seconds=10)


def move(
    *,
    viewer: Viewer,
    upstream_id: int,
    permission: Permission,
    step: Callable[[Shared, datetime], Shared | None],
    cause: str = "person",
) -> Breaker:
    """The breaker after `step`; raises NotFound for a stranger, Forbidden without the right, Unavailable when it keeps changing."""
    upstream = Upstream.objects.for_org(viewer).filter(pk=upstream_id).first()
    if upstream is None:
        raise NotFound
    viewer.require(permission, upstream.organization_id)
    store = Store()
    store.ensure([upstream.pk])
    try:
        store.move(upstream.pk, step, Why(cause, actor=viewer.name, request_id=viewer.request_id))
    except TooBusy:
        raise Unavailable(_("The breaker is changing all the time. Try again.")) from None
    return Breaker.objects.for_org(viewer).select_related("upstream__organization").get(pk=upstream.pk)


def checked_until(until: datetime | None) -> datetime:
    """Until when a breaker is forced: an hour from now unless said; raises Invalid at /until. There is no "for ever"."""
    now = clock.now()
    if until is None:
        return now + timedelta(hours=1)
    if until.tzinfo is None:
        raise Invalid.at("/until", _("A time needs its offset, as in 2026-11-21T04:12:00Z."))
    if until < now + SHORTEST_FORCE:
        raise Invalid.at("/until", _("This moment is past. Choose one that is still to come."))
    if until > now + LONGEST_FORCE:
        raise Invalid.at("/until", _("A breaker is forced for seven days at most. Choose an earlier end."))
    return until

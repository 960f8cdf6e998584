"""Sending all failed items again that fit a filter."""

from dataclasses import dataclass

from django.conf import settings

from portal.kit.errors import Conflicting, Forbidden, NotFound
from portal.kit.viewer import Permission, Viewer
from syncqueue.actions.retry import retry
from syncqueue.core.states import ItemState
from syncqueue.models import Item


@dataclass(frozen=True, slots=True)
class RetriedAll:
    """How many are queued again, how many had moved on meanwhile, and whether more are left for another call."""

    retried: int
    skipped: int
    more: bool


def retry_failed(
    *, viewer: Viewer, upstream: str = "", kind: str = "", entity_type: str = "", reason: str = ""
) -> RetriedAll:
    """Retries the failed items of these filters ("" means any), the oldest first, each in its own transaction.

    One call takes as many as one request may hold changes. Raises Forbidden when the viewer may operate nowhere.
    """
    allowed = viewer.organizations_with(Permission.OPERATE)
    if not allowed:
        raise Forbidden("This needs the role operator and, with a token, the scope operate.")
    asked = {"upstream__slug": upstream, "kind": kind, "lane__entity_type": entity_type}
    most = int(settings.SYNCQUEUE["items_per_request"])
    failed = (
        Item.objects.for_org(viewer)
        .filter(organization_id__in=allowed, state=ItemState.FAILED.value)
        .filter(**{name: value for name, value in asked.items() if value})
    )
    ids = list(failed.order_by("id").values_list("id", flat=True)[: most + 1])
    skipped = 0
    for item_id in ids[:most]:
        try:
            retry(viewer=viewer, item_id=item_id, reason=reason)
        except (Conflicting, NotFound):
            skipped += 1
    taken = min(len(ids), most)
    return RetriedAll(retried=taken - skipped, skipped=skipped, more=len(ids) > most)

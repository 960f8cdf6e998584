"""What the actions on a conflict have in common: find it, lock its lane before it, and say what happened in the log."""

from hashlib import sha256
from typing import Any
from uuid import UUID

from conflicts.delivery import delivery
from conflicts.models import Conflict
from portal.events.record import record
from portal.kit.errors import NotFound
from portal.kit.viewer import Permission, Viewer


def take(viewer: Viewer, conflict_id: UUID) -> Conflict:
    """The conflict, locked behind its lane, inside the caller's transaction. Raises NotFound or Forbidden."""
    found = Conflict.objects.for_org(viewer).filter(pk=conflict_id).values_list("item_id", "organization_id").first()
    if found is None:
        raise NotFound
    viewer.require(Permission.OPERATE, found[1])
    delivery().lock(viewer, found[0])
    locked = Conflict.objects.for_org(viewer).select_for_update(of=("self",))
    return locked.select_related("organization", "upstream").get(pk=conflict_id)


def log(conflict: Conflict, verb: str, viewer: Viewer, **data: Any) -> None:
    """Writes the event: ids, counts and places, never documents."""
    record(
        verb=verb,
        subject=f"conflict:{conflict.pk}",
        actor=viewer.name,
        organization_id=conflict.organization_id,
        organization_name=conflict.organization.name,
        data={"item": str(conflict.item_id), "upstream": conflict.upstream_id, "kind": conflict.kind, **data},
        request_id=viewer.request_id,
    )


def digest_of(conflict: Conflict) -> str:
    """What a resolution is bound to: SHA-256 (hex) over the documents, the rules and the version that will be overwritten."""
    whole = sha256()
    for part in (conflict.base, conflict.local, conflict.remote, conflict.remote_version, conflict.rules):
        raw = part.encode()
        whole.update(b"%d:" % len(raw) + raw)
    return whole.hexdigest()

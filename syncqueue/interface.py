"""The queue for Python code that runs in the portal's process: what `from syncqueue import enqueue` gives."""

from typing import Any
from uuid import UUID

from portal.kit.viewer import SYSTEM, Role, Viewer
from portal.tenancy.models import Organization
from syncqueue.actions import enqueue as action
from syncqueue.core.change import MISSING, NewChange


def enqueue(
    kind: str,
    payload: Any,
    project: str = "",
    *,
    organization: str = "",
    entity: tuple[str, str] = ("", ""),
    upstream: str = "",
    operation: str = "",
    form: str = "",
    base: Any = MISSING,
    base_version: str = "",
    actor: str = SYSTEM,
    assigned_by: str = "",
    idempotency_key: str = "",
    txn: str = "",
) -> UUID:
    """The id of the item that now stands for a change; it is durable when the transaction around this is.

    What the kind can derive from the payload may be left out; `entity` is (type, id). The code that calls is trusted: it may
    enqueue for any organization, and with only one in the portal it need not say which. Raises Invalid with a pointer for each fault.
    """
    change = NewChange(
        kind=kind,
        payload=payload,
        project=project,
        organization=organization,
        entity_type=entity[0],
        entity_id=entity[1],
        upstream=upstream,
        operation=operation,
        form=form,
        base=base,
        base_version=base_version,
        assigned_by=assigned_by,
        idempotency_key=idempotency_key,
        txn=txn,
    )
    everywhere = dict.fromkeys(Organization.objects.unscoped().values_list("pk", flat=True), Role.ADMIN)
    viewer = Viewer(user_id=None, name=actor, roles=everywhere)
    return action.enqueue(viewer=viewer, changes=[change])[0].item.pk

"""Events about a person: told to each organization that the person belongs to."""

from collections.abc import Mapping
from typing import Any

from portal.accounts.models import User
from portal.events.record import record


def tell(*, user: User, verb: str, actor: str, data: Mapping[str, Any] | None = None, request_id: str = "") -> None:
    """Writes the event once for each organization of the person, in the present transaction."""
    places: list[tuple[int | None, str]] = list(user.memberships.values_list("organization_id", "organization__name"))
    for organization_id, name in places or [(None, "")]:
        record(
            verb=verb,
            subject=f"user:{user.pk}",
            actor=actor,
            organization_id=organization_id,
            organization_name=name,
            data=data,
            request_id=request_id,
        )

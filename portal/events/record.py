"""Writing to the log, in the transaction of the change that it tells of."""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from portal.events.models import Event
from portal.kit import clock


def record(
    *,
    verb: str,
    subject: str,
    actor: str,
    organization_id: int | None = None,
    organization_name: str = "",
    data: Mapping[str, Any] | None = None,
    request_id: str = "",
    at: datetime | None = None,
) -> Event:
    """Writes one event and gives it back. `data`: ids, digests and short masked texts only."""
    return Event.objects.create(
        at=at or clock.now(),
        organization_id=organization_id,
        organization_name=organization_name,
        actor=actor,
        verb=verb,
        subject=subject,
        data=json.dumps(data, separators=(",", ":"), ensure_ascii=False) if data else "",
        request_id=request_id,
    )

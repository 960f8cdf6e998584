"""The checksum of an item: over what will be sent and where, so that a damaged row is found before it is delivered."""

import hashlib
from uuid import UUID


def checksum(
    *,
    item_id: UUID,
    entity_type: str,
    entity_id: str,
    operation: str,
    form: str,
    payload: str,
    base: str,
    base_version: str,
    outgoing: str = "",
) -> str:
    """SHA-256 (hex) over the parts, each with its length in front so that no two lists of parts look alike; `outgoing` only if set."""
    digest = hashlib.sha256(item_id.bytes)
    parts = (entity_type, entity_id, operation, form, payload, base, base_version)
    for part in (*parts, outgoing) if outgoing else parts:
        raw = part.encode()
        digest.update(b"%d:" % len(raw))
        digest.update(raw)
    return digest.hexdigest()

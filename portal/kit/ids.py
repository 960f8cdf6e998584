"""Identifiers that sort by the time at which they were made."""

import uuid

import uuid_utils


def uuid7() -> uuid.UUID:
    """A new UUIDv7 (RFC 9562): unique, and ordered by its millisecond of creation."""
    return uuid.UUID(int=uuid_utils.uuid7().int)

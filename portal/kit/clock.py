"""The wall clock. Core code never reads it: it takes `now` as an argument."""

from datetime import UTC, datetime


def now() -> datetime:
    """The present moment as an aware datetime in UTC."""
    return datetime.now(UTC)

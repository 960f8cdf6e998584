"""A change that met another one upstream, and what the rules say to it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from conflicts.core.verdict import Verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class Met:
    """A change that met another one upstream: whose it is, the three documents and the verdict on them.

    `asks_anyway` is why a person is asked although the rules could settle it (too many rounds, say); "" usually.
    """

    item_id: UUID
    organization_id: int
    upstream_id: int
    entity_type: str
    entity_id: str
    title: str
    kind: str
    operation: str
    base: Any = field(repr=False)
    local: Any = field(repr=False)
    remote: Any = field(repr=False)
    base_known: bool
    base_version: str
    remote_version: str
    client: str
    local_by: str
    local_at: datetime
    remote_by: str
    remote_at: datetime | None
    rules: Mapping[str, Any]
    verdict: Verdict = field(repr=False)
    asks_anyway: str = ""

    @property
    def settled(self) -> bool:
        """Whether it goes out again without a person."""
        return self.verdict.settled and not self.asks_anyway

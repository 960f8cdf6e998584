"""What a pump carries between claim, send and settle."""

from dataclasses import dataclass
from uuid import UUID

from conflicts.core.met import Met
from resilience.patterns.breaker import Permit
from syncqueue.adapters.base import Outcome
from syncqueue.core.outgoing import NOTHING, Outgoing
from syncqueue.core.versions import Chain


@dataclass(frozen=True, slots=True)
class Assignment:
    """One attempt that was written down and may now be sent, under the lease of its lane.

    Operation, form and payload are the item's own; `outgoing` says what is sent in their place. `permit` is the breaker's: it hears
    once what came of it.
    """

    lane_id: int
    epoch: int
    upstream_id: int
    organization_id: int
    item_id: UUID
    number: int
    entity_type: str
    entity_id: str
    kind: str
    operation: str
    form: str
    payload: str
    base: str
    base_version: str
    version: str | None
    client: str
    chain: Chain
    idempotency_key: str
    outcome_unknown: bool
    permit: Permit
    turns: int
    seq: int = 0
    title: str = ""
    outgoing: Outgoing = NOTHING
    remote: str = ""

    @property
    def taken_back(self) -> bool:
        """Whether it was made and taken back while it waited: nothing is sent, and the upstream is as it was."""
        return self.outgoing.merged is None and self.outgoing.joined is not None and self.outgoing.joined.nothing


@dataclass(frozen=True, slots=True)
class Finished:
    """An assignment with what came of it; `met` is the conflict that it ran into."""

    assignment: Assignment
    outcome: Outcome
    seconds: float
    met: Met | None = None

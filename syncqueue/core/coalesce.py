"""The hook at which waiting changes of one entity may become fewer, before the first of them is sent.

A rule sees the head of a lane and the changes right behind it that were never sent, and says which of them go out with the head.
The rules come with the merge engine; today each change is sent by itself.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from uuid import UUID

from syncqueue.core.outgoing import Part

LOOK_AHEAD = 20
"""How many waiting changes a rule sees at most, the head among them."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """One change that waits in a lane and was never sent. `payload` is JSON text."""

    item_id: UUID
    kind: str
    operation: str
    form: str
    payload: str
    base_version: str
    client: str


@dataclass(frozen=True, slots=True)
class Plan:
    """The head is sent as `part` says; `superseded`, the changes right behind it, are delivered by that."""

    part: Part | None = None
    superseded: tuple[UUID, ...] = ()


Rule = Callable[[Sequence[Waiting]], Plan]


def each_by_itself(waiting: Sequence[Waiting]) -> Plan:
    """The first change, as it is."""
    return Plan()

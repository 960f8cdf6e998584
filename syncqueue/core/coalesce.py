"""The hook at which waiting changes of one entity may become fewer, before the first of them is sent.

The rules come with the merge engine. Today each change is sent by itself.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Waiting:
    """One change that waits in a lane and was never sent."""

    item_id: UUID
    kind: str
    operation: str
    form: str
    payload: str
    base_version: str
    client: str


@dataclass(frozen=True, slots=True)
class Plan:
    """Send the first change with `payload` and `operation`; `superseded` are delivered by it."""

    operation: str
    payload: str
    superseded: tuple[UUID, ...] = ()


Rule = Callable[[Sequence[Waiting]], Plan]
LOOK_AHEAD = 20


def each_by_itself(waiting: Sequence[Waiting]) -> Plan:
    """The first change, as it is."""
    head = waiting[0]
    return Plan(head.operation, head.payload)

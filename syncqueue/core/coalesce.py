"""Waiting changes of one entity become fewer, before the first of them is sent. Pure.

A rule sees the head of a lane and the changes right behind it that were never sent, and says which of them go out with the head.
`join` takes neighbours from the head on, as long as each is of the head's kind and client and was made on what the head was made on
(or, without a version, follows on from it). What goes out keeps the head's base, so that a conflict is merged from there.

| so far | the next one | becomes |
|---|---|---|
| create | update | one create |
| create | delete | nothing: it was taken back before it was sent |
| update by patch | update by patch | one patch (a null that removes stays) |
| update by document | update by patch | the document after the patch |
| update | update by document | that document |
| update | delete | the delete |

Nothing is joined behind a delete, nor two patches that no single patch can stand for: one that replaces or removes a place, and
one that then fills it with an object, which would merge with what is there.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from portal.kit import jsontext
from syncqueue.adapters.documents import apply_patch
from syncqueue.core.outgoing import Part

LOOK_AHEAD = 20
"""How many waiting changes a rule sees at most, the head among them."""
MOST_BYTES = 1_048_576
"""What goes out is no larger than what may come in."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """One change that waits in a lane and was never sent. `payload` is JSON text; `has_base` says whether it brought its base along."""

    item_id: UUID
    kind: str
    operation: str
    form: str
    payload: str
    base_version: str
    client: str
    has_base: bool = False


@dataclass(frozen=True, slots=True)
class Plan:
    """The head is sent as `part` says; `superseded`, the changes right behind it, are delivered by that."""

    part: Part | None = None
    superseded: tuple[UUID, ...] = ()


Rule = Callable[[Sequence[Waiting]], Plan]


def each_by_itself(waiting: Sequence[Waiting]) -> Plan:
    """The first change, as it is."""
    return Plan()


def join(waiting: Sequence[Waiting], *, most_bytes: int = MOST_BYTES) -> Plan:
    """The head with as many of its followers as can go out with it, in their order; the result has at most `most_bytes`."""
    head, plan = waiting[0], Plan()
    part = _part(head)
    for change in waiting[1:]:
        if part.operation == "delete" or part.nothing or not _belongs(change, head):
            break
        joined = _joined(part, _part(change))
        if joined is None or len(jsontext.dump(joined.payload).encode()) > most_bytes:
            break
        part = joined
        plan = Plan(part, (*plan.superseded, change.item_id))
    return plan


def composed(first: Any, second: Any) -> Any:
    """One merge patch that does what two do, one after the other (RFC 7396); raises NotExpressible where none can."""
    if not isinstance(second, dict):
        return second
    if not isinstance(first, dict):
        raise NotExpressible
    both = dict(first)
    for name, value in second.items():
        both[name] = composed(first[name], value) if name in first else value
    return both


class NotExpressible(ValueError):
    """No single merge patch does what these two do, whatever document they meet."""


def _belongs(change: Waiting, head: Waiting) -> bool:
    """Whether the upstream would take the change as a follower of the head: the same client went on from the same place."""
    same_base = change.base_version == head.base_version and (head.base_version or head.has_base or not change.has_base)
    return bool(same_base) and change.kind == head.kind and change.client == head.client


def _part(change: Waiting) -> Part:
    form = "document" if change.operation == "create" else change.form
    return Part(change.operation, form, jsontext.load(change.payload) if change.payload else None)


def _joined(part: Part, later: Part) -> Part | None:
    """What stands for both; None where nothing can."""
    match part.operation, later.operation:
        case "create", "delete":
            return Part("delete", "document", None, nothing=True)
        case "update", "delete":
            return later
        case "create" | "update" as operation, "update":
            return _updated(operation, part, later)
    return None


def _updated(operation: str, part: Part, later: Part) -> Part | None:
    if later.form == "document":
        return Part(operation, "document", later.payload)
    if part.form == "document":
        return Part(operation, "document", apply_patch(part.payload, later.payload))
    try:
        return Part(operation, "merge-patch", composed(part.payload, later.payload))
    except NotExpressible:
        return None

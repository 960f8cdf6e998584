"""What would be sent if a conflict were decided like this: the same examination as on submit, but nothing undecided is an error."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from conflicts.actions.resolve import Resolution, examine
from conflicts.core import Decision, merge, resolve
from conflicts.core.choosing import Discarded, completed, discarded, undecided
from conflicts.models import Conflict
from portal.kit.errors import Fault, Invalid


@dataclass(frozen=True, slots=True)
class Preview:
    """The document (MISSING when nothing would be left), the decisions that are still open in it (they stand as in base),
    what would not be sent, and what is wrong with the document (pointers from its root)."""

    document: Any
    undecided: Sequence[Decision]
    discarded: Sequence[Discarded]
    faults: Sequence[Fault]


def preview(conflict: Conflict, resolution: Resolution) -> Preview:
    """The outcome of a resolution that may be unfinished. Raises Invalid for unknown decisions and for forms that do not fit."""
    if resolution.by_hand:
        return Preview(resolution.document, (), (), _examined(conflict, resolution, "/document")[1])
    base, local, remote = conflict.documents()
    rules, choices = conflict.read_rules(), dict(resolution.choices or {})
    decisions = merge(base, local, remote, rules).decisions
    full = completed(decisions, choices)
    document, faults = _examined(conflict, Resolution(choices=full), "/result")
    if faults:
        document = resolve(base, local, remote, rules, full)
    return Preview(document, undecided(decisions, choices), discarded(decisions, choices), faults)


def _examined(conflict: Conflict, resolution: Resolution, root: str) -> tuple[Any, list[Fault]]:
    """The document when nothing is wrong with it, else its faults; raises what is wrong with the choices themselves."""
    try:
        return examine(conflict, resolution)[0], []
    except Invalid as error:
        if not error.faults or not all(fault.pointer.startswith(root) for fault in error.faults):
            raise
        return None, [Fault(fault.pointer.removeprefix(root), fault.detail) for fault in error.faults]

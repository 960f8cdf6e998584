"""What a refused change means beside what the upstream has now: the three documents of its merge, and what goes out afterwards. Pure.

| operation | the upstream has | becomes |
|---|---|---|
| create | the same document | delivered (the adapter sees it) |
| create | another one | a merge without a base: what only one side says stands, what both say differently asks |
| update | a newer one | a merge with the document that the change was made on |
| update | nothing any more | deleted against changed: asks |
| delete | nothing any more | delivered (the adapter sees it) |
| delete | the same content under another version | deleted |
| delete | an edited one | deleted against changed: asks |
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from conflicts.core import MISSING
from conflicts.core.met import Met
from syncqueue.adapters.documents import apply_patch, same
from syncqueue.core.outgoing import Part

MOST_ROUNDS = 5
"""So often a change is merged and sent again by itself; then a person is asked."""

_AUTHORS = ("updated_by", "changed_by", "modified_by", "last_modified_by", "status_changed_by", "author")


@dataclass(frozen=True, slots=True)
class Sides:
    """The three documents of a merge (MISSING where there is none), and whether the base is what the change was really made on."""

    base: Any
    local: Any
    remote: Any
    base_known: bool


def sides(operation: str, form: str, payload: Any, *, base: Any, remote: Any) -> Sides:
    """The documents to merge. `base` is MISSING when nobody knows it, `remote` when the upstream has nothing."""
    if operation == "create":
        return Sides(MISSING, payload, remote, base_known=True)
    known = base is not MISSING
    if operation == "delete":
        return Sides(base if known else None, MISSING, remote, known)
    if form == "document":
        return Sides(base, payload, remote, known)
    before = base if known else _before(remote, payload)
    return Sides(before, apply_patch({} if before is MISSING else before, payload), remote, known)


def _before(remote: Any, patch: Any) -> Any:
    """What the change was made on, as far as a patch lets us see: what it does not touch, without what it touches.

    So each place that it sets asks, unless both say the same there; null where it removes something, so that this asks too.
    """
    if not isinstance(remote, Mapping) or not isinstance(patch, Mapping):
        return MISSING
    before = dict(remote)
    for name, value in patch.items():
        if name not in before:
            continue
        if value is None:
            before[name] = None
        elif isinstance(value, Mapping) and isinstance(before[name], Mapping):
            before[name] = _before(before[name], value)
        else:
            del before[name]
    return before


def merged_part(met: Met) -> Part:
    """What goes out for a merge that is settled."""
    return part_of(met.verdict.result, met.remote, met.remote_version)


def part_of(result: Any, remote: Any, remote_version: str) -> Part:
    """What leads from what the upstream has to the result; `nothing` where that is the same."""
    if result is MISSING:
        return Part("delete", "document", None, remote_version, nothing=remote is MISSING)
    if remote is MISSING:
        return Part("create", "document", result)
    return Part("update", "document", result, remote_version, nothing=same(result, remote))


def author_of(document: Any) -> str:
    """Who changed a document last, where it says so itself; "" otherwise."""
    if not isinstance(document, Mapping):
        return ""
    named = (document.get(name) for name in _AUTHORS)
    return next((name[:150] for name in named if isinstance(name, str) and name), "")

"""A change as it is handed in, and the rules that it must keep before anything is stored."""

import re
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from portal.kit import jsontext
from portal.kit.errors import Fault
from syncqueue.adapters.routes import id_fault

OPERATIONS = ("create", "update", "delete")
FORMS = ("merge-patch", "document")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
LONGEST = {
    "base_version": 200,
    "client_id": 100,
    "txn": 100,
    "idempotency_key": 200,
    "assigned_by": 150,
}


class Missing:
    """What was not said, which is not the same as null."""

    def __repr__(self) -> str:
        return "MISSING"


MISSING = Missing()


@dataclass(frozen=True, slots=True, kw_only=True)
class NewChange:
    """One change to deliver. What is left empty is derived by its kind, its client or its organization.

    `payload` and `base` are JSON values (dict, list, str, int, float, bool, None); `base` may be MISSING.
    """

    kind: str
    payload: Any = None
    upstream: str = ""
    entity_type: str = ""
    entity_id: str = ""
    operation: str = ""
    form: str = ""
    base: Any = MISSING
    base_version: str = ""
    project: str = ""
    organization: str = ""
    assigned_by: str = ""
    client_id: str = ""
    client_seq: int | None = None
    txn: str = ""
    occurred_at: datetime | None = None
    idempotency_key: str = ""

    def digest(self) -> str:
        """SHA-256 of everything but the key: two changes with the same key must have the same."""
        said = asdict(self)
        del said["idempotency_key"]
        said["base"] = None if self.base is MISSING else [self.base]
        said["occurred_at"] = self.occurred_at.isoformat() if self.occurred_at else None
        return jsontext.digest(said)


def text_faults(change: NewChange) -> Iterator[Fault]:
    """What is wrong with the plain texts of a change."""
    for name, longest in LONGEST.items():
        value = getattr(change, name)
        if len(value) > longest:
            yield Fault(f"/{name}", f"At most {longest} characters; this has {len(value)}.")
        elif _UNPRINTABLE.search(value):
            yield Fault(f"/{name}", "Control characters are not allowed here.")
    if change.form and change.form not in FORMS:
        yield Fault("/form", 'The form is "merge-patch" or "document".')
    if change.client_seq is not None and not 0 <= change.client_seq < 2**63:
        yield Fault("/client_seq", "A number from 0 to 9223372036854775807.")


def place_faults(entity_type: str, entity_id: str, operation: str) -> Iterator[Fault]:
    """What is wrong with where a change goes, after the kind has derived what it can."""
    if not entity_type:
        yield Fault("/entity_type", "Say what type of entity this is; the kind cannot tell.")
    elif not _NAME.fullmatch(entity_type):
        yield Fault("/entity_type", "At most 64 letters, digits, dots, dashes and underscores.")
    if not entity_id:
        yield Fault("/entity_id", "Say which entity this is about; the kind cannot tell.")
    elif reason := id_fault(entity_id):
        yield Fault("/entity_id", reason)
    if not operation:
        yield Fault("/operation", "Say create, update or delete; the kind cannot tell.")
    elif operation not in OPERATIONS:
        yield Fault("/operation", "The operation is create, update or delete.")


def form_of(change: NewChange, operation: str) -> str:
    """The form of the payload: what was said, or a document for a create and a merge patch otherwise."""
    return change.form or ("document" if operation == "create" else "merge-patch")

"""A change as JSON that came from outside: its fields known, its types right. What it means is judged by intake."""

from collections.abc import Iterator, Mapping
from dataclasses import fields
from datetime import datetime
from typing import Any

from portal.kit.errors import Fault, Invalid
from portal.kit.jsontext import escape
from syncqueue.core.change import NewChange

FIELDS = frozenset(field.name for field in fields(NewChange))
_VALUES = frozenset({"payload", "base"})
_TEXTS = FIELDS - _VALUES - {"client_seq", "occurred_at"}


def read_change(data: Any, *, prefix: str = "") -> NewChange:
    """The change that an object stands for; null means "not said" except in payload and base. Raises Invalid with all faults."""
    if not isinstance(data, Mapping):
        raise Invalid.at(prefix, "A change is an object.")
    faults = [Fault(prefix + fault.pointer, fault.detail) for fault in _faults(data)]
    if faults:
        raise Invalid(faults[0].detail, faults=faults)
    said = {name: value for name, value in data.items() if value is not None or name in _VALUES}
    if "occurred_at" in said:
        said["occurred_at"] = datetime.fromisoformat(said["occurred_at"])
    return NewChange(**said)


def read_changes(rows: list[Any]) -> list[NewChange]:
    """The changes of a list; raises Invalid with the faults of all of them, each pointer led by its place."""
    changes: list[NewChange] = []
    faults: list[Fault] = []
    for index, row in enumerate(rows):
        try:
            changes.append(read_change(row, prefix=f"/{index}"))
        except Invalid as error:
            faults += error.faults
    if faults:
        raise Invalid(faults[0].detail, faults=faults)
    return changes


def _faults(data: Mapping[str, Any]) -> Iterator[Fault]:
    for name in data:
        if name not in FIELDS:
            yield Fault(f"/{escape(name)}", "A change has no such field.")
    if not data.get("kind"):
        yield Fault("/kind", "Say of which kind the change is.")
    for name in sorted(_TEXTS & data.keys()):
        if data[name] is not None and not isinstance(data[name], str):
            yield Fault(f"/{name}", "This must be a text.")
    number = data.get("client_seq")
    if number is not None and (not isinstance(number, int) or isinstance(number, bool)):
        yield Fault("/client_seq", "This must be a whole number.")
    if data.get("occurred_at") is not None and not _is_moment(data["occurred_at"]):
        yield Fault("/occurred_at", "This must be a date and time with a zone, such as 2026-11-21T02:31:00Z.")


def _is_moment(value: Any) -> bool:
    if not isinstance(value, str) or "T" not in value.upper():
        return False
    try:
        return datetime.fromisoformat(value).utcoffset() is not None
    except ValueError:
        return False

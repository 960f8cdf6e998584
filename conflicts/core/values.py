"""Single values under a rule: what settles them when both sides changed them."""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from math import isfinite
from typing import Any

from conflicts.core import reasons
from conflicts.core.decisions import MISSING, Kind
from conflicts.core.equality import same
from conflicts.core.place import Finding, Place
from conflicts.core.rules import ValuePolicy

CONTAINERS = {"object", "list"}


_TYPES: tuple[tuple[type | tuple[type, ...], str], ...] = (
    (bool, "boolean"),
    ((int, float, Decimal), "number"),
    (str, "string"),
    (dict, "object"),
    (list, "list"),
    (type(None), "null"),
)


def type_of(value: Any) -> str:
    """A value's JSON type; "" for MISSING."""
    return next((name for types, name in _TYPES if isinstance(value, types)), "")


def kind_of(base: Any, local: Any, remote: Any) -> Kind:
    """The kind of a difference that is one unit, whichever side it is on."""
    if local is MISSING and remote is MISSING:
        return "value"
    if base is MISSING:
        return "add-add" if local is not MISSING and remote is not MISSING else "value"
    if local is MISSING or remote is MISSING:
        other = remote if local is MISSING else local
        return "value" if same(other, base) else "delete-modify"
    types = {type_of(base), type_of(local), type_of(remote)}
    if len(types) == 1:
        return "array" if types == {"list"} else "value"
    return "type" if type_of(local) != type_of(remote) or types & CONTAINERS or same(local, remote) else "value"


def conflict(base: Any, local: Any, remote: Any) -> Finding:
    """The finding that both sides changed a place in ways that do not go together."""
    kind = kind_of(base, local, remote)
    reason = reasons.OTHER_TYPE if kind == "type" else reasons.DIFFERENT
    if kind == "add-add":
        reason = reasons.BOTH_ADDED
    if kind == "delete-modify":
        reason = reasons.DELETED_HERE_EDITED_UPSTREAM if local is MISSING else reasons.EDITED_HERE_DELETED_UPSTREAM
    return Finding(kind, "conflict", base, local, remote, reason)


def one_sided(base: Any, local: Any, remote: Any, kind: Kind | None = None) -> Finding | None:
    """The finding that at most one side changed a place, or both in the same way; None when they differ."""
    kind = kind or kind_of(base, local, remote)
    if same(local, remote):
        return Finding(kind, "same", base, local, remote, reasons.SAME)
    if same(remote, base):
        reason = _changed(base, local, (reasons.ADDED_HERE, reasons.DELETED_HERE, reasons.CHANGED_HERE))
        return Finding(kind, "local", base, local, remote, reason)
    if same(local, base):
        reason = _changed(base, remote, (reasons.ADDED_UPSTREAM, reasons.DELETED_UPSTREAM, reasons.CHANGED_UPSTREAM))
        return Finding(kind, "remote", base, local, remote, reason)
    return None


def _changed(base: Any, side: Any, sentences: tuple[str, str, str]) -> str:
    if base is MISSING:
        return sentences[0]
    return sentences[1] if side is MISSING else sentences[2]


def by_policy(place: Place, policy: ValuePolicy, base: Any, local: Any, remote: Any) -> Finding:
    """The finding for a value that is one unit under a rule."""
    simple = one_sided(base, local, remote)
    refusal = _refusal(policy, base, local, remote)
    if refusal and (simple is None or simple.action != "same"):
        return Finding("policy", "conflict", base, local, remote, refusal, by_rule=True)
    if simple:
        return simple
    result, reason = _result(place, policy, base, local, remote)
    if not reason:
        return conflict(base, local, remote)
    return Finding(
        kind_of(base, local, remote), f"auto:{policy.how}", base, local, remote, reason, merged=result, by_rule=True
    )


def _refusal(policy: ValuePolicy, base: Any, local: Any, remote: Any) -> str:
    """Why a change may not be made at all, or ""."""
    if base is MISSING:
        return ""
    if policy.how == "immutable":
        return reasons.IMMUTABLE
    if policy.how != "transitions" or (_allowed(policy, base, local) and _allowed(policy, base, remote)):
        return ""
    return reasons.NOT_ALLOWED


def _allowed(policy: ValuePolicy, start: Any, end: Any) -> bool:
    if same(start, end):
        return True
    return isinstance(start, str) and isinstance(end, str) and end in policy.allowed.get(start, ())


def _result(place: Place, policy: ValuePolicy, base: Any, local: Any, remote: Any) -> tuple[Any, str]:
    """What the rule makes of a value that both sides changed, and why; no reason when it cannot tell."""
    how = policy.how
    if how in {"local", "remote"}:
        return (local, reasons.LOCAL_COUNTS) if how == "local" else (remote, reasons.UPSTREAM_COUNTS)
    if how in {"max", "min"} and _numbers(local, remote):
        return (max(local, remote), reasons.LARGER) if how == "max" else (min(local, remote), reasons.SMALLER)
    if how == "sum-delta" and _numbers(base, local, remote):
        total = _summed(base, local, remote)
        return total, reasons.SUMMED if total is not None else ""
    if how == "latest" and local is not MISSING and remote is not MISSING:
        later = _later(place.local_around, place.remote_around, policy.by)
        return (local if later == "local" else remote), reasons.LATER if later else ""
    return MISSING, ""


def _numbers(*values: Any) -> bool:
    return all(type_of(value) == "number" and isfinite(value) for value in values)


def _summed(base: Any, local: Any, remote: Any) -> Any:
    """base + (local - base) + (remote - base), without the rounding of binary fractions."""
    if not any(isinstance(value, float) for value in (base, local, remote)):
        return local + remote - base
    exact = [Decimal(repr(value)) if isinstance(value, float) else Decimal(value) for value in (base, local, remote)]
    total = float(exact[1] + exact[2] - exact[0])
    return total if isfinite(total) else None


def _later(local: Mapping[str, Any], remote: Mapping[str, Any], by: str) -> str:
    """The side whose time is later; "" when they are equal or cannot be compared."""
    here, upstream = moment(local.get(by)), moment(remote.get(by))
    if here is None or upstream is None or here[0] != upstream[0] or here == upstream:
        return ""
    return "local" if here > upstream else "remote"


def moment(value: Any) -> tuple[int, float] | None:
    """A point in time that can be compared with others of its class: an ISO 8601 text with its zone, or a number."""
    if _numbers(value):
        return 1, value
    if not isinstance(value, str):
        return None
    try:
        time = datetime.fromisoformat(value)
    except ValueError:
        return None
    return (0, time.timestamp()) if time.tzinfo else None

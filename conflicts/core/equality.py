"""When two JSON values are the same: true is not 1, null is not missing, 1 is 1.0, and the order of keys is free."""

import marshal
from collections.abc import Hashable
from decimal import Decimal
from hashlib import blake2b
from json import JSONEncoder
from typing import Any

from conflicts.core.decisions import MISSING

_encode = JSONEncoder(sort_keys=True, separators=(",", ":")).encode
_SCALARS = frozenset({str, int, float, bool})


def same(one: Any, other: Any) -> bool:
    """Whether two values are equal: types strictly, numbers by their value (RFC 6902, 4.6), objects in any order of keys."""
    return alike(one, other) or (one == other and _strictly(one, other))


def alike(one: Any, other: Any) -> bool:
    """Whether two values are plainly equal. Where it says no, two objects or two lists may be equal all the same.

    Python's own comparison runs first, since it is quick to find a difference; it takes true for 1, so what it finds equal is
    held against each other as bytes. These differ with the order of keys too, which only a walk tells apart.
    """
    if one is other:
        return True
    kind = type(one)
    if kind is type(other) and kind in _SCALARS:
        return bool(one == other)
    if one != other:
        return False
    try:
        if marshal.dumps(one, 2) == marshal.dumps(other, 2):
            return True
    except ValueError:
        pass  # a Decimal, or a dict of another class
    return not isinstance(one, dict | list) and _strictly(one, other)


def _strictly(one: Any, other: Any) -> bool:
    """The comparison place by place of what Python calls equal."""
    if isinstance(one, dict):
        return isinstance(other, dict) and all(_strictly(value, other[key]) for key, value in one.items())
    if isinstance(one, list):
        return isinstance(other, list) and all(map(_strictly, one, other))
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    return bool(one == other)


def canonical(value: Any) -> str:
    """The text that all equal values share, and no others; "" for MISSING. It is not meant to be read back."""
    if value is MISSING:
        return ""
    return '"' + value if isinstance(value, str) else _encode(_plain(value))


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_plain(inner) for inner in value]
    if isinstance(value, float):
        return int(value) if value.is_integer() else value
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else _shortest(value)
    return value


def _shortest(value: Decimal) -> Any:
    return float(value) if value == float(value) else {"decimal": str(value.normalize())}


def token(value: Any) -> Hashable:
    """What stands for a value in a dict or a set: equal for equal values only."""
    if isinstance(value, str):
        return canonical(value)
    if isinstance(value, bool) or value is None:
        return repr(value)
    if isinstance(value, int | float | Decimal):
        return value
    return canonical(value)


def fingerprint(*parts: str) -> str:
    """Sixteen hexadecimal digits that stand for these texts in this order."""
    text = "".join(f"{len(part)}:{part}" for part in parts)
    return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()

"""Documents held against each other: merge patches (RFC 7396), and what counts as the same. Pure."""

import json
from collections.abc import Collection
from typing import Any

import orjson

_WIRE = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def wire(value: Any) -> bytes:
    """A JSON value as it is sent; by the slower writer what the quick one cannot write (integers beyond 64 bits)."""
    try:
        return orjson.dumps(value)
    except TypeError:
        return _WIRE.encode(value).encode()


def same(left: Any, right: Any) -> bool:
    """Whether two JSON values are equal: true is not 1, null is not missing, and 1 is 1.0 (an upstream may keep doubles)."""
    if isinstance(left, dict):
        return (
            isinstance(right, dict)
            and len(left) == len(right)
            and all(key in right and same(value, right[key]) for key, value in left.items())
        )
    if isinstance(left, list):
        return isinstance(right, list) and len(left) == len(right) and all(map(same, left, right))
    if isinstance(left, bool) or isinstance(right, bool):
        return left is right
    return bool(left == right) and not isinstance(right, dict | list)


def without(document: Any, managed: Collection[str]) -> Any:
    """The document without the fields (of its top level) that the upstream sets itself."""
    if not isinstance(document, dict):
        return document
    return {key: value for key, value in document.items() if key not in managed}


def apply_patch(document: Any, patch: Any) -> Any:
    """The document after a merge patch; neither argument is changed."""
    if not isinstance(patch, dict):
        return patch
    result = dict(document) if isinstance(document, dict) else {}
    for key, value in patch.items():
        if value is None:
            result.pop(key, None)
        else:
            result[key] = apply_patch(result.get(key), value)
    return result


def make_patch(old: Any, new: Any) -> Any:
    """A merge patch that leads from one document to the other. Check it with `apply_patch`: null values cannot be written so."""
    if not (isinstance(old, dict) and isinstance(new, dict)):
        return new
    patch: dict[str, Any] = {key: None for key in old if key not in new}
    for key, value in new.items():
        if key not in old:
            patch[key] = value
        elif not same(old[key], value):
            patch[key] = make_patch(old[key], value)
    return patch


def contains(document: Any, part: Any) -> bool:
    """Whether everything that `part` says stands in the document too (which may say more, in its objects)."""
    if isinstance(part, dict):
        return isinstance(document, dict) and all(
            key in document and contains(document[key], value) for key, value in part.items()
        )
    return same(document, part)

"""How the items of a list are told apart: by their fields, or by what they hold."""

from collections.abc import Hashable, Sequence
from typing import Any, NamedTuple

from conflicts.core.equality import canonical, fingerprint, token
from conflicts.core.rules import ListPolicy

FIELDS = ("id", "uuid", "key")
"""The fields that tell items apart where no rule names one."""

Items = list[Any]
Identities = list[Hashable]


class Content(NamedTuple):
    """The identity of an item that has no key: what it holds, and the how manieth of its like it is."""

    token: Hashable
    occurrence: int


class Keyed(NamedTuple):
    """Three versions of a list, with the identities of their items."""

    items: tuple[Items, Items, Items]
    keys: tuple[Identities, Identities, Identities]


def found_field(*versions: Items) -> str:
    """The first of FIELDS that tells the items of all versions apart, "" when none does."""
    if not any(versions):
        return ""
    return next((field for field in FIELDS if all(_found(version, field) for version in versions)), "")


def _found(items: Items, field: str) -> bool:
    try:
        keys = [item[field] for item in items]
    except (TypeError, KeyError, IndexError):
        return False
    return {str, int}.issuperset(map(type, keys)) and len(set(keys)) == len(keys)


def keys_by(items: Items, fields: Sequence[str]) -> Identities | None:
    """The identities of items by their fields; None when one has none or two share one."""
    if len(fields) == 1 and _found(items, fields[0]):
        return [item[fields[0]] for item in items]
    keys: Identities = []
    for item in items:
        key = _key(item, fields)
        if key is None:
            return None
        keys.append(key)
    return keys if len(set(keys)) == len(keys) else None


def _key(item: Any, fields: Sequence[str]) -> Hashable:
    if not isinstance(item, dict):
        return None
    key = tuple(item.get(field) for field in fields)
    if any(isinstance(part, bool) or not isinstance(part, str | int | float) for part in key):
        return None
    return key[0] if len(key) == 1 else key


def keys_by_content(items: Items) -> Identities:
    """The identities of items by what they hold, so that equal ones are told apart by number only."""
    seen: dict[Hashable, int] = {}
    return [_content(item, seen) for item in items]


def _content(item: Any, seen: dict[Hashable, int]) -> Content:
    content = token(item)
    seen[content] = seen.get(content, -1) + 1
    return Content(content, seen[content])


def _keys_of_entries(items: Items, fields: Sequence[str]) -> Identities | None:
    """The identities of entries: by their fields where they have them, else by what they hold."""
    if keys := keys_by(items, fields):
        return keys
    seen: dict[Hashable, int] = {}
    own = [_key(item, fields) for item in items]
    known = [key for key in own if key is not None]
    if len(set(known)) != len(known):
        return None
    return [_content(item, seen) if key is None else key for item, key in zip(items, own, strict=True)]


def keyed_by(policy: ListPolicy, *versions: Items) -> Keyed | None:
    keys: list[Identities] = []
    for items in versions:
        found = _identities(policy, items)
        if found is None:
            return None
        keys.append(found)
    return Keyed((versions[0], versions[1], versions[2]), (keys[0], keys[1], keys[2]))


def _identities(policy: ListPolicy, items: Items) -> Identities | None:
    match policy.how:
        case "set":
            return keys_by_content(items)
        case "append":
            return _keys_of_entries(items, policy.key)
    return keys_by(items, policy.key)


def spelled(key: Hashable) -> str:
    """An identity in brackets, as a part of a trail."""
    if isinstance(key, Content):
        return f"[={fingerprint(repr(type(key.token)), str(key.token))}.{key.occurrence}]"
    return canonical(list(key) if isinstance(key, tuple) else [key])


def shown(key: Hashable) -> str:
    """An identity for people; "" where an item has none but what it holds."""
    if isinstance(key, Content):
        return ""
    return " · ".join(map(str, key)) if isinstance(key, tuple) else str(key)

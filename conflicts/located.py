"""Where a place of one document is in another, whose lists may have moved, lost or gained items."""

from collections.abc import Hashable, Mapping, Sequence
from typing import Any

from conflicts.core import MISSING
from conflicts.core.equality import token
from conflicts.labels import child


def key_fields(rules: Mapping[str, Any]) -> tuple[str, ...]:
    """The fields by which rules tell items apart, with "id" as the usual one."""
    found = ["id"]
    for policy in rules.values():
        key = policy.get("key", ()) if isinstance(policy, Mapping) else ()
        found += [key] if isinstance(key, str) else key
    return tuple(dict.fromkeys(found))


def trail(steps: Sequence[str], values: Sequence[Any], fields: Sequence[str]) -> tuple[Hashable, ...]:
    """A way whose steps into lists are told by the items' identities, so that it can be held against one through another document."""
    return tuple(
        identity(values[depth + 1], fields)
        if depth + 1 < len(values) and isinstance(values[depth], list) and values[depth + 1] is not MISSING
        else step
        for depth, step in enumerate(steps)
    )


def identity(item: Any, fields: Sequence[str]) -> Hashable:
    """What an item of a list is told by: one of these fields, else its whole content."""
    if isinstance(item, Mapping):
        for name in fields:
            if isinstance(item.get(name), str | int):
                return name, item[name]
    return token(item)


class Finder:
    """Finds places of other documents in one document."""

    def __init__(self, document: Any, fields: Sequence[str] = ("id",)) -> None:
        self._document = document
        self._fields = fields
        self._known: dict[int, tuple[list[Any], dict[Hashable, Any]]] = {}

    def at(self, steps: Sequence[str], values: Sequence[Any]) -> Any:
        """What stands here where `values` stand on the way along `steps` in the other document; MISSING when there is nothing."""
        here = self._document
        for depth, step in enumerate(steps):
            there = values[depth] if depth < len(values) else MISSING
            if isinstance(here, list) and isinstance(there, list):
                item = values[depth + 1] if depth + 1 < len(values) else MISSING
                here = self._items(here).get(self._identity(item), MISSING) if item is not MISSING else MISSING
            else:
                here = child(here, step)
            if here is MISSING:
                return MISSING
        return here

    def _items(self, items: list[Any]) -> Mapping[Hashable, Any]:
        if id(items) not in self._known:
            self._known[id(items)] = items, {self._identity(item): item for item in items}
        return self._known[id(items)][1]

    def _identity(self, item: Any) -> Hashable:
        return identity(item, self._fields)

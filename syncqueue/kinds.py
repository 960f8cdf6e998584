"""The kinds of changes that Breakwater takes in: a registry in code. docs/kinds.md tells how a project adds its own."""

import re

from jsonschema import Draft202012Validator

from portal.kit.errors import Invalid
from syncqueue.core.builtin_kinds import BUILT_IN
from syncqueue.core.kinds import Given, Kind, Route, joined, routed, text_of

__all__ = ["Given", "Kind", "Route", "all_kinds", "find", "get", "joined", "register", "routed", "text_of"]

_NAME = re.compile(r"[a-z][a-z0-9_]{0,63}\Z")
_kinds: dict[str, Kind] = {}


def register(kind: Kind) -> Kind:
    """The kind, known from now on. A programming error (a bad name, schema or a name that is taken) raises at once."""
    if not _NAME.match(kind.name):
        raise ValueError(f"{kind.name!r} is no name for a kind: small letters, digits and underscores.")
    if _kinds.get(kind.name, kind) is not kind:
        raise ValueError(f"A kind {kind.name!r} is registered already.")
    Draft202012Validator.check_schema(kind.schema)
    _kinds[kind.name] = kind
    return kind


def get(name: str) -> Kind:
    """The kind of this name; raises Invalid at /kind when there is none."""
    kind = _kinds.get(name) if isinstance(name, str) else None
    if kind is None:
        raise Invalid.at("/kind", f"There is no kind {str(name)[:64]!r}. Known kinds: {', '.join(sorted(_kinds))}.")
    return kind


def find(name: str) -> Kind | None:
    """The kind of this name; None when it is no longer registered (a delivery goes on without it)."""
    return _kinds.get(name)


def all_kinds() -> list[Kind]:
    """All kinds by their names."""
    return [_kinds[name] for name in sorted(_kinds)]


for _kind in BUILT_IN:
    register(_kind)

"""What a kind of change is: the shape of its payload, where it goes and how it behaves.

A payload that is a whole document must fit the kind's schema; a merge patch must fit the schema that core/schemas.py
derives from it.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Protocol

from jsonschema import Draft202012Validator

from portal.kit.errors import Fault
from syncqueue.core.schemas import FORMATS, faults_of, patch_schema

Schema = Mapping[str, Any]

MOST_FAULTS = 50
"""A payload that is wrong everywhere is answered with its first faults."""


class Given(Protocol):
    """What a change itself says about its place (a NewChange is one); "" where it says nothing."""

    @property
    def upstream(self) -> str: ...
    @property
    def entity_type(self) -> str: ...
    @property
    def entity_id(self) -> str: ...
    @property
    def operation(self) -> str: ...


@dataclass(frozen=True, slots=True)
class Route:
    """Where a change goes. `upstream` is None, and a text is "", when neither the kind nor the change says it."""

    upstream: str | None
    entity_type: str
    entity_id: str
    operation: str


RouteOf = Callable[[Any, Given], Route]


def _no_title(payload: Any) -> str:
    return ""


@dataclass(frozen=True, eq=False)
class Kind:
    """A kind of change: what its payload looks like, where it goes and how it behaves.

    `route` sees a payload that was not checked yet. `ordered`: changes of one entity are delivered one after another;
    else each goes when it can. `last_writer_wins`: a change without a base overwrites what is upstream. `joins`: changes that wait
    one behind the other may go out as one (core/coalesce.py); not for what the upstream counts or acts on one by one. `merge` holds
    the rules by path that conflicts are merged by (docs/merging.md); with any, the entity's last documents are kept as bases.
    """

    name: str
    title: str
    schema: Schema
    route: RouteOf
    ordered: bool = True
    last_writer_wins: bool = False
    joins: bool = False
    merge: Mapping[str, Any] = field(default_factory=dict)
    title_of: Callable[[Any], str] = _no_title

    def faults(self, payload: Any, *, operation: str, form: str) -> list[Fault]:
        """Everything that is wrong with a payload, each with a pointer that starts with /payload."""
        if operation == "delete":
            return [] if payload in (None, {}) else [Fault("/payload", "A delete has no payload.")]
        return self._faults(payload, whole=form == "document" or operation == "create", root="/payload")

    def document_faults(self, document: Any) -> list[Fault]:
        """Everything that is wrong with a whole document, each with a pointer from its root."""
        return self._faults(document, whole=True, root="")

    def known_values(self, pointer: str) -> tuple[str, ...]:
        """All texts that may stand at this place of a document, as its schema names them; none where any may."""
        node: Any = self.schema
        for step in pointer.split("/")[1:]:
            node = node.get("properties", {}).get(step) or node.get("items")
            if not isinstance(node, Mapping):
                return ()
        values = node.get("enum", ())
        return tuple(values) if all(isinstance(value, str) for value in values) else ()

    def _faults(self, value: Any, *, whole: bool, root: str) -> list[Fault]:
        validator = _validator(self, whole)
        if validator.is_valid(value):
            return []
        found = {fault for error in validator.iter_errors(value) for fault in faults_of(error, root)}
        return sorted(found, key=lambda fault: (fault.pointer, fault.detail))[:MOST_FAULTS]


@lru_cache(maxsize=512)
def _validator(kind: Kind, whole: bool) -> Draft202012Validator:
    return Draft202012Validator(kind.schema if whole else patch_schema(kind.schema), format_checker=FORMATS)


def routed(
    entity_type: str,
    *,
    id_of: Callable[[Mapping[str, Any]], str] | None = None,
    operation: str = "update",
    upstream: str | None = None,
) -> RouteOf:
    """A route that takes what the change gives and fills in the rest: type, operation, and the id from the payload."""

    def route(payload: Any, given: Given) -> Route:
        entity_id = given.entity_id or (id_of(payload) if id_of and isinstance(payload, dict) else "")
        return Route(
            given.upstream or upstream, given.entity_type or entity_type, entity_id, given.operation or operation
        )

    return route


def joined(*names: str) -> Callable[[Mapping[str, Any]], str]:
    """An `id_of` that joins fields of the payload with ":"; "" when one of them is missing or no text."""

    def id_of(payload: Mapping[str, Any]) -> str:
        parts = [payload.get(name) for name in names]
        return ":".join(part for part in parts if isinstance(part, str)) if all(_named(part) for part in parts) else ""

    return id_of


def _named(part: Any) -> bool:
    return isinstance(part, str) and part != ""


def text_of(*names: str) -> Callable[[Any], str]:
    """A `title_of` that takes the first of these fields that is a text, cut to 200 characters."""

    def title_of(payload: Any) -> str:
        if not isinstance(payload, dict):
            return ""
        texts = (payload.get(name) for name in names)
        return next((" ".join(text.split())[:200] for text in texts if isinstance(text, str) and text.strip()), "")

    return title_of

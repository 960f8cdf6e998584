"""Routes of the JSON adapter: how an upstream names the documents of a type, and how it wants them written."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal
from urllib.parse import quote
from weakref import WeakKeyDictionary

from yarl import URL

from portal.kit.errors import Fault, Invalid
from portal.kit.jsontext import escape
from resilience.outbound.client import parse_url
from resilience.outbound.errors import Unsendable
from resilience.outbound.headers import private_headers
from syncqueue.adapters.base import Target

MANAGED = ("id", "last_modified", "schema")
VERSION_MODES = ("etag", "none")
LONGEST_ID = 255
MERGE_PATCH = "application/merge-patch+json"

_KEYS = frozenset({"path", "document", "create", "update", "content_type", "managed"})
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]")
_PATH = re.compile(r"(?:/[A-Za-z0-9\-._~!$&'()*+,;=:@%{}]+)+")
_BROKEN_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})")
_MEDIA_TYPE = re.compile(r"[\w!#$&^.+\-]{1,64}/[\w!#$&^.+\-]{1,64}(?:; ?charset=utf-8)?", re.ASCII | re.IGNORECASE)
_MARK = "/{id}"


@dataclass(frozen=True, slots=True)
class Route:
    """One type of entity at one upstream, ready for use."""

    origin: URL
    before: str
    after: str
    wrapper: tuple[str, ...]
    """Keys that lead from the body's top to the document."""
    update: Literal["PUT", "PATCH"]
    create_type: str
    update_type: str
    managed: frozenset[str]
    private: Mapping[str, str] = field(repr=False)
    """The headers of each request, own ones and credentials."""

    def url(self, entity_id: str) -> URL:
        """Where the entity is; the id is one segment, percent-encoded. Check it with `id_fault` first."""
        return self.origin.with_path(f"{self.before}{quote(entity_id, safe='')}{self.after}", encoded=True)

    def wrap(self, document: Any) -> Any:
        """The body that carries a document."""
        for key in reversed(self.wrapper):
            document = {key: document}
        return document

    def unwrap(self, body: Any) -> Any:
        """The document that a body carries; raises LookupError when it carries none."""
        for key in self.wrapper:
            if not isinstance(body, dict):
                raise LookupError(key)
            body = body[key]
        return body


def id_fault(entity_id: str) -> str:
    """Why an entity's id cannot stand in an address; empty when it can."""
    if not entity_id.strip():
        return "An entity needs an id."
    if entity_id in (".", ".."):
        return "An entity's id cannot be . or .., which are folders in an address."
    if len(entity_id) > LONGEST_ID:
        return f"An entity's id has at most {LONGEST_ID} characters."
    if "/" in entity_id or "\\" in entity_id:
        return "An entity's id cannot hold slashes."
    if _CONTROL.search(entity_id):
        return "An entity's id cannot hold control characters."
    return ""


def validate(routes: Any, version: Any = "etag") -> None:
    """Raises Invalid with a pointer to each part of an upstream's routes that cannot be used."""
    if not isinstance(routes, Mapping) or not routes:
        raise Invalid.at("/routes", "Routes are an object: for each type of entity, its route.")
    faults = (
        [] if version in VERSION_MODES else [Fault("/version", f"The version is one of: {', '.join(VERSION_MODES)}.")]
    )
    for kind, route in routes.items():
        pointer = f"/routes/{escape(str(kind))}"
        if not isinstance(kind, str) or not kind or len(kind) > 100 or _CONTROL.search(kind):
            faults.append(Fault(pointer, "A type's name is a short text."))
        elif not isinstance(route, Mapping):
            faults.append(Fault(pointer, "A route is an object with a path."))
        else:
            faults += [Fault(f"{pointer}/{escape(str(key))}", why) for key, why in _route_faults(route)]
    if faults:
        raise Invalid(faults[0].detail, faults=faults)


def route_of(target: Target, entity_type: str) -> Route | None:
    """The route of a type of entity, made once for each target; None when the upstream has none."""
    routes = _PREPARED.get(target)
    if routes is None:
        routes = _PREPARED[target] = prepare(target)
    return routes.get(entity_type)


def prepare(target: Target) -> dict[str, Route]:
    """All routes of an upstream, ready for use; raises Invalid for what cannot be used."""
    validate(target.routes, target.version_mode)
    try:
        address = parse_url(target.address.rstrip("/"))
    except Unsendable as error:
        raise Invalid.at("/address", error.sentence()) from error
    if address.raw_query_string or address.raw_fragment:
        raise Invalid.at("/address", "An upstream's address has no query and no fragment.")
    private = {"Accept": "application/json", **private_headers(target.headers, target.credentials)}
    return {kind: _prepare(address, route, private) for kind, route in target.routes.items()}


def _prepare(address: URL, route: Mapping[str, Any], private: Mapping[str, str]) -> Route:
    before, _, after = str(route["path"]).partition(_MARK)
    update: Literal["PUT", "PATCH"] = "PATCH" if route.get("update") == "PATCH" else "PUT"
    given = route.get("content_type")
    return Route(
        origin=address.origin(),
        before=f"{address.raw_path.rstrip('/')}{before}/",
        after=after,
        wrapper=_keys(route.get("document")),
        update=update,
        create_type=given if given and update == "PUT" else "application/json",
        update_type=given or (MERGE_PATCH if update == "PATCH" else "application/json"),
        managed=frozenset(route.get("managed", MANAGED)),
        private=private,
    )


def _keys(pointer: str | None) -> tuple[str, ...]:
    if not pointer:
        return ()
    return tuple(key.replace("~1", "/").replace("~0", "~") for key in pointer.removeprefix("/").split("/"))


def _route_faults(route: Mapping[str, Any]) -> list[tuple[str, str]]:
    faults = [(key, "A route has no such part.") for key in route if key not in _KEYS]
    checks = {
        "path": _path_fault(route.get("path")),
        "document": ""
        if isinstance(route.get("document", ""), str | None)
        else "This is the key that the document stands under.",
        "create": "" if route.get("create", "PUT") == "PUT" else "A document is created with PUT.",
        "update": "" if route.get("update", "PUT") in ("PUT", "PATCH") else "A document is updated with PUT or PATCH.",
        "content_type": _type_fault(route.get("content_type")),
        "managed": _managed_fault(route.get("managed", ())),
    }
    return faults + [(key, why) for key, why in checks.items() if why]


def _path_fault(path: Any) -> str:
    if not isinstance(path, str) or not _PATH.fullmatch(path) or _BROKEN_ESCAPE.search(path):
        return "A path starts with a slash and holds {id}, as in /plans/{id}; no query, and other characters are percent-encoded."
    segments = path.split("/")[1:]
    if segments.count("{id}") != 1 or sum("{" in segment or "}" in segment for segment in segments) != 1:
        return "{id} stands once in the path, between two slashes or at its end."
    if any(segment.replace("%2e", ".").replace("%2E", ".") in (".", "..") for segment in segments):
        return "A path holds no . or .. folders."
    return ""


def _type_fault(value: Any) -> str:
    if value is None or (isinstance(value, str) and _MEDIA_TYPE.fullmatch(value) and "json" in value.lower()):
        return ""
    return "The content type is a JSON type, such as application/json or application/merge-patch+json."


def _managed_fault(value: Any) -> str:
    if isinstance(value, list | tuple) and all(isinstance(name, str) for name in value):
        return ""
    return "These are the names of the fields that the upstream sets itself, as a list."


_PREPARED: "WeakKeyDictionary[Target, dict[str, Route]]" = WeakKeyDictionary()

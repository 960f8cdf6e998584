"""The adapters that an upstream can have. Whoever brings adapters (the queue does) registers them when it is ready."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from django.utils.functional import Promise

from portal.kit.errors import Invalid


class Validate(Protocol):
    """Raises Invalid, with pointers from the upstream's root, for routes and a version that an adapter cannot use."""

    def __call__(self, routes: Any, *, version: Any = ...) -> None: ...


@dataclass(frozen=True, slots=True)
class AdapterChoice:
    """An adapter as the settings know it."""

    name: str
    title: str | Promise
    validate: Validate
    default_routes: Mapping[str, Any] = field(default_factory=dict)


_choices: dict[str, AdapterChoice] = {}


def register_adapter(
    name: str, title: str | Promise, validate: Validate, default_routes: Mapping[str, Any] | None = None
) -> None:
    """Makes an adapter one that upstreams can choose."""
    _choices[name] = AdapterChoice(name, title, validate, default_routes or {})


def all_adapters() -> list[AdapterChoice]:
    """What can be chosen, by title."""
    return sorted(_choices.values(), key=lambda choice: str(choice.title))


def validate(name: str, routes: Any, version: Any) -> None:
    """Raises Invalid when there is no such adapter, or it cannot use these routes."""
    choice = _choices.get(name)
    if choice is None:
        known = ", ".join(sorted(_choices)) or "none"
        raise Invalid.at("/adapter", f"There is no such adapter. Known adapters: {known}.")
    choice.validate(routes, version=version)

"""What a conflict's kind says about its documents. The queue knows the kinds and registers where to ask."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from portal.kit.errors import Fault


def _no_faults(document: Any) -> list[Fault]:
    return []


def _any_value(pointer: str) -> tuple[str, ...]:
    return ()


@dataclass(frozen=True, slots=True)
class Profile:
    """A kind of change: what it is called, its merge rules, and what is wrong with a document of it (pointers from its root).

    `known` gives all texts that may stand at a place; none where any may.
    """

    name: str
    title: str
    rules: Mapping[str, Any] = field(default_factory=dict)
    faults: Callable[[Any], list[Fault]] = _no_faults
    known: Callable[[str], tuple[str, ...]] = _any_value


_profiles: dict[str, Callable[[str], Profile | None]] = {}


def register(find: Callable[[str], Profile | None]) -> None:
    """Says where profiles are asked for; one place in a process."""
    _profiles["find"] = find


def profile(kind: str) -> Profile:
    """The profile of a kind; an empty one for a kind that is no longer there."""
    find = _profiles.get("find")
    return (find(kind) if find else None) or Profile(kind, kind)

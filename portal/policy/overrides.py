"""Where a single upstream goes its own way: packages above say so here, the page and REST show it."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from portal.kit.viewer import Viewer


@dataclass(frozen=True, slots=True)
class Override:
    """One key ("circuit_breaker.cooldown_ms") that one upstream sets itself: its name, its page, and its value with unit for people."""

    key: str
    name: str
    href: str
    value: str = ""


Provider = Callable[[Viewer], Iterable[Override]]
_providers: list[Provider] = []


def register_overrides(provider: Provider) -> Callable[[], None]:
    """Adds one who tells the overrides that a viewer may see; answers how to take it away again."""
    _providers.append(provider)
    return lambda: _providers.remove(provider)


def overrides_for(viewer: Viewer) -> Mapping[str, list[Override]]:
    """What the viewer's upstreams set themselves, by key, each list by name."""
    found: dict[str, list[Override]] = {}
    for provider in _providers:
        for override in provider(viewer):
            found.setdefault(override.key, []).append(override)
    return {key: sorted(overrides, key=lambda override: override.name) for key, overrides in found.items()}

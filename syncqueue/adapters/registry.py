"""Which adapters there are."""

from portal.kit.errors import Invalid
from syncqueue.adapters.base import Adapter
from syncqueue.adapters.json_http import JsonHttp

_ADAPTERS: dict[str, Adapter] = {}


def register(adapter: Adapter) -> None:
    """Makes an adapter available under its name; the same name again replaces it."""
    _ADAPTERS[adapter.name] = adapter


def get(name: str) -> Adapter:
    """The adapter of that name; raises Invalid when there is none."""
    try:
        return _ADAPTERS[name]
    except KeyError:
        raise Invalid.at("/adapter", f"There is no such adapter. There are: {', '.join(names())}.") from None


def names() -> list[str]:
    """The names of all adapters, sorted."""
    return sorted(_ADAPTERS)


register(JsonHttp())

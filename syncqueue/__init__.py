"""The sync queue: `from syncqueue import enqueue`.

The name is looked up when it is used: models cannot be imported while Django starts (PEP 562).
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from syncqueue.interface import enqueue

__all__ = ["enqueue"]


def __getattr__(name: str) -> Any:
    if name in __all__:
        return getattr(import_module("syncqueue.interface"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

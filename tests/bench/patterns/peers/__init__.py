"""One module for each library, so that a process loads only the one it looks at.

All modules speak the same few words, and each does it in the way that its library documents, the cheaper one where there are
two. `guard(…)(fn)` is `fn` behind a new breaker, `aguard` the same for an async function; likewise `retry`, `bulkhead`, `stack`.
What a library cannot do, its module does not have, and what its breaker cannot be told is refused by the signature.
"""

import importlib
from importlib.metadata import version
from types import ModuleType
from typing import Final

PACKAGES: Final = {
    "breakwater": "breakwater",
    "circuitbreaker": "circuitbreaker",
    "pybreaker": "pybreaker",
    "purgatory": "purgatory",
    "aiobreaker": "aiobreaker",
    "hyx": "hyx",
    "pyresilience": "pyresilience",
    "interlock": "interlock-cb",
    "tenacity": "tenacity",
    "stamina": "stamina",
    "backoff": "backoff",
}
"""The distribution that each module is about."""

NEVER: Final = 10**9
"""A threshold that nothing reaches."""


class Boom(Exception):
    """What a guarded function raises."""


def load(name: str) -> ModuleType:
    """Return the module about a library."""
    return importlib.import_module(f"{__name__}.{name}")


def released(name: str) -> str:
    """Return a library with its version, as "hyx 0.0.2"."""
    package = PACKAGES.get(name, name)
    return package if name == "breakwater" else f"{package} {version(package)}"

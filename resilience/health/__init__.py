"""Health: `from resilience.health import check_health, get_system_health, record_outage, register_function`.

The names are looked up when they are used: models cannot be imported while Django starts (PEP 562).
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from resilience.health.interface import check_health, record_outage
    from resilience.health.system import get_system_health
    from resilience.health.targets.functions import register_function

_PLACES = {
    "check_health": "resilience.health.interface",
    "get_system_health": "resilience.health.system",
    "record_outage": "resilience.health.interface",
    "register_function": "resilience.health.targets.functions",
}

__all__ = ["check_health", "get_system_health", "record_outage", "register_function"]


def __getattr__(name: str) -> Any:
    if name in _PLACES:
        return getattr(import_module(_PLACES[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

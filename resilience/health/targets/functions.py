"""The functions of one's own that probes may ask: by the name under which code registered them, never by a dotted path.

    from resilience.health import register_function

    register_function("stock", stock_is_fresh)

What a function gives back says how it went:
    True, None             good
    False                  not good
    a number               good; kept as `value`, and held against the probe's at_least and at_most
    a mapping              {"ok": bool, "error": str, "value": number, …}: the rest is kept as metadata
    a Finding              as it is
    an exception           not good, with its words
Plain functions run in a thread, coroutine functions in the prober's own loop, where they must not block.
"""

import re
from collections.abc import Callable
from typing import Any

Function = Callable[[], Any]
NAME = re.compile(r"[a-z][a-z0-9_\-]{0,59}")

_functions: dict[str, Function] = {}


def register_function(name: str, function: Function) -> None:
    """Lets probes of kind "function" ask this one by this name; the same name again replaces it."""
    if not NAME.fullmatch(name):
        raise ValueError("A name is made of small letters, digits, hyphens and underscores, and starts with a letter.")
    _functions[name] = function


def forget_function(name: str) -> None:
    """Takes it away again, for tests."""
    _functions.pop(name, None)


def function_named(name: str) -> Function | None:
    """The function, or None when no code registered one by this name."""
    return _functions.get(name)


def function_names() -> list[str]:
    """The names that can be asked."""
    return sorted(_functions)

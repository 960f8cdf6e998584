"""A law: a property that is shown by as many examples as it names, the same ones in each run.

BREAKWATER_LAWS=20 tries twenty times as many, new ones each time, when the engine has changed and one wants to be sure.
"""

import functools
import os
from collections.abc import Callable
from typing import Any

from hypothesis import HealthCheck, given, note, settings
from hypothesis import strategies as st

TIMES = int(os.environ.get("BREAKWATER_LAWS", "0"))
EXAMPLES: dict[str, int] = {}
"""How many examples each law is shown by. test_laws.py holds the sum against what was promised."""


def law(*drawn: st.SearchStrategy[Any], examples: int) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Return a decorator that turns a function of examples into a test that draws them."""

    def decorate(test: Callable[..., None]) -> Callable[..., None]:
        EXAMPLES[f"{test.__module__}.{test.__name__}"] = examples
        profile = settings(
            max_examples=examples * (TIMES or 1),
            derandomize=not TIMES,
            database=None,
            deadline=None,
            print_blob=True,
            suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
        )

        @functools.wraps(test)
        def told(*given: Any, **fixtures: Any) -> None:
            note((*given, *(value for name, value in fixtures.items())))
            test(*given, **fixtures)

        return profile(given(*drawn)(told))

    return decorate

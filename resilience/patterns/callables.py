"""What kind of thing a callable is, found out once."""

import inspect
from collections.abc import Callable
from typing import Any


def is_async(fn: Callable[..., Any]) -> bool:
    """Whether a call of it makes a coroutine: async functions, partials and methods of them, objects whose `__call__` is one."""
    return inspect.iscoroutinefunction(fn) or inspect.iscoroutinefunction(getattr(fn, "__call__", None))  # noqa: B004


def is_generator(fn: Callable[..., Any]) -> bool:
    """Whether a call of it runs nothing yet: generator functions, async ones too. Around them no pattern can do anything."""
    return inspect.isgeneratorfunction(fn) or inspect.isasyncgenfunction(fn)


def name_of(fn: object) -> str:
    """A callable's name for people."""
    return getattr(fn, "__qualname__", None) or repr(fn)

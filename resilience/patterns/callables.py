"""What kind of thing a callable is, found out once."""

import inspect
from collections.abc import Callable
from types import CoroutineType
from typing import Any, cast

from resilience.patterns.errors import ConfigError
from resilience.patterns.typing import T


def is_async(fn: Callable[..., Any]) -> bool:
    """Whether a call of it makes a coroutine: async functions, partials and methods of them, objects whose `__call__` is one."""
    return inspect.iscoroutinefunction(fn) or inspect.iscoroutinefunction(getattr(fn, "__call__", None))  # noqa: B004


def is_generator(fn: Callable[..., Any]) -> bool:
    """Whether a call of it runs nothing yet: generator functions, async ones too. Around them no pattern can do anything."""
    return inspect.isgeneratorfunction(fn) or inspect.isasyncgenfunction(fn)


def name_of(fn: object) -> str:
    """A callable's name for people."""
    return fn if isinstance(fn, str) else getattr(fn, "__qualname__", None) or repr(fn)


def no_coroutine(result: T, fn: object) -> T:
    """The result of a call, unless it is a coroutine: nobody would guard what happens in it. Then it raises ConfigError."""
    if type(result) is CoroutineType:
        cast(Any, result).close()
        raise ConfigError("fn", name_of(fn), "a function that is not async here; there is an async way to call it")
    return result


def must_await(result: object, fn: object) -> None:
    """Raises ConfigError unless the result of a call can be awaited: the function has run by then, and is not to run again.

    Where it has to be quick this is asked only after awaiting raised TypeError, which may be the function's own as well.
    """
    if not inspect.isawaitable(result):
        must = "an async function here; there is a way to call one that is not"
        raise ConfigError("fn", name_of(fn), must) from None

"""Answers that many ask for at once are made once: a thousand pages that come back together cost as much as one."""

import asyncio
from collections.abc import Callable, Coroutine, Hashable
from typing import Any, Generic, TypeVar

SECONDS = 1.0
MOST = 64
T = TypeVar("T")


class Lately(Generic[T]):
    """Answers of the last second, by a key, each good as long as its version is."""

    def __init__(self) -> None:
        self._kept: dict[Hashable, tuple[int, float, asyncio.Task[T]]] = {}

    async def get(self, key: Hashable, version: int, make: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """The answer that was begun lately for this key and version, or a new one."""
        now = asyncio.get_running_loop().time()
        if known := self._kept.get(key):
            was, at, task = known
            failed = task.done() and (task.cancelled() or task.exception() is not None)
            if was == version and now - at < SECONDS and not failed:
                return await asyncio.shield(task)
        if len(self._kept) >= MOST:
            self._kept.clear()
        task = asyncio.create_task(make())
        self._kept[key] = (version, now, task)
        return await asyncio.shield(task)

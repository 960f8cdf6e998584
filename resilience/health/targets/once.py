"""Calls that may hang: each has one thread at most, so that what hangs does not take the threads of all others."""

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

Result = TypeVar("Result")

_running: set[str] = set()
_lock = threading.Lock()


class StillRunning(Exception):
    """The last call has not ended yet."""


async def once(key: str, call: Callable[[], Result], threads: ThreadPoolExecutor) -> Result:
    """What the call gives back; raises StillRunning while the last one of the same key hangs."""
    with _lock:
        if key in _running:
            raise StillRunning
        _running.add(key)
    try:
        given = threads.submit(_ended, key, call)
    except BaseException:
        _forget(key)
        raise
    given.add_done_callback(lambda done: _forget(key) if done.cancelled() else None)
    return await asyncio.wrap_future(given)


def _ended(key: str, call: Callable[[], Result]) -> Result:
    try:
        return call()
    finally:
        _forget(key)


def _forget(key: str) -> None:
    with _lock:
        _running.discard(key)

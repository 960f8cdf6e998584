"""No library at all, and what the standard library has."""

import asyncio
import threading
from collections.abc import Callable
from typing import Any

import backoff
import circuitbreaker

from tests.bench.patterns.peers import Boom


def guard() -> Callable[[Any], Any]:
    """Return the function itself."""
    return lambda fn: fn


aguard = guard


def bulkhead(limit: int = 10) -> Callable[[Any], Any]:
    """Return a block of threading.BoundedSemaphore, which waits where a bulkhead would refuse."""
    semaphore = threading.BoundedSemaphore(limit)

    def decorate(fn: Any) -> Any:
        def call() -> Any:
            with semaphore:
                return fn()

        return call

    return decorate


def abulkhead(limit: int = 10) -> Callable[[Any], Any]:
    """Return a block of asyncio.Semaphore."""
    semaphore = asyncio.Semaphore(limit)

    def decorate(fn: Any) -> Any:
        async def call() -> Any:
            async with semaphore:
                return await fn()

        return call

    return decorate


def stack() -> Callable[[Any], Any]:
    """Return the cheapest of each kind, put together by hand: backoff, circuitbreaker, BoundedSemaphore."""
    retried = backoff.on_exception(backoff.expo, Boom, max_tries=3, logger=None)
    broken = circuitbreaker.circuit(failure_threshold=5, recovery_timeout=60)
    return lambda fn: retried(broken(bulkhead()(fn)))

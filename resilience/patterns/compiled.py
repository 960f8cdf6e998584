"""A policy made into one callable for a name: each part that is None is not there, and costs nothing.

Every layer is a callable `layer(fn, *args, **kwargs)`, sync or async, and knows the layer below it. Which layers there are is
decided here, once, and never during a call. The layer that calls the function itself sees to it that it is of the right kind,
sync or async: no layer counts, awaits or repeats what nobody could guard.
"""

import operator
import threading
from collections.abc import Callable, Iterable
from types import CoroutineType
from typing import Any, Final, TypeAlias
from weakref import WeakSet

from resilience.patterns.breaker import CircuitBreaker
from resilience.patterns.bulkhead import Bulkhead
from resilience.patterns.callables import must_await, no_coroutine
from resilience.patterns.deadline import within
from resilience.patterns.errors import BulkheadFullError, CircuitOpenError
from resilience.patterns.fallback import Fallback
from resilience.patterns.forks import renew_after_fork
from resilience.patterns.policies import NO_FALLBACK, Policy
from resilience.patterns.retry import REAL, Ports, Retry, Run
from resilience.patterns.retry_config import RetryConfig
from resilience.patterns.timeouts import Timeout, TimeoutConfig

__all__ = ["Chain", "Layer", "Wrap", "wrap_chains"]

Layer: TypeAlias = Callable[..., Any]

Wrap: TypeAlias = "Callable[[Chain, Layer, Layer], tuple[Layer, Layer]]"
"""Gives what is called in place of a chain's sync and async layers."""

_BOTTOM: Final[Layer] = operator.call
_REFUSALS: Final = (CircuitOpenError, BulkheadFullError)
"""Nothing was attempted, so a retry has nothing to say about it; and while something is away, this is what most calls get."""


class Chain:
    """What stands around the calls of one name by one policy: `call(fn, *args, **kwargs)` and `await acall(fn, *args, **kwargs)`."""

    __slots__ = ("__weakref__", "_layers", "acall", "breaker", "bulkhead", "call", "name", "policy")

    call: Layer
    acall: Layer

    def __init__(
        self, name: str, policy: Policy, breaker: CircuitBreaker | None, bulkhead: Bulkhead | None, ports: Ports = REAL
    ) -> None:
        self.name = name
        self.build(policy, breaker, bulkhead, ports)
        _wrapped.add(self)

    def build(
        self, policy: Policy, breaker: CircuitBreaker | None, bulkhead: Bulkhead | None, ports: Ports = REAL
    ) -> None:
        """Takes another policy's place in everything that holds this chain."""
        self.policy, self.breaker, self.bulkhead = policy, breaker, bulkhead
        self._layers = (
            _sync(self.name, policy, breaker, bulkhead, ports),
            _async(self.name, policy, breaker, bulkhead, ports),
        )
        self.wrap(_wrapped.wraps)

    def wrap(self, wraps: Iterable[Wrap]) -> None:
        """Puts something else around it, in place of what was."""
        layers = self._layers
        for wrap in wraps:
            layers = wrap(self, *layers)
        self.call, self.acall = layers


class _Wrapped:
    """All chains there are, and what is put around each of them."""

    def __init__(self) -> None:
        self.wraps: tuple[Wrap, ...] = ()
        self._chains: WeakSet[Chain] = WeakSet()
        self._lock = threading.RLock()
        renew_after_fork(self)

    def add(self, chain: Chain) -> None:
        with self._lock:
            self._chains.add(chain)
            chain.wrap(self.wraps)

    def put(self, wraps: tuple[Wrap, ...]) -> None:
        with self._lock:
            self.wraps = wraps
            for chain in list(self._chains):
                chain.wrap(wraps)

    def _after_fork(self) -> None:
        self._lock = threading.RLock()


_wrapped: Final = _Wrapped()


def wrap_chains(wrap: Wrap) -> Callable[[], None]:
    """Puts `wrap` around every chain, those there are and those to come; the callable that comes back takes it off again.

    Calls that are under way end as they began. While nothing is put around them, chains do not pay for it.
    """
    _wrapped.put((*_wrapped.wraps, wrap))
    return lambda: _wrapped.put(tuple(one for one in _wrapped.wraps if one is not wrap))


def _sync(name: str, policy: Policy, breaker: CircuitBreaker | None, bulkhead: Bulkhead | None, ports: Ports) -> Layer:
    timeout, retry, fallback = _timeout(name, policy, ports), _retry(name, policy), _fallback(name, policy)
    layer = _BOTTOM if timeout is None else timeout.run
    if breaker is not None and bulkhead is not None:
        layer = _attempt(breaker, bulkhead, layer)
    elif breaker is not None:
        layer = _under(breaker.call, layer)
    elif bulkhead is not None:
        layer = _under(bulkhead.call, layer)
    if retry is not None:
        layer = _retried(retry, ports, layer)
    if policy.deadline is not None:
        layer = _by_then(policy.deadline, name, ports, layer)
    if fallback is not None:
        return _or_instead(fallback, layer)
    return _bare if layer is _BOTTOM else layer


def _async(name: str, policy: Policy, breaker: CircuitBreaker | None, bulkhead: Bulkhead | None, ports: Ports) -> Layer:
    timeout, retry, fallback = _timeout(name, policy, ports), _retry(name, policy), _fallback(name, policy)
    layer = _BOTTOM if timeout is None else timeout.acall
    if breaker is not None and bulkhead is not None:
        layer = _aattempt(breaker, bulkhead, layer)
    elif breaker is not None:
        layer = _under(breaker.acall, layer)
    elif bulkhead is not None:
        layer = _under(bulkhead.acall, layer)
    if retry is not None:
        layer = _aretried(retry, ports, layer)
    if policy.deadline is not None:
        layer = _aby_then(policy.deadline, name, ports, layer)
    if fallback is not None:
        return _aor_instead(fallback, layer)
    return _abare if layer is _BOTTOM else layer


def _timeout(name: str, policy: Policy, ports: Ports) -> Timeout | None:
    """What ends an attempt. A total deadline does too: without a timeout of its own, an attempt has all of the deadline."""
    limit = policy.deadline if policy.timeout is None else policy.timeout
    if limit is None:
        return None
    if not isinstance(limit, TimeoutConfig):
        limit = TimeoutConfig(timeout=limit)
    return Timeout(limit if limit.name else limit.replace(name=name), clock=ports.clock)


def _retry(name: str, policy: Policy) -> RetryConfig | None:
    retry = policy.retry
    return retry if retry is None or retry.name else retry.replace(name=name)


def _fallback(name: str, policy: Policy) -> Fallback | None:
    if policy.fallback is NO_FALLBACK:
        return None
    return policy.fallback if isinstance(policy.fallback, Fallback) else Fallback(policy.fallback, name=name)


def _bare(fn: Layer, /, *args: Any, **kwargs: Any) -> Any:
    return no_coroutine(fn(*args, **kwargs), fn)


async def _abare(fn: Layer, /, *args: Any, **kwargs: Any) -> Any:
    running = fn(*args, **kwargs)
    must_await(running, fn)
    return await running


def _under(outer: Layer, inner: Layer) -> Layer:
    if inner is _BOTTOM:
        return outer

    def call(fn: Layer, /, *args: Any, **kwargs: Any) -> Any:
        return outer(inner, fn, *args, **kwargs)

    return call


def _attempt(breaker: CircuitBreaker, bulkhead: Bulkhead, inner: Layer) -> Layer:
    """A breaker around a bulkhead. While the breaker is closed, time in the queue is not taken for slowness of the other side."""
    inside = _under(bulkhead.call, inner)
    clock, raised, returned = breaker._clock, breaker._raised, breaker._returned

    def call(fn: Layer, /, *args: Any, **kwargs: Any) -> Any:
        generation = breaker._admitting
        if not generation:
            return breaker.call(inside, fn, *args, **kwargs)
        permits = bulkhead._permits
        if not permits.take():
            bulkhead._wait(permits)
        started = clock()
        try:
            if bulkhead.heard:
                bulkhead._tell("started", permits)
            result = inner(fn, *args, **kwargs)
            if type(result) is CoroutineType:
                no_coroutine(result, fn)
        except BaseException as error:
            bulkhead._leave_with(permits, error)
            raised(generation, started, error)
            raise
        permits.give()
        if bulkhead.heard:
            bulkhead._tell("finished", permits)
        returned(generation, started, result)
        return result

    return call


def _aattempt(breaker: CircuitBreaker, bulkhead: Bulkhead, inner: Layer) -> Layer:
    inside = _under(bulkhead.acall, inner)
    clock, raised, returned = breaker._clock, breaker._raised, breaker._returned

    async def call(fn: Layer, /, *args: Any, **kwargs: Any) -> Any:
        generation = breaker._admitting
        if not generation or breaker.config.call_timeout is not None:
            return await breaker.acall(inside, fn, *args, **kwargs)
        permits = bulkhead._permits
        if not permits.take():
            await bulkhead._await(permits)
        started = clock()
        try:
            if bulkhead.heard:
                bulkhead._tell("started", permits)
            running = inner(fn, *args, **kwargs)
            try:
                result = await running
            except TypeError:
                must_await(running, fn)
                raise
        except BaseException as error:
            bulkhead._leave_with(permits, error)
            raised(generation, started, error)
            raise
        permits.give()
        if bulkhead.heard:
            bulkhead._tell("finished", permits)
        returned(generation, started, result)
        return result

    return call


def _retried(config: RetryConfig, ports: Ports, inner: Layer) -> Layer:
    if inner is _BOTTOM or config.deadline is not None or config.budget is not None:
        return _under(Retry(config, ports).call, inner)

    def call(fn: Layer, /, *args: Any, **kwargs: Any) -> Any:
        run = None
        while True:
            try:
                return inner(fn, *args, **kwargs)
            except Exception as error:
                if run is None:
                    if isinstance(error, _REFUSALS):
                        raise
                    run = Run(config, ports)
                delay = run.next_delay(error)
                if delay is None:
                    raise
            ports.sleep(delay)

    return call


def _aretried(config: RetryConfig, ports: Ports, inner: Layer) -> Layer:
    if inner is _BOTTOM or config.deadline is not None or config.budget is not None:
        return _under(Retry(config, ports).acall, inner)

    async def call(fn: Layer, /, *args: Any, **kwargs: Any) -> Any:
        run = None
        while True:
            try:
                return await inner(fn, *args, **kwargs)
            except Exception as error:
                if run is None:
                    if isinstance(error, _REFUSALS):
                        raise
                    run = Run(config, ports)
                delay = run.next_delay(error)
                if delay is None:
                    raise
            await ports.asleep(delay)

    return call


def _by_then(seconds: float, name: str, ports: Ports, inner: Layer) -> Layer:
    def call(fn: Layer, /, *args: Any, **kwargs: Any) -> Any:
        with within(seconds, name=name, clock=ports.clock) as deadline:
            deadline.raise_if_expired()
            return inner(fn, *args, **kwargs)

    return call


def _aby_then(seconds: float, name: str, ports: Ports, inner: Layer) -> Layer:
    async def call(fn: Layer, /, *args: Any, **kwargs: Any) -> Any:
        with within(seconds, name=name, clock=ports.clock) as deadline:
            deadline.raise_if_expired()
            return await inner(fn, *args, **kwargs)

    return call


def _or_instead(fallback: Fallback, inner: Layer) -> Layer:
    def call(fn: Layer, /, *args: Any, **kwargs: Any) -> Any:
        try:
            return no_coroutine(inner(fn, *args, **kwargs), fn)
        except Exception as error:
            outcome = fallback.instead(error, args, kwargs)
            if outcome is None:
                raise
        return outcome.value

    return call


def _aor_instead(fallback: Fallback, inner: Layer) -> Layer:
    async def call(fn: Layer, /, *args: Any, **kwargs: Any) -> Any:
        try:
            running = inner(fn, *args, **kwargs)
            must_await(running, fn)
            return await running
        except Exception as error:
            outcome = await fallback.ainstead(error, args, kwargs)
            if outcome is None:
                raise
        return outcome.value

    return call

"""Decorators for each pattern and for a whole policy: sync or async is found out once, and the signature stays as it is.

@policy("ai", fallback=cached_answer)
async def ask(prompt: str) -> Answer: ...

@with_circuit_breaker("legacy", BreakerConfig(failure_threshold=3))
@with_timeout(5.0)
def fetch(page: int) -> bytes: ...
"""

import functools
from collections.abc import Callable
from typing import Any, TypeVar, overload

from resilience.patterns.bulkhead import BulkheadConfig
from resilience.patterns.callables import is_async, is_generator, name_of
from resilience.patterns.compiled import Layer
from resilience.patterns.config import BreakerConfig
from resilience.patterns.errors import ConfigError
from resilience.patterns.managers import Manager, manager
from resilience.patterns.policies import Policy
from resilience.patterns.timeouts import Timeout, TimeoutConfig
from resilience.patterns.typing import P, T

__all__ = ["PolicyDecorator", "policy", "with_bulkhead", "with_circuit_breaker", "with_resilience", "with_timeout"]

F = TypeVar("F", bound=Callable[..., Any])


class PolicyDecorator:
    """`@policy("ai", fallback=…)` puts a policy around a function; `policy.get("ai")` is the policy itself."""

    def __init__(self, manager: Manager) -> None:
        self._manager = manager

    def __call__(self, policy: str | Policy, /, *, name: str = "", **changes: Any) -> Callable[[F], F]:
        """A decorator. `name` says whose breaker and bulkhead it uses (default: the function's); `changes` replace parts of the policy."""
        wanted = self.get(policy).replace(**changes) if changes else policy

        def decorate(fn: F) -> F:
            return with_resilience(name or _full_name(fn), wanted, manager=self._manager)(fn)

        return decorate

    def get(self, name: str | Policy) -> Policy:
        """The policy of this name. Raises UnknownPolicy with the names there are."""
        return self._manager.policies.get(name)

    def register(self, policy: Policy) -> None:
        """Makes a policy known by its name, to decorators and to `manager.execute` alike."""
        self._manager.register(policy)

    def names(self) -> list[str]:
        """The names there are."""
        return self._manager.policies.names()


policy = PolicyDecorator(manager)


def with_resilience(name: str, policy: str | Policy | None = None, *, manager: Manager = manager) -> Callable[[F], F]:
    """A decorator that runs a function as `manager.execute(name, …, policy=policy)` would. Raises UnknownPolicy right here."""
    chain = manager.chain(name, policy)

    def decorate(fn: F) -> F:
        if _runs_later(fn):

            @functools.wraps(fn)
            async def acall(*args: Any, **kwargs: Any) -> Any:
                return await chain.acall(fn, *args, **kwargs)

            return acall  # type: ignore[return-value]

        @functools.wraps(fn)
        def call(*args: Any, **kwargs: Any) -> Any:
            return chain.call(fn, *args, **kwargs)

        return call  # type: ignore[return-value]

    return decorate


def with_circuit_breaker(
    name: str, config: BreakerConfig | None = None, *, manager: Manager = manager
) -> Callable[[F], F]:
    """A decorator that calls a function through the breaker of this name."""
    breaker = manager.breaker(name, config)
    return _through(breaker.call, breaker.acall)


def with_bulkhead(name: str, config: BulkheadConfig | None = None, *, manager: Manager = manager) -> Callable[[F], F]:
    """A decorator that calls a function inside the bulkhead of this name."""
    bulkhead = manager.bulkhead(name, config)
    return _through(bulkhead.call, bulkhead.acall)


@overload
def with_timeout(limit: float | TimeoutConfig, /) -> Callable[[F], F]: ...
@overload
def with_timeout(fn: Callable[P, T], limit: float | TimeoutConfig, /, *args: P.args, **kwargs: P.kwargs) -> T: ...
def with_timeout(first: Any, /, *args: Any, **kwargs: Any) -> Any:
    """`with_timeout(5.0)` is a decorator that gives each call so many seconds; `with_timeout(fn, 5.0, …)` is one such call.

    An async function gives a coroutine to await in both cases. Raises DeadlineExceeded, or answers with the fallback.
    """
    if callable(first):
        return Timeout(*args[:1]).call(first, *args[1:], **kwargs)
    if args or kwargs:
        raise ConfigError("with_timeout()", first, "given seconds alone, or a function and seconds")
    timeout = Timeout(first)
    return _through(timeout.call, timeout.acall)


def _through(sync: Layer, later: Layer) -> Callable[[F], F]:
    def decorate(fn: F) -> F:
        if _runs_later(fn):

            @functools.wraps(fn)
            async def acall(*args: Any, **kwargs: Any) -> Any:
                return await later(fn, *args, **kwargs)

            return acall  # type: ignore[return-value]

        @functools.wraps(fn)
        def call(*args: Any, **kwargs: Any) -> Any:
            return sync(fn, *args, **kwargs)

        return call  # type: ignore[return-value]

    return decorate


def _runs_later(fn: Callable[..., Any]) -> bool:
    """Whether it is async. Raises ConfigError for what no pattern can stand around."""
    if not callable(fn) or is_generator(fn):
        what = "put on a function that runs when it is called" + (", not a generator" if callable(fn) else "")
        raise ConfigError("the decorator", name_of(fn), what)
    return is_async(fn)


def _full_name(fn: Callable[..., Any]) -> str:
    return f"{getattr(fn, '__module__', '')}.{name_of(fn)}"

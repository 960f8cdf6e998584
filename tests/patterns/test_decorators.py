"""Decorators: sync or async found out once, signatures kept, and each pattern at its work."""

import asyncio
import functools
import inspect
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from typing import Any

import pytest

from resilience.patterns.breaker import CircuitBreaker
from resilience.patterns.bulkhead import BulkheadConfig
from resilience.patterns.config import BreakerConfig
from resilience.patterns.deadline import current_deadline
from resilience.patterns.decorators import (
    PolicyDecorator,
    policy,
    with_bulkhead,
    with_circuit_breaker,
    with_resilience,
    with_timeout,
)
from resilience.patterns.errors import BulkheadFullError, CircuitOpenError, ConfigError, DeadlineExceeded, UnknownPolicy
from resilience.patterns.managers import Manager
from resilience.patterns.policies import API, Policy
from resilience.patterns.retry import Ports
from resilience.patterns.timeouts import TimeoutConfig
from tests.patterns.clock import Clock

pytestmark = pytest.mark.plain


@pytest.fixture
def manager() -> Manager:
    clock = Clock()
    return Manager(ports=Ports(sleep=clock.advance, clock=clock))


def every(manager: Manager) -> list[Callable[..., Any]]:
    return [
        PolicyDecorator(manager)("api"),
        with_resilience("maps", "api", manager=manager),
        with_circuit_breaker("maps", manager=manager),
        with_bulkhead("maps", manager=manager),
        with_timeout(5.0),
    ]


def test_a_decorated_function_is_called_as_before(manager: Manager) -> None:
    """Name, docstring and signature stay, and so do arguments that are called as the patterns call theirs."""
    for decorate in every(manager):

        def join(fn: int, *, name: int = 2, policy: int = 3) -> tuple[int, int, int]:
            """Joins."""
            return fn, name, policy

        decorated = decorate(join)
        assert decorated(1) == (1, 2, 3)
        assert decorated(fn=1, name=5, policy=6) == (1, 5, 6)
        assert (decorated.__name__, decorated.__doc__, decorated.__wrapped__) == ("join", "Joins.", join)
        assert inspect.signature(decorated) == inspect.signature(join)
        assert not inspect.iscoroutinefunction(decorated)


async def test_a_decorated_async_function_is_awaited_as_before(manager: Manager) -> None:
    """Also partials of one, and objects whose call is one."""

    class Caller:
        async def __call__(self, number: int) -> int:
            return number + 1

    async def add(one: int, other: int) -> int:
        return one + other

    for decorate in every(manager):
        decorated = decorate(add)
        assert inspect.iscoroutinefunction(decorated)
        assert await decorated(1, other=2) == 3
        assert await decorate(functools.partial(add, 1))(2) == 3
        assert await decorate(Caller())(2) == 3


def test_methods_can_be_decorated(manager: Manager) -> None:
    """`self` is an argument like any other; static and class methods too, below their own decorator."""
    for decorate in every(manager):

        class Service:
            factor = 3

            @decorate
            def times(self, number: int) -> int:
                return self.factor * number

            @classmethod
            @decorate
            def of_class(cls) -> int:
                return cls.factor

            @staticmethod
            @decorate
            def of_nobody() -> int:
                return 1

        assert (Service().times(2), Service.of_class(), Service.of_nobody()) == (6, 3, 1)


def test_a_generator_cannot_be_decorated(manager: Manager) -> None:
    """A call of it runs nothing, so nothing would be guarded: an error where it is written, not silence."""

    def pages() -> Iterator[int]:
        yield 1

    async def pages_later() -> AsyncIterator[int]:
        yield 1

    for decorate in every(manager):
        for generator in (pages, pages_later):
            with pytest.raises(ConfigError, match=generator.__name__):
                decorate(generator)
        with pytest.raises(ConfigError, match="the decorator must be put on a function"):
            decorate("pages")


def test_policy_puts_the_named_patterns_around_a_function(manager: Manager) -> None:
    """The function's own name owns the breaker, unless another is given; changes replace parts of the policy."""
    decorate = PolicyDecorator(manager)

    @decorate("api", fallback="cached", retry=None)
    def ask(prompt: str) -> str:
        raise ConnectionError(prompt)

    @decorate(API.replace(fallback="other"), name="maps")
    def look() -> str:
        raise ConnectionError

    assert (ask("hello"), look()) == ("cached", "other")
    own = f"{__name__}.test_policy_puts_the_named_patterns_around_a_function.<locals>.ask"
    assert manager.breakers.names() == ["maps", own]
    assert manager.breaker(own).snapshot().failures == 1
    assert manager.breaker("maps").snapshot().failures == 3


def test_an_unknown_policy_is_found_where_the_decorator_is_written(manager: Manager) -> None:
    """At import, not at the first call."""
    decorate = PolicyDecorator(manager)
    with pytest.raises(UnknownPolicy, match="Did you mean 'ai'"):
        with_resilience("ask", "aii", manager=manager)
    with pytest.raises(UnknownPolicy):
        decorate("aii", fallback=None)
    with pytest.raises(UnknownPolicy):
        decorate("aii")(test_methods_can_be_decorated)
    with pytest.raises(ConfigError, match="did you mean 'fallback'"):
        decorate("ai", falback=None)


def test_policies_are_looked_up_and_registered_through_policy(manager: Manager) -> None:
    """`policy.get` and `policy.register`; what was decorated before follows a policy of the same name."""
    decorate = PolicyDecorator(manager)
    decorate.register(Policy(name="mine"))
    number = decorate("mine")(int)
    with pytest.raises(ValueError, match="x"):
        number("x")
    decorate.register(Policy(name="mine", fallback=0))
    assert (number("x"), decorate.get("mine").fallback) == (0, 0)
    assert decorate.names()[-1] == "mine"
    assert policy.get("api") is API


def test_a_decorated_function_follows_the_policy_assigned_to_its_name(manager: Manager) -> None:
    """Where the decorator names no policy."""
    number = with_resilience("numbers", manager=manager)(int)
    manager.assign("numbers", Policy(name="mine", fallback=0))
    assert number("x") == 0


async def test_a_decorated_sync_function_that_hands_out_a_coroutine_is_refused(manager: Manager) -> None:
    """A lambda around an async call hides it from the decorator; nobody would guard what happens in it.

    A timeout alone can, and does.
    """

    async def later() -> int:
        return 1

    def hidden() -> Coroutine[Any, Any, int]:
        return later()

    for decorate in (with_resilience("maps", Policy(name="bare"), manager=manager), *every(manager)[:-1]):
        with pytest.raises(ConfigError, match="not async"):
            decorate(hidden)()
    assert await with_timeout(5.0)(hidden)() == 1


async def test_with_circuit_breaker_uses_the_breaker_of_the_name(manager: Manager) -> None:
    """Two functions share it, sync and async."""
    decorate = with_circuit_breaker("maps", BreakerConfig(failure_threshold=1), manager=manager)

    @decorate
    def fail() -> None:
        raise ConnectionError

    @decorate
    async def later() -> None:
        raise AssertionError

    with pytest.raises(ConnectionError):
        fail()
    with pytest.raises(CircuitOpenError):
        await later()
    assert isinstance(manager.breakers.get("maps"), CircuitBreaker)


async def test_with_bulkhead_uses_the_bulkhead_of_the_name(manager: Manager) -> None:
    """Two functions share it, sync and async."""
    decorate = with_bulkhead("maps", BulkheadConfig(max_concurrent=1), manager=manager)

    @decorate
    def inner() -> None:
        raise AssertionError

    @decorate
    async def outer() -> None:
        with pytest.raises(BulkheadFullError):
            inner()

    await outer()


async def test_with_timeout_is_a_decorator_and_a_call() -> None:
    """Seconds alone, or a config, make a decorator; a function and seconds make a call."""

    @with_timeout(TimeoutConfig(timeout=0.01, fallback="late"))
    async def hang() -> str:
        await asyncio.Event().wait()
        return "done"

    @with_timeout(5.0)
    def left() -> float:
        deadline = current_deadline()
        assert deadline is not None
        return deadline.seconds

    assert (await hang(), left()) == ("late", 5.0)
    assert with_timeout(divmod, 5.0, 7, 2) == (3, 1)
    with pytest.raises(DeadlineExceeded):
        await with_timeout(asyncio.Event().wait, 0.01)


@pytest.mark.parametrize(("first", "more"), [(5.0, (1,)), (None, ()), (-1.0, ())])
def test_with_timeout_refuses_what_makes_no_sense(first: Any, more: tuple[Any, ...]) -> None:
    """Seconds and more, or no seconds."""
    with pytest.raises(ConfigError):
        with_timeout(first, *more)

"""What is put around every chain from outside, as a tracer does."""

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest

from resilience.patterns import compiled
from resilience.patterns.compiled import Chain, Layer, wrap_chains
from resilience.patterns.decorators import with_resilience
from resilience.patterns.managers import Manager
from resilience.patterns.policies import Policy

pytestmark = pytest.mark.plain


class Trace:
    """Notes the name of each chain that is called, and by which way."""

    def __init__(self, sign: str, calls: list[str]) -> None:
        self.calls = calls
        self.sign = sign

    def __call__(self, chain: Chain, sync: Layer, later: Layer) -> tuple[Layer, Layer]:
        def call(*args: Any, **kwargs: Any) -> Any:
            self.calls.append(f"{self.sign} {chain.name} sync")
            return sync(*args, **kwargs)

        async def acall(*args: Any, **kwargs: Any) -> Any:
            self.calls.append(f"{self.sign} {chain.name} async")
            return await later(*args, **kwargs)

        return call, acall


@pytest.fixture
def calls() -> Iterator[list[str]]:
    calls: list[str] = []
    end = wrap_chains(Trace("inner", calls))
    yield calls
    end()


async def double(number: int) -> int:
    return number * 2


def test_it_is_around_chains_that_come_later_and_those_that_are_built_anew(calls: list[str]) -> None:
    """Once around each, whatever becomes of its policy."""
    manager = Manager()
    assert manager.execute("maps", int, "7") == 7
    manager.assign("maps", Policy(name="bare"))
    assert asyncio.run(manager.aexecute("maps", double, 4)) == 8
    assert calls == ["inner maps sync", "inner maps async"]


def test_it_is_around_what_was_decorated_before_and_can_be_taken_off(calls: list[str]) -> None:
    """Two lie around each other in the order that they came; one that is taken off twice does no harm."""
    number = with_resilience("maps", manager=Manager())(int)
    end = wrap_chains(Trace("outer", calls))
    assert number("7") == 7
    end()
    end()
    assert number("8") == 8
    assert calls == ["outer maps sync", "inner maps sync", "inner maps sync"]


def test_what_a_fork_makes_anew() -> None:
    """The lock that chains are wrapped under."""
    before = compiled._wrapped._lock
    compiled._wrapped._after_fork()
    assert compiled._wrapped._lock is not before

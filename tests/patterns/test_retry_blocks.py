# ruff: noqa: PT012 - the loop with its block is what has to raise
"""The block form of a retry."""

import asyncio
import math
from collections.abc import Iterator
from typing import Any

import pytest

from resilience.patterns.deadline import current_deadline, within
from resilience.patterns.retry import Ports, RetryBudget, RetryConfig
from resilience.patterns.retrying import retrying
from tests.patterns.clock import Clock

pytestmark = pytest.mark.plain

PLAIN = RetryConfig(jitter="none", initial_delay=1.0)


class Down(Exception):
    """The service is down."""


class World:
    """Time that passes only by sleeping."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.waits: list[float] = []
        self.ports = Ports(sleep=self.sleep, asleep=self.asleep, clock=self.clock)

    def sleep(self, seconds: float) -> None:
        """Time goes on."""
        self.waits.append(seconds)
        self.clock.advance(seconds)

    async def asleep(self, seconds: float) -> None:
        """Time goes on."""
        self.sleep(seconds)


@pytest.fixture
def world() -> World:
    """A new one."""
    return World()


def test_it_goes_on_until_the_block_works(world: World) -> None:
    """The error of an attempt is held back while there is another one."""
    numbers = []
    for attempt in retrying(PLAIN, ports=world.ports):
        with attempt:
            numbers.append(attempt.number)
            if attempt.number < 3:
                raise Down
    assert (numbers, world.waits) == ([1, 2, 3], [1, 2])


def test_the_last_error_leaves_the_block(world: World) -> None:
    """It itself, with its note."""
    numbers = []
    with pytest.raises(Down) as caught:
        for attempt in retrying(PLAIN, ports=world.ports):
            with attempt:
                numbers.append(attempt.number)
                raise Down
    assert (numbers, world.waits) == ([1, 2, 3], [1, 2])
    assert caught.value.__notes__ == ["Gave up after attempt 3 of 3."]


async def test_async(world: World) -> None:
    """The same with `async for`: waits are awaited."""
    numbers = []
    async for attempt in retrying(PLAIN, ports=world.ports):
        with attempt:
            await asyncio.sleep(0)
            numbers.append(attempt.number)
            if attempt.number < 3:
                raise Down
    assert (numbers, world.waits) == ([1, 2, 3], [1, 2])


def test_the_deadline_can_be_handed_on(world: World) -> None:
    """What is left of it goes to the client; inside the block it holds for everything below, outside it does not."""
    left = []
    with pytest.raises(Down):
        for attempt in retrying(PLAIN.replace(deadline=2.5, max_attempts=9), ports=world.ports):
            assert current_deadline() is None
            assert attempt.deadline.seconds == 2.5
            with attempt:
                assert attempt.deadline is current_deadline()
                left.append(attempt.deadline.remaining())
                raise Down
    assert (left, world.waits) == ([2.5, 1.5], [1])
    assert current_deadline() is None


def test_the_deadline_around_it_holds_too(world: World) -> None:
    """The earlier one, and one that never comes when there is none."""
    for attempt in retrying(PLAIN):
        with attempt:
            assert attempt.deadline.remaining() == math.inf
    with within(1.0, clock=world.clock), pytest.raises(Down):
        for attempt in retrying(PLAIN.replace(deadline=9.0), ports=world.ports):
            with attempt:
                assert attempt.deadline.seconds == 1.0
                raise Down
    assert world.waits == []


def test_one_retrying_serves_many_loops(world: World) -> None:
    """Each `for` is an execution of its own, also one inside the other."""
    again, seen = retrying(PLAIN, ports=world.ports), []
    for outer in again:
        with outer:
            for inner in again:
                with inner:
                    seen.append((outer.number, inner.number))
                    if inner.number < 2:
                        raise Down
            if outer.number < 2:
                raise Down
    assert seen == [(1, 1), (1, 2), (2, 1), (2, 2)]


def test_each_loop_counts_once_for_the_budget(world: World) -> None:
    """As an execution of a function does."""
    budget = RetryBudget(clock=Clock())
    for attempt in retrying(PLAIN.replace(budget=budget), ports=world.ports):
        with attempt:
            if attempt.number < 3:
                raise Down
    assert budget.counts() == (1, 2)


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit, GeneratorExit, asyncio.CancelledError])
def test_what_is_no_exception_leaves_at_once(world: World, error: type[BaseException]) -> None:
    """An interrupt is never held back."""
    with pytest.raises(error):
        for attempt in retrying(PLAIN, ports=world.ports):
            with attempt:
                raise error
    assert world.waits == []


def test_leaving_early(world: World) -> None:
    """`break` and `return` end it as they end any loop."""

    def first() -> int:
        for attempt in retrying(PLAIN, ports=world.ports):
            with attempt:
                return attempt.number
        raise AssertionError

    assert first() == 1
    for attempt in retrying(PLAIN, ports=world.ports):
        with attempt:
            break
    assert world.waits == []


async def test_a_forgotten_block_is_no_endless_loop(world: World) -> None:
    """Without `with attempt:` nobody would ever know whether it worked."""
    with pytest.raises(RuntimeError, match="with attempt"):
        for _ in retrying(PLAIN, ports=world.ports):
            pass
    with pytest.raises(RuntimeError, match="with attempt"):
        async for _ in retrying(PLAIN, ports=world.ports):
            pass


async def test_cancelling_the_wait(world: World) -> None:
    """A task that is cancelled between two attempts ends there."""
    waiting = asyncio.Event()

    async def asleep(seconds: float) -> None:
        waiting.set()
        await asyncio.Event().wait()

    async def work() -> None:
        async for attempt in retrying(PLAIN, ports=Ports(asleep=asleep)):
            with attempt:
                raise Down

    task = asyncio.create_task(work())
    await waiting.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


def test_the_deadline_ends_with_the_block_whatever_happens(world: World) -> None:
    """Even when the config's own code raises."""

    class Broken:
        """A backoff with a mistake."""

        def delay(self, *said: Any) -> float:
            """Fails."""
            raise LookupError

    with pytest.raises(LookupError):
        for attempt in retrying(PLAIN.replace(backoff=Broken(), deadline=5.0), ports=world.ports):
            with attempt:
                raise Down
    assert current_deadline() is None


def test_generators_may_hold_an_attempt(world: World) -> None:
    """Closing one in the middle of its block ends it."""

    def rows() -> Iterator[int]:
        for attempt in retrying(PLAIN.replace(deadline=5.0), ports=world.ports):
            with attempt:
                yield attempt.number

    generator = rows()
    assert next(generator) == 1
    generator.close()  # type: ignore[attr-defined]
    assert current_deadline() is None

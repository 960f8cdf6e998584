"""Deadlines that hold for everything below them."""

import asyncio
import contextvars
import math
import threading

import pytest

from resilience.patterns.deadline import NEVER, Deadline, current_deadline, raise_if_expired, time_left, within
from resilience.patterns.errors import ConfigError, DeadlineExceeded
from tests.patterns.clock import Clock

pytestmark = pytest.mark.plain


def test_what_is_left() -> None:
    """It runs down with the clock and ends at zero; at exactly its moment it is over."""
    clock = Clock()
    deadline = Deadline(2.0, name="load", clock=clock)
    assert (deadline.remaining(), deadline.expired) == (2.0, False)
    clock.advance(1.5)
    deadline.raise_if_expired()
    clock.advance(0.5)
    assert (deadline.remaining(), deadline.expired) == (0.0, True)
    clock.advance(9)
    assert deadline.remaining() == 0.0
    assert repr(deadline) == "Deadline(2.0, name='load', remaining=0.000)"


def test_the_error_says_whose_limit_it_was() -> None:
    """Its own name, or the one of whoever looked; a TimeoutError, so that code which knows nothing of us catches it."""
    clock = Clock()
    deadline = Deadline(0.0, name="load", clock=clock)
    with pytest.raises(TimeoutError) as caught:
        deadline.raise_if_expired()
    assert isinstance(caught.value, DeadlineExceeded)
    assert (caught.value.duration, caught.value.name, caught.value.code) == (0.0, "load", "TIMEOUT")
    with pytest.raises(DeadlineExceeded, match="page 7"):
        deadline.raise_if_expired("page 7")


@pytest.mark.parametrize("seconds", [-1, -math.inf, math.nan, 10**400, "1", None])
def test_no_such_deadline(seconds: float) -> None:
    """A negative time, no number, and what is no number at all."""
    with pytest.raises(ConfigError, match="seconds"):
        Deadline(seconds)


@pytest.mark.parametrize(("outer", "inner", "left"), [(5.0, 2.0, 2.0), (2.0, 5.0, 2.0), (2.0, 2.0, 2.0)])
def test_the_earlier_one_holds(outer: float, inner: float, left: float) -> None:
    """An inner scope can only shorten the time; on the way out the outer one holds again."""
    clock = Clock()
    with within(outer, name="outer", clock=clock) as first:
        with within(inner, name="inner", clock=clock) as second:
            assert second is current_deadline()
            assert second.remaining() == left
        assert current_deadline() is first
    assert current_deadline() is None


def test_deadlines_of_two_clocks_are_compared_by_what_is_left() -> None:
    """Each is read with its own clock."""
    early, late = Clock(5.0), Clock(70_000.0)
    with within(3.0, clock=late), within(9.0, clock=early) as inner:
        assert inner.remaining() == 3.0
    with within(9.0, clock=late), within(3.0, clock=early) as inner:
        assert inner.clock is early


def test_the_scope_ends_with_an_error_too() -> None:
    """Nothing is left behind."""
    with pytest.raises(KeyError), within(1.0):
        raise KeyError
    assert current_deadline() is None


def test_a_deadline_made_elsewhere_can_be_entered() -> None:
    """A request's deadline, for instance, that was made when it arrived."""
    deadline = Deadline(4.0, clock=Clock())
    with within(deadline) as entered:
        assert entered is deadline


def test_what_a_client_may_wait() -> None:
    """None without any limit; the smaller of the two where there are two."""
    clock = Clock()
    assert (time_left(), time_left(3.0)) == (None, 3.0)
    with within(NEVER):
        assert (time_left(), time_left(3.0)) == (None, 3.0)
    with within(2.0, clock=clock):
        assert (time_left(), time_left(3.0), time_left(1.0)) == (2.0, 2.0, 1.0)


def test_code_can_ask_without_knowing_the_deadline() -> None:
    """Long loops call raise_if_expired() and stop once there is no time left."""
    clock = Clock()
    raise_if_expired()
    with within(2.0, name="report", clock=clock):
        raise_if_expired()
        clock.advance(2)
        with pytest.raises(DeadlineExceeded, match="row 4"):
            raise_if_expired("row 4")


async def test_tasks_inherit_it_and_do_not_disturb_each_other() -> None:
    """Each task has its own deadline; one made before a scope does not see it."""
    clock = Clock()
    entered = asyncio.Barrier(2)

    async def work(seconds: float) -> float:
        with within(seconds, clock=clock) as deadline:
            await entered.wait()
            assert current_deadline() is deadline
            return deadline.remaining()

    with within(5.0, clock=clock):
        assert list(await asyncio.gather(work(3.0), work(9.0))) == [3.0, 5.0]


def test_threads_see_it_in_a_copied_context() -> None:
    """A new thread starts without; run in a copy of the context it has it."""
    seen: list[Deadline | None] = []
    with within(5.0) as deadline:
        context = contextvars.copy_context()
        for target in (
            lambda: seen.append(current_deadline()),
            lambda: context.run(lambda: seen.append(current_deadline())),
        ):
            thread = threading.Thread(target=target)
            thread.start()
            thread.join()
    assert seen == [None, deadline]

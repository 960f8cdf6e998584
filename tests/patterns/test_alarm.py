"""The alarm that cancels a task keeps the rules of `asyncio.timeout`: whose cancellation it was is never mistaken."""

import asyncio

import pytest

from resilience.patterns.alarm import Alarm

pytestmark = pytest.mark.plain


async def test_it_cancels_the_task_and_says_that_it_was_this_one() -> None:
    """And leaves no cancellation behind."""
    alarm = Alarm(0.0)
    with pytest.raises(asyncio.CancelledError):
        await asyncio.Event().wait()
    assert alarm.rang
    assert alarm.off()
    task = asyncio.current_task()
    assert task is not None
    assert task.cancelling() == 0


async def test_one_that_is_turned_off_cancels_nothing() -> None:
    """However short its time was."""
    alarm = Alarm(0.0)
    assert not alarm.off()
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert not alarm.rang


async def test_a_cancellation_from_outside_wins() -> None:
    """When both come at once, the task has to end: whoever waits for it wants that."""
    rang: list[tuple[bool, bool]] = []

    async def work() -> None:
        alarm = Alarm(0.0)
        try:
            await asyncio.Event().wait()
        finally:
            rang.append((alarm.off(), alarm.rang))

    task = asyncio.create_task(work())
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.wait([task])
    assert task.cancelled()
    assert rang[0][0] is False


async def test_both_in_one_turn_of_the_loop_end_the_task() -> None:
    """The alarm rang, and somebody else cancelled too: it does not take the other's cancellation back."""
    said: list[bool] = []

    async def work() -> None:
        alarm = Alarm(60.0)
        try:
            await asyncio.Event().wait()
        finally:
            said.extend([alarm.off(), alarm.rang])

    task = asyncio.create_task(work())
    await asyncio.sleep(0)
    alarm = task.get_coro().cr_frame.f_locals["alarm"]  # type: ignore[union-attr]
    alarm._ring()
    task.cancel()
    await asyncio.wait([task])
    assert (said, task.cancelled(), task.cancelling()) == ([False, True], True, 1)


async def test_of_two_the_outer_one_is_told_from_the_inner_one() -> None:
    """Each takes back its own cancellation only."""
    outer = Alarm(0.0)
    inner = Alarm(60.0)
    with pytest.raises(asyncio.CancelledError):
        await asyncio.Event().wait()
    assert not inner.off()
    assert outer.off()


async def test_without_a_task_there_is_nothing_to_cancel() -> None:
    """A callback of the loop, which is no task, gets a clear error."""
    loop = asyncio.get_running_loop()
    said: asyncio.Future[BaseException] = loop.create_future()

    def callback() -> None:
        try:
            Alarm(1.0)
        except RuntimeError as error:
            said.set_result(error)

    loop.call_soon(callback)
    assert str(await said) == "A timeout needs a task to cancel."

"""One breaker for threads and event loops: the same rules for `acall` and `async with`."""

import asyncio
import contextlib
import threading

import pytest

from resilience.patterns.breaker import CircuitBreaker
from resilience.patterns.errors import CircuitOpenError, DeadlineExceeded
from resilience.patterns.typing import State, Verdict
from tests.patterns.breakers import Down, breaker, ended, fail, half_open, opened
from tests.patterns.clock import Clock

pytestmark = pytest.mark.plain


async def raising(error: BaseException) -> None:
    """Raises it."""
    raise error


async def double(value: int, *, plus: int = 0) -> int:
    """Twice the value, and more."""
    await asyncio.sleep(0)
    return 2 * value + plus


async def test_a_call_gives_its_result_or_its_own_error() -> None:
    """Arguments go through; five failures open it, and then it refuses without making the coroutine."""
    one = breaker()
    assert await one.acall(double, 2, plus=1) == 5
    for _ in range(5):
        with pytest.raises(Down):
            await one.acall(raising, Down("no"))
    assert one.state is State.OPEN
    made = []
    with pytest.raises(CircuitOpenError):
        await one.acall(lambda: made.append(1))  # type: ignore[arg-type,return-value]
    assert made == []
    assert (one.totals().successes, one.totals().failures, one.totals().rejected) == (1, 5, 1)


async def test_half_open_calls_close_it() -> None:
    """As in sync code, with sync code beside it."""
    clock = Clock()
    one = opened(clock, success_threshold=3)
    clock.advance(20)
    with pytest.raises(CircuitOpenError) as caught:
        await one.acall(double, 1)
    assert caught.value.retry_after == 40
    clock.advance(40)
    assert await one.acall(double, 1, plus=2) == 4
    assert one.call(int) == 0
    assert await one.acall(double, 1) == 2
    assert one.state is State.CLOSED


async def test_results_and_errors_are_judged_and_heard_in_every_state() -> None:
    """What the coroutine gave is what the predicate is asked about, and what it raised is what listeners hear."""
    errors = [Down("closed"), Down("half open"), TimeoutError("its own")]
    clock = Clock()
    settings = {"is_failure_result": lambda result: result == 6, "success_threshold": 9, "failure_threshold": 1}
    closed = breaker(clock, **settings)
    assert await closed.acall(double, 3) == 6
    assert closed.state is State.OPEN
    for error in errors[1:]:
        one = half_open(clock, **settings)
        heard = ended(one)
        assert await one.acall(double, 1) == 2
        with pytest.raises(type(error)):
            await one.acall(raising, error)
        assert [done.error for done in heard] == [None, error]
    one = half_open(clock, **settings)
    assert await one.acall(double, 3) == 6
    assert one.state is State.OPEN
    one = breaker(clock)
    heard = ended(one)
    with pytest.raises(Down):
        await one.acall(raising, errors[0])
    assert heard[0].error is errors[0]


async def test_a_cancelled_call_is_not_counted_and_gives_its_place_back() -> None:
    """Whoever lost interest says nothing about the other side."""
    one = half_open(Clock(), half_open_max_calls=1)
    started = asyncio.Event()

    async def hang() -> None:
        started.set()
        await asyncio.Event().wait()

    task = asyncio.create_task(one.acall(hang))
    await started.wait()
    assert one.snapshot().half_open_in_use == 1
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert (one.state, one.snapshot().half_open_in_use) == (State.HALF_OPEN, 0)
    one.reset()
    started.clear()
    task = asyncio.create_task(one.acall(hang))
    await started.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert (one.snapshot().calls, one.totals().ignored) == (0, 3)


@pytest.mark.parametrize("trial", [False, True])
async def test_a_call_that_takes_too_long_is_ended_and_counts_as_a_failure(trial: bool) -> None:
    """By asyncio.timeout; the caller gets DeadlineExceeded, which is a TimeoutError, even where those are ignored."""
    settings = {"call_timeout": 0.001, "failure_threshold": 1, "ignored_errors": (TimeoutError,)}
    clock = Clock()
    one = half_open(clock, **settings) if trial else breaker(clock, **settings)
    heard = ended(one)
    cancelled = []

    async def hang() -> None:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            cancelled.append(1)
            raise

    with pytest.raises(DeadlineExceeded) as caught:
        await one.acall(hang)
    assert (caught.value.duration, caught.value.name, caught.value.code) == (0.001, "maps", "TIMEOUT")
    assert isinstance(caught.value.__cause__, TimeoutError)
    assert cancelled == [1]
    assert one.state is State.OPEN
    assert one.recent_errors()[-1].code == "TIMEOUT"
    assert [(done.verdict, done.error) for done in heard] == [(Verdict.FAILURE, caught.value)]


async def test_a_timeout_of_the_call_itself_comes_out_as_it_is() -> None:
    """It is no limit of ours, so it is judged as any error: here it is ignored."""
    one = breaker(call_timeout=60.0, ignored_errors=(TimeoutError,))
    error = TimeoutError("mine")
    with pytest.raises(TimeoutError) as caught:
        await one.acall(raising, error)
    assert caught.value is error
    assert one.totals().ignored == 1
    one = breaker()
    with pytest.raises(TimeoutError):
        await one.acall(raising, error)
    assert one.totals().failures == 1
    one = half_open(Clock())
    with pytest.raises(TimeoutError):
        await one.acall(raising, error)
    assert one.state is State.OPEN


async def test_other_errors_and_results_pass_a_limit() -> None:
    """A limit that is not reached changes nothing."""
    one = breaker(call_timeout=60.0, is_failure_result=lambda result: result == 6)
    assert await one.acall(double, 2) == 4
    with pytest.raises(Down):
        await one.acall(raising, Down("no"))
    assert await one.acall(double, 3) == 6
    assert (one.totals().successes, one.totals().failures) == (1, 2)


async def test_a_block_is_watched_as_a_call_is() -> None:
    """`with` and `async with`: an error is judged, a result is judged when it is recorded, and silence is a success."""
    one = breaker(
        failure_threshold=None, is_failure_result=lambda result: result == "bad", ignored_errors=(LookupError,)
    )
    heard = ended(one)
    with one.guard() as call:
        assert call.record("good") == "good"
    with one.guard() as call:
        assert call.record("bad") == "bad"
    with one.guard():
        pass
    error = Down("no")
    with pytest.raises(Down), one.guard():
        raise error
    with pytest.raises(KeyboardInterrupt), one.guard() as call:
        raise KeyboardInterrupt(call.record("bad"))
    async with one.guard() as call:
        call.record(await double(1))
    with pytest.raises(LookupError):
        async with one.guard():
            raise LookupError
    assert [done.verdict for done in heard] == [
        "success",
        "failure",
        "success",
        "failure",
        "ignored",
        "success",
        "ignored",
    ]
    assert heard[3].error is error
    one.force_open()
    with pytest.raises(CircuitOpenError):
        async with one.guard():
            raise AssertionError("a refused block must not run")


async def test_a_guard_gives_its_half_open_place_back() -> None:
    """However the block ends."""
    clock = Clock()
    one = half_open(clock, half_open_max_calls=1, success_threshold=2)
    with one.guard():
        assert one.snapshot().half_open_in_use == 1
        clock.advance(2)
    with pytest.raises(KeyboardInterrupt), one.guard():
        raise KeyboardInterrupt
    assert one.snapshot().half_open_in_use == 0
    async with one.guard():
        pass
    assert one.state is State.CLOSED
    assert one.recent()[-3].duration == 2


@pytest.mark.parametrize("most", [1, 3])
async def test_exactly_so_many_of_twenty_tasks_get_through_while_half_open(most: int) -> None:
    """circuitbreaker, purgatory, pyresilience, aiobreaker and hyx let all twenty through."""
    clock = Clock()
    one = opened(clock, half_open_max_calls=most, success_threshold=most)
    clock.advance(60)
    all_asked, running = asyncio.Barrier(20), 0

    async def work() -> str:
        nonlocal running
        running += 1
        await all_asked.wait()
        return "done"

    async def run() -> str:
        try:
            return await one.acall(work)
        except CircuitOpenError as error:
            await all_asked.wait()
            return error.reason

    results = await asyncio.gather(*(run() for _ in range(20)))
    assert running == most
    assert results.count("done") == most
    assert results.count("half-open-full") == 20 - most
    assert one.state is State.CLOSED


@pytest.mark.parametrize("most", [1, 3])
def test_exactly_so_many_of_twenty_threads_get_through_while_half_open(most: int) -> None:
    """All of them ask at the same moment, and none of those that got in comes back before all have asked."""
    clock = Clock()
    one = opened(clock, half_open_max_calls=most, success_threshold=most)
    clock.advance(60)
    start, asked = threading.Barrier(20), threading.Barrier(20)
    inside: list[int] = []
    refused: list[str] = []

    def work(number: int) -> None:
        inside.append(number)
        asked.wait(10)

    def run(number: int) -> None:
        start.wait(10)
        try:
            one.call(work, number)
        except CircuitOpenError as error:
            refused.append(error.reason)
            asked.wait(10)

    threads = [threading.Thread(target=run, args=(number,)) for number in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert len(inside) == most
    assert refused == ["half-open-full"] * (20 - most)
    assert (one.state, one.totals().rejected) == (State.CLOSED, 20 - most)


def test_no_call_is_lost_or_counted_twice_by_many_threads_and_loops() -> None:
    """The totals and the window are exact, whoever called."""
    one = CircuitBreaker("maps", breaker(failure_threshold=None, failure_rate_threshold=None, window_size=5000).config)
    start = threading.Barrier(8)

    def sync() -> None:
        start.wait(10)
        for number in range(500):
            with contextlib.suppress(ZeroDivisionError):
                one.call(divmod, number, number % 5)

    async def looped() -> None:
        for number in range(500):
            await one.acall(double, number)
            if number % 5 == 0:
                with contextlib.suppress(Down):
                    await one.acall(raising, Down("no"))

    def run_loop() -> None:
        start.wait(10)
        asyncio.run(looped())

    threads = [threading.Thread(target=target) for target in [sync, run_loop] * 4]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    totals, now = one.totals(), one.snapshot()
    assert (totals.successes, totals.failures) == (4 * 400 + 4 * 500, 4 * 100 + 4 * 100)
    assert (now.calls, now.failures) == (4 * 500 + 4 * 600, 800)


def test_of_many_threads_that_reach_the_threshold_one_opens_it() -> None:
    """One change, one opening, and the threads' own errors."""
    one = breaker(failure_threshold=1)
    heard: list[object] = []
    one.on_state_change(heard.append)
    together = threading.Barrier(20)

    def run() -> None:
        permit = one.admit()
        together.wait(10)
        permit.done(Verdict.FAILURE)

    threads = [threading.Thread(target=run) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert (one.state, one.snapshot().openings, len(heard)) == (State.OPEN, 1, 1)
    assert one.totals().failures == 20


def test_refusals_are_counted_exactly_by_many_threads_while_somebody_reads() -> None:
    """The counter has no lock, and loses nothing."""
    one = breaker()
    fail(one, 5)
    start = threading.Barrier(5)

    def refused() -> None:
        start.wait(10)
        for _ in range(2000):
            with contextlib.suppress(CircuitOpenError):
                one.call(int)

    threads = [threading.Thread(target=refused) for _ in range(4)]
    for thread in threads:
        thread.start()
    start.wait(10)
    while any(thread.is_alive() for thread in threads):
        one.totals()
    assert one.totals().rejected == one.snapshot().rejected == 8000

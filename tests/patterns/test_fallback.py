"""Fallbacks that never hide an error."""

import asyncio
import functools
import logging
from collections.abc import Iterator
from typing import Any

import pytest

from resilience.patterns.errors import CircuitOpenError, ConfigError
from resilience.patterns.fallback import Fallback, FallbackEvent, Outcome, Value, fallback_events
from tests.patterns.clock import Clock

pytestmark = pytest.mark.plain


class Down(Exception):
    """The service is down."""


def down(*args: object, **kwargs: object) -> Any:
    """Fails with whatever it is called."""
    raise Down("no answer")


async def adown(*args: object, **kwargs: object) -> Any:
    """Fails with whatever it is called."""
    raise Down("no answer")


async def well(value: str) -> str:
    """Works."""
    return value


@pytest.fixture
def heard() -> Iterator[list[FallbackEvent]]:
    """Every event of every chain."""
    events: list[FallbackEvent] = []
    unsubscribe = fallback_events.subscribe(events.append)
    yield events
    unsubscribe()


def test_a_call_that_works_is_left_alone(heard: list[FallbackEvent]) -> None:
    """Its result comes back, and nothing is said to be replaced."""
    chain = Fallback("nothing")
    assert chain.call(str.upper, "a") == "A"
    assert chain.execute(str.upper, "a") == Outcome("A")
    assert heard == []


def test_the_outcome_says_what_was_replaced(heard: list[FallbackEvent]) -> None:
    """The value, the very error, and the step that answered."""
    outcome = Fallback("cached", name="prices").execute(down)
    assert outcome.value == "cached"
    assert isinstance(outcome.replaced, Down)
    assert outcome.step == "'cached'"
    assert [(event.name, event.error, event.step) for event in heard] == [("prices", outcome.replaced, "'cached'")]


def test_each_chain_has_listeners_of_its_own(caplog: pytest.LogCaptureFixture) -> None:
    """They hear of every error; one that raises hurts nobody."""
    chain = Fallback("cached")
    seen: list[FallbackEvent] = []
    chain.on_fallback.subscribe(lambda event: 1 / 0)
    chain.on_fallback.subscribe(seen.append)
    assert chain.call(down) == "cached"
    assert len(seen) == 1
    assert "ZeroDivisionError" in caplog.text


def test_it_is_logged_but_does_not_fill_the_disk(caplog: pytest.LogCaptureFixture) -> None:
    """The first one at once, then one a minute with the number of those in between; also when the clock stepped back."""
    clock = Clock()
    chain = Fallback("cached", name="prices", clock=clock)
    with caplog.at_level(logging.WARNING, "resilience.patterns"):
        for _ in range(5):
            chain.call(down)
        clock.advance(60)
        chain.call(down)
        clock.advance(-500)
        chain.call(down)
    lines = [record.getMessage() for record in caplog.records]
    assert len(lines) == 3
    assert "'cached' of 'prices' took the place of Down: no answer (unlogged before: 0)" in lines[0]
    assert "unlogged before: 4" in lines[1]


def test_functions_get_what_they_ask_for() -> None:
    """The arguments of the call, the error, both, or nothing."""

    def with_both(key: str, *, error: Exception) -> str:
        return f"{key} for {error}"

    def with_error(error: Exception) -> str:
        return f"for {error}"

    assert Fallback(with_both).call(down, "EUR") == "EUR for no answer"
    assert Fallback(with_error).call(down, "EUR") == "for no answer"
    assert Fallback(lambda key: key * 2).call(down, "EUR") == "EUREUR"
    assert Fallback(lambda: "default").call(down, "EUR", size=3) == "default"
    assert Fallback(lambda **said: said["size"]).call(down, size=3) == 3
    assert Fallback(functools.partial(max, 3)).call(down, 7) == 7


def test_a_class_is_called_with_nothing() -> None:
    """`list` means an empty one, each time another."""
    chain = Fallback(list)
    first: Any = chain.call(down, "abc")
    second: Any = chain.call(down, "abc")
    assert first == [] == second
    assert first is not second


def test_what_has_no_signature_gets_the_arguments() -> None:
    """Some functions do not say what they take."""
    odd = type("Odd", (), {"__call__": lambda self, key: f"odd {key}", "__signature__": 3})()
    assert Fallback(odd).call(down, "EUR") == "odd EUR"


def test_a_value_may_be_anything() -> None:
    """Value() keeps a function or None from being understood as a step."""
    assert Fallback(Value(len)).call(down) is len
    assert Fallback(Value(None)).execute(down).value is None
    assert Fallback(None).execute(down).value is None


def test_steps_are_tried_in_turn(heard: list[FallbackEvent]) -> None:
    """The first that answers counts; what failed before is in the outcome, in the event and on the error."""

    def cached() -> str:
        raise LookupError("nothing cached")

    outcome = Fallback(cached, "default", "never").execute(down)
    assert outcome.value == "default"
    assert [str(failure) for failure in outcome.failed] == ["nothing cached"]
    assert heard[0].failed == outcome.failed
    assert outcome.replaced is not None
    assert "cached failed as well: LookupError: nothing cached" in outcome.replaced.__notes__[0]


def test_chains_join() -> None:
    """A chain as a step stands for its steps."""

    def cached() -> str:
        raise LookupError

    assert Fallback(Fallback(cached), Fallback(cached, "last")).call(down) == "last"


def test_when_all_fail_the_first_error_is_raised(heard: list[FallbackEvent]) -> None:
    """Not the fallback's: it is noted on it, and listeners hear that nothing replaced it."""

    def cached() -> str:
        raise LookupError("nothing cached")

    with pytest.raises(Down) as caught:
        Fallback(cached, name="prices").call(down)
    assert len(caught.value.__notes__) == 1
    assert (heard[0].step, heard[0].error) == (None, caught.value)


def test_notes_of_one_error_do_not_grow_for_ever() -> None:
    """An error object that is raised again and again has each note once, and only so many."""
    error = Down("the same")
    count = iter(range(1_000))

    def again() -> str:
        raise error

    def cached() -> str:
        raise LookupError(str(next(count) // 2))

    for _ in range(40):
        with pytest.raises(Down):
            Fallback(cached).call(again)
    assert len(error.__notes__) == len(set(error.__notes__)) == 8


@pytest.mark.parametrize(
    "handles", [Down, "CIRCUIT_OPEN", (Down, "CIRCUIT_OPEN"), lambda error: isinstance(error, Down)]
)
def test_only_what_it_handles_is_replaced(handles: Any) -> None:
    """Another error is raised as it is, and nobody hears of a fallback."""

    def lost() -> str:
        raise LookupError("another thing")

    chain = Fallback("cached", handles=handles)
    chain.on_fallback.subscribe(lambda event: pytest.fail("nothing was replaced"))
    with pytest.raises(LookupError):
        chain.call(lost)


def test_errors_by_code() -> None:
    """A code names the errors that carry it."""

    def refused() -> str:
        raise CircuitOpenError("prices")

    assert Fallback("cached", handles="CIRCUIT_OPEN").call(refused) == "cached"


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit, GeneratorExit, asyncio.CancelledError])
def test_what_is_no_exception_goes_through(error: type[BaseException]) -> None:
    """An interrupt is no failure of the call."""

    def stop() -> str:
        raise error

    with pytest.raises(error):
        Fallback("cached").call(stop)


def test_a_mistake_in_the_program_is_never_covered_up() -> None:
    """A config that cannot be would be hidden for ever."""

    def wrong() -> str:
        raise ConfigError("timeout", -1, "above 0")

    with pytest.raises(ConfigError):
        Fallback("cached").call(wrong)


async def test_async(heard: list[FallbackEvent]) -> None:
    """Async calls, with steps of both kinds."""
    assert await Fallback("cached").acall(well, "fresh") == "fresh"
    assert await Fallback(well).acall(adown, "kept") == "kept"
    assert await Fallback(lambda value: value).acall(adown, "kept") == "kept"
    outcome = await Fallback(adown, "last").aexecute(adown)
    assert (outcome.value, len(outcome.failed)) == ("last", 1)
    with pytest.raises(Down):
        await Fallback(adown).acall(adown)
    with pytest.raises(Down):
        await Fallback("cached", handles=LookupError).acall(adown)
    assert [event.step for event in heard].count(None) == 1


async def test_cancelling_is_no_failure() -> None:
    """A cancelled task gets no fallback, neither in the call nor in a step."""
    waiting = asyncio.Event()

    async def hangs() -> str:
        waiting.set()
        await asyncio.Event().wait()
        return "never"

    for chain, fn in ((Fallback("cached"), hangs), (Fallback(hangs), adown)):
        waiting.clear()
        task = asyncio.create_task(chain.acall(fn))
        await waiting.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task


async def test_an_awaitable_value_is_a_value() -> None:
    """Only what a step's function returns is awaited."""
    future: asyncio.Future[int] = asyncio.get_running_loop().create_future()
    assert await Fallback(Value(future)).acall(adown) is future
    assert await Fallback(future).acall(adown) is future


def test_async_functions_in_a_sync_chain() -> None:
    """They are refused in words, for nobody would guard what happens in them; a step counts as failed."""
    with pytest.raises(ConfigError, match="not async"):
        Fallback("cached").call(well, "a")  # type: ignore[unused-coroutine]
    with pytest.raises(Down) as caught:
        Fallback(adown).call(down)
    assert "adown failed as well: ConfigError" in caught.value.__notes__[0]


def test_chains_that_cannot_be() -> None:
    """No step, a generator, and errors that are none."""

    def generator() -> Iterator[int]:
        yield 1

    for steps, handles in (((), None), ((generator,), None), (("cached",), (KeyboardInterrupt,)), (("cached",), 3)):
        with pytest.raises(ConfigError):
            Fallback(*steps, handles=handles)  # type: ignore[arg-type]

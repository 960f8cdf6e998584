"""Probes that call a function of one's own, by the name under which code registered it."""

import asyncio
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from resilience.health import register_function
from resilience.health.targets import registry
from resilience.health.targets.base import Finding, Question, Tools
from resilience.health.targets.functions import forget_function, function_names
from resilience.health.targets.run import run

pytestmark = pytest.mark.plain


@pytest.fixture(autouse=True)
def _forget() -> Iterator[None]:
    """What a test registers is gone after it."""
    known = set(function_names())
    yield
    for name in set(function_names()) - known:
        forget_function(name)


def asks(timeout: float = 5.0, **options: Any) -> Question:
    """A question to the function "stock"."""
    return Question("function", "stock", options, timeout=timeout)


@pytest.mark.parametrize(
    ("given", "ok", "error", "metadata"),
    [
        (True, True, "", {}),
        (None, True, "", {}),
        (False, False, "It said no.", {}),
        (7, True, "", {"value": 7}),
        (2.5, False, "It is 2.5, which is less than 5.", {"value": 2.5}),
        (12, False, "It is 12, which is more than 10.", {"value": 12}),
        ({"ok": True, "age": 3}, True, "", {"age": 3}),
        ({"ok": False, "age": 3}, False, "It said no.", {"age": 3}),
        ({"error": "too old"}, False, "too old", {}),
        ({"value": 12}, False, "It is 12, which is more than 10.", {"value": 12}),
        ({"ok": True, "when": [1]}, True, "", {"when": "[1]"}),
        (Finding(True, 0.25, metadata={"rows": 3}, slow=True), True, "", {"rows": 3}),
        ("fine", False, "It gave back str, which says nothing about health.", {}),
    ],
)
async def test_what_it_gives_back(tools: Tools, given: Any, ok: bool, error: str, metadata: dict[str, Any]) -> None:
    """A truth, a number, a mapping and a finding are understood, from a plain function and from a coroutine function alike."""

    async def later() -> Any:
        return given

    for function in (lambda: given, later):
        register_function("stock", function)
        found = await run(asks(at_least=5, at_most=10), tools)
        assert (found.ok, found.error, found.metadata) == (ok, error, metadata)


async def test_what_it_raises(tools: Tools) -> None:
    """An exception is a finding with its words, of which secrets are hidden."""

    def broken() -> None:
        raise LookupError("no stock\n at postgres://shop:pa55word@db \x1b[31m")

    register_function("stock", broken)
    found = await run(asks(), tools)
    assert found.error.startswith("LookupError: no stock at postgres://••••@db")


async def test_plain_ones_run_beside(tools: Tools) -> None:
    """A plain function runs in a thread, so that nothing else waits for it."""
    names: list[str] = []
    register_function("stock", lambda: names.append(threading.current_thread().name))
    assert (await run(asks(), tools)).ok
    assert names != [threading.current_thread().name]


async def test_one_that_hangs(tools: Tools) -> None:
    """A plain function that hangs is given up in time, and holds one thread however often it is asked; then it is called again."""
    release, calls = threading.Event(), []

    def hang() -> None:
        calls.append(1)
        release.wait(20)

    register_function("stock", hang)
    first = await run(asks(timeout=0.2), tools)
    again = [await run(asks(timeout=0.2), tools) for _ in range(5)]
    assert "in time" in first.error
    assert {found.error for found in again} == {"The last run of this function has not ended yet."}
    release.set()
    await asyncio.get_running_loop().run_in_executor(None, tools.threads.shutdown)
    assert len(calls) == 1


async def test_a_coroutine_that_hangs(tools: Tools) -> None:
    """A coroutine function that hangs is cancelled in time."""
    ended: list[bool] = []

    async def hang() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.append(True)

    register_function("stock", hang)
    assert "in time" in (await run(asks(timeout=0.2), tools)).error
    assert ended == [True]


@pytest.mark.parametrize(
    "name", ["os.system", "resilience.health.targets.run.run", "Stock", "", "a b", "a/b", "a" * 61]
)
def test_names(name: str) -> None:
    """A name is a plain word: no path to any code."""
    with pytest.raises(ValueError, match="A name is made of"):
        register_function(name, dict)


async def test_unknown_names(tools: Tools) -> None:
    """What no code registered cannot be asked, whatever it is called."""
    assert [fault.pointer for fault in registry.faults("function", "os.getcwd", {}, {})] == ["/address"]
    found = await run(Question("function", "os.getcwd"), tools)
    assert found.error == "No function is registered by the name os.getcwd."


@pytest.mark.parametrize("options", [{"at_least": "x"}, {"at_most": True}, {"module": "os"}])
def test_faults(options: dict[str, Any]) -> None:
    """What cannot be asked is refused, and the place is named."""
    register_function("stock", dict)
    (fault,) = registry.faults("function", "stock", options, {})
    assert fault.pointer == f"/options/{next(iter(options))}"

"""What is put around all chains from outside, as tracing is."""

import threading
from typing import Any

import pytest

from resilience.patterns import Manager
from resilience.patterns.compiled import Chain, Layer, _wrapped, wrap_chains

pytestmark = pytest.mark.plain


class Ring:
    """A wrap that notes each call."""

    def __init__(self, word: str, seen: list[str]) -> None:
        self.word = word
        self.seen = seen

    def __call__(self, chain: Chain, sync: Layer, later: Layer) -> tuple[Layer, Layer]:
        def call(fn: Layer, /, *args: Any, **kwargs: Any) -> Any:
            self.seen.append(f"{self.word} {chain.name}")
            return sync(fn, *args, **kwargs)

        async def acall(fn: Layer, /, *args: Any, **kwargs: Any) -> Any:
            self.seen.append(f"{self.word} {chain.name} async")
            return await later(fn, *args, **kwargs)

        return call, acall


async def test_a_wrap_is_around_each_chain_until_it_is_taken_off() -> None:
    """Chains from before and after, sync and async; the last one put on is the outermost."""
    manager, seen = Manager(), list[str]()

    async def three() -> int:
        return 3

    manager.execute("before", int)
    plain = manager.chain("before").call
    inner_off = wrap_chains(Ring("inner", seen))
    outer_off = wrap_chains(Ring("outer", seen))
    manager.execute("before", int)
    assert await manager.aexecute("after", three) == 3
    assert seen == ["outer before", "inner before", "outer after async", "inner after async"]
    inner_off()
    inner_off()
    manager.execute("after", int)
    assert seen[4:] == ["outer after"]
    outer_off()
    manager.execute("before", int)
    assert len(seen) == 5
    assert manager.chain("before").call is plain


def test_a_wrap_stays_when_figures_change() -> None:
    """A chain that is built anew is wrapped anew."""
    manager, seen = Manager(), list[str]()
    manager.execute("maps", int, policy="api")
    off = wrap_chains(Ring("around", seen))
    manager.register(manager.policies.get("api").replace(timeout=1.0))
    manager.execute("maps", int, policy="api")
    off()
    assert seen == ["around maps"]


def test_a_fork_leaves_the_lock_behind() -> None:
    """A child that was forked while a thread held it can make chains."""
    held = threading.Event()
    let_go = threading.Event()

    def hold() -> None:
        with _wrapped._lock:
            held.set()
            let_go.wait()

    thread = threading.Thread(target=hold)
    lock = _wrapped._lock
    thread.start()
    held.wait()
    _wrapped._after_fork()
    Manager().execute("child", int)
    _wrapped._lock = lock
    let_go.set()
    thread.join()

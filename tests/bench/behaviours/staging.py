"""What the experiments are staged with."""

import asyncio
import functools
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta, tzinfo
from types import ModuleType
from typing import Any, Self

from tests.bench.patterns.peers import Boom

Call = Callable[[], Any]
PATIENCE = 1.0
"""Seconds after which a call that should have come back is taken to be stuck."""


class NotPossible(Exception):
    """The experiment cannot be staged with this library; the words say why."""


class Work:
    """The function behind the breaker: it works, fails or stands still, and counts who came in."""

    def __init__(self) -> None:
        self.error: BaseException | None = None
        self.entered = 0
        self.gate = threading.Event()
        self.held = False
        self._lock = threading.Lock()

    def __call__(self) -> int:
        with self._lock:
            self.entered += 1
            held = self.held
        if held:
            self.gate.wait()
        if self.error is not None:
            raise self.error
        return 1

    def named(self) -> int:
        """Do the same; some libraries want a name."""
        return self()


def guarded(peer: ModuleType, work: Callable[[], Any], **options: Any) -> Call:
    """Return the function behind a new breaker; where a library is async only, it runs in an event loop of its own thread."""

    def named() -> Any:
        return work()

    try:
        if hasattr(peer, "guard"):
            return peer.guard(**options)(named)  # type: ignore[no-any-return]
        wrapped = peer.aguard(**options)(_later(work))
    except TypeError:
        raise NotPossible("no such setting") from None
    loop = _background()
    return lambda: asyncio.run_coroutine_threadsafe(wrapped(), loop).result()


def _later(work: Callable[[], Any]) -> Callable[[], Any]:
    async def call() -> Any:
        return await asyncio.get_running_loop().run_in_executor(None, work)

    return call


@functools.cache
def _background() -> asyncio.AbstractEventLoop:
    loop = asyncio.new_event_loop()
    loop.set_default_executor(ThreadPoolExecutor(64))
    threading.Thread(target=loop.run_forever, daemon=True).start()
    return loop


def admitted(call: Call, work: Work) -> bool:
    """Whether a call comes through to the work, however it ends there."""
    before = work.entered
    outcome(call)
    return work.entered > before


def outcome(call: Call) -> BaseException | None:
    """Return what a call raises, or None."""
    try:
        call()
    except BaseException as error:  # noqa: BLE001 - whatever it is, it is looked at
        return error
    return None


def fail(call: Call, work: Work, times: int = 1) -> None:
    """Have calls fail."""
    work.error = Boom()
    for _ in range(times):
        outcome(call)
    work.error = None


class Aside:
    """A call in a thread of its own, which may never come back."""

    def __init__(self, call: Call) -> None:
        self.error: BaseException | None = None
        self.done = False
        self._call = call
        self._thread = threading.Thread(target=self._run, daemon=True)

    def start(self) -> Self:
        """Begin."""
        self._thread.start()
        return self

    def back(self, seconds: float = PATIENCE) -> bool:
        """Wait for it; whether it came back."""
        self._thread.join(seconds)
        return self.done

    def _run(self) -> None:
        self.error = outcome(self._call)
        self.done = True


def until(condition: Callable[[], bool], seconds: float = PATIENCE) -> bool:
    """Wait for something; whether it came."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if condition():
            return True
        time.sleep(0.005)
    return condition()


def straggler(call: Call, work: Work) -> tuple[Aside, Callable[[BaseException | None], None]]:
    """Return a call that is under way, and what ends it, with an error or well."""
    work.held = True
    aside = Aside(call).start()
    if not until(lambda: work.entered > 0):
        raise NotPossible("it does not come in")
    work.held = False

    def end(error: BaseException | None) -> None:
        work.error = error
        work.gate.set()
        aside.back()
        work.error = None

    return aside, end


def step_wall_clock(package: str, seconds: float) -> None:
    """Have the wall clock step for a library: `time.time` for all, and the `datetime` that its modules use."""
    real = time.time
    time.time = lambda: real() + seconds

    class Stepped(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> datetime:  # type: ignore[override]
            return datetime.now(tz) + timedelta(seconds=seconds)

        @classmethod
        def utcnow(cls) -> datetime:  # type: ignore[override]
            return datetime.utcnow() + timedelta(seconds=seconds)

    for name, module in list(sys.modules.items()):
        if name.partition(".")[0] == package and getattr(module, "datetime", None) is datetime:
            module.datetime = Stepped  # type: ignore[attr-defined]

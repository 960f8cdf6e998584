"""A `with` block that a breaker watches."""

from types import TracebackType
from typing import Any, Protocol, TypeVar

from resilience.patterns.callables import no_coroutine
from resilience.patterns.typing import Verdict

T = TypeVar("T")


class Ticket(Protocol):
    """A call that was admitted."""

    def done(self, verdict: Verdict, duration: float | None = None, error: BaseException | None = None) -> None: ...


class Gate(Protocol):
    """What admits calls and judges how they ended."""

    def admit(self) -> Ticket: ...
    def judge(self, error: BaseException) -> Verdict: ...
    def judge_result(self, result: Any) -> Verdict: ...


class Guard:
    """Admits a call on entry and hears how it ended on exit, in `with` and `async with` alike; to be entered once.

    `record(result)` has the result judged as `call` would; without it a block that ends in peace is a success.
    """

    __slots__ = ("_gate", "_ticket", "_verdict")

    def __init__(self, gate: Gate) -> None:
        self._gate = gate
        self._verdict = Verdict.SUCCESS

    def record(self, result: T) -> T:
        """Has `result` judged, and gives it back. One that nobody has awaited yet raises ConfigError."""
        no_coroutine(result, "record()")
        self._verdict = self._gate.judge_result(result)
        return result

    def __enter__(self) -> "Guard":
        self._ticket = self._gate.admit()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._ticket.done(self._verdict if error is None else self._gate.judge(error), None, error)

    async def __aenter__(self) -> "Guard":
        return self.__enter__()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.__exit__(kind, error, traceback)

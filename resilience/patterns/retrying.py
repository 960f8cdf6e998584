"""The block form of a retry, for code that does not want to be a function.

for attempt in retrying(RetryConfig(max_attempts=3, deadline=10.0)):
    with attempt:
        upload(part, timeout=attempt.deadline.remaining())

async for attempt in retrying(config):
    with attempt:
        await upload(part)
"""

from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack
from types import TracebackType

from resilience.patterns.deadline import NEVER, Deadline, current_deadline, within
from resilience.patterns.retry import REAL, Ports, Run
from resilience.patterns.retry_config import DEFAULT, RetryConfig

__all__ = ["Attempt", "retrying"]


class Attempt:
    """One attempt: a context manager that holds back an error when there is going to be another attempt."""

    __slots__ = ("_deadline", "_run", "_scope", "delay", "done", "number")

    def __init__(self, run: Run, deadline: Deadline | None) -> None:
        self.number = run.attempt
        """From 1."""
        self.delay = 0.0
        """Seconds to wait once it failed."""
        self.done = False
        """Whether it is the last one, because it succeeded or because it is time to give up."""
        self._run = run
        self._deadline = deadline
        self._scope: within | None = None

    @property
    def deadline(self) -> Deadline:
        """The deadline that holds for all attempts together; one that never comes when there is none."""
        return current_deadline() or self._deadline or NEVER

    def __enter__(self) -> "Attempt":
        if self._deadline is not None:
            self._scope = within(self._deadline)
            self._scope.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool:
        with ExitStack() as stack:
            if self._scope is not None:
                stack.push(self._scope)
            delay = self._run.next_delay(error) if isinstance(error, Exception) else None
        self.done = delay is None
        self.delay = delay or 0.0
        return delay is not None


class retrying:  # noqa: N801 - reads as the statement that it is
    """The attempts of one execution for each `for` or `async for` over it; any number of them may go on at the same time."""

    __slots__ = ("_config", "_ports")

    def __init__(self, config: RetryConfig = DEFAULT, *, ports: Ports = REAL) -> None:
        self._config = config
        self._ports = ports

    def __iter__(self) -> Iterator[Attempt]:
        run, deadline = self._begin()
        while True:
            attempt = Attempt(run, deadline)
            yield attempt
            if attempt.done:
                return
            _must_have_run(run, attempt)
            self._ports.sleep(attempt.delay)

    async def __aiter__(self) -> AsyncIterator[Attempt]:
        run, deadline = self._begin()
        while True:
            attempt = Attempt(run, deadline)
            yield attempt
            if attempt.done:
                return
            _must_have_run(run, attempt)
            await self._ports.asleep(attempt.delay)

    def _begin(self) -> tuple[Run, Deadline | None]:
        config, ports = self._config, self._ports
        if config.budget is not None:
            config.budget.count()
        deadline = None if config.deadline is None else Deadline(config.deadline, name=config.name, clock=ports.clock)
        return Run(config, ports), deadline


def _must_have_run(run: Run, attempt: Attempt) -> None:
    if run.attempt == attempt.number:
        raise RuntimeError("Each attempt of retrying() wants its block: `with attempt:`")

"""An alarm that cancels a task: what `asyncio.timeout` does, by the same rules, at half its cost."""

import asyncio


class Alarm:
    """Cancels the task that sets it after so many seconds, unless `off()` comes first. Has to be turned off in any case."""

    __slots__ = ("_before", "_handle", "_task", "rang")

    def __init__(self, seconds: float) -> None:
        task = asyncio.current_task()
        if task is None:
            raise RuntimeError("A timeout needs a task to cancel.")
        self.rang = False
        """Whether it has cancelled the task."""
        self._task = task
        self._before = task.cancelling()
        self._handle = task.get_loop().call_later(seconds, self._ring)

    def off(self) -> bool:
        """Turns it off; whether a cancellation that the task feels was this one's, and nobody else wants the task to end."""
        self._handle.cancel()
        return self.rang and self._task.uncancel() <= self._before

    def _ring(self) -> None:
        self.rang = True
        self._task.cancel()

"""The errors that the patterns raise, each with a `code` that outlives its class name, and `code_of` for everybody else's.

ResilienceError                 whatever the patterns themselves have to say
├── CircuitOpenError            CIRCUIT_OPEN            a breaker refused the call
├── BulkheadFullError           BULKHEAD_QUEUE_FULL     no place in the bulkhead, or none in time
├── DeadlineExceeded            TIMEOUT                 it took too long (a TimeoutError as well)
├── RetryBudgetExhausted        RETRY_BUDGET_EXHAUSTED  too many retries for the calls of late
├── ConfigError                 CONFIG_INVALID          an impossible setting (a ValueError as well)
└── UnknownPolicy               POLICY_UNKNOWN          no policy has that name (a KeyError as well)

All of them can be pickled, and none formats a word before somebody asks for its text.
"""

import difflib
import errno
import socket
import ssl
from collections.abc import Iterable
from typing import ClassVar

_NETWORK = frozenset(
    {
        errno.EADDRNOTAVAIL,
        errno.EHOSTDOWN,
        errno.EHOSTUNREACH,
        errno.ENETDOWN,
        errno.ENETRESET,
        errno.ENETUNREACH,
        errno.ENOTCONN,
    }
)


class ResilienceError(Exception):
    """Something that the patterns themselves have to say about a call."""

    code: ClassVar[str] = "RESILIENCE"


class CircuitOpenError(ResilienceError):
    """The breaker refuses calls for now.

    `name` is the breaker's; `retry_after` the seconds until it will admit a call again (None: nobody knows);
    `reason` one of `events.Reason`, or the word of whoever forced it open.
    """

    code = "CIRCUIT_OPEN"

    def __init__(self, name: str, retry_after: float | None = None, reason: str = "") -> None:
        self.args = (name, retry_after, reason)

    @property
    def name(self) -> str:
        """The breaker's name."""
        return str(self.args[0])

    @property
    def retry_after(self) -> float | None:
        """Seconds until the breaker will admit a call again, or None."""
        wait: float | None = self.args[1]
        return wait

    @property
    def reason(self) -> str:
        """Why it is open."""
        return str(self.args[2])

    def __str__(self) -> str:
        why = f" ({self.reason})" if self.reason else ""
        when = "" if self.retry_after is None else f"; it admits calls again in {self.retry_after:.3g} s"
        return f"The breaker {self.name!r} is open{why}{when}."


class BulkheadFullError(ResilienceError):
    """The bulkhead has no place: `reason` is "queue-full" (refused at once), "queue-timeout" (waited in vain), or
    "would-block" (a sync call, which may not wait in a thread that runs an event loop)."""

    code = "BULKHEAD_QUEUE_FULL"

    def __init__(self, name: str, reason: str = "queue-full") -> None:
        super().__init__(name, reason)
        self.name = name
        self.reason = reason

    def __str__(self) -> str:
        what = "waited too long for a place" if self.reason == "queue-timeout" else "found no place"
        return f"The call {what} in the bulkhead {self.name!r}."


class DeadlineExceeded(ResilienceError, TimeoutError):
    """The call did not end within `duration` seconds; `name` says whose limit that was."""

    code = "TIMEOUT"

    def __init__(self, duration: float, name: str = "") -> None:
        super().__init__()  # nothing for OSError to read as an errno
        self.args = (duration, name)
        self.duration = duration
        self.name = name

    def __reduce__(self) -> tuple[type, tuple[object, ...]]:
        return type(self), (self.duration, self.name)

    def __str__(self) -> str:
        whose = f"{self.name!r} " if self.name else "The call "
        return f"{whose}did not end within {self.duration:.6g} s."


class RetryBudgetExhausted(ResilienceError):
    """Too large a share of the calls of late were retries, so this one is not tried again."""

    code = "RETRY_BUDGET_EXHAUSTED"

    def __init__(self, name: str = "") -> None:
        super().__init__(name)
        self.name = name

    def __str__(self) -> str:
        return f"The retry budget{f' of {self.name!r}' if self.name else ''} is used up."


class ConfigError(ResilienceError, ValueError):
    """A setting that cannot be: `field` must be `must`, and was given as `value`."""

    code = "CONFIG_INVALID"

    def __init__(self, field: str, value: object, must: str) -> None:
        super().__init__(field, value, must)
        self.field = field
        self.value = value
        self.must = must

    def __str__(self) -> str:
        return f"{self.field} must be {self.must}, not {self.value!r}"


class UnknownPolicy(ResilienceError, KeyError):
    """No policy is called `name`; `known` are the names there are, `meant` the nearest of them, or None."""

    code = "POLICY_UNKNOWN"

    def __init__(self, name: str, known: Iterable[str] = ()) -> None:
        names = tuple(sorted(known))
        super().__init__(name, names)
        self.name = name
        self.known = names
        written = {known.casefold(): known for known in names}
        close = difflib.get_close_matches(name.casefold(), written, n=1)
        self.meant = written[close[0]] if close else None

    def __str__(self) -> str:
        hint = f" Did you mean {self.meant!r}?" if self.meant else ""
        return f"No policy is called {self.name!r}.{hint} Known: {', '.join(self.known) or 'none'}."


def code_of(error: BaseException) -> str:
    """The code of any error: its own `code`, else its HTTP status ("503"), else TIMEOUT, else NETWORK_ERROR, else ""."""
    code = getattr(error, "code", None)
    if isinstance(code, str) and code:
        return code
    response = getattr(error, "response", None)
    statuses = [code, getattr(error, "status", None), getattr(error, "status_code", None)]
    if response is not None:
        statuses += [getattr(response, "status_code", None), getattr(response, "status", None)]
    for status in statuses:
        if isinstance(status, int) and 100 <= status <= 599:
            return str(int(status))
    if isinstance(error, TimeoutError):
        return "TIMEOUT"
    if isinstance(error, OSError) and _is_network(error):
        return "NETWORK_ERROR"
    reason = getattr(error, "reason", None)  # urllib.error.URLError wraps what happened
    return code_of(reason) if isinstance(reason, Exception) and reason is not error else ""


def _is_network(error: OSError) -> bool:
    return (
        isinstance(error, ConnectionError | socket.gaierror | socket.herror | ssl.SSLError) or error.errno in _NETWORK
    )

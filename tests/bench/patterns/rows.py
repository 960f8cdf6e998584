"""What is measured: each row is one situation, with who can be in it and how it is timed."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.bench.patterns import timers
from tests.bench.patterns.peers import NEVER
from tests.bench.patterns.timers import Timer, Wrap

Drive = Callable[[Wrap, Any], Timer]


@dataclass(frozen=True, slots=True)
class Subject:
    """A library in a row: the word of its module that is used, with which options, and what to call it."""

    peer: str
    part: str
    options: Mapping[str, Any] = field(default_factory=dict)
    note: str = ""

    @property
    def label(self) -> str:
        """The words of the table."""
        return f"{self.peer}, {self.note}" if self.note else self.peer

    @property
    def ours(self) -> bool:
        """Whether it is ours."""
        return self.peer == "breakwater"

    @property
    def rival(self) -> bool:
        """Whether it is somebody's library, which the bare call is not."""
        return self.peer not in ("breakwater", "plain")


@dataclass(frozen=True, slots=True)
class Row:
    """One situation."""

    name: str
    title: str
    drive: Drive
    subjects: tuple[Subject, ...]


def _of(part: str, *peers: str, **options: Any) -> tuple[Subject, ...]:
    return tuple(Subject(peer, part, options) for peer in peers)


PLAIN = "failures in a row"
RICH = "rate + slow calls, last 100"
FEATURELESS = ("circuitbreaker", "pybreaker", "purgatory", "aiobreaker")
FULL_WINDOW = {"size": NEVER // 1000, "volume": NEVER // 1000}
"""A window that nothing fills, so that failures alone do not open the breaker."""


def _closed() -> tuple[Row, ...]:
    sync = (
        Subject("plain", "guard", note="the bare call"),
        Subject("breakwater", "guard", {"rich": True}, RICH),
        Subject("breakwater", "guard", note=PLAIN),
        *_of("guard", *FEATURELESS),
        Subject("purgatory", "guard_kept", note="breaker looked up once"),
        Subject("pyresilience", "guard", note=PLAIN),
        Subject("pyresilience", "guard", {"size": 100}, RICH),
        Subject("interlock", "guard", note=RICH),
    )
    later = (
        Subject("plain", "aguard", note="the bare call"),
        Subject("breakwater", "aguard", {"rich": True}, RICH),
        Subject("breakwater", "aguard", note=PLAIN),
        *_of("aguard", "circuitbreaker", "purgatory", "aiobreaker", "hyx"),
        Subject("pyresilience", "aguard", note=PLAIN),
        Subject("pyresilience", "aguard", {"size": 100}, RICH),
        Subject("interlock", "aguard", note=RICH),
    )
    raising = (
        Subject("plain", "guard", note="the bare call"),
        Subject("breakwater", "guard", {"fails": NEVER, **FULL_WINDOW}, RICH),
        Subject("breakwater", "guard", {"fails": NEVER}, PLAIN),
        *_of("guard", *FEATURELESS, "pyresilience", fails=NEVER),
        Subject("interlock", "guard", {"fails": NEVER}, RICH),
    )
    return (
        Row("closed", "closed breaker, sync", timers.fine, sync),
        Row("aclosed", "closed breaker, async", timers.afine, later),
        Row("raise", "closed breaker, the call raises", timers.raising, raising),
    )


def _other_states() -> tuple[Row, ...]:
    everybody = (
        Subject("breakwater", "guard", {"rich": True}),
        *_of("guard", *FEATURELESS, "pyresilience", "interlock"),
    )
    half_open = (*_of("guard", "breakwater", "pybreaker", "pyresilience", "interlock", successes=NEVER),)
    return (
        Row("reject", "open breaker refuses", timers.refused, everybody),
        Row("half-open", "half-open breaker lets through", timers.half_open, half_open),
    )


def _windows() -> tuple[Row, ...]:
    rows = []
    for size in (100, 10_000, 100_000):
        subjects = _of("guard", "breakwater", *(["pyresilience"] if size <= 10_000 else []), "interlock", size=size)
        rows.append(Row(f"count-{size}", f"closed, window of the last {size:,} calls", timers.filled(size), subjects))
    for seconds in (10, 600):
        subjects = _of("guard", "breakwater", "interlock", seconds=float(seconds))
        rows.append(Row(f"time-{seconds}", f"closed, window of {seconds} s", timers.filled(1_000), subjects))
    return tuple(rows)


def _retries() -> tuple[Row, ...]:
    ok = (
        Subject("breakwater", "retry", note="decorator"),
        Subject("breakwater", "retry_call", note="call"),
        *_of("retry", "pyresilience", "backoff", "stamina", "tenacity"),
        Subject("tenacity", "retry_call", note="call"),
    )
    later = _of("aretry", "breakwater", "hyx", "pyresilience", "backoff", "stamina", "tenacity")
    failing = _of("retry", "breakwater", "pyresilience", "backoff", "stamina", "tenacity", attempts=5)
    return (
        Row("retry", "retry, works at once, sync", timers.fine, ok),
        Row("aretry", "retry, works at once, async", timers.afine, later),
        Row("retry-3", "retry, works after three failures, no sleep", timers.fails_thrice, failing),
    )


def _stacks() -> tuple[Row, ...]:
    bulkheads = (
        Subject("plain", "bulkhead", note="BoundedSemaphore"),
        *_of("bulkhead", "breakwater", "pyresilience", "interlock"),
    )
    abulkheads = (
        Subject("plain", "abulkhead", note="asyncio.Semaphore"),
        *_of("abulkhead", "breakwater", "hyx", "pyresilience", "interlock"),
    )
    stacks = (
        Subject("plain", "stack", note="backoff + circuitbreaker + semaphore by hand"),
        Subject("breakwater", "stack", note="decorator"),
        Subject("breakwater", "stack_execute", note="manager.execute"),
        Subject("pyresilience", "stack", note=PLAIN),
        Subject("pyresilience", "stack_rich", note=RICH),
        Subject("interlock", "stack", note=RICH),
    )
    return (
        Row("bulkhead", "bulkhead, sync", timers.fine, bulkheads),
        Row("abulkhead", "bulkhead, async", timers.afine, abulkheads),
        Row("stack", "retry + breaker + bulkhead, sync", timers.fine, stacks),
        Row(
            "astack",
            "retry + breaker + bulkhead + timeout, async",
            timers.afine,
            _of("astack", "breakwater", "pyresilience", "interlock"),
        ),
        Row(
            "forms",
            "closed breaker of ours in its three forms",
            timers.fine,
            (
                Subject("breakwater", "guard", {"rich": True}, "call"),
                Subject("breakwater", "decorated", note="decorator"),
                Subject("breakwater", "block", {"rich": True}, "with block"),
                Subject("interlock", "guard", note="decorator"),
                Subject("interlock", "guard_call", note="call"),
            ),
        ),
    )


def _crowds() -> tuple[Row, ...]:
    subjects = (
        Subject("plain", "guard", note="the bare call"),
        Subject("breakwater", "guard", {"rich": True}, RICH),
        *_of("guard", *FEATURELESS, "pyresilience", "interlock"),
    )
    return tuple(
        Row(
            f"threads-{count}",
            f"closed breaker, {count} thread{'s'[: count - 1]} at once, time for a call",
            timers.crowd(count),
            subjects,
        )
        for count in (1, 8, 32)
    )


ROWS: tuple[Row, ...] = (*_closed(), *_other_states(), *_windows(), *_retries(), *_stacks(), *_crowds())
MEMORY: tuple[Subject, ...] = (
    Subject("breakwater", "guard", {"rich": True}, RICH),
    Subject("breakwater", "guard", note=PLAIN),
    *_of("guard", *FEATURELESS, "pyresilience"),
    Subject("pyresilience", "guard", {"size": 100}, RICH),
    Subject("interlock", "guard", note=RICH),
)
"""Whose memory is measured."""

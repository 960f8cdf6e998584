"""One run of a probe: asked within its time, whatever the target does, and told in words that may be kept and shown."""

import asyncio
import errno
import time
from dataclasses import replace

from resilience.health.targets.base import Finding, Question, Tools
from resilience.health.targets.registry import target
from resilience.health.targets.tidy import tidy
from resilience.outbound.errors import ConnectFailed, NameNotFound, OutboundError, Reset, TimedOut

GRACE = 0.1
"""Seconds by which the outer bound comes after the target's own, which says better what it waited for."""
_NO_WAY = frozenset(
    (
        errno.ENETUNREACH,
        errno.EHOSTUNREACH,
        errno.ENETDOWN,
        errno.EHOSTDOWN,
        errno.ETIMEDOUT,
        errno.EADDRNOTAVAIL,
        errno.EMFILE,
        errno.ENFILE,
        errno.ENOBUFS,
    )
)


async def run(question: Question, tools: Tools) -> Finding:
    """What this probe finds now. Never raises (but when it is cancelled), never takes longer than the timeout and a moment."""
    asked = target(question.kind)
    if asked is None:
        return tidy(Finding(False, 0.0, f"There is no kind of probe called {question.kind[:40]}."), question)
    started = time.perf_counter()
    try:
        async with asyncio.timeout(question.timeout + GRACE):
            found = await asked.ask(question, tools)
    except TimeoutError:
        found = _failed(TimedOut(), time.perf_counter() - started)
    except OutboundError as error:
        found = _failed(error, error.seconds or time.perf_counter() - started)
    except Exception as error:  # noqa: BLE001  a target's fault is a finding, and the others keep their schedule
        words = f"The probe itself failed: {type(error).__name__}: {error}."
        found = Finding(False, time.perf_counter() - started, words)
    if found.seconds < 0:
        found = replace(found, seconds=0.0)
    return tidy(found, question)


def may_be_ours(error: OutboundError) -> bool:
    """Whether the failure may be our own: no name, no way, no answer. Who refuses or resets a connection is within reach."""
    match error:
        case NameNotFound() | TimedOut():
            return True
        case ConnectFailed():
            return _no_way(error)
        case _:
            return False


def _failed(error: OutboundError, seconds: float) -> Finding:
    unanswered = isinstance(error, (NameNotFound, ConnectFailed, Reset, TimedOut))
    return Finding(False, seconds, error.brief(), unanswered=unanswered, transport=may_be_ours(error))


def _no_way(error: BaseException) -> bool:
    """By the number of the system's error; of several addresses tried at once there is only the text."""
    cause: BaseException | None = error
    while cause is not None:
        if getattr(cause, "errno", None) in _NO_WAY or any(f"[Errno {number}]" in str(cause) for number in _NO_WAY):
            return True
        cause = cause.__cause__
    return False

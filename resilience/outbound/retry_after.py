"""How long an upstream asks to be left alone (RFC 9110, 10.2.3; `Backoff` as Kinto sends it). Pure: `now` is passed in."""

from collections.abc import Mapping
from datetime import datetime

from resilience.patterns.retry_after import parse_retry_after

LONGEST = 3_600.0
"""Seconds. Whoever asks for more is asked again after an hour: a mistyped year must not stop a lane for ever."""


def asked_wait(headers: Mapping[str, str], now: datetime, *, longest: float = LONGEST) -> float | None:
    """Seconds to wait as `Retry-After` or `Backoff` say (the longer one), at most `longest`; None when neither asks for a wait.

    A date in the past, a zero and what cannot be read ask for nothing: the caller's own backoff applies.
    """
    waits = [
        wait
        for value in (headers.get("Retry-After"), headers.get("Backoff"))
        if value and (wait := parse_retry_after(value, now=now)) is not None
    ]
    return min(max(waits), longest) if waits else None

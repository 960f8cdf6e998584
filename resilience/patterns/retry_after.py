"""How long the other side asks to be left alone: Retry-After (RFC 9110, 10.2.3) and its relatives. Pure: `now` is passed in.

Each reader takes an error and the present moment and returns seconds, or None when nothing is asked for. What is
invalid, zero, negative or past asks for nothing: the caller's own backoff applies.
"""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

Reader = Callable[[BaseException, datetime], float | None]
"""Seconds that an error asks to wait, seen from a moment; None when it asks for nothing."""

_SECONDS = re.compile(r"[0-9]+(?:\.[0-9]*)?")
_CLOCK = r"(?P<hour>\d\d):(?P<minute>\d\d):(?P<second>\d\d)"
_DATES = (
    re.compile(rf"[A-Za-z]{{3}}, (?P<day>\d\d) (?P<month>[A-Za-z]{{3}}) (?P<year>\d{{4}}) {_CLOCK} GMT", re.ASCII),
    re.compile(rf"[A-Za-z]{{6,9}}, (?P<day>\d\d)-(?P<month>[A-Za-z]{{3}})-(?P<year>\d\d) {_CLOCK} GMT", re.ASCII),
    re.compile(rf"[A-Za-z]{{3}} (?P<month>[A-Za-z]{{3}}) (?P<day>[ \d]\d) {_CLOCK} (?P<year>\d{{4}})", re.ASCII),
)
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_EPOCH_FROM = 1_000_000_000
"""A number from here on is a moment in seconds since 1970 rather than a wait: no one asks for thirty years."""


def parse_retry_after(text: str, *, now: datetime) -> float | None:
    """Seconds from `now`, for a number of seconds or one of HTTP's three date formats; None when nothing is asked for."""
    text = text.strip()
    if _SECONDS.fullmatch(text):
        return float(text) or None
    date = parse_date(text, now)
    return None if date is None or date <= now else (date - now).total_seconds()


def parse_date(text: str, now: datetime) -> datetime | None:
    """The moment that an HTTP-date names (RFC 9110, 5.6.7: IMF-fixdate, RFC 850 and asctime); None when it is none of them."""
    for form in _DATES:
        found = form.fullmatch(text)
        if found:
            return _moment(found, now)
    return None


def retry_after_of(error: BaseException, now: datetime) -> float | None:
    """What an error's own `retry_after` asks for (seconds, timedelta or text), else the Retry-After header that it carries."""
    asked = _attribute(error, "retry_after")
    if asked is None:
        text = header_of(error, "retry-after")
        return None if text is None else parse_retry_after(text, now=now)
    if isinstance(asked, str):
        return parse_retry_after(asked, now=now)
    if isinstance(asked, timedelta):
        asked = asked.total_seconds()
    if isinstance(asked, bool) or not isinstance(asked, int | float):
        return None
    return float(asked) if asked > 0 else None


def retry_after_ms_of(error: BaseException, now: datetime) -> float | None:
    """What a `retry-after-ms` header asks for, as services of language models send it."""
    text = header_of(error, "retry-after-ms")
    return float(text) / 1_000 or None if text and _SECONDS.fullmatch(text.strip()) else None


def rate_limit_reset_of(error: BaseException, now: datetime) -> float | None:
    """When `x-ratelimit-reset` says that the quota begins anew (seconds, or a moment since 1970), once nothing is left of it."""
    text, left = header_of(error, "x-ratelimit-reset"), header_of(error, "x-ratelimit-remaining")
    if text is None or not _SECONDS.fullmatch(text.strip()) or (left or "0").strip() != "0":
        return None
    seconds = float(text)
    if seconds >= _EPOCH_FROM:
        seconds -= now.timestamp()
    return seconds if seconds > 0 else None


def header_of(error: BaseException, name: str) -> str | None:
    """A header that an error or its response carries, by its name in small letters; None when there is none.

    It takes any kind of headers that has `items()`, and a broken one counts as none: a hint never replaces the error.
    """
    for holder in (error, _attribute(error, "response")):
        found = _header(_attribute(holder, "headers"), name)
        if found is not None:
            return found
    return None


def _header(headers: Any, name: str) -> str | None:
    try:
        for key, value in headers.items() if headers else ():
            if isinstance(key, str) and isinstance(value, str) and key.lower() == name:
                return value
    except Exception:  # noqa: BLE001 - foreign objects may do anything here
        return None
    return None


def _attribute(holder: Any, name: str) -> Any:
    try:
        return getattr(holder, name, None)
    except Exception:  # noqa: BLE001 - foreign properties may raise anything
        return None


def _moment(found: re.Match[str], now: datetime) -> datetime | None:
    month = found["month"].lower()
    if month not in _MONTHS:
        return None
    year = int(found["year"])
    if len(found["year"]) == 2:
        year += now.year // 100 * 100
        if year > now.year + 50:  # RFC 9110: more than 50 years ahead means the past century
            year -= 100
    second = int(found["second"])
    try:
        moment = datetime(
            year,
            _MONTHS.index(month) + 1,
            int(found["day"]),
            int(found["hour"]),
            int(found["minute"]),
            min(second, 59),
            tzinfo=UTC,
        )
        return moment + timedelta(seconds=1) if second == 60 else moment
    except (ValueError, OverflowError):  # the 31st of February; the leap second after the last second of time
        return None

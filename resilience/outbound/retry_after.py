"""How long an upstream asks to be left alone (RFC 9110, 10.2.3; `Backoff` as Kinto sends it). Pure: `now` is passed in."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

LONGEST = 3_600.0
"""Seconds. Whoever asks for more is asked again after an hour: a mistyped year must not stop a lane for ever."""

_SECONDS = re.compile(r"[0-9]+(?:\.[0-9]*)?")
_CLOCK = r"(?P<hour>\d\d):(?P<minute>\d\d):(?P<second>\d\d)"
_DATES = (
    re.compile(rf"[A-Za-z]{{3}}, (?P<day>\d\d) (?P<month>[A-Za-z]{{3}}) (?P<year>\d{{4}}) {_CLOCK} GMT", re.ASCII),
    re.compile(rf"[A-Za-z]{{6,9}}, (?P<day>\d\d)-(?P<month>[A-Za-z]{{3}})-(?P<year>\d\d) {_CLOCK} GMT", re.ASCII),
    re.compile(rf"[A-Za-z]{{3}} (?P<month>[A-Za-z]{{3}}) (?P<day>[ \d]\d) {_CLOCK} (?P<year>\d{{4}})", re.ASCII),
)
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")


def asked_wait(headers: Mapping[str, str], now: datetime, *, longest: float = LONGEST) -> float | None:
    """Seconds to wait as `Retry-After` or `Backoff` say (the longer one), at most `longest`; None when neither asks for a wait.

    A date in the past, a zero and what cannot be read ask for nothing: the caller's own backoff applies.
    """
    waits = [
        wait
        for value in (headers.get("Retry-After"), headers.get("Backoff"))
        if value and (wait := parse_wait(value, now)) is not None and wait > 0
    ]
    return min(max(waits), longest) if waits else None


def parse_wait(value: str, now: datetime) -> float | None:
    """Seconds from `now`, for a number of seconds or one of HTTP's three date formats; None when it is neither; 0 for the past."""
    value = value.strip()
    if _SECONDS.fullmatch(value):
        return float(value)
    date = parse_date(value, now)
    return None if date is None else max(0.0, (date - now).total_seconds())


def parse_date(value: str, now: datetime) -> datetime | None:
    """The moment that an HTTP-date names (RFC 9110, 5.6.7: IMF-fixdate, RFC 850 and asctime); None when it is none of them."""
    for form in _DATES:
        found = form.fullmatch(value)
        if found:
            return _moment(found, now)
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
    except ValueError:
        return None
    return moment + timedelta(seconds=1) if second == 60 else moment

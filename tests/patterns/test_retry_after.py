"""What an error says about how long to wait."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.message import Message
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resilience.patterns.retry_after import (
    Reader,
    header_of,
    parse_date,
    parse_retry_after,
    rate_limit_reset_of,
    retry_after_ms_of,
    retry_after_of,
)

pytestmark = pytest.mark.plain

NOW = datetime(2026, 11, 21, 12, 0, 0, tzinfo=UTC)
MOMENTS = st.datetimes(datetime(1977, 1, 1), datetime(2076, 1, 1), timezones=st.just(UTC)).map(
    lambda moment: moment.replace(microsecond=0)
)
DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


class Failed(Exception):
    """An error with whatever it is given."""

    def __init__(self, **said: Any) -> None:
        super().__init__("failed")
        vars(self).update(said)


def answered(**headers: str) -> Failed:
    """An error of an HTTP client: its response has the headers."""
    return Failed(response=SimpleNamespace(headers={name.replace("_", "-"): text for name, text in headers.items()}))


@given(MOMENTS)
def test_all_three_formats_name_the_same_moment(moment: datetime) -> None:
    """IMF-fixdate, RFC 850 and asctime are read alike, whatever the machine's language."""
    day, month, clock = DAYS[moment.weekday()], MONTHS[moment.month - 1], moment.strftime("%H:%M:%S")
    texts = (
        f"{day[:3]}, {moment.day:02} {month} {moment.year} {clock} GMT",
        f"{day}, {moment.day:02}-{month}-{moment.year % 100:02} {clock} GMT",
        f"{day[:3]} {month} {moment.day:2} {clock} {moment.year}",
    )
    assert {parse_date(text, NOW) for text in texts} == {moment}
    ahead = (moment - NOW).total_seconds()
    assert {parse_retry_after(text, now=NOW) for text in texts} == {ahead if ahead > 0 else None}


@given(st.integers(1, 10**12))
def test_seconds(seconds: int) -> None:
    """A number is a number of seconds."""
    assert parse_retry_after(f" {seconds} ", now=NOW) == seconds


@given(st.text())
def test_no_text_breaks_it(text: str) -> None:
    """Whatever stands there, something over zero or nothing is asked for."""
    wait = parse_retry_after(text, now=NOW)
    assert wait is None or wait > 0


@pytest.mark.parametrize(
    ("text", "wait"),
    [
        ("120", 120),
        ("1.5", 1.5),
        ("0", None),
        ("-1", None),
        ("1e3", None),
        ("soon", None),
        ("", None),
        ("٣", None),
        ("Sat, 21 Nov 2026 12:01:00 GMT", 60),
        ("Sat, 21 Nov 2026 12:00:60 GMT", 60),
        ("Sat, 21 Nov 2026 12:00:00 GMT", None),
        ("Sat, 21 Nov 2026 11:59:00 GMT", None),
        ("Sat, 31 Feb 2027 11:59:00 GMT", None),
        ("Sat, 21 Foo 2027 11:59:00 GMT", None),
        ("Fri, 31 Dec 9999 23:59:60 GMT", None),
    ],
)
def test_what_a_header_asks_for(text: str, wait: float | None) -> None:
    """What is invalid, zero, negative or past asks for nothing."""
    assert parse_retry_after(text, now=NOW) == wait


def test_two_digits_of_a_year_are_near() -> None:
    """A two-digit year more than fifty years ahead means the past century."""
    assert parse_date("Sunday, 06-Nov-94 08:49:37 GMT", NOW) == datetime(1994, 11, 6, 8, 49, 37, tzinfo=UTC)
    assert parse_date("Sunday, 06-Nov-30 08:49:37 GMT", NOW) == datetime(2030, 11, 6, 8, 49, 37, tzinfo=UTC)


@pytest.mark.parametrize(
    ("said", "wait"),
    [
        (7, 7),
        (0.5, 0.5),
        (0, None),
        (-3, None),
        (True, None),
        (timedelta(minutes=1), 60),
        ("30", 30),
        ("Sat, 21 Nov 2026 12:01:00 GMT", 60),
        (["30"], None),
        (None, None),
        (float("nan"), None),
    ],
)
def test_an_error_says_it_itself(said: object, wait: float | None) -> None:
    """`retry_after` of an error is a number of seconds, a timedelta or text."""
    assert retry_after_of(Failed(retry_after=said), NOW) == wait


@pytest.mark.parametrize("name", ["Retry-After", "retry-after", "RETRY-AFTER"])
def test_headers_in_any_letter_case(name: str) -> None:
    """The header is found on the error and on its response, however it is written."""
    assert retry_after_of(Failed(headers={name: "9"}), NOW) == 9
    assert retry_after_of(Failed(response=SimpleNamespace(headers={"Date": "x", name: "9"})), NOW) == 9


def test_the_headers_of_the_standard_library() -> None:
    """urllib's errors carry a Message, which is no mapping."""
    headers = Message()
    headers["Retry-After"] = "11"
    assert retry_after_of(Failed(headers=headers), NOW) == 11


def test_the_error_comes_before_its_header() -> None:
    """What the error says itself counts, even when that is nothing."""
    assert retry_after_of(Failed(retry_after=3, headers={"Retry-After": "9"}), NOW) == 3
    assert retry_after_of(Failed(retry_after=0, headers={"Retry-After": "9"}), NOW) is None


class Broken(Exception):
    """Raises wherever it is asked something."""

    @property
    def retry_after(self) -> float:
        """Nothing good."""
        raise RuntimeError("no response yet")

    response = retry_after


class BrokenHeaders:
    """Headers that end in an error."""

    def items(self) -> Iterator[tuple[str, str]]:
        """One that does not matter, then the error."""
        yield "Date", "today"
        raise OSError("gone")


@pytest.mark.parametrize(
    "error",
    [
        Broken(),
        ValueError("plain"),
        Failed(headers=BrokenHeaders()),
        Failed(headers=["Retry-After: 3"]),
        Failed(headers={b"Retry-After": b"3", "Retry-After": 3}),
        Failed(response=None),
        Failed(headers={}),
    ],
)
def test_a_hint_never_replaces_the_error(error: Exception) -> None:
    """Objects that raise, or hold something else, ask for nothing."""
    assert retry_after_of(error, NOW) is None
    assert header_of(error, "retry-after") is None


def test_broken_headers_do_not_hide_those_of_the_response() -> None:
    """The response is read although the error's own headers are broken."""
    assert header_of(Failed(headers=BrokenHeaders(), response=SimpleNamespace(headers={"A": "b"})), "a") == "b"


@pytest.mark.parametrize(
    ("reader", "error", "wait"),
    [
        (retry_after_ms_of, answered(Retry_After_Ms="250"), 0.25),
        (retry_after_ms_of, answered(Retry_After_Ms="0"), None),
        (retry_after_ms_of, answered(Retry_After_Ms="soon"), None),
        (retry_after_ms_of, answered(), None),
        (rate_limit_reset_of, answered(X_RateLimit_Reset="12"), 12),
        (rate_limit_reset_of, answered(X_RateLimit_Reset="0"), None),
        (rate_limit_reset_of, answered(X_RateLimit_Reset="soon"), None),
        (rate_limit_reset_of, answered(X_RateLimit_Reset="12", X_RateLimit_Remaining="0"), 12),
        (rate_limit_reset_of, answered(X_RateLimit_Reset="12", X_RateLimit_Remaining="4"), None),
        (rate_limit_reset_of, answered(X_RateLimit_Reset=str(int(NOW.timestamp()) + 40)), 40),
        (rate_limit_reset_of, answered(X_RateLimit_Reset=str(int(NOW.timestamp()) - 40)), None),
        (rate_limit_reset_of, answered(), None),
    ],
)
def test_the_relatives(reader: Reader, error: Exception, wait: float | None) -> None:
    """Milliseconds, and the moment at which a quota begins anew once it is used up."""
    assert reader(error, NOW) == wait

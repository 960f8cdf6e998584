"""How long an upstream asks to be left alone."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resilience.outbound.retry_after import LONGEST, asked_wait, parse_date, parse_wait

NOW = datetime(2026, 11, 21, 12, 0, 0, tzinfo=UTC)
MOMENTS = st.datetimes(datetime(1977, 1, 1), datetime(2076, 1, 1), timezones=st.just(UTC)).map(
    lambda moment: moment.replace(microsecond=0)
)
DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


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


@given(st.integers(0, 10**12))
def test_seconds(seconds: int) -> None:
    """A number is a number of seconds."""
    assert parse_wait(f" {seconds} ", NOW) == seconds


@given(st.text())
def test_anything_else_asks_for_nothing_and_breaks_nothing(text: str) -> None:
    """Whatever stands there, the wait is none or between zero and the longest."""
    wait = asked_wait({"Retry-After": text}, NOW)
    assert wait is None or 0 < wait <= LONGEST


@pytest.mark.parametrize(
    ("headers", "wait"),
    [
        ({}, None),
        ({"Retry-After": "120"}, 120),
        ({"Retry-After": "1.5"}, 1.5),
        ({"Backoff": "30"}, 30),
        ({"Retry-After": "5", "Backoff": "30"}, 30),
        ({"Retry-After": "0"}, None),
        ({"Retry-After": "-1"}, None),
        ({"Retry-After": "soon"}, None),
        ({"Retry-After": "99999999999"}, LONGEST),
        ({"Retry-After": "Sat, 21 Nov 2026 12:01:00 GMT"}, 60),
        ({"Retry-After": "Sat, 21 Nov 2026 11:59:00 GMT"}, None),
        ({"Retry-After": "Sat, 31 Feb 2026 11:59:00 GMT"}, None),
        ({"Retry-After": "Sat, 21 Foo 2026 11:59:00 GMT"}, None),
        ({"Retry-After": "Sat, 21 Nov 2026 12:00:60 GMT"}, 60),
        ({"Retry-After": "٣"}, None),
    ],
)
def test_what_is_asked(headers: dict[str, str], wait: float | None) -> None:
    """The longer of both headers counts, at most the longest; the past asks for nothing."""
    assert asked_wait(headers, NOW) == wait


def test_two_digits_of_a_year_are_near() -> None:
    """A two-digit year more than fifty years ahead means the past century."""
    assert parse_date("Sunday, 06-Nov-94 08:49:37 GMT", NOW) == datetime(1994, 11, 6, 8, 49, 37, tzinfo=UTC)
    assert parse_date("Sunday, 06-Nov-30 08:49:37 GMT", NOW) == datetime(2030, 11, 6, 8, 49, 37, tzinfo=UTC)


def test_the_longest_can_be_set() -> None:
    """Who asks may set another limit."""
    assert asked_wait({"Retry-After": "50"}, NOW, longest=timedelta(seconds=20).total_seconds()) == 20

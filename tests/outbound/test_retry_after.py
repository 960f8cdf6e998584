"""How long an upstream asks to be left alone."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resilience.outbound.retry_after import LONGEST, asked_wait

NOW = datetime(2026, 11, 21, 12, 0, 0, tzinfo=UTC)


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


def test_the_longest_can_be_set() -> None:
    """Who asks may set another limit."""
    assert asked_wait({"Retry-After": "50"}, NOW, longest=timedelta(seconds=20).total_seconds()) == 20

"""Numbers, durations and moments as people read them."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.utils import timezone

from portal.web import formats

GAP = "\u00a0"


@pytest.mark.parametrize(
    ("span", "text"),
    [
        (None, "\u2013"),
        (0.212, "212 ms"),
        (1.9, "1.9 s"),
        (9, "9 s"),
        (59.6, "59 s"),
        (60, "1 min"),
        (105.9, "1 min 45 s"),
        (9 * 60 + 5, "9 min 05 s"),
        (10 * 60 + 59, "10 min"),
        (41 * 60, "41 min"),
        (68 * 60, "1 h 08 min"),
        (timedelta(days=3, hours=4, minutes=59), "3 d 4 h"),
    ],
)
def test_a_duration_has_two_units_at_most(span: float | timedelta | None, text: str) -> None:
    """The figure and its unit never part, and nothing is said more exactly than it is worth."""
    assert formats.duration(span) == text.replace(" ", GAP)


@pytest.mark.parametrize(("share", "text"), [(0.962, "96.2 %"), (1, "100 %"), (0, "0 %"), (None, "\u2013")])
def test_a_share_is_a_percentage(share: float | None, text: str) -> None:
    """Whole shares have no decimals; what is missing is a dash, never 0."""
    assert formats.percent(share) == text.replace(" ", GAP)


def test_counts_are_grouped_and_capped() -> None:
    """Thousands are grouped; a count that was cut off says so."""
    assert formats.number(24310) == "24,310"
    assert formats.capped(9_999) == "9,999"
    assert formats.capped(10_000) == "10,000+"
    assert formats.size(4_100_000) == f"4.1{GAP}MB"


def test_a_moment_stands_in_the_readers_zone() -> None:
    """Today is a time of day, other days have their date, other years their year."""
    at = datetime(2026, 11, 20, 16, 40, 5, tzinfo=UTC)
    with timezone.override(ZoneInfo("Europe/Berlin")):
        assert formats.moment(at, date(2026, 11, 20), seconds=True) == "17:40:05"
        assert formats.moment(at, date(2026, 11, 21)) == f"20{GAP}Nov 17:40"
        assert formats.moment(at, date(2027, 1, 1)) == f"20{GAP}Nov{GAP}2026 17:40"
        assert formats.full_moment(at) == "20 November 2026, 17:40:05 CET · 16:40:05 UTC"

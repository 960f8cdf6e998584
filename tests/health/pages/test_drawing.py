"""The pictures of health as geometry."""

import re
from datetime import UTC, datetime, timedelta
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from resilience.health import drawing
from resilience.health.series import Span
from resilience.health.words import availability, days_said

START = datetime(2026, 11, 21, 2, 30, tzinfo=UTC)
END = START + timedelta(minutes=40)
KINDS = st.sampled_from(["up", "slow", "down", "none", "maintenance"])


def covered(path: str) -> float:
    """How many columns the bars of a path take."""
    return sum(float(width) + 0.28 for width in re.findall(r"h([\d.]+)", path))


@given(st.lists(st.tuples(KINDS, st.floats(0, 1)), min_size=1, max_size=90))
def test_every_day_has_one_bar(columns: list[tuple[str, float]]) -> None:
    """Whatever follows what, each column is drawn once, in its own kind."""
    drawn = drawing.bars(columns)
    assert round(sum(covered(one.path) for one in drawn)) == len(columns)
    for kind in {kind for kind, _lost in columns}:
        mine = sum(covered(one.path) for one in drawn if one.kind == kind)
        assert round(mine) == sum(1 for other, _lost in columns if other == kind)


def test_equal_days_cost_next_to_nothing() -> None:
    """Ninety good days are one run."""
    (good,) = drawing.bars([("up", 0.0)] * 90)
    assert good.path == "M0.14 12h89.72"


@given(st.floats(0, 1))
def test_a_bad_day_is_shorter_than_a_good_one(lost: float) -> None:
    """The shape alone tells; no data is the shortest."""
    assert drawing.tall("none") < drawing.tall("down", lost) < drawing.tall("slow") < drawing.tall("up")


@given(st.lists(st.none() | st.floats(0, 1e6), max_size=60))
def test_a_sparkline_stays_within_its_box(values: list[float | None]) -> None:
    """No figure leaves it, and what is missing has no line."""
    spark = drawing.spark(values)
    if not any(value is not None for value in values):
        assert (spark.line, spark.area) == ("", "")
        return
    y = None
    for letter, _x, height in re.findall(r"([Ml ]?)(\d+)[ ]?(-?\d+)", spark.line):
        y = int(height) if letter == "M" or y is None else y + int(height)
        assert 0 <= y <= 100


def test_a_gap_parts_the_sparkline() -> None:
    """Two missing minutes are bridged, three are not."""
    assert drawing.spark([1, None, None, 1]).line.count("M") == 1
    assert drawing.spark([1, None, None, None, 1]).line.count("M") == 2


def test_a_stretch_is_cut_to_its_track() -> None:
    """What began before begins at the edge and has no mark there; what lies outside is left out; a short one has no word."""
    early = drawing.piece(
        START - timedelta(hours=1), START + timedelta(minutes=10), "open", "bad", start=START, end=END
    )
    assert early is not None
    assert (early.x, early.width, early.word, early.marked) == ("0.00%", "25.00%", "open", False)
    assert drawing.piece(START - timedelta(hours=2), START, "over", "bad", start=START, end=END) is None
    short = drawing.piece(END - timedelta(seconds=30), None, "open", "bad", start=START, end=END)
    assert short is not None
    assert (short.word, short.title) == ("", "open")


def test_tests_of_an_open_breaker_are_few_marks_in_one_stretch() -> None:
    """However often it was tested; being half-open for long is a stretch of its own."""
    second = timedelta(seconds=1)
    turns = [START + 600 * second + n * 3 * second for n in range(41)]
    stretches = [Span(START, turns[0], "Closed", "ok")]
    for at, end in pairwise(turns):
        stretches += [Span(at, at + 2 * second, "Open", "bad"), Span(at + 2 * second, end, "Half-open", "warn")]
    stretches += [Span(turns[-1], turns[-1] + 300 * second, "Half-open", "warn"), Span(END, END, "Closed", "ok")]
    found = drawing.tested(stretches)
    assert [one.word for one, _tests in found] == ["Closed", "Open", "Half-open", "Closed"]
    one, tests = found[1]
    assert (one.start, one.end, len(tests)) == (turns[0], turns[-1], 40)
    drawn = drawing.piece(one.start, one.end, one.word, one.tone, start=START, end=END, tests=tests)
    assert drawn is not None
    assert 1 <= len(drawn.tests) <= 3


def test_the_word_of_a_short_stretch_stands_beside_it() -> None:
    """Where there is room; what is well gives its own up, and all do for the last, as far as the track is too narrow for both."""

    def drawn(minute: int, tone: str = "bad", lasts: int = 1) -> tuple[drawing.Piece, str]:
        began = START + timedelta(minutes=minute)
        piece = drawing.piece(began, began + timedelta(minutes=lasts), "Out", tone, start=START, end=END)
        assert piece is not None
        return piece, "Out"

    def words(*pieces: tuple[drawing.Piece, str]) -> list[tuple[str, bool, str]]:
        return [(one.word, one.beside, one.room) for one in drawing.track(pieces)]

    beside, none = ("Out", True, ""), ("", False, "")
    assert words(drawn(20), drawn(24)) == [("Out", True, "minor"), beside]
    assert words(drawn(20), drawn(21)) == [none, beside]
    assert words(drawn(20), drawn(24), drawn(25, "ok", 15)) == [beside, none, ("Out", False, "")]
    assert words(drawn(1)) == [none]
    assert words(drawn(0, "ok", 14), drawn(14)) == [("Out", False, "minor"), beside]
    assert words(drawn(10, lasts=10), drawn(39)) == [("Out", False, ""), beside]
    assert words(drawn(30, lasts=8), drawn(39)) == [("Out", False, "minor"), beside]


@given(st.integers(1, 400))
def test_times_over_the_tracks_are_few_and_round(minutes: int) -> None:
    """Never more than fit, none where "now" stands."""
    ticks = drawing.ticks(START, START + timedelta(minutes=minutes))
    assert len(ticks) <= drawing.MOST_TICKS + 1
    assert all(float(tick.at.rstrip("%")) < 90 for tick in ticks)
    assert all(float(tick.at.rstrip("%")) < 62 for tick in ticks if not tick.minor)


def test_an_amount_holds_until_the_next_is_known() -> None:
    """The line reaches the end of the track at its last figure."""
    line, area, top = drawing.volume([(START, 0), (START + timedelta(minutes=20), 10)], START, END)
    assert line == "M0 98L500 10L1000 10"
    assert area.endswith("V100H0z")
    assert top == 10


@given(st.floats(0, 1))
def test_it_is_100_per_cent_only_when_nothing_is_missing(share: float) -> None:
    """A second of outage in 90 days is seen."""
    assert (availability(share) == "100\u00a0%") == (share == 1)


def test_days_are_told_to_those_who_do_not_see_them() -> None:
    """How many were bad, slow, and without data."""
    said = days_said(["up"] * 86 + ["down", "slow", "none", "none"])
    assert said == "The last 90 days: 1 day with an outage, 1 slow day, 2 days without data."

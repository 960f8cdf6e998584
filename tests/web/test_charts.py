"""Charts as geometry."""

import re
from datetime import UTC, datetime, timedelta

from django.template.loader import render_to_string
from hypothesis import given
from hypothesis import strategies as st

from portal.web.axes import ceiling
from portal.web.charts import Point, Series, Span, line_chart, series_chart, volume_chart

START = datetime(2026, 11, 21, 2, 0, tzinfo=UTC)


def points(*values: float | None) -> list[Point]:
    """One figure a minute."""
    return [Point(START + timedelta(minutes=minute), value) for minute, value in enumerate(values)]


@given(st.floats(min_value=0, max_value=1e9))
def test_the_scale_ends_at_a_round_figure_above_the_highest(highest: float) -> None:
    """The line never leaves the plot, and uses at least a seventh of it."""
    top = ceiling(highest)
    assert highest <= top
    assert top == 3 or top <= highest * 7


def test_a_gap_without_data_is_not_drawn() -> None:
    """Two missing minutes are bridged; more part the line."""
    bridged = line_chart("a", "a", points(1, None, None, 2), label="2 waiting", heads=("n",))
    parted = line_chart("a", "a", points(1, 1, None, None, None, 2, 2), label="2 waiting", heads=("n",))
    assert len(bridged.lines) == 1
    assert len(parted.lines) == 2


def test_a_figure_that_stands_alone_is_a_dot() -> None:
    """Also in a chart of a year, where the width of one step cannot be seen."""
    days = [START + timedelta(days=day) for day in range(183)]
    alone: list[float | None] = [None] * 182
    lines = [Series("p95", [*alone, 3.0], main=True), Series("p50", [*alone, 1.0])]
    year = series_chart("a", "a", days, lines, write=str, start=START, end=days[-1])
    assert (year.lines, year.others, year.areas) == ([], [], [])
    assert (year.dots, year.other_dots) == ("M1000 0.0h0", "M1000 66.7h0")
    hour = line_chart("a", "a", points(1, None, None, None, 2, 2), label="", heads=("n",))
    assert hour.dots.startswith("M0 ")
    assert len(hour.lines) == 1


def test_without_data_nothing_is_drawn_as_good() -> None:
    """No figure at all: no line, no last value."""
    chart = line_chart("a", "a", points(None, None), label="", heads=("n",))
    assert chart.lines == []
    assert chart.last is None


def test_names_of_outages_do_not_lie_over_each_other() -> None:
    """Of three within a few minutes the newest keeps its name, and one far from them too; all of them stay shaded."""
    line = points(*[1.0] * 61)
    spans = [
        Span(START + timedelta(minutes=begin), START + timedelta(minutes=begin + 2), f"out, {begin} min")
        for begin in (2, 50, 53, 56)
    ]
    chart = line_chart("waiting", "", line, label="", heads=("Waiting",), spans=spans)
    assert [(band.name, band.minor) for band in chart.bands] == [
        ("out, 2 min", False),
        ("", False),
        ("", False),
        ("out, 56 min", False),
    ]


def test_on_phones_fewer_outages_have_their_names() -> None:
    """Two that fit beside each other on a desk would lie over each other there: the newer keeps its own, which gives way nowhere."""
    line = points(*[1.0] * 61)
    names = ((40, "Plans API down, 36\u00a0s"), (58, "Plans API down since 06:24"))
    spans = [Span(START + timedelta(minutes=at), START + timedelta(minutes=at + 2), name) for at, name in names]
    (older, newer) = line_chart("waiting", "", line, label="", heads=("Waiting",), spans=spans).bands
    assert (older.name, newer.name) == ("", names[1][1])
    spans[0] = Span(START, START + timedelta(minutes=2), "Plans API down, 36\u00a0s")
    chart = line_chart("waiting", "", line, label="", heads=("Waiting",), spans=spans)
    assert [(band.name, band.minor) for band in chart.bands] == [(names[0][1], True), (names[1][1], False)]
    page = render_to_string("partials/chart.html", {"chart": chart})
    assert re.findall(r'class="(band-name[^"]*)"', page) == ["band-name minor", "band-name"]


def test_an_outage_is_cut_to_the_chart() -> None:
    """An outage that began before the chart starts at its edge; one that is over before is left out."""
    whole = points(*range(61))
    long_ago, hour_end = START - timedelta(hours=3), START + timedelta(minutes=60)
    chart = line_chart(
        "a",
        "a",
        whole,
        label="",
        heads=("n",),
        spans=[Span(long_ago, START + timedelta(minutes=15), "early"), Span(long_ago, START, "gone")],
    )
    assert [(band.name, band.x, band.width) for band in chart.bands] == [("early", "0.00%", "25.00%")]
    late = line_chart(
        "a", "a", whole, label="", heads=("n",), spans=[Span(START + timedelta(minutes=45), hour_end, "late")]
    )
    assert (late.bands[0].anchor, late.bands[0].anchor_at) == ("end", "100.00%")


def test_trouble_stands_on_top_of_the_volume() -> None:
    """A bar's parts add up to its height, and an unknown minute has no bar."""
    chart = volume_chart("a", "a", points(6, None), points(3, None), heads=("good", "bad"))
    (mark,) = chart.marks
    assert float(mark.volume_y) == float(mark.trouble_y) + float(mark.trouble)
    assert float(mark.volume) == 2 * float(mark.trouble)

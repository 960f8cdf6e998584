"""Charts as geometry: figures in, percentages of the chart's box out. templates/partials/chart.html draws them as SVG without a script.

Inside the box the plot takes the middle: names of outages stand above it, times below it. A minute without data is a gap, never a zero.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from portal.web.axes import LINES, Tick, ceiling, clock, dates_below, percent, times_below
from portal.web.formats import number

TOP, HEIGHT = 15.0, 69.0
BRIDGED = 2
LETTER, LETTER_NARROW = 1.6, 4.0
"""About how much of the box's width, in percent, a letter of a band's name takes: from 30rem on, and on phones."""


@dataclass(frozen=True, slots=True)
class Point:
    """A figure at a moment; None where it is not known."""

    at: datetime
    value: float | None


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of time with a name, drawn hatched behind the line."""

    start: datetime
    end: datetime
    name: str
    tone: str = "bad"


@dataclass(frozen=True, slots=True)
class Series:
    """One of several lines: its name, and its figure at each moment of the chart. The `main` one has the accent."""

    name: str
    values: Sequence[float | None]
    main: bool = False


@dataclass(frozen=True, slots=True)
class Limit:
    """A dashed line across, with its name."""

    value: float
    name: str


@dataclass(frozen=True, slots=True)
class Band:
    """A stretch of time in percent; its name starts or ends at `anchor_at`. A `minor` name is not shown where space is short."""

    x: str
    width: str
    name: str
    tone: str
    anchor: str
    anchor_at: str
    minor: bool = False


@dataclass(frozen=True, slots=True)
class Mark:
    """A bar of the volume: its place and heights in the plot's own units (columns across, 100 up)."""

    x: str
    volume_y: str
    volume: str
    trouble_y: str
    trouble: str


@dataclass(frozen=True, slots=True)
class Row:
    """A row of "Show as table"."""

    at: datetime
    values: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Chart:
    """All that the template needs. `summary` is the chart's name for those who cannot see it.

    `lines` and `areas` are of the main line, `others` the further ones; `dots` and `other_dots` are figures that stand alone.
    """

    name: str
    summary: str
    columns: int
    heads: tuple[str, ...]
    rows: list[Row]
    across: list[Tick]
    below: list[Tick]
    lines: list[str] = field(default_factory=list)
    areas: list[str] = field(default_factory=list)
    marks: list[Mark] = field(default_factory=list)
    bands: list[Band] = field(default_factory=list)
    last: Tick | None = None
    last_y: str = ""
    now_label: str = ""
    others: list[str] = field(default_factory=list)
    ends: list[Tick] = field(default_factory=list)
    limits: list[Tick] = field(default_factory=list)
    dots: str = ""
    other_dots: str = ""
    csv: str = ""


def line_chart(
    name: str, summary: str, points: Sequence[Point], *, label: str, heads: tuple[str, ...], spans: Sequence[Span] = ()
) -> Chart:
    """One line over time, with its last value named. `label` is what stands at its end."""
    top = ceiling(max((point.value for point in points if point.value is not None), default=0))
    columns = max(len(points) - 1, 1)
    known = [(x, point.value) for x, point in enumerate(points) if point.value is not None]
    found = runs([(x, 100 - value * 100 / top) for x, value in known])
    last_value = points[-1].value if points else None
    last_y = TOP + HEIGHT * (1 - (last_value or 0) / top)
    return Chart(
        name=name,
        summary=summary,
        columns=columns,
        heads=heads,
        rows=[Row(point.at, (number(point.value),)) for point in reversed(_thinned(points))],
        across=_across(top),
        below=_below(points),
        lines=_lines(found),
        areas=_areas(found),
        dots=_dots(found),
        bands=_bands(points, spans),
        last=Tick(percent(max(_crest(points, top) - 5, 13)), label) if last_value is not None else None,
        last_y=percent(last_y),
        now_label=clock(points[-1].at) if points else "",
    )


def series_chart(
    name: str,
    summary: str,
    at: Sequence[datetime],
    series: Sequence[Series],
    *,
    write: Callable[[float | None], str],
    start: datetime,
    end: datetime,
    spans: Sequence[Span] = (),
    limits: Sequence[Limit] = (),
    floor: float = 0.0,
    top: float | None = None,
    steps: int = LINES,
    now_label: str = "",
) -> Chart:
    """Several lines over the same moments, between `floor` and `top` (a round figure when not given), each named at its end.

    `write` turns a figure into words. The chart goes from `start` to `end`, whatever moments there are.
    """
    highest = max((value for one in series for value in one.values if value is not None), default=0.0)
    shown = [limit for limit in limits if limit.value <= highest * 1.6]
    most = ceiling(max([highest, *(limit.value for limit in shown)])) if top is None else top
    span = max(most - floor, 1e-9)
    whole = max((end - start).total_seconds(), 1.0)
    places = [round((moment - start).total_seconds() * 1000 / whole) for moment in at]
    main: list[list[tuple[int, float]]] = []
    others: list[list[tuple[int, float]]] = []
    ends: list[Tick] = []
    for one in series:
        heights = [None if value is None else 100 - (max(value, floor) - floor) * 100 / span for value in one.values]
        known = runs([(x, y) for x, y in enumerate(heights) if y is not None])
        found = [[(places[x], y) for x, y in run] for run in known]
        last = next((y for y in reversed(heights) if y is not None), None)
        if last is not None:
            ends.append(Tick(percent(TOP + HEIGHT * last / 100), one.name))
        if one.main:
            main = found
        else:
            others += found
    return Chart(
        name=name,
        summary=summary,
        columns=1000,
        heads=tuple(one.name for one in series),
        rows=[Row(moment, tuple(write(one.values[x]) for one in series)) for x, moment in enumerate(at)][::-1],
        across=[
            Tick(percent(TOP + HEIGHT * (1 - step / steps)), write(floor + span * step / steps))
            for step in range(steps + 1)
        ],
        below=dates_below(start, end),
        lines=_lines(main),
        areas=_areas(main),
        dots=_dots(main),
        bands=_bands([Point(start, None), Point(end, None)], spans),
        now_label=now_label or clock(end),
        others=_lines(others),
        other_dots=_dots(others),
        ends=_apart(ends),
        limits=[
            Tick(percent(TOP + HEIGHT * (1 - (limit.value - floor) / span)), limit.name)
            for limit in shown
            if floor <= limit.value <= most
        ],
    )


def _apart(ends: Sequence[Tick], least: float = 9.0) -> list[Tick]:
    """The names at the ends of lines, moved so that none stands on another."""
    found: list[Tick] = []
    low = 100.0
    lowest_first = list(reversed(ends))
    for tick in sorted(lowest_first, key=lambda tick: -float(tick.at.rstrip("%"))):
        low = min(float(tick.at.rstrip("%")), low - least)
        found.append(Tick(percent(low), tick.label))
    return found


def _crest(points: Sequence[Point], top: float) -> float:
    """How high the line reaches near its end, where the name of its last value stands above it."""
    near = [point.value for point in points[-max(len(points) // 8, 1) :] if point.value is not None]
    return TOP + HEIGHT * (1 - max(near, default=0) / top)


def volume_chart(
    name: str, summary: str, good: Sequence[Point], bad: Sequence[Point], *, heads: tuple[str, ...]
) -> Chart:
    """Bars over time: normal volume, with trouble on top."""
    sums = [(one.value or 0) + (other.value or 0) for one, other in zip(good, bad, strict=True)]
    top = ceiling(max(sums, default=0))
    marks = [_mark(x, one.value, other.value, top) for x, (one, other) in enumerate(zip(good, bad, strict=True))]
    return Chart(
        name=name,
        summary=summary,
        columns=max(len(good), 1),
        heads=heads,
        rows=[
            Row(one.at, (number(one.value, 1), number(other.value, 1))) for one, other in zip(good, bad, strict=True)
        ][::-1],
        across=_across(top),
        below=_below(good),
        marks=[mark for mark in marks if mark is not None],
        now_label=clock(good[-1].at) if good else "",
    )


def _mark(x: int, good: float | None, bad: float | None, top: float) -> Mark | None:
    if good is None and bad is None:
        return None
    volume, trouble = (good or 0) * 100 / top, (bad or 0) * 100 / top
    return Mark(
        f"{x + 0.1:.1f}", f"{100 - volume:.2f}", f"{volume:.2f}", f"{100 - volume - trouble:.2f}", f"{trouble:.2f}"
    )


def runs(places: Sequence[tuple[int, float]]) -> list[list[tuple[int, float]]]:
    """The points in stretches: up to two missing ones are bridged, more are a gap."""
    found: list[list[tuple[int, float]]] = []
    for place in places:
        if found and place[0] - found[-1][-1][0] <= BRIDGED + 1:
            found[-1].append(place)
        else:
            found.append([place])
    return found


Runs = Sequence[Sequence[tuple[int, float]]]


def _lines(found: Runs) -> list[str]:
    return [_path(run) for run in found if len(run) > 1]


def _areas(found: Runs) -> list[str]:
    return [f"{_path(run)}V100H{run[0][0]}Z" for run in found if len(run) > 1]


def _dots(found: Runs) -> str:
    """The points that have no neighbour: lines without a length, which round ends make dots."""
    return "".join(f"M{run[0][0]} {run[0][1]:.1f}h0" for run in found if len(run) == 1)


def _path(run: Sequence[tuple[int, float]]) -> str:
    return "M" + "L".join(f"{x} {y:.1f}" for x, y in run)


def _below(points: Sequence[Point]) -> list[Tick]:
    return times_below(points[0].at, points[-1].at) if len(points) > 1 else []


def _across(top: float) -> list[Tick]:
    shown = [top * step / LINES for step in range(LINES + 1)]
    return [Tick(percent(TOP + HEIGHT * (1 - value / top)), number(value)) for value in shown]


def _bands(points: Sequence[Point], spans: Sequence[Span]) -> list[Band]:
    if len(points) < 2:
        return []
    start, end = points[0].at, points[-1].at
    whole = (end - start).total_seconds()
    bands = []
    for span in spans:
        left = max((span.start - start).total_seconds() / whole, 0) * 100
        right = min((span.end - start).total_seconds() / whole, 1) * 100
        if right <= left:
            continue
        ends = left > 50
        bands.append(
            Band(
                percent(left),
                percent(right - left),
                span.name,
                span.tone,
                "end" if ends else "start",
                percent(right if ends else left),
            )
        )
    return _legible(bands)


def _legible(bands: Sequence[Band]) -> list[Band]:
    """The bands with their names as far as these do not lie over each other: the newer one keeps its own."""
    kept = _apart_names(bands, LETTER)
    narrow = _apart_names(kept, LETTER_NARROW)
    return [replace(one, minor=one.name != other.name) for one, other in zip(kept, narrow, strict=True)]


def _apart_names(bands: Sequence[Band], letter: float) -> list[Band]:
    """From the right, each with its name when that ends before those that have theirs; a letter is so wide, in percent."""
    taken: list[tuple[float, float]] = []
    shown: list[Band] = []
    for band in reversed(bands):
        at, width = float(band.anchor_at.removesuffix("%")), len(band.name) * letter
        low, high = (at - width, at) if band.anchor == "end" else (at, at + width)
        free = all(high <= other_low or low >= other_high for other_low, other_high in taken)
        if band.name and free:
            taken.append((low, high))
        shown.append(band if free else replace(band, name=""))
    return shown[::-1]


def _thinned(points: Sequence[Point], most: int = 72) -> list[Point]:
    step = max(-(-len(points) // most), 1)
    return list(points[::-1][::step][::-1])

"""The pictures of the health page as geometry: sparklines, strips of days, tracks of a timeline. Pure; templates draw them as SVG.

Equal neighbours are one run: a run is one dashed line whose dashes are the bars, so that ninety good days cost a few bytes.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby

from portal.web.axes import Tick, clock, percent, round_times
from portal.web.charts import runs

STEPS = (60, 120, 300, 600, 900, 1800, 3600, 2 * 3600, 6 * 3600)
MOST_TICKS = 4
LAST, LAST_NARROW = 0.86, 0.6
"""How far along the last time may begin, for "now" stands at the end: at all, and where space is short."""
LABEL_FROM = 7.0
"""Percent of the track from which on a stretch has room for its word."""


@dataclass(frozen=True, slots=True)
class Spark:
    """A line in a box of `width` by 100; `out_from` is where the present trouble begins, None when there is none."""

    width: int
    line: str
    area: str
    out_from: int | None = None
    last: float | None = None


@dataclass(frozen=True, slots=True)
class Bars:
    """Bars of one kind and height: a dashed line at `y`, so thick. Within a box of as many columns by 24."""

    kind: str
    y: float
    thick: float
    path: str


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of a track, in percent of its width. `word` is empty where it has no room for it."""

    x: str
    width: str
    word: str
    title: str
    tone: str
    start: datetime
    marked: bool = True


def spark(values: Sequence[float | None], *, out_from: int | None = None, top: float | None = None) -> Spark:
    """The line of these figures, the oldest first; what is missing is a gap. `top` is the figure at the upper edge, else it fits them."""
    known = [value for value in values if value is not None]
    width = max(len(values) - 1, 1)
    if not known:
        return Spark(width, "", "", out_from)
    steady = sorted(known)[len(known) // 2]
    top = top or max(max(known) * 1.08, steady * 1.9, 1e-9)
    found = runs([(x, round(100 - value * 100 / top)) for x, value in enumerate(values) if value is not None])
    line = "".join(_line(run) for run in found)
    area = "".join(f"{_line(run)}V100H{run[0][0]}z" for run in found if len(run) > 1)
    return Spark(width, line, area, out_from, known[-1])


def _line(run: Sequence[tuple[int, float]]) -> str:
    """Relative steps: short to send."""
    (x, y), *rest = run
    if not rest:
        return f"M{x} {y}h.5"
    parts = [f"M{x} {y}l"]
    for other_x, other_y in rest:
        dx, dy = other_x - x, other_y - y
        parts.append(f"{'' if parts[-1].endswith('l') else ' '}{dx}{'' if dy < 0 else ' '}{dy}")
        x, y = other_x, other_y
    return "".join(parts)


HEIGHT = 24.0
SHARES = {"up": 1.0, "slow": 0.84, "failed": 0.62, "maintenance": 0.42, "none": 0.22}
"""How tall the bar of a day is: what is bad or missing is shorter, so that the shape alone tells."""


def tall(kind: str, out: float = 0.0) -> float:
    """The height of a bar as a share. A day with an outage is the shorter the larger the share `out` that was lost."""
    if kind != "down":
        return SHARES.get(kind, SHARES["none"])
    return 0.62 if out < 0.02 else 0.46 if out < 0.2 else 0.32


def bars(columns: Sequence[tuple[str, float]]) -> list[Bars]:
    """The bars of these (kind, share lost), the oldest first: one path for each kind and height."""
    found: dict[tuple[str, float], list[str]] = {}
    x = 0
    for (kind, share), run in groupby(columns, key=lambda column: (column[0], tall(*column))):
        n = len(list(run))
        thick = round(HEIGHT * share, 1)
        found.setdefault((kind, thick), []).append(f"M{x + 0.14:g} {HEIGHT - thick / 2:g}h{n - 0.28:g}")
        x += n
    return [Bars(kind, HEIGHT - thick / 2, thick, "".join(path)) for (kind, thick), path in found.items()]


def share_at(at: datetime, start: datetime, end: datetime) -> float:
    """Where a moment stands between two others, in percent, within 0 and 100."""
    whole = (end - start).total_seconds()
    return min(max((at - start).total_seconds() / whole, 0.0), 1.0) * 100 if whole > 0 else 0.0


def piece(
    began: datetime, ended: datetime | None, word: str, tone: str, *, start: datetime, end: datetime, title: str = ""
) -> Piece | None:
    """A stretch cut to the track; None when it lies outside."""
    stop = ended or end
    if stop <= start or began >= end or stop < began:
        return None
    left, right = share_at(began, start, end), share_at(stop, start, end)
    fits = right - left >= LABEL_FROM
    return Piece(
        percent(left),
        percent(max(right - left, 0.3)),
        word if fits else "",
        title or word,
        tone,
        began,
        marked=began > start,
    )


def ticks(start: datetime, end: datetime) -> list[Tick]:
    """Round local times between the two; none close to the end, where "now" stands."""
    found = [(share, at) for share, at in round_times(start, end, STEPS, MOST_TICKS) if share < LAST]
    return [
        Tick(percent(share * 100), clock(at), minor=n % 2 == 1 or share > LAST_NARROW)
        for n, (share, at) in enumerate(found)
    ]


def volume(points: Sequence[tuple[datetime, float]], start: datetime, end: datetime) -> tuple[str, str, float]:
    """Line and area of an amount over time in a box of 1000 by 100 with its highest figure; an amount holds until the next is known."""
    inside = [(share_at(at, start, end) * 10, value) for at, value in points if at <= end]
    top = max((value for _x, value in inside), default=0.0)
    if not inside:
        return "", "", 0.0
    scale = 88 / max(top, 1.0)
    places = [(round(x), round(98 - value * scale)) for x, value in inside]
    if places[-1][0] < 1000:
        places.append((1000, places[-1][1]))
    line = "M" + "L".join(f"{x} {y}" for x, y in places)
    return line, f"{line}V100H{places[0][0]}z", top

"""The pictures of the health page as geometry: sparklines, strips of days, tracks of a timeline. Pure; templates draw them as SVG.

Equal neighbours are one run: a run is one dashed line whose dashes are the bars, so that ninety good days cost a few bytes.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import groupby

from portal.web.axes import Tick, clock, percent, round_times
from portal.web.charts import runs
from resilience.health.series import Span

STEPS = (60, 120, 300, 600, 900, 1800, 3600, 2 * 3600, 6 * 3600)
MOST_TICKS = 4
LAST, LAST_NARROW = 0.86, 0.6
"""How far along the last time may begin, for "now" stands at the end: at all, and where space is short."""
LETTER, PADDING = 7.0, 12.0
"""About how many pixels a letter of a stretch's word takes, and what stands around the word."""
ROOMS = ((170, ""), (410, "minor"), (790, "rare"))
"""How wide a track is at least in pixels: on every screen, where a word is not `minor`, and where it is not `rare`."""
LONG_FROM = 20.0
"""Percent of the track from which on a stretch shows the beginning of a long word."""
SHORT_TEST = timedelta(minutes=1)
"""A breaker that is half-open for no longer between two stretches of open is tested; one that stays so waits for what to test with."""
APART = 2.0
"""So far from each other, in percent of the track, the marks of tests stand at least."""


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
    """A stretch of a track, in percent of its width. `word` is empty where it has no room for it, `room` says which tracks have it.

    It may stand `beside` it, to the left. `tests` are places within: few of them, so that they stay apart.
    """

    x: str
    width: str
    word: str
    title: str
    tone: str
    marked: bool = True
    room: str = ""
    beside: bool = False
    tests: tuple[str, ...] = ()


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


def tested(stretches: Sequence[Span]) -> list[tuple[Span, list[datetime]]]:
    """The stretches of a breaker, each with when it was tested: open and half-open in turn are one stretch of open."""
    found: list[tuple[Span, list[datetime]]] = []
    for one in stretches:
        open_now = found[-1] if found and found[-1][0].tone == "bad" else None
        test = one.tone == "warn" and one.end is not None and one.end - one.start <= SHORT_TEST
        if open_now is None or not (test or one.tone == "bad"):
            found.append((one, []))
            continue
        found[-1] = (replace(open_now[0], end=one.end), [*open_now[1], *([one.start] if test else [])])
    return found


def piece(
    began: datetime,
    ended: datetime | None,
    word: str,
    tone: str,
    *,
    start: datetime,
    end: datetime,
    title: str = "",
    short: str = "",
    tests: Sequence[datetime] = (),
) -> Piece | None:
    """A stretch cut to the track; None when it lies outside. A long word is cut at its end, or `short` stands for it."""
    stop = ended or end
    if stop <= start or began >= end or stop < began:
        return None
    left, right = share_at(began, start, end), share_at(stop, start, end)
    rooms = [room for width, room in ROOMS if _needed(short or word, width) <= right - left]
    shown = word if right - left >= LONG_FROM else short or word
    return Piece(
        percent(left),
        percent(max(right - left, 0.3)),
        shown if rooms else "",
        title or word,
        tone,
        marked=began > start,
        room=rooms[0] if rooms else "",
        tests=tuple(percent(at) for at in _apart([share_at(at, start, end) for at in tests if at > start], left)),
    )


def _needed(word: str, width: int) -> float:
    """What a word takes of a track of so many pixels, in percent."""
    return (len(word) * LETTER + PADDING) * 100 / width


def track(pieces: Sequence[tuple[Piece, str]]) -> list[Piece]:
    """The pieces of a track, in order and each with its word: where trouble is too short for it, it stands to the left of it.

    What is well gives its own word up for that, and everything does for the last piece: that is how it is now.
    """
    narrow = ROOMS[0][0]
    found: list[Piece] = []
    taken = 0.0
    for n, (one, word) in enumerate(pieces, 1):
        left = _figure(one.x)
        inside = bool(one.word) and not one.room
        free = left if n == len(pieces) else left - taken
        fits = one.tone != "ok" and not inside and free >= _needed(word, narrow)
        if fits:
            found = [_yielding(other, left, word) for other in found]
        found.append(replace(one, word=word, room="", beside=True) if fits else one)
        if one.tone != "ok":
            taken = left + (_needed(word, narrow) if inside else _figure(one.width))
    return found


def _yielding(other: Piece, left: float, word: str) -> Piece:
    """The piece with its word only on tracks so wide that it does not reach to the later word, which ends at `left`."""
    at, rooms = _figure(other.x), [room for _width, room in ROOMS]
    for width, room in ROOMS[rooms.index(other.room) :] if other.word else ():
        if at + (0 if other.beside else _needed(other.word, width)) <= left - _needed(word, width):
            return replace(other, room=room)
    return replace(other, word="", room="", beside=False)


def _figure(share: str) -> float:
    return float(share.rstrip("%"))


def _apart(places: Sequence[float], last: float) -> list[float]:
    """Those that stand far enough from the one before; `last` is where the first may not stand too close to."""
    found: list[float] = []
    for place in places:
        if place - last >= APART:
            found.append(place)
            last = place
    return found


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

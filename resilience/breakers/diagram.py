"""The state diagram as geometry: across in percent of its box, down in rem, so that text keeps its size and grows with the reader's.

There are two of them: a wide one, and a narrow one for phones and columns; the style sheet shows the one that fits.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import pairwise

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from resilience.breakers import words
from resilience.breakers.core.shared import DISABLED, FORCED_CLOSED
from resilience.breakers.models import Breaker, Transition
from resilience.patterns.config import BreakerConfig
from resilience.patterns.typing import State

STEP = 1.125
"""Rem between two lines of text."""


@dataclass(frozen=True, slots=True)
class Text:
    """Words at a place; `since` ticks up after them, `until` down."""

    words: str
    bold: bool = False
    since: datetime | None = None
    until: datetime | None = None
    x: str = ""
    y: str = ""
    anchor: str = "start"


@dataclass(frozen=True, slots=True)
class Box:
    """A state."""

    state: str
    x: str
    y: str
    width: str
    height: str
    icon_x: str
    icon_y: str
    title: Text
    notes: tuple[Text, ...]
    current: bool


@dataclass(frozen=True, slots=True)
class Line:
    """A straight piece of an arrow; the last one of each carries the head."""

    x1: str
    y1: str
    x2: str
    y2: str
    head: bool
    next: bool


@dataclass(frozen=True, slots=True)
class Drawing:
    """One of the two pictures."""

    name: str
    height: str
    boxes: tuple[Box, ...]
    lines: tuple[Line, ...]
    texts: tuple[Text, ...]


@dataclass(frozen=True, slots=True)
class Facts:
    """What the pictures say: the lines of each box, those at each arrow, the present state and the moves that come next."""

    notes: dict[State, tuple[Text, ...]]
    trips: tuple[Text, ...]
    tests: tuple[Text, ...]
    fails: tuple[Text, ...]
    passes: tuple[Text, ...]
    current: State
    next: frozenset[str] = field(default_factory=frozenset)


def facts(
    breaker: Breaker,
    config: BreakerConfig,
    *,
    now: datetime,
    last: dict[State, datetime],
    opened: Transition | None,
    so_far: str = "",
    waiting: bool = False,
) -> Facts:
    """What is known of the breaker, for the pictures.

    `last` is when it was last in each state, `opened` what opened it this time, `so_far` how close it is to opening.
    """
    state = breaker.breaker_state
    return Facts(
        notes={known: _notes(known, breaker, config, last) for known in State},
        trips=_trips(breaker, config, opened, so_far),
        tests=_tests(breaker, config, now, waiting),
        fails=_fails(breaker),
        passes=_passes(breaker, config),
        current=state,
        next=frozenset({State.OPEN: {"tests"}, State.HALF_OPEN: {"passes"}}.get(state, set())),
    )


def _notes(state: State, breaker: Breaker, config: BreakerConfig, last: dict[State, datetime]) -> tuple[Text, ...]:
    means = {
        State.CLOSED: _("calls pass, results counted"),
        State.OPEN: _("calls refused at once"),
        State.HALF_OPEN: ngettext("%d test call at a time", "%d test calls at a time", config.half_open_max_calls)
        % config.half_open_max_calls,
    }
    if breaker.force in (FORCED_CLOSED, DISABLED):
        means[State.CLOSED] = _("calls pass, nothing counted") if breaker.force == DISABLED else _("forced to let pass")
    if state is breaker.breaker_state:
        if breaker.since is None:
            return (Text(means[state]),)
        return Text(means[state]), Text(_("since %s,") % words.clock_of(breaker.since), since=breaker.since)
    if state in last and state is not State.CLOSED:
        return Text(means[state]), Text(_("last %s") % words.clock_of(last[state]))
    return (Text(means[state]),)


def _trips(breaker: Breaker, config: BreakerConfig, opened: Transition | None, so_far: str) -> tuple[Text, ...]:
    rule = words.joined(words.rules(config)) or _("nothing opens it")
    if breaker.out and opened is not None:
        said = {"why": words.why_opened(opened), "at": words.clock_of(opened.at)}
        return Text(rule), Text(_("last: %(why)s at %(at)s") % said, bold=True)
    if breaker.force in (FORCED_CLOSED, DISABLED) and breaker.forced_until is not None:
        return Text(rule), Text(_("not until %s") % words.clock_of(breaker.forced_until), bold=True)
    if so_far and breaker.breaker_state is State.CLOSED:
        return Text(rule), Text(so_far, bold=True)
    return (Text(rule),)


def _tests(breaker: Breaker, config: BreakerConfig, now: datetime, waiting: bool) -> tuple[Text, ...]:
    if breaker.breaker_state is not State.OPEN:
        return Text(_("cool-down over")), Text(_("after %s") % words.wait(config.reset_timeout))
    over = _("forced time over") if breaker.forced_open else _("cool-down over")
    if breaker.open_until is None or breaker.open_until <= now:
        return Text(over), Text(words.with_next(waiting), bold=True)
    return Text(over), Text(_("in"), bold=True, until=breaker.open_until)


def _fails(breaker: Breaker) -> tuple[Text, ...]:
    again = max(breaker.openings - 1, 0)
    if breaker.breaker_state is State.CLOSED or not again:
        return (Text(_("1 failure")),)
    times = ngettext("%d time so far", "%d times so far", again) % again
    return Text(_("1 failure")), Text(times, bold=True)


def _passes(breaker: Breaker, config: BreakerConfig) -> tuple[Text, ...]:
    needed = config.success_threshold
    rule = ngettext("%d success", "%d successes", needed) % needed
    if breaker.breaker_state is State.CLOSED:
        return (Text(rule),)
    return Text(rule), Text(_("%(n)d of %(needed)d") % {"n": breaker.successes, "needed": needed}, bold=True)


def described(said: Facts) -> str:
    """The picture in words, for those who do not see it."""
    names = {State.CLOSED: _("closed"), State.OPEN: _("open"), State.HALF_OPEN: _("half-open")}
    arrows = [
        _("From closed to open: %s.") % _told(said.trips),
        _("From open to half-open: %s.") % _told(said.tests),
        _("From half-open back to open: %s.") % _told(said.fails),
        _("From half-open to closed: %s.") % _told(said.passes),
    ]
    return " ".join([_("State diagram. Now it is %s.") % names[said.current], *arrows])


def _told(texts: Sequence[Text]) -> str:
    return "; ".join(f"{text.words} {words.clock_of(text.until)}" if text.until else text.words for text in texts)


def wide(said: Facts) -> Drawing:
    """Closed and open side by side, half-open between and below."""
    places = {State.CLOSED: (0.0, 0.5), State.OPEN: (74.0, 0.5), State.HALF_OPEN: (37.0, 9.75)}
    boxes = tuple(_box(state, said, corner, (26.0, 5.25), margin=1.8) for state, corner in places.items())
    texts = [
        *_lines(_wrapped(said.trips, 50), 50, 3.25, "middle", up=True),
        *_lines(said.tests, 88.5, 8.0),
        *_lines(said.fails, 78.5, 7.35, "end"),
        *_lines(said.passes, 14.5, 7.35),
    ]
    lines = [
        *_arrow(said, "trips", (26.4, 3.25), (73.6, 3.25)),
        *_arrow(said, "tests", (87.0, 5.95), (87.0, 12.9), (63.4, 12.9)),
        *_arrow(said, "fails", (63.2, 11.3), (80.0, 11.3), (80.0, 6.1)),
        *_arrow(said, "passes", (36.8, 12.4), (13.0, 12.4), (13.0, 6.1)),
    ]
    return Drawing("wide", "15.5rem", boxes, tuple(lines), tuple(texts))


def narrow(said: Facts) -> Drawing:
    """The three below each other, with the way back to closed at the left."""
    places = {State.CLOSED: (12.0, 0.25), State.OPEN: (12.0, 9.5), State.HALF_OPEN: (12.0, 18.25)}
    boxes = tuple(_box(state, said, corner, (87.5, 4.75), margin=4.5) for state, corner in places.items())
    texts = [
        *_lines(_wrapped(said.trips, 36), 28, 6.35),
        *_lines(said.tests, 28, 15.95),
        *_lines(said.fails, 67, 15.95),
        *_lines((_one_line(said.passes),), 28, 24.7),
    ]
    lines = [
        *_arrow(said, "trips", (24.0, 5.05), (24.0, 9.3)),
        *_arrow(said, "tests", (24.0, 14.3), (24.0, 18.05)),
        *_arrow(said, "fails", (63.0, 18.2), (63.0, 14.45)),
        *_arrow(said, "passes", (24.0, 23.05), (24.0, 24.5), (4.0, 24.5), (4.0, 2.6), (11.4, 2.6)),
    ]
    return Drawing("narrow", "25.5rem", boxes, tuple(lines), tuple(texts))


def _box(state: State, said: Facts, corner: tuple[float, float], size: tuple[float, float], *, margin: float) -> Box:
    (x, y), (width, height) = corner, size
    names = {State.CLOSED: _("Closed"), State.OPEN: _("Open"), State.HALF_OPEN: _("Half-open")}
    inner = _percent(x + margin)
    notes = tuple(
        Text(note.words, note.bold, note.since, note.until, inner, _rem(y + 2.9 + index * STEP))
        for index, note in enumerate(said.notes[state])
    )
    title = Text(names[state], x=inner, y=_rem(y + 1.6))
    places = (_percent(x), _rem(y), _percent(width), _rem(height), inner, _rem(y + 0.75))
    return Box(words.SLUGS[state], *places, title, notes, state is said.current)


def _lines(texts: Sequence[Text], x: float, y: float, anchor: str = "start", *, up: bool = False) -> list[Text]:
    """Lines below each other from y on; with `up`, plain ones stand above y and bold ones below."""
    above = [text for text in texts if not text.bold]
    placed = []
    for index, text in enumerate(texts):
        at = y + index * STEP
        if up:
            at = y + 1.1 if text.bold else y - 0.55 - (len(above) - 1 - index) * STEP
        placed.append(Text(text.words, text.bold, text.since, text.until, _percent(x), _rem(at), anchor))
    return placed


def _arrow(said: Facts, name: str, *points: tuple[float, float]) -> list[Line]:
    pieces = pairwise(points)
    return [
        Line(_percent(a), _rem(b), _percent(c), _rem(d), (c, d) == points[-1], name in said.next)
        for (a, b), (c, d) in pieces
    ]


def _wrapped(texts: Sequence[Text], most: int) -> list[Text]:
    """The plain texts on as many lines as they need."""
    found: list[Text] = []
    for text in texts:
        line = ""
        for phrase in text.words.split(", "):
            longer = f"{line}, {phrase}" if line else phrase
            if line and len(longer) > most:
                found.append(Text(f"{line},", text.bold))
                longer = phrase
            line = longer
        found.append(Text(line, text.bold, text.since, text.until))
    return found


def _one_line(texts: Sequence[Text]) -> Text:
    return Text(_(": ").join(text.words for text in texts), bold=any(text.bold for text in texts))


def _percent(value: float) -> str:
    return f"{value:g}%"


def _rem(value: float) -> str:
    return f"{value:g}rem"

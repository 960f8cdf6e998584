"""Everything that the pages of breakers show, read once."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Max
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from portal.kit import clock
from portal.kit.errors import NotFound
from portal.kit.viewer import Permission, Viewer
from portal.web.formats import number
from resilience.breakers import counted, words
from resilience.breakers.counted import Failure, Reading, readings
from resilience.breakers.diagram import Drawing, described, facts, narrow, wide
from resilience.breakers.figures import Figures, figures_of
from resilience.breakers.models import Breaker, Transition, TransitionQuerySet, Window
from resilience.breakers.strip import Strip, strip
from resilience.patterns.config import BreakerConfig
from resilience.patterns.typing import State
from resilience.upstreams.models import Upstream
from resilience.upstreams.standing import Standing, standings

SHOWN = 6
BUILT_IN = "built in"
FOLDED = 2
"""From so many failed tests in a row on they are one line."""
PAGE = 25
KEPT = timedelta(days=1)
"""A window that was published longer ago belongs to a process that is gone."""


@dataclass(frozen=True, slots=True)
class Row:
    """A breaker in the list: its state and one telling line (`until` ticks down after it)."""

    breaker: Breaker
    upstream: Upstream
    line: str
    until: datetime | None = None
    urgency: int = 9

    @property
    def state(self) -> str:
        """The slug of its sign."""
        return words.SLUGS[self.breaker.breaker_state]


@dataclass(frozen=True, slots=True)
class Meter:
    """A rule that is on, and how far it is from opening the breaker."""

    name: str
    value: str
    tone: str
    width: str
    quiet: bool


@dataclass(frozen=True, slots=True)
class Moved:
    """A transition with what it shows when it is opened. With `tests` it is the last of so many failed tests in a row."""

    transition: Transition
    cause: str
    before: str
    after: str
    sign: str
    strip: Strip | None
    errors: list[Failure]
    figures: counted.Figures | None
    decided: bool
    tests: int = 0
    tests_since: datetime | None = None

    @property
    def forced(self) -> bool:
        """Whether a person's word left it in the state that it was in."""
        return self.transition.before == self.transition.after


@dataclass(frozen=True, slots=True)
class Line:
    """A figure in force: what it does, its value, and where that was said."""

    name: str
    says: str
    value: str
    source: str
    place: str
    own: bool
    built_in: bool


@dataclass(frozen=True, slots=True)
class Acts:
    """What the viewer may do now."""

    operate: bool
    administer: bool
    reset: bool
    test: bool
    testing_matters: bool

    @property
    def any(self) -> bool:
        """Whether there is anything."""
        return self.operate or self.administer


@dataclass(frozen=True, slots=True)
class Page:
    """One breaker as its page shows it."""

    row: Row
    breaker: Breaker
    upstream: Upstream
    figures: Figures
    standing: Standing
    strip: Strip
    meters: list[Meter]
    when_opened: datetime | None
    processes: int
    score: float | None
    opened: Transition | None
    drawings: tuple[Drawing, Drawing]
    picture: str
    forced: str
    follows: str
    transitions: list[Moved]
    transitions_count: int
    errors: list[Failure]
    lines: dict[str, list[Line]]
    rules: str
    acts: Acts
    with_next: str
    tests_at: datetime | None
    spared_until: datetime | None


def rows(viewer: Viewer) -> list[Row]:
    """The breakers of these organizations, the worst first. An upstream that nothing was sent to yet has one that is closed."""
    now = clock.now()
    upstreams = list(Upstream.objects.for_org(viewer).select_related("organization", "breaker"))
    windows: dict[int, list[Window]] = defaultdict(list)
    for window in Window.objects.for_org(viewer).filter(at__gte=now - KEPT):
        windows[window.breaker_id].append(window)
    ids = [upstream.pk for upstream in upstreams]
    moves, standing = counted.moves_at(viewer, ids), standings(ids)
    found = [
        _row(upstream, windows[upstream.pk], now, moves[upstream.pk], standing[upstream.pk]) for upstream in upstreams
    ]
    return sorted(found, key=lambda row: (row.urgency, row.upstream.name.lower(), row.upstream.pk))


def breaker_in(upstream: Upstream) -> Breaker:
    """The breaker of an upstream that was read with it; a closed one while there is none."""
    try:
        return upstream.breaker
    except Breaker.DoesNotExist:
        return Breaker(upstream=upstream, touched=upstream.created_at, since=None)


def _row(
    upstream: Upstream, windows: Sequence[Window], now: datetime, moved_at: datetime | None, standing: Standing
) -> Row:
    breaker, config = breaker_in(upstream), figures_of(upstream).config
    if breaker.out:
        return _out_row(upstream, breaker, config, now, standing)
    if breaker.force:
        word = words.forced_word(breaker)
        line = f"{word[:1].lower()}{word[1:]} {_('until')} {_clock(breaker.forced_until)}"
        return Row(breaker, upstream, line, urgency=2)
    if breaker.spared_until and breaker.spared_until > now:
        return Row(breaker, upstream, _("asked for a rest, goes on in"), until=breaker.spared_until, urgency=3)
    known = counted.present(counted.of_windows(windows, config), moved_at)
    nearest = max(readings(known, config, now), key=lambda reading: reading.share, default=None)
    if nearest is not None and nearest.share >= counted.CLOSE:
        return Row(breaker, upstream, words.nearing(nearest, config), urgency=4)
    return Row(breaker, upstream, _tally(sum(one.failures for one in known), sum(one.calls for one in known)))


def _out_row(upstream: Upstream, breaker: Breaker, config: BreakerConfig, now: datetime, standing: Standing) -> Row:
    if breaker.forced_open:
        said = {"who": breaker.forced_by, "until": _clock(breaker.forced_until)}
        return Row(breaker, upstream, _("forced open by %(who)s until %(until)s") % said, urgency=0)
    if breaker.breaker_state is State.HALF_OPEN:
        counts = {"n": breaker.successes, "needed": config.success_threshold}
        return Row(breaker, upstream, _("%(n)d of %(needed)d good answers so far") % counts, urgency=1)
    since, until = _("since %s") % _clock(breaker.opened_at), breaker.open_until
    if until is None or until <= now:
        return Row(breaker, upstream, f"{since}, {words.tests_next(standing.waiting)}", urgency=0)
    return Row(breaker, upstream, f"{since}, {_('next test in')}", until=until, urgency=0)


def _tally(failures: int, calls: int) -> str:
    if not calls:
        return _("no call counted yet")
    said = {"failures": number(failures), "calls": number(calls)}
    return (
        ngettext("%(failures)s of %(calls)s call failed", "%(failures)s of the last %(calls)s calls failed", calls)
        % said
    )


def _clock(at: datetime | None) -> str:
    return words.clock_of(at).rsplit(":", 1)[0] if at else "–"


def chosen(viewer: Viewer, upstream_id: int) -> Page:
    """The page of one breaker; raises NotFound for a stranger."""
    now = clock.now()
    upstream = upstream_of(viewer, upstream_id)
    figures = figures_of(upstream)
    config = figures.config
    windows = list(Window.objects.for_org(viewer).filter(breaker_id=upstream.pk, at__gte=now - KEPT))
    moves = Transition.objects.for_org(viewer).filter(breaker_id=upstream.pk).order_by("-id")
    latest = _folded(moves, figures)
    moved_at = latest[0].transition.at if latest else None
    standing = standings([upstream.pk])[upstream.pk]
    row = _row(upstream, windows, now, moved_at, standing)
    breaker = row.breaker
    published = counted.of_windows(windows, config)
    present = counted.present(published, moved_at)
    opened = counted.opened_of(viewer, [breaker]).get(breaker.pk)
    at_trip = counted.read(opened.window, opened.at, config) if opened else None
    seen = [*published, *([at_trip] if at_trip else [])]
    close = readings([at_trip] if at_trip else present, config, at_trip.at if at_trip else now)
    nearest = max(close, key=lambda reading: reading.share, default=None)
    so_far = words.so_far(nearest, config) if nearest else ""
    said = facts(
        breaker, config, now=now, last=_last(moves), opened=opened, so_far=so_far, waiting=standing.waiting > 0
    )
    return Page(
        row=row,
        breaker=breaker,
        upstream=upstream,
        figures=figures,
        standing=standing,
        strip=strip(counted.last_calls(seen)),
        meters=[_meter(reading, figures) for reading in close],
        when_opened=at_trip.at if at_trip else None,
        processes=len(present),
        score=min((one.score for one in present if one.score is not None), default=None),
        opened=opened,
        drawings=(wide(said), narrow(said)),
        picture=described(said),
        forced=words.forced_word(breaker),
        follows=words.forced_follows(breaker),
        transitions=latest[:SHOWN],
        transitions_count=moves.count(),
        errors=counted.last_errors(seen),
        lines=_figure_lines(figures),
        rules=words.joined(words.rules(config)),
        acts=_acts(viewer, upstream, breaker),
        with_next=words.with_next(standing.waiting > 0),
        tests_at=breaker.open_until if breaker.open_until and breaker.open_until > now else None,
        spared_until=breaker.spared_until if breaker.spared_until and breaker.spared_until > now else None,
    )


def upstream_of(viewer: Viewer, upstream_id: int) -> Upstream:
    """The upstream with its breaker; raises NotFound for a stranger."""
    upstreams = Upstream.objects.for_org(viewer).select_related("organization", "breaker")
    upstream = upstreams.filter(pk=upstream_id).first()
    if upstream is None:
        raise NotFound
    return upstream


def _last(moves: TransitionQuerySet) -> dict[State, datetime]:
    """When it last came into each state."""
    found = moves.order_by().values_list("after").annotate(at=Max("at"))
    return {State(after): at for after, at in found}


def _meter(reading: Reading, figures: Figures) -> Meter:
    return Meter(
        words.meter_name(reading, figures.config),
        words.meter_value(reading),
        reading.tone,
        f"{max(reading.share * 100, 1.5 if reading.value and reading.calls is None else 0):.1f}%",
        reading.calls is not None,
    )


def _acts(viewer: Viewer, upstream: Upstream, breaker: Breaker) -> Acts:
    operate = viewer.can(Permission.OPERATE, upstream.organization_id)
    return Acts(
        operate=operate,
        administer=viewer.can(Permission.ADMINISTER, upstream.organization_id),
        reset=viewer.can(Permission.ADMINISTER if breaker.force else Permission.OPERATE, upstream.organization_id),
        test=operate and not breaker.forced_open,
        testing_matters=breaker.out,
    )


def _figure_lines(figures: Figures) -> dict[str, list[Line]]:
    """The figures by their sections, those of the breaker first."""
    found: dict[str, list[Line]] = {"circuit_breaker": []}
    for one in figures.table:
        section, _dot, name = one.key.partition(".")
        value, said = words.figure(one.value, one.unit), words.source(one.source)
        line = Line(name, one.says, value, said, one.source, one.own, one.source == BUILT_IN)
        found.setdefault(section, []).append(line)
    return found


def moved(transition: Transition, figures: Figures, *, tests: int = 0, since: datetime | None = None) -> Moved:
    """A transition with the window that caused it; with `tests` it stands for so many that failed since then.

    A test is decided by its own call, not by what was counted before it opened: that alone is shown.
    """
    window = counted.read(transition.window, transition.at, figures.config)
    test = transition.cause == "test"
    if window and test:
        window = counted.since(window, transition.at - timedelta(seconds=transition.lasted or 0))
    return Moved(
        transition=transition,
        cause=words.cause(transition),
        before=words.state_word(transition.before),
        after=words.state_word(transition.after),
        sign=words.SLUGS[State(transition.after)],
        strip=strip(window.recent) if window and not test else None,
        errors=counted.last_errors([window]) if window else [],
        figures=None if test else window,
        decided=window is not None,
        tests=tests,
        tests_since=since if tests else None,
    )


def _folded(moves: TransitionQuerySet, figures: Figures) -> list[Moved]:
    """The newest transitions, the newest first; tests of an outage that failed one after the other are one line, however many."""
    turns = list(moves.turns()[:SHOWN])
    tests = moves.tests().values_list("pk", "after")
    if len(turns) == SHOWN:
        tests = tests.filter(pk__gt=turns[-1].pk)
    runs: dict[int, list[tuple[int, str]]] = defaultdict(list)
    for pk, after in tests:
        runs[sum(1 for turn in turns if turn.pk > pk)].append((pk, after))
    lines = {place: _lines_of(run) for place, run in runs.items()}
    rows = moves.in_bulk([pk for run in lines.values() for line in run for pk in line[:2]])
    found: list[Moved] = []
    for place in range(len(turns) + 1):
        for newest, oldest, n in lines.get(place, []):
            found.append(moved(rows[newest], figures, tests=n, since=rows[oldest].at))
        found += [moved(turn, figures) for turn in turns[place : place + 1]]
    return found


def _lines_of(run: Sequence[tuple[int, str]]) -> list[tuple[int, int, int]]:
    """What of a run of tests (the newest first) is shown: ids of the newest and the oldest transition of a line, and its failed tests."""
    failed = [pk for pk, after in run if after == State.OPEN.value]
    if len(failed) < FOLDED:
        return [(pk, pk, 0) for pk, _after in run]
    begun = [(pk, pk, 0) for pk, _after in run if pk > failed[0]]
    return [*begun, (failed[0], failed[-1], len(failed))]


@dataclass(frozen=True, slots=True)
class Moves:
    """A page of transitions, the newest first, with the ids from which the pages beside it go on."""

    moves: list[Moved]
    newer: int | None
    older: int | None
    count: int


def moves_of(viewer: Viewer, upstream: Upstream, *, before: int | None = None, after: int | None = None) -> Moves:
    """The transitions older than `before`, or newer than `after`, or the newest."""
    figures = figures_of(upstream)
    mine = Transition.objects.for_org(viewer).filter(breaker_id=upstream.pk)
    if after is not None:
        found = list(mine.filter(pk__gt=after).order_by("pk")[:PAGE])[::-1]
    elif before is not None:
        found = list(mine.filter(pk__lt=before).order_by("-pk")[:PAGE])
    else:
        found = list(mine.order_by("-pk")[:PAGE])
    newer = found and mine.filter(pk__gt=found[0].pk).exists()
    older = found and mine.filter(pk__lt=found[-1].pk).exists()
    return Moves(
        [moved(one, figures) for one in found],
        found[0].pk if newer else None,
        found[-1].pk if older else None,
        mine.count(),
    )

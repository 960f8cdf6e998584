"""Everything that happened to one component, on one axis: its timeline as geometry, with the list of what happened."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from portal.kit import clock
from portal.web.axes import Tick
from portal.web.formats import age, number
from portal.web.vocabulary import sign
from resilience.health import drawing, words
from resilience.health.drawing import Bars, Piece
from resilience.health.marks import Mark
from resilience.health.models import MINUTE, Bucket, Component, Result
from resilience.health.series import Span
from resilience.health.standing import ComponentHealth
from resilience.health.timelines import Known, Track, timeline

SPAN = timedelta(minutes=45)
ONE_MINUTE = timedelta(minutes=1)
LONGEST = timedelta(hours=6)
MARKS = 12
PROBES = 4
"""So many probes have a row of their own."""
CELLS = 60
LATEST = timedelta(minutes=5)
"""What is younger comes from results: their minutes may not be added up yet."""


@dataclass(frozen=True, slots=True)
class Row:
    """A track: minute by minute as `cells` (with how many columns), or as `pieces`; `says` is what it shows, in words.

    Without a `word` it is nothing but what it says.
    """

    word: str
    pieces: list[Piece]
    cells: list[Bars]
    columns: int
    says: str


@dataclass(frozen=True, slots=True)
class Minutes:
    """The panel of one component. `line` and `area` are what waited, `most` its highest and `waiting` its last figure.

    `marks` is what happened last, `earlier` what happened before that.
    """

    component: Component
    since: datetime
    until: datetime
    ticks: list[Tick]
    rows: list[Row]
    line: str
    area: str
    most: int
    waiting: int | None
    marks: Sequence[Mark]
    earlier: Sequence[Mark]
    says: str

    @property
    def known_from(self) -> datetime:
        """Since when anything could happen to it in these minutes."""
        return max(self.since, self.component.created_at)


def begin(one: ComponentHealth, now: datetime) -> datetime:
    """Where the minutes of a component begin: a span ago, or as far back as its outage began (six hours at most)."""
    since = now - SPAN
    if one.outage is not None and one.outage.began_at - timedelta(minutes=15) < since:
        since = max(one.outage.began_at - timedelta(minutes=15), now - LONGEST)
    return since.replace(second=0, microsecond=0)


def minutes(one: ComponentHealth, known: Known | None = None) -> Minutes:
    """The last minutes of a component. Who asks has checked that it may be seen; `known` is what was read already."""
    component, until = one.component, clock.now()
    since = begin(one, until)
    found = timeline(component, since, until, known)
    waited = [*found.depths, (until, one.load.waiting)] if found.depths else []
    probed = _probed(component, since, until, _downs([*found.tracks, *found.probes], until))
    line, area, most = drawing.volume(waited, since, until)
    standing = [_row(track, since, until) for track in found.tracks if track.name == "state"]
    further = [_row(track, since, until) for track in found.tracks if track.name != "state"]
    return Minutes(
        component=component,
        since=since,
        until=until,
        ticks=drawing.ticks(since, until),
        rows=[*([probed] if probed else []), *standing, *_probe_rows(found.probes, since, until), *further],
        line=line,
        area=area,
        most=int(most),
        waiting=one.load.waiting if waited else None,
        marks=found.marks[:MARKS],
        earlier=found.marks[MARKS:],
        says=_says(waited, since, until),
    )


def _probe_rows(tracks: Sequence[Track], since: datetime, until: datetime) -> list[Row]:
    """A row for each of the worst, and one that says how the others stand."""
    shown = [track for track in tracks if track.stretches][:PROBES]
    rest = Counter(track.now for track in tracks if track not in shown)
    found = [_row(track, since, until) for track in shown]
    return [*found, Row("", [], [], 0, words.more_probes(rest))] if rest else found


def _row(track: Track, since: datetime, until: datetime) -> Row:
    stretches = drawing.tested(track.stretches) if track.name == "breaker" else [(one, []) for one in track.stretches]
    drawn = []
    for one, tests in stretches:
        short = "" if track.name != "outages" else _("Out") if one.tone != "warn" else _("Partly out")
        title = _title(one, until, tests)
        piece = drawing.piece(
            one.start, one.end, one.word, one.tone, start=since, end=until, title=title, short=short, tests=tests
        )
        if piece:
            drawn.append((piece, short or one.word))
    said = [f"{one.word} {_('from')} {words.moment_of(max(one.start, since))}" for one, _tests in stretches if one.word]
    word = _("State") if track.name == "state" else track.word
    return Row(word, drawing.track(drawn), [], 0, f"{word}: {', '.join(said) or _('no data')}")


def _title(one: Span, until: datetime, tests: Sequence[datetime]) -> str:
    said = [one.word, words.moment_of(one.start, seconds=True), age((one.end or until) - one.start)]
    if tests:
        said.append(ngettext("tested %(n)s time", "tested %(n)s times", len(tests)) % {"n": number(len(tests))})
    return ", ".join(said)


@dataclass(slots=True)
class Ran:
    """What all probes of a component found within one step; `lone` are the failed runs that did not make it down."""

    runs: int = 0
    failed: int = 0
    slow: int = 0
    lone: int = 0

    @property
    def kind(self) -> str:
        """How its bar is drawn."""
        if not self.runs:
            return "none"
        if self.failed:
            return "failed" if self.lone == self.failed else "down"
        return "slow" if self.slow else "up"


Downs = Sequence[tuple[datetime, datetime]]


def _downs(tracks: Sequence[Track], until: datetime) -> Downs:
    """When the component, or one of its probes, was down."""
    told = [track for track in tracks if track.name == "state" or track.name.startswith("probe-")]
    tone = sign("down").tone
    return [(one.start, one.end or until) for track in told for one in track.stretches if one.tone == tone]


def _probed(component: Component, since: datetime, until: datetime, downs: Downs) -> Row | None:
    """What the probes found, a bar for each minute (or longer, so that there are not too many); None where nothing was ever asked.

    `since` is a full minute. The last bar has the seconds of the present minute too: they are too few to be one of their own.
    """
    step = timedelta(minutes=-(-int((until - since) / timedelta(minutes=1)) // CELLS))
    steps = [Ran() for _n in range((until - since) // step)]
    for at, lasts, runs, failed, slow in _found(component, since, until):
        one = steps[min(max((at - since) // step, 0), len(steps) - 1)]
        one.runs, one.failed, one.slow = one.runs + runs, one.failed + failed, one.slow + slow
        if not any(began <= at + lasts and at <= ended for began, ended in downs):
            one.lone += failed
    if not any(one.runs for one in steps):
        return None
    runs, failed = sum(one.runs for one in steps), sum(one.failed for one in steps)
    said = {"runs": number(runs), "failed": number(failed), "since": words.moment_of(since)}
    says = _("Probes: %(failed)s of %(runs)s runs failed since %(since)s.") % said
    if lone := sum(one.lone for one in steps):
        says += " " + ngettext("%(n)s of them did not make it down.", "%(n)s of them did not make it down.", lone) % {
            "n": number(lone)
        }
    return Row(_("Probes"), [], drawing.bars([(one.kind, 0.0) for one in steps]), len(steps), says)


def _found(
    component: Component, since: datetime, until: datetime
) -> Iterable[tuple[datetime, timedelta, int, int, int]]:
    """When and for how long, how many runs, how many of them failed and were slow; no bucket counts blind runs."""
    turn = (until - LATEST).replace(second=0, microsecond=0)
    buckets = Bucket.objects.unscoped().filter(probe__component=component, size=MINUTE, at__gte=since, at__lt=turn)
    for at, runs, failed, slow in buckets.values_list("at", "runs", "failed", "slow"):
        yield at, ONE_MINUTE, runs, failed, slow
    results = Result.objects.unscoped().filter(probe__component=component, at__gte=max(turn, since), blind=False)
    for at, ok, slow in results.values_list("at", "ok", "slow"):
        yield at, timedelta(0), 1, 0 if ok else 1, 1 if slow else 0


def _says(depths: Sequence[tuple[datetime, int]], since: datetime, until: datetime) -> str:
    if not depths:
        return _("How much waited is not known.")
    last, most = depths[-1][1], max(n for _at, n in depths)
    said = {"n": number(last), "most": number(most), "span": age(until - since)}
    return (
        ngettext(
            "%(n)s waits now, %(most)s at the most in %(span)s.",
            "%(n)s wait now, %(most)s at the most in %(span)s.",
            last,
        )
        % said
    )

"""Everything that happened to one component, on one axis: its timeline as geometry, with the list of what happened."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from portal.kit import clock
from portal.web.formats import age, number
from portal.web.vocabulary import sign
from resilience.health import drawing, words
from resilience.health.drawing import Bars, Piece, Tick
from resilience.health.models import MINUTE, Bucket, Component, Result
from resilience.health.series import Span
from resilience.health.standing import ComponentHealth
from resilience.health.timelines import Mark, Track, timeline

SPAN = timedelta(minutes=45)
ONE_MINUTE = timedelta(minutes=1)
LONGEST = timedelta(hours=6)
MARKS = 12
CELLS = 60
TWICE = 2
LATEST = timedelta(minutes=5)
"""What is younger comes from results: their minutes may not be added up yet."""


@dataclass(frozen=True, slots=True)
class Row:
    """A track: minute by minute as `cells` (with how many columns), or as `pieces`; `says` is what it shows, in words."""

    word: str
    pieces: list[Piece]
    cells: list[Bars]
    columns: int
    says: str


@dataclass(frozen=True, slots=True)
class Minutes:
    """The panel of one component. `line` and `area` are what waited, `most` its highest and `waiting` its last figure."""

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
    says: str


def minutes(one: ComponentHealth, *, span: timedelta = SPAN) -> Minutes:
    """The last minutes of a component, or as far back as its outage began (six hours at most). Who asks has checked that it may be seen."""
    component, until = one.component, clock.now()
    out_since = one.outage.began_at if one.outage else None
    since = until - span
    if out_since is not None and out_since - timedelta(minutes=15) < since:
        since = max(out_since - timedelta(minutes=15), until - LONGEST)
    since = since.replace(second=0, microsecond=0)
    found = timeline(component, since, until)
    waited = [*found.depths, (until, one.load.waiting)] if found.depths else []
    probed = _probed(component, since, until, _downs(found.tracks, until))
    line, area, most = drawing.volume(waited, since, until)
    return Minutes(
        component=component,
        since=since,
        until=until,
        ticks=drawing.ticks(since, until),
        rows=[*([probed] if probed else []), *(_row(track, since, until) for track in found.tracks)],
        line=line,
        area=area,
        most=int(most),
        waiting=one.load.waiting if waited else None,
        marks=_folded(found.marks)[:MARKS],
        says=_says(waited, since, until),
    )


def _folded(marks: Sequence[Mark]) -> list[Mark]:
    """Two things that happen again and again in turn, such as failed tests of a breaker, are a line each: the newest, with how often."""
    found: list[Mark] = []
    run: list[Mark] = []
    for mark in marks:
        known = {one.word for one in run}
        if mark.word not in known and len(known) == TWICE:
            found += _line_each(run)
            run = []
        run.append(mark)
    return [*found, *_line_each(run)]


def _line_each(run: Sequence[Mark]) -> list[Mark]:
    if len(run) <= 2 * TWICE:
        return list(run)
    told: dict[str, list[Mark]] = {}
    for mark in run:
        told.setdefault(mark.word, []).append(mark)
    return [_again(same) if len(same) > 1 else same[0] for same in told.values()]


def _again(same: Sequence[Mark]) -> Mark:
    said = {"n": number(len(same)), "since": words.moment_of(same[-1].at, seconds=True)}
    return replace(same[0], word=f"{same[0].word} {_('%(n)s times since %(since)s.') % said}")


def _row(track: Track, since: datetime, until: datetime) -> Row:
    drawn = [
        drawing.piece(one.start, one.end, one.word, one.tone, start=since, end=until, title=_title(one, until))
        for one in track.stretches
    ]
    said = [f"{one.word} {_('from')} {words.moment_of(max(one.start, since))}" for one in track.stretches if one.word]
    word = _("State") if track.name == "state" else track.word
    return Row(word, [piece for piece in drawn if piece], [], 0, f"{word}: {', '.join(said) or _('no data')}")


def _title(one: Span, until: datetime) -> str:
    return f"{one.word}, {words.moment_of(one.start, seconds=True)}, {age((one.end or until) - one.start)}"


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
    """When and for how long, how many runs, how many of them failed and were slow. Blind runs say nothing: no bucket counts them among its runs."""
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

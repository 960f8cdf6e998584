"""Everything that happened to a component on one axis: probes, breaker, outages, maintenance, what waited, and what others registered."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from django.utils.translation import gettext as _

from portal.web.formats import number
from portal.web.vocabulary import sign
from resilience.breakers.models import Breaker, Transition
from resilience.breakers.words import cause
from resilience.health import words
from resilience.health.core.states import URGENCY, State
from resilience.health.models import Component, Flip, Note, Outage, Probe
from resilience.health.providers import depths, tracks
from resilience.health.series import Shade, Span, shade
from resilience.health.standing import stands


@dataclass(frozen=True, slots=True)
class Track:
    """One line of the timeline: the stretches follow each other. `now` is how a probe stands, in a word."""

    name: str
    word: str
    stretches: tuple[Span, ...] = ()
    now: str = ""


@dataclass(frozen=True, slots=True)
class Mark:
    """One thing that happened, for the list under the timeline. `icon` as templates name them."""

    at: datetime
    word: str
    tone: str
    icon: str
    href: str = ""


@dataclass(frozen=True, slots=True)
class Timeline:
    """Everything that happened to a component on one axis; `marks` the newest first, `depths` how much waited.

    `probes` are tracks too, the worst first: of each where there are several, none where there is one.
    """

    since: datetime
    until: datetime
    tracks: tuple[Track, ...] = ()
    probes: tuple[Track, ...] = ()
    depths: tuple[tuple[datetime, int], ...] = ()
    marks: tuple[Mark, ...] = ()


MOST_MARKS = 100
TWICE = 2
BAD = {State.DOWN.value, State.SLOW.value}
BREAKER_SIGNS = {"closed": "closed", "half_open": "half_open", "open": "open"}


@dataclass(frozen=True, slots=True)
class Known:
    """What of a component was read already: its probes, and its outages and maintenance from the timeline's beginning on."""

    probes: Sequence[Probe]
    shade: Shade


def timeline(component: Component, since: datetime, until: datetime, known: Known | None = None) -> Timeline:
    """What happened to a component between two moments. Who asks has checked that it may be seen."""
    if known is None:
        known = Known(list(Probe.objects.unscoped().filter(component=component)), shade(component, since))
    shaded = known.shade.spans(since, until)
    flips = _flips(component, since, until)
    transitions = _transitions(component, since, until)
    found = [_state_track(component, flips, since, until)]
    found += _breaker_tracks(component, transitions, since, until)
    found += [Track("outages", _("Outages"), tuple(span for span in shaded if span.tone == "bad"))]
    found += [Track("maintenance", _("Maintenance"), tuple(span for span in shaded if span.tone != "bad"))]
    if component.upstream_id is not None:
        found += [
            Track(name, name, tuple(Span(one.start, one.end, one.word, one.tone) for one in stretches))
            for name, stretches in tracks(component.upstream_id, since, until).items()
        ]
    waited = depths(component.upstream_id, since, until) if component.upstream_id is not None else []
    outages = known.shade.within(since, until)
    marks = [*_turns(flips, transitions), *_outage_marks(outages, since, until)]
    marks.sort(key=lambda mark: mark.at, reverse=True)
    return Timeline(
        since,
        until,
        tuple(track for track in found if track.stretches),
        _probe_tracks(known.probes, flips, since, until),
        tuple(waited),
        tuple(marks[:MOST_MARKS]),
    )


def turns(component: Component, since: datetime, until: datetime) -> list[Mark]:
    """What the component, its probes and its breaker became between two moments, the newest first and folded."""
    marks = _turns(_flips(component, since, until), _transitions(component, since, until))
    return folded(sorted(marks, key=lambda mark: mark.at, reverse=True))


def _turns(flips: Sequence[Flip], transitions: Sequence[Transition]) -> list[Mark]:
    return [*_flip_marks(flips), *_transition_marks(transitions)]


def folded(marks: Sequence[Mark]) -> list[Mark]:
    """Two things that happen again and again in turn, such as failed tests of a breaker, are a line each: the newest, with how often."""
    found: list[Mark] = []
    run: list[Mark] = []
    for mark in marks:
        known = {one.word for one in run}
        if mark.word not in known and len(known) == TWICE:
            told = len(run) if len(run) > TWICE else 1  # of two that did not come again the second may begin a row
            found += _line_each(run[:told])
            run = run[told:]
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


def _flips(component: Component, since: datetime, until: datetime) -> list[Flip]:
    rows = Flip.objects.unscoped().filter(component=component, at__gte=since, at__lt=until)
    return list(rows.select_related("probe").order_by("pk"))


def _state_track(component: Component, flips: Sequence[Flip], since: datetime, until: datetime) -> Track:
    own = [flip for flip in flips if flip.probe_id is None]
    now = (component.state, component.since)
    return Track("state", _("Answers"), tuple(_stretched(own, now, since, until)))


def _probe_tracks(
    probes: Sequence[Probe], flips: Sequence[Flip], since: datetime, until: datetime
) -> tuple[Track, ...]:
    """One of each probe: what is down first, then what fails, then what turned within this time; what is paused last."""
    if len(probes) < 2:
        return ()
    turned = {flip.probe_id for flip in flips}
    now = {probe.pk: stands(probe, until) for probe in probes}
    worst_first = sorted(
        probes, key=lambda one: (not one.enabled, URGENCY[now[one.pk]], -one.failures, one.pk not in turned, one.pk)
    )
    return tuple(_probe_track(probe, now[probe.pk], flips, since, until) for probe in worst_first)


def _probe_track(probe: Probe, state: State, flips: Sequence[Flip], since: datetime, until: datetime) -> Track:
    own = [flip for flip in flips if flip.probe_id == probe.pk]
    stretches = tuple(_stretched(own, (probe.state, probe.since), since, until))
    now = str(sign(state).word).lower() if probe.enabled else _("paused")
    return Track(f"probe-{probe.pk}", probe.name, stretches, now)


def _stretched(
    flips: Sequence[Flip], now: tuple[str, datetime | None], since: datetime, until: datetime
) -> Iterable[Span]:
    """The states between two moments; nothing for the time before the first that is known."""
    turns = [(flip.at, flip.after) for flip in flips]
    first = flips[0].before if flips else now[0] if now[1] is not None and now[1] <= since else ""
    if not flips and now[1] is not None and since < now[1] < until:
        turns = [(now[1], now[0])]
    for start, end, state in _joined(first, turns, since, until):
        if state and state != State.NONE:
            yield Span(start, end, str(sign(state).word), sign(state).tone)


def _joined(
    first: str, turns: Sequence[tuple[datetime, str]], since: datetime, until: datetime
) -> Iterable[tuple[datetime, datetime, str]]:
    begun, state = since, first
    for at, after in turns:
        if at > begun:
            yield begun, at, state
            begun = at
        state = after
    if until > begun:
        yield begun, until, state


def _transitions(component: Component, since: datetime, until: datetime) -> list[Transition]:
    if component.upstream_id is None:
        return []
    rows = Transition.objects.unscoped().filter(breaker=component.upstream_id, at__gte=since, at__lt=until)
    return list(rows.order_by("-pk")[:MOST_MARKS])[::-1]


def _breaker_tracks(
    component: Component, transitions: Sequence[Transition], since: datetime, until: datetime
) -> list[Track]:
    breaker: Breaker | None = getattr(component.upstream, "breaker", None)
    if breaker is None:
        return []
    first = transitions[0].before if transitions else breaker.state
    turns = [(one.at, one.after) for one in transitions]
    begin = since if len(transitions) < MOST_MARKS else transitions[0].at  # what came before these was not read
    begin = max(begin, component.created_at)
    found = [
        Span(start, end, str(sign(BREAKER_SIGNS[state]).word), sign(BREAKER_SIGNS[state]).tone)
        for start, end, state in _joined(first, turns, begin, until)
    ]
    return [Track("breaker", _("Breaker"), tuple(found))]


def _flip_marks(flips: Sequence[Flip]) -> Iterable[Mark]:
    """What the component became, and what each of its probes did where there are several to tell apart.

    Of a probe only trouble and its end: when it begins and when it is silent its row shows, and a restart silences all of them.
    """
    probes = {flip.probe_id for flip in flips if flip.probe_id is not None}
    for flip in flips:
        if flip.probe is not None and (len(probes) == 1 or not BAD & {flip.before, flip.after}):
            continue
        shown, word = sign(flip.after), _became(flip)
        if flip.probe is not None:
            word = _("Probe %(name)s: %(word)s") % {"name": flip.probe.name, "word": word[:1].lower() + word[1:]}
        reason = flip.reason if flip.after in (State.DOWN, State.SLOW) else ""
        yield Mark(flip.at, f"{word} {reason}".strip(), shown.tone, shown.icon)


def _became(flip: Flip) -> str:
    match State(flip.after):
        case State.UP if flip.before in (State.DOWN, State.SLOW):
            return _("Up again.")
        case State.NONE:
            return _("No data from here on.")
        case State.MAINTENANCE:
            return _("In maintenance.")
        case State.UP:
            return _("Found up.")
    return f"{sign(flip.after).word}."


def _transition_marks(transitions: Sequence[Transition]) -> Iterable[Mark]:
    for one in transitions:
        shown, why = sign(BREAKER_SIGNS[one.after]), cause(one)
        ended = why if why.endswith((".", "!", "?")) else f"{why}."
        yield Mark(one.at, _turned(one) % {"why": ended}, shown.tone, shown.icon)


def _turned(one: Transition) -> str:
    match one.before, one.after:
        case "half_open", "open":
            return _("Breaker tested, and is open again: %(why)s")
        case _, "open":
            return _("Breaker opened: %(why)s")
        case _, "half_open":
            return _("Breaker is half-open: %(why)s")
    return _("Breaker closed: %(why)s")


def _outage_marks(outages: Sequence[Outage], since: datetime, until: datetime) -> Iterable[Mark]:
    for outage in outages:
        href, down, up = f"/settings/health/outages/{outage.pk}", sign("down"), sign("up")
        if outage.began_at >= since:
            began = _("Outage recorded by %s.") % outage.opened_by if outage.by_hand else _("Outage opened.")
            yield Mark(outage.noticed_at, began, down.tone, down.icon, href)
        if outage.ended_at is not None and outage.ended_at < until:
            ended = _("Outage closed by %s.") % outage.closed_by if outage.closed_by else _("Outage closed.")
            yield Mark(outage.ended_at, ended, up.tone, up.icon, href)
    notes = Note.objects.unscoped().filter(outage__in=outages, at__gte=since, at__lt=until).order_by("-at")
    for note in notes[:MOST_MARKS]:
        yield Mark(note.at, f"{note.author}: {note.text}", "idle", "note", f"/settings/health/outages/{note.outage_id}")

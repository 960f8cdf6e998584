"""Everything that happened to a component on one axis: probes, breaker, outages, maintenance, what waited, and what others registered."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.utils.translation import gettext as _

from portal.web.vocabulary import sign
from resilience.breakers.models import Breaker, Transition
from resilience.health.core.states import URGENCY, State
from resilience.health.marks import BREAKER_SIGNS, Mark, marks_of
from resilience.health.models import Component, Flip, Outage, Probe
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
    found += [Track("outages", _("Outages"), tuple(span for span in shaded if span.tone != "idle"))]
    found += [Track("maintenance", _("Maintenance"), tuple(span for span in shaded if span.tone == "idle"))]
    if component.upstream_id is not None:
        found += [
            Track(name, name, tuple(Span(one.start, one.end, one.word, one.tone) for one in stretches))
            for name, stretches in tracks(component.upstream_id, since, until).items()
        ]
    waited = depths(component.upstream_id, since, until) if component.upstream_id is not None else []
    marks = marks_of(component, known.shade.within(since, until), flips, transitions, since=since, until=until)
    return Timeline(
        since,
        until,
        tuple(track for track in found if track.stretches),
        _probe_tracks(known.probes, flips, since, until),
        tuple(waited),
        tuple(marks[:MOST_MARKS]),
    )


def happened(component: Component, outages: Sequence[Outage], since: datetime, until: datetime) -> list[Mark]:
    """What the component, its probes, its breaker and these outages became between two moments, the newest first."""
    flips, transitions = _flips(component, since, until), _transitions(component, since, until)
    return marks_of(component, outages, flips, transitions, since=since, until=until)


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

"""What happened to a component, a line each, for the list under its timeline and for the page of an outage."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import IntEnum
from itertools import zip_longest
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from portal.events.models import Event
from portal.kit.viewer import SYSTEM
from portal.web.formats import number
from portal.web.vocabulary import sign
from resilience.breakers.models import Transition
from resilience.breakers.words import cause
from resilience.health import words
from resilience.health.core.states import State
from resilience.health.models import Component, Flip, Note, Outage
from resilience.health.partly import partly

MOST = 100
TWICE = 2
BAD = {State.DOWN.value, State.SLOW.value}
BREAKER_SIGNS = {"closed": "closed", "half_open": "half_open", "open": "open"}


class Kind(IntEnum):
    """What comes of what, where two things happened at once and were noticed at once."""

    PROBE = 1
    BREAKER = 2
    COMPONENT = 3
    CLOSED = 4
    OPENED = 5
    WRITTEN = 6


@dataclass(frozen=True, slots=True)
class Mark:
    """One thing that happened. `icon` as templates name them; `who` wrote it, and where `lines` is set their line breaks count."""

    at: datetime
    word: str
    tone: str
    icon: str
    href: str = ""
    who: str = ""
    lines: bool = False
    noticed_at: datetime | None = None
    kind: Kind = Kind.WRITTEN

    @property
    def place(self) -> tuple[datetime, datetime, int]:
        """Where it stands: by the second that is shown, within it as it was noticed."""
        return self.at.replace(microsecond=0), self.noticed_at or self.at, self.kind


def marks_of(
    component: Component,
    outages: Sequence[Outage],
    flips: Sequence[Flip],
    transitions: Sequence[Transition],
    *,
    since: datetime,
    until: datetime,
) -> list[Mark]:
    """What happened between two moments, the newest first; what happens again and again is told once."""
    ended = {flip.at: flip.noticed_at for flip in flips if flip.probe_id is None}
    found = [*_flips(component, flips, outages), *_transitions(transitions)]
    for outage in outages:
        found += [mark for mark in _outage(outage, ended) if since <= mark.at < until]
    found += written(outages, since, until)
    return folded(sorted(found, key=lambda mark: mark.place, reverse=True))


def written(outages: Sequence[Outage], since: datetime, until: datetime) -> Iterator[Mark]:
    """What people wrote about these outages between two moments, the newest first."""
    notes = Note.objects.unscoped().filter(outage__in=outages, at__gte=since, at__lt=until).order_by("-at")
    for note in notes[:MOST]:
        href = f"/settings/health/outages/{note.outage_id}"
        yield Mark(note.at, note.text, "idle", "note", href, note.author, lines=True)


def expectations(events: Iterable[Event]) -> Iterator[Mark]:
    """What was expected of an outage, of its events."""
    for event in events:
        said: dict[str, Any] = json.loads(event.data) if event.data else {}
        told = {"now": _expectation(said), "before": _expectation(said.get("before") or {})}
        text = _("Expected back: %(now)s. Before: %(before)s.") % told
        yield Mark(event.at, text, "idle", "retrying", who="" if event.actor == SYSTEM else event.actor)


def _expectation(said: Mapping[str, Any]) -> str:
    """A moment, words, or both, as an event keeps them."""
    at = said.get("at")
    parts = [words.moment_of(datetime.fromisoformat(at))] if isinstance(at, str) else []
    parts += [text] if isinstance(text := said.get("text"), str) and text else []
    return ", ".join(parts) or _("nobody knows")


def _outage(outage: Outage, ended: Mapping[datetime, datetime]) -> Iterator[Mark]:
    """Its beginning and its end: `ended` says when what ended it was noticed."""
    href, up = f"/settings/health/outages/{outage.pk}", sign("up")
    down = sign("slow" if partly(outage.severity, outage.opened_by) else "down")
    if outage.by_hand and outage.began_at < outage.noticed_at:
        yield Mark(outage.began_at, _("Outage began."), down.tone, "flag", href, kind=Kind.OPENED)
    opened = _("Outage recorded by %s.") % outage.opened_by if outage.by_hand else _("Outage opened.")
    yield Mark(outage.noticed_at, opened, down.tone, down.icon, href, kind=Kind.OPENED)
    if outage.ended_at is not None:
        closed = _("Outage closed by %s.") % outage.closed_by if outage.closed_by else _("Outage closed.")
        noticed = ended.get(outage.ended_at)
        yield Mark(outage.ended_at, closed, up.tone, up.icon, href, noticed_at=noticed, kind=Kind.CLOSED)


def _flips(component: Component, flips: Sequence[Flip], outages: Sequence[Outage]) -> Iterator[Mark]:
    """What the component became, and what each of its probes did where there are several to tell apart.

    Of a probe only trouble and its end: when it begins and when it is silent its row shows, and a restart silences all of them.
    """
    probes = {flip.probe_id for flip in flips if flip.probe_id is not None}
    for flip in flips:
        if flip.probe is not None and (len(probes) == 1 or not BAD & {flip.before, flip.after}):
            continue
        name = _("Probe %s") % flip.probe.name if flip.probe is not None else component.name
        reason = flip.reason if flip.after in BAD else ""
        shown, kind = sign(flip.after), Kind.COMPONENT if flip.probe is None else Kind.PROBE
        became = _("%s is partly out.") if _recorded(flip, outages) else _became(flip)
        word = f"{became % name} {reason}".strip()
        yield Mark(flip.at, word, shown.tone, shown.icon, noticed_at=flip.noticed_at, kind=kind)


def _recorded(flip: Flip, outages: Sequence[Outage]) -> bool:
    """Whether a component counts as slow since then for the only reason that a person recorded that little is missing."""
    if flip.probe_id is not None or flip.after != State.SLOW.value:
        return False
    return any(
        one.began_at <= flip.at and (one.ended_at is None or flip.at < one.ended_at)
        for one in outages
        if partly(one.severity, one.opened_by)
    )


def _became(flip: Flip) -> str:
    match State(flip.after):
        case State.UP if flip.before in BAD:
            return _("%s is up again.")
        case State.UP:
            return _("%s is up.")
        case State.DOWN:
            return _("%s is down.")
        case State.SLOW:
            return _("%s is slow.")
        case State.MAINTENANCE:
            return _("%s is in maintenance.")
        case State.NONE:
            return _("%s: no data from here on.")


def _transitions(transitions: Sequence[Transition]) -> Iterator[Mark]:
    """The moves of a breaker; the failed tests of an outage are one line, the newest, with how many and since when."""
    tests: list[Transition] = []
    for one, following in zip_longest(transitions, transitions[1:]):
        if one.after == "half_open" and following is not None and _failed(following):
            continue  # the failed test that follows tells it
        if _failed(one):
            tests.append(one)
            continue
        yield from _tested(tests)
        tests = []
        yield _moved(one, _turned(one))
    yield from _tested(tests)


def _failed(one: Transition) -> bool:
    """Whether it is the end of a test; not what a person forced meanwhile."""
    return (one.before, one.after, one.forced) == ("half_open", "open", "")


def _tested(tests: Sequence[Transition]) -> Iterator[Mark]:
    if tests:
        n = len(tests)
        said = ngettext(
            "Breaker tested, and is open again: %(why)s",
            "Breaker tested %(n)s times since %(since)s, and is open again: %(why)s",
            n,
        )
        since = words.moment_of(tests[0].at, seconds=True)
        yield _moved(tests[-1], said.replace("%(n)s", number(n)).replace("%(since)s", since))


def _moved(one: Transition, word: str) -> Mark:
    shown, why = sign(BREAKER_SIGNS[one.after]), cause(one)
    ended = why if why.endswith((".", "!", "?")) else f"{why}."
    return Mark(one.at, word.replace("%(why)s", ended), shown.tone, shown.icon, kind=Kind.BREAKER)


def _turned(one: Transition) -> str:
    match one.after:
        case "open":
            return _("Breaker opened: %(why)s")
        case "half_open":
            return _("Breaker is half-open: %(why)s")
    return _("Breaker closed: %(why)s")


def folded(marks: Sequence[Mark]) -> list[Mark]:
    """Two things that happen again and again in turn, such as a probe that flaps, are a line each: the newest, with how often."""
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

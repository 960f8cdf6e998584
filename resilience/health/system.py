"""How everything is: the score with its breakdown, every component as it can be read now, and the outages that go on.

`system(viewer)` is for pages, `system_of` for whoever has checked what may be seen (the stream, the snapshots, monitoring). Both cost at
most nine queries, however many components there are; what is drawn on a card stands in figures.py.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db.models import Case, Q, TextField, Value, When

from portal.kit import clock
from portal.kit.errors import NotFound
from portal.kit.viewer import Viewer
from portal.tenancy.models import Organization
from resilience.health import saying
from resilience.health.core.score import Lost, SystemScore, Why, network_score, status, system_score
from resilience.health.core.states import State
from resilience.health.core.trend import Trend, trend
from resilience.health.models import Component, Outage, SystemSnapshot
from resilience.health.standing import ComponentHealth, Loss, ProbeRow, Reading, iso, read, told

TREND_OVER = timedelta(minutes=30)
NEWEST = timedelta(minutes=3)
"""A snapshot that is older says nothing about now."""


@dataclass(frozen=True, slots=True)
class Part:
    """One part of the system's score: `name` in the API, `word` on pages, its share as published, and what it lost, the most first.

    `unknown` is how many components are left out because nothing is known of them; `exact` is what is left of 100, not rounded.
    """

    name: str
    word: str
    score: int | None
    weight: float
    losses: tuple[Loss, ...]
    unknown: int = 0
    exact: float | None = None

    def as_dict(self) -> dict[str, Any]:
        """As REST says it."""
        losses = [loss.as_dict() for loss in self.losses]
        return {
            "name": self.name,
            "score": self.score,
            "weight": self.weight,
            "unknown": self.unknown,
            "losses": losses,
        }


@dataclass(frozen=True, slots=True)
class Network:
    """Of the requests of the last minutes (probes and deliveries): how many were answered at all, and how many by nobody."""

    score: int | None = None
    answered: int = 0
    unanswered: int = 0

    def as_dict(self) -> dict[str, Any]:
        """As REST says it."""
        return {"score": self.score, "answered": self.answered, "unanswered": self.unanswered}


@dataclass(frozen=True, slots=True)
class System:
    """How everything is. `score` is None without data, `status` "unknown" then; `delta` points over `span` make the `trend`.

    `components` come with the most urgent first, `outages` with the longest first. `fresh` says when the probes ran, in a sentence;
    `late` is how many of them did not when they were due. `probes` are all that are switched on. `unrun` are the duties that nobody
    runs, and why that is known.
    """

    at: datetime
    score: int | None
    status: str
    parts: tuple[Part, ...] = ()
    caps: tuple[Loss, ...] = ()
    components: tuple[ComponentHealth, ...] = ()
    outages: tuple[Outage, ...] = ()
    probes: tuple[ProbeRow, ...] = ()
    trend: str | None = None
    delta: float | None = None
    span: timedelta | None = None
    network: Network = Network()
    fresh: str = ""
    late: int = 0
    weight: float = 0.0
    unrun: Mapping[str, str] = field(default_factory=dict)

    @property
    def planned(self) -> bool:
        """Whether all that is watched is in planned maintenance: then there is no score, and nothing is wrong."""
        return _planned(self.components)

    @property
    def unplanned(self) -> tuple[Outage, ...]:
        """The outages that go on outside of planned maintenance."""
        return tuple(outage for outage in self.outages if not outage.component.planned)

    @property
    def backlog(self) -> int:
        """How many items wait, in all."""
        return sum(one.load.waiting for one in self.components)

    def count(self, state: State) -> int:
        """How many components are in this state."""
        return sum(1 for one in self.components if one.state is state)

    def as_dict(self, *, components: bool = True) -> dict[str, Any]:
        """As REST says it: the breakdown with every lost point, the thresholds, and (unless left out) each component."""
        span = None if self.span is None else self.span.total_seconds()
        said: dict[str, Any] = {
            "status": self.status,
            "score": self.score,
            "trend": self.trend and {"direction": self.trend, "delta": self.delta, "spanSeconds": span},
            "parts": [part.as_dict() for part in self.parts],
            "caps": [cap.as_dict() for cap in self.caps],
            "thresholds": {"healthy": settings.HEALTH["healthy_from"], "degraded": settings.HEALTH["degraded_from"]},
            "network": self.network.as_dict(),
            "backlog": self.backlog,
            "states": {state.value: self.count(state) for state in State},
            "fresh": self.late == 0,
            "checkedAt": iso(self.at),
        }
        if components:
            said["components"] = [one.as_dict() for one in self.components]
        return said


def system(viewer: Viewer, *, past: bool = True) -> System:
    """How everything is that the viewer may see; a query less without `past`, which leaves out the trend and the network's score."""
    return system_of(viewer.organization_ids, past=past)


def system_of(organization_ids: Iterable[int] | None, *, past: bool = True) -> System:
    """How these organizations (None: all of them) and Breakwater itself are. Who asks has checked that they may be seen."""
    ids = None if organization_ids is None else frozenset(organization_ids)
    if ids is not None and not ids:
        return System(clock.now(), None, "unknown")
    whole = made(read(ids, clock.now()))
    return with_past(whole, ids) if past else whole


def get_system_health(organization: str = "") -> System:
    """How everything is, or one organization (its slug). For code on the server, which may see all; raises NotFound."""
    if not organization:
        return system_of(None)
    found = Organization.objects.unscoped().filter(slug=organization).values_list("pk", flat=True).first()
    if found is None:
        raise NotFound
    return system_of((found,))


def made(reading: Reading) -> System:
    """The system that was read, without its trend and its network."""
    scored = system_score([one.facts for one in reading.components if one.facts is not None])
    names = {one.component.pk: one.component for one in reading.components}
    fresh, late = saying.freshness(reading.probes, reading.at)
    said, worse = _status(scored.value, reading, names)
    return System(
        at=reading.at,
        score=scored.value,
        status=said,
        parts=_parts(scored, names, reading),
        caps=(*told(scored.caps, names), *worse),
        components=reading.components,
        outages=reading.outages,
        probes=reading.probes,
        fresh=fresh,
        late=late,
        weight=scored.weight,
        unrun=reading.unrun,
    )


def _status(value: int | None, reading: Reading, names: Mapping[int, Component]) -> tuple[str, tuple[Loss, ...]]:
    """What the score says, healthy while everything is in maintenance; not so while something is down or out that is not planned, or
    while nobody runs a duty; and what of that makes it worse. Pages, streams, /api/health and /metrics all say this one word.
    """
    said = status(value, settings.HEALTH["healthy_from"], settings.HEALTH["degraded_from"])
    said = "healthy" if value is None and _planned(reading.components) else said
    worse: list[Loss] = []
    if said == "healthy":
        wrong = [one for one in reading.components if one.state is State.DOWN or (one.outage and not one.planned)]
        for why, down in ((Why.ANY_DOWN, True), (Why.ANY_OUTAGE, False)):
            ids = [one.component.pk for one in wrong if (one.state is State.DOWN) is down]
            worse += told([Lost(why, 0.0, ids[0], also=tuple(ids[1:]))], names) if ids else ()
    if said in ("healthy", "unknown") and reading.unrun:
        duties = Lost(Why.ANY_DUTY, 0.0)
        worse.append(Loss(saying.loss(duties, sorted(reading.unrun)), 0.0, why=duties.why.value))
    return "degraded" if worse else said, tuple(worse)


def _planned(components: Iterable[ComponentHealth]) -> bool:
    watched = [one for one in components if one.component.organization_id is not None]
    return bool(watched) and all(one.planned for one in watched)


def with_past(system: System, organization_ids: frozenset[int] | None) -> System:
    """The same with the trend (the snapshots of the last half hour and the present score) and the network's score; one query."""
    rows = _snapshots(organization_ids, system.at)
    scores: dict[datetime, list[tuple[float, float]]] = {}
    for at, score, weight, _parts_text in rows:
        if score is not None:
            scores.setdefault(at, []).append((score, max(weight, 1.0)))
    line = [(at, sum(s * w for s, w in said) / sum(w for _, w in said)) for at, said in sorted(scores.items())]
    now = _present(system, organization_ids)
    fresh = bool(line) and now is not None and system.at - line[-1][0] <= NEWEST
    seen: Trend | None = trend([*line, (system.at, now)]) if fresh else None
    network = _network(text for at, _score, _weight, text in rows if text and at == rows[-1][0])
    if seen is None:
        return replace(system, network=network)
    return replace(
        system, network=network, trend=seen.direction.value, delta=round(seen.delta, 1) + 0.0, span=seen.span
    )


def _present(system: System, ids: frozenset[int] | None) -> float | None:
    """The present score as snapshots have it: of several organizations the mean, by their weights."""
    if ids is None or len(ids) == 1 or system.score is None:
        return system.score
    scores = []
    for owner in ids:
        mine = [one.facts for one in system.components if one.component.organization_id in (owner, None) and one.facts]
        scored = system_score(mine)
        if scored.value is not None:
            scores.append((scored.value, max(scored.weight, 1.0)))
    weight = sum(weight for _score, weight in scores)
    return sum(score * weight for score, weight in scores) / weight if scores else None


def _snapshots(ids: frozenset[int] | None, now: datetime) -> list[tuple[datetime, int | None, float, str]]:
    mine = Q(organization__isnull=True) if ids is None else Q(organization__in=ids)
    newest = Case(When(at__gt=now - NEWEST, then="parts"), default=Value(""), output_field=TextField())
    rows = SystemSnapshot.objects.unscoped().filter(mine, at__gt=now - TREND_OVER, at__lte=now).order_by("at")
    return list(rows.annotate(said=newest).values_list("at", "score", "weight", "said"))


def _network(texts: Iterable[str]) -> Network:
    said = [json.loads(text).get("network") or {} for text in texts]
    answered = sum(one.get("answered", 0) for one in said)
    unanswered = sum(one.get("unanswered", 0) for one in said)
    return Network(network_score(answered, unanswered), answered, unanswered)


def _parts(scored: SystemScore, names: Mapping[int, Component], reading: Reading) -> tuple[Part, ...]:
    breakers = sum(1 for one in reading.components if one.breaker)
    return tuple(
        Part(
            part.name,
            saying.part(part.name),
            part.score.value,
            part.weight,
            told(part.score.lost, names, of=breakers),
            part.unknown,
            part.score.exact,
        )
        for part in scored.parts
    )

"""Each component as it can be read now, with what its score is made of: everything that a system's score needs, read at one moment."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from django.db.models import Case, Exists, OuterRef, Q, TextField, Value, When
from django.utils import timezone

from portal.duties.health import standings
from portal.tenancy.models import Organization
from portal.web.formats import moment
from resilience.breakers.models import Breaker
from resilience.health import causes, saying
from resilience.health.core.score import Facts, Lost, component_score
from resilience.health.core.states import URGENCY, State
from resilience.health.core.status import is_stale, read_state
from resilience.health.models import Component, Outage, Probe, Result
from resilience.health.providers import Load, loads

SHOWN = 5
UNREAD = (
    *(f"upstream__{name}" for name in ("headers", "credentials", "credentials_type", "credentials_set_at", "figures")),
    *(f"upstream__{name}" for name in ("routes", "created_at", "updated_at", "paused_by", "paused_reason", "version")),
    *(f"upstream__breaker__{name}" for name in ("version", "generation", "touched", "spared_until", "spared_reason")),
)


@dataclass(frozen=True, slots=True)
class Loss:
    """Points that were lost, in words ("Plans API down"), with where to look. `why` is the word of the API, `component` its slug."""

    text: str
    points: float
    href: str = ""
    why: str = ""
    component: str = ""

    def as_dict(self) -> dict[str, Any]:
        """As REST says it."""
        return {"reason": self.why, "text": self.text, "points": round(self.points, 1), "component": self.component}


@dataclass(frozen=True, slots=True)
class ComponentHealth:
    """One component as it can be read now: `state` is none when its probes have not run, whatever was last written.

    `probe_id` and `last_ms` are of its first probe, whose latency stands for it: how long its last run took if that was good.
    `last_at` is when any of its probes ran last, `probes` are those that are switched on.
    `facts` is what its score was made of.
    """

    component: Component
    state: State
    since: datetime | None = None
    reason: str = ""
    score: int | None = None
    losses: tuple[Loss, ...] = ()
    breaker: Breaker | None = None
    load: Load = field(default_factory=Load)
    probe_id: int | None = None
    last_ms: float | None = None
    last_at: datetime | None = None
    outage: Outage | None = None
    blamed_on: Component | None = None
    facts: Facts | None = None
    probes: tuple["ProbeRow", ...] = ()

    @property
    def planned(self) -> bool:
        """Whether it is in planned maintenance: whatever is wrong with it then is no trouble."""
        return self.component.planned

    @property
    def href(self) -> str:
        """Its page."""
        return href_of(self.component)

    @property
    def breaker_word(self) -> str:
        """The breaker's state in the API; "" where there is none."""
        return self.breaker.state if self.breaker else ""

    def as_dict(self) -> dict[str, Any]:
        """As REST says it."""
        organization = self.component.organization
        return {
            "slug": self.component.slug,
            "name": self.component.name,
            "organization": organization.slug if organization else None,
            "importance": self.component.weighs.value,
            "state": self.state.value,
            "since": iso(self.since),
            "reason": self.reason,
            "score": self.score,
            "losses": [loss.as_dict() for loss in self.losses],
            "latencyMs": None if self.last_ms is None else round(self.last_ms, 1),
            "checkedAt": iso(self.last_at),
            "breaker": self.breaker_word or None,
            "waiting": self.load.waiting,
            "inFlight": self.load.in_flight,
            "failed": self.load.failed,
            "conflicts": self.load.conflicts,
            "oldestAt": iso(self.load.oldest_at),
            "blamedOn": self.blamed_on.slug if self.blamed_on else None,
            "outage": self.outage.pk if self.outage else None,
        }


@dataclass(frozen=True, slots=True)
class Reading:
    """Everything that a score is made of, read at one moment; `of` takes one organization's part without reading again.

    `unrun` are the duties that nobody runs, and why that is known.
    """

    at: datetime
    components: tuple[ComponentHealth, ...]
    outages: tuple[Outage, ...]
    probes: tuple["ProbeRow", ...]
    unrun: Mapping[str, str] = field(default_factory=dict)

    def of(self, organization_id: int) -> "Reading":
        """What belongs to this organization, and Breakwater itself."""
        mine = (organization_id, None)
        ids = {one.component.pk for one in self.components if one.component.organization_id in mine}
        return replace(
            self,
            components=tuple(one for one in self.components if one.component.pk in ids),
            outages=tuple(one for one in self.outages if one.component_id in ids),
            probes=tuple(one for one in self.probes if one.component_id in ids),
        )


@dataclass(frozen=True, slots=True)
class ProbeRow:
    """What a component's standing needs of an enabled probe. What its last run found is read of Breakwater's own alone."""

    id: int
    component_id: int
    interval: float
    last_at: datetime | None
    last_ms: float | None
    last_ok: bool | None
    state: str
    unanswered: bool = False
    """Whether its last run failed because nothing answered at all."""
    name: str = ""
    error: str = ""
    metadata: str = ""

    def late(self, now: datetime) -> bool:
        """Whether it has not run for so long that nothing is known any more."""
        return is_stale(self.interval, self.last_at, now)


def stands(probe: Probe, now: datetime) -> State:
    """How a probe stands as far as is known now: not at all while it is paused, or when it has not run for long."""
    silent = not probe.enabled or is_stale(probe.interval, probe.last_at, now)
    return State.NONE if silent else State(probe.state)


def read(organization_ids: frozenset[int] | None, now: datetime) -> Reading:
    """Everything that a score is made of, in eight queries at most."""
    scope = Q() if organization_ids is None else Q(organization__in=organization_ids) | Q(organization__isnull=True)
    components = _components(scope)
    by_id = {component.pk: component for component in components}
    probes = tuple(_probes(scope, [component.pk for component in components if component.organization_id is None]))
    outages = list(_outages(scope, by_id))
    held = loads([component.upstream_id for component in components if component.upstream_id is not None])
    of: dict[int, list[ProbeRow]] = {}
    for probe in probes:
        of.setdefault(probe.component_id, []).append(probe)
    out = {outage.component_id: outage for outage in outages}
    found = [
        _health(
            component,
            probes=of.get(component.pk, []),
            load=held.get(component.upstream_id or 0, Load()),
            outage=out.get(component.pk),
            by_id=by_id,
            now=now,
        )
        for component in components
    ]
    found.sort(key=_urgency)
    unrun = {duty.name: duty.fault for duty in standings() if duty.fault}
    return Reading(now, tuple(found), tuple(outages), probes, unrun)


def href_of(component: Component) -> str:
    """The page of a component. Reads `organization`."""
    if component.organization is None:
        return f"/settings/health/{component.slug}"
    return f"/settings/health/{component.organization.slug}/{component.slug}"


def _health(
    component: Component,
    *,
    probes: Sequence[ProbeRow],
    load: Load,
    outage: Outage | None,
    by_id: Mapping[int, Component],
    now: datetime,
) -> ComponentHealth:
    breaker = _breaker(component)
    state, since, reason = _read_state(component, probes, breaker, now)
    facts = Facts(
        id=component.pk,
        state=state,
        importance=component.weighs,
        queue=component.upstream_id is not None,
        breaker=breaker.state if breaker else "",
        waiting=load.waiting,
        age=_seconds(load.oldest_at, now),
        conflicts=load.conflicts,
        conflict_age=_seconds(load.conflict_at, now),
        own=component.organization_id is None,
    )
    scored = component_score(facts)
    return ComponentHealth(
        component=component,
        state=state,
        since=since,
        reason=reason,
        score=scored.value,
        losses=told(scored.lost, {component.pk: component}),
        breaker=breaker,
        load=load,
        probe_id=probes[0].id if probes else None,
        last_ms=probes[0].last_ms if probes and probes[0].last_ok else None,
        last_at=max((probe.last_at for probe in probes if probe.last_at is not None), default=None),
        outage=outage,
        blamed_on=by_id.get(component.blamed_on_id or 0) if state is State.DOWN else None,
        facts=facts,
        probes=tuple(probes),
    )


def _read_state(
    component: Component, probes: Sequence[ProbeRow], breaker: Breaker | None, now: datetime
) -> tuple[State, datetime | None, str]:
    """What can be said of it now: a breaker that opened by itself is known at once, and what nobody has asked for long is not known."""
    stored = State(component.state)
    if stored is State.MAINTENANCE:
        return stored, component.since, component.reason
    if breaker is not None and breaker.out and not breaker.force:
        if stored is State.DOWN:
            return stored, component.since, component.reason or causes.of_breaker(breaker.reason)
        return State.DOWN, breaker.opened_at, causes.of_breaker(breaker.reason)
    if stored is not read_state(stored, [(probe.interval, probe.last_at) for probe in probes], now):
        last = max((probe.last_at for probe in probes if probe.last_at), default=None)
        return State.NONE, last, saying.no_data(moment(last, timezone.localtime(now).date()) if last else "")
    return stored, component.since, component.reason


def _breaker(component: Component) -> Breaker | None:
    if component.upstream is None:
        return None
    found: Breaker | None = getattr(component.upstream, "breaker", None)
    return found


def _urgency(one: ComponentHealth) -> tuple[int, bool, float, str, str]:
    organization = one.component.organization
    itself = organization is None
    return (
        URGENCY[one.state],
        itself,
        one.score if one.score is not None else 100,
        one.component.slug,
        organization.slug if organization else "",
    )


def _components(scope: Q) -> list[Component]:
    """With upstream, breaker and organization, without what is neither shown nor scored."""
    rows = Component.objects.unscoped().filter(scope).select_related("upstream", "upstream__breaker").defer(*UNREAD)
    components = list(rows)
    owners = Organization.objects.unscoped().in_bulk({one.organization_id for one in components} - {None})
    for component in components:
        component.organization = owners.get(component.organization_id or 0)
    return components


def _probes(scope: Q, own: Sequence[int]) -> Iterable[ProbeRow]:
    ids = Component.objects.unscoped().filter(scope).values("pk")
    rows = Probe.objects.unscoped().filter(enabled=True, component__in=ids).order_by("pk")
    names = ("pk", "component_id", "interval", "last_at", "last_ms", "last_ok", "state", "unanswered", "name", "error")
    last = Result.objects.unscoped().filter(probe=OuterRef("pk"), at=OuterRef("last_at"), unanswered=True)
    silent = When(Q(last_ok=False) & Q(Exists(last)), then=Value(True))
    mine = [When(component__in=own, then=f"last_{of}") for of in ("error", "metadata")]
    found = [Case(one, default=Value(""), output_field=TextField()) for one in mine]
    rows = rows.annotate(unanswered=Case(silent, default=Value(False)), error=found[0], metadata=found[1])
    return (ProbeRow(*row) for row in rows.values_list(*names, "metadata"))


def _outages(scope: Q, by_id: Mapping[int, Component]) -> Iterable[Outage]:
    ids = Component.objects.unscoped().filter(scope).values("pk")
    for outage in Outage.objects.unscoped().active().filter(component__in=ids).order_by("began_at", "pk"):
        if outage.component_id in by_id:
            outage.component = by_id[outage.component_id]
            yield outage


def told(lost: Sequence[Lost], names: Mapping[int, Component], of: int = 0) -> tuple[Loss, ...]:
    """The losses in words, the most first; what does not fit is one line more."""
    if not lost:
        return ()
    shown, rest = lost[:SHOWN], lost[SHOWN:]
    found = [
        Loss(
            saying.loss(one, [names[pk].name for pk in (one.component, *one.also) if pk in names], of),
            one.points,
            href_of(names[one.component]) if one.component in names else saying.HREFS.get(one.why, ""),
            one.why.value,
            names[one.component].slug if one.component in names else "",
        )
        for one in shown
    ]
    if rest:
        found.append(Loss(saying.others(len(rest)), sum(one.points for one in rest), why="others"))
    return tuple(found)


def _seconds(since: datetime | None, now: datetime) -> float | None:
    return None if since is None else max((now - since).total_seconds(), 0.0)


def iso(at: datetime | None) -> str | None:
    return None if at is None else at.isoformat().replace("+00:00", "Z")

"""What the page of one component shows: how it stands, its charts, its probes and what they found, its outages."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from portal.kit import clock
from portal.kit.errors import NotFound
from portal.kit.masking import mask_text
from portal.kit.viewer import Permission, Viewer
from portal.web.formats import age
from resilience.health import words
from resilience.health.charted import Drawn, drawn
from resilience.health.core.status import is_stale
from resilience.health.figures import Day, Details, details
from resilience.health.minutes import Minutes, begin, minutes
from resilience.health.models import Component, Maintenance, Outage, Probe, Result
from resilience.health.page import Card, Out, address, card, out_of
from resilience.health.series import Range, series, shade
from resilience.health.series import begin as series_begin
from resilience.health.standing import ComponentHealth, stands
from resilience.health.system import System, system
from resilience.health.timelines import Known

RANGES = {
    Range.HOUR: gettext_lazy("Hour"),
    Range.DAY: gettext_lazy("Day"),
    Range.WEEK: gettext_lazy("Week"),
    Range.MONTH: gettext_lazy("Month"),
    Range.QUARTER: gettext_lazy("90 days"),
    Range.YEAR: gettext_lazy("Year"),
}
RESULTS, OUTAGES, PLANS = 12, 10, 5


@dataclass(frozen=True, slots=True)
class Asked:
    """What the address asks for: how far back the charts go, and of which probe."""

    over: Range = Range.HOUR
    probe: int | None = None


@dataclass(frozen=True, slots=True)
class Kept:
    """A probe as the page shows it. `state` is none where its last run is too long ago."""

    probe: Probe
    state: str
    every: str
    rules: str
    took: str
    stale: bool
    asks: str


@dataclass(frozen=True, slots=True)
class Line:
    """A result in the table."""

    result: Result
    sign: str
    word: str
    took: str
    said: str


@dataclass(frozen=True, slots=True)
class Ended:
    """An outage in the list."""

    outage: Outage
    lasted: str
    opened: str
    severity: str
    href: str


@dataclass(frozen=True, slots=True)
class Page:
    """The page of one component."""

    system: System
    one: ComponentHealth
    card: Card
    details: Details
    latency: str
    usual: str
    out: Out | None
    probes: list[Kept]
    results: list[Line]
    outages: list[Ended]
    plans: list[Maintenance]
    asked: Asked
    probe: Probe | None
    charts: list[Drawn]
    minutes: Minutes
    days: Sequence[Day]
    available: list[tuple[str, str, str]]
    said: str
    importance: str
    parent: Component | None
    may_operate: bool
    may_check: bool
    may_administer: bool


def found(viewer: Viewer, organization: str, slug: str) -> tuple[System, ComponentHealth]:
    """The component as it can be read now; an empty organization is Breakwater itself. Raises NotFound for a stranger."""
    whole = system(viewer, past=False)
    for one in whole.components:
        owner = one.component.organization
        if one.component.slug == slug and (owner.slug if owner else "") == organization:
            return whole, one
    raise NotFound


def shown(viewer: Viewer, organization: str, slug: str, asked: Asked) -> Page:
    """The page of a component; raises NotFound for a stranger."""
    now = clock.now()
    whole, one = found(viewer, organization, slug)
    component = one.component
    probes = list(Probe.objects.for_org(viewer).filter(component=component).order_by("pk"))
    probe = chosen_probe(probes, asked)
    known = details([component], whole.probes).get(component.pk, Details())
    shaded = shade(component, min(begin(one, now), series_begin(asked.over, now)))
    ours = component.organization_id or 0
    return Page(
        system=whole,
        one=one,
        card=card(one, known, now),
        details=known,
        latency=words.latency(known.p95),
        usual="" if known.usual is None else _("usual %s") % words.latency(known.usual),
        out=out_of(viewer, one),
        probes=[_kept(component, probe, now) for probe in probes],
        results=_results(viewer, probes),
        outages=_outages(viewer, one),
        plans=_plans(shaded.plans, now),
        asked=asked,
        probe=probe,
        charts=drawn(series(component, probe, asked.over, shaded), probe, one.href),
        minutes=minutes(one, Known(probes, shaded)),
        days=known.days,
        available=_available(known),
        said=_("%(name)s: %(state)s.") % {"name": component.name, "state": words.state_word(one.state.value)},
        importance=words.importance(component.weighs),
        parent=_parent(viewer, component),
        may_operate=viewer.can(Permission.OPERATE, ours),
        may_check=viewer.can(Permission.OPERATE, ours)
        or (component.organization_id is None and bool(viewer.organizations_with(Permission.OPERATE))),
        may_administer=viewer.can(Permission.ADMINISTER, ours),
    )


def _parent(viewer: Viewer, component: Component) -> Component | None:
    if component.parent_id is None:
        return None
    return Component.objects.for_org(viewer).select_related("organization").filter(pk=component.parent_id).first()


def chosen_probe(probes: Sequence[Probe], asked: Asked) -> Probe | None:
    """The probe that is asked for, else the first that runs."""
    named = next((probe for probe in probes if probe.pk == asked.probe), None)
    return named or next((probe for probe in probes if probe.enabled), None) or next(iter(probes), None)


def _kept(component: Component, probe: Probe, now: datetime) -> Kept:
    return Kept(
        probe=probe,
        state=stands(probe, now).value,
        every=words.interval(probe.interval),
        rules=words.thresholds(probe),
        took=words.latency(probe.last_ms),
        stale=probe.enabled and probe.last_at is not None and is_stale(probe.interval, probe.last_at, now),
        asks=mask_text(probe.address or (component.upstream.address if component.upstream else "")),
    )


def _results(viewer: Viewer, probes: Sequence[Probe]) -> list[Line]:
    names = {probe.pk: probe for probe in probes}
    found = []
    for result in Result.objects.for_org(viewer).filter(probe__in=list(names)).order_by("-at")[:RESULTS]:
        result.probe = names[result.probe_id]
        found.append(_line(result))
    return found


def _line(result: Result) -> Line:
    sign, word = (
        ("down", _("failed")) if not result.ok else ("slow", _("slow")) if result.slow else ("up", _("answered"))
    )
    if result.blind:
        sign, word = "none", _("our own connection was out")
    elif result.maintenance:
        sign = "maintenance"
    return Line(result, sign, word, words.latency(result.ms), words.metadata(result.metadata))


def _outages(viewer: Viewer, one: ComponentHealth) -> list[Ended]:
    rows = Outage.objects.for_org(viewer).filter(component=one.component).order_by("-began_at")[:OUTAGES]
    now = clock.now()
    return [
        Ended(
            outage,
            age((outage.ended_at or now) - outage.began_at),
            words.opened(outage),
            words.severity(outage),
            address("outage", outage.pk),
        )
        for outage in rows
    ]


def _plans(plans: Sequence[Maintenance], now: datetime) -> list[Maintenance]:
    """What is to come and what goes on, the next first."""
    return [one for one in plans if one.called_off_at is None and (one.ends_at is None or one.ends_at > now)][:PLANS]


def _available(known: Details) -> list[tuple[str, str, str]]:
    """Each span, its share, and of how much data that is where it is less than the span."""
    spans = known.availability
    shares = (spans.day, spans.week, spans.month, spans.quarter)
    names = (_("24 hours"), _("7 days"), _("30 days"), _("90 days"))
    return [
        (name, words.availability(share), words.of_data(short))
        for name, share, short in zip(names, shares, spans.short, strict=True)
    ]

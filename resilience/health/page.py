"""What the page of health shows, read once: the whole, what is out, a card for each component, the worst first."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import blake2b
from typing import Any

from django.conf import settings
from django.db.models import Q
from django.urls import NoReverseMatch, reverse
from django.utils.translation import gettext as _

from portal.kit import clock
from portal.kit.viewer import Permission, Viewer
from portal.web.formats import number
from portal.web.navigation import Count
from resilience.breakers.words import SLUGS as BREAKERS
from resilience.health import causes, drawing, words
from resilience.health.core.states import Severity, State
from resilience.health.drawing import Bars, Spark
from resilience.health.expecting import earliest_of_each
from resilience.health.figures import Day, Details, details
from resilience.health.models import Component, Outage
from resilience.health.partly import delivers, held_up, is_out, is_partly
from resilience.health.providers import Impact
from resilience.health.standing import ComponentHealth, ProbeRow
from resilience.health.system import Part, System, system
from resilience.patterns.typing import State as BreakerState

PAGE = 24
FEW = 6
"""Up to so many components need neither chips nor a search."""
SHOWN_OUT = 5
CHIPS = (State.DOWN, State.SLOW, State.NONE, State.MAINTENANCE, State.UP)
SEVERE = {Severity.CRITICAL: 0, Severity.MAJOR: 1, Severity.MINOR: 2}
MINUTE = timedelta(minutes=1)
OUT = (BreakerState.OPEN.value, BreakerState.HALF_OPEN.value)


@dataclass(frozen=True, slots=True)
class Asked:
    """What the address asks for: a state, a text, from the how-maniest card on, and whose minutes are shown."""

    state: str = ""
    text: str = ""
    after: int = 0
    of: str = ""

    @property
    def filtered(self) -> bool:
        """Whether some components are left out."""
        return bool(self.state or self.text)


@dataclass(frozen=True, slots=True)
class Card:
    """A component on the page. `figure` is what it is about, `aside` what it says; `version` changes with what the eye should see."""

    health: ComponentHealth
    figure: str
    aside: str
    full: str
    spark: Spark
    strip: list[Bars]
    strip_says: str
    available: str
    of_data: str
    breaker: str
    notes: list[str]
    version: str

    @property
    def component(self) -> Component:
        """Whose card it is."""
        return self.health.component

    @property
    def state(self) -> str:
        """The slug of its sign."""
        return self.health.state.value


@dataclass(frozen=True, slots=True)
class Meter:
    """A part of the score as a bar; `width` is empty without data, `exact` is the figure where the rounded one differs from it."""

    part: Part
    tone: str
    width: str
    exact: str = ""


@dataclass(frozen=True, slots=True)
class Out:
    """An outage that goes on, as its panel tells it."""

    outage: Outage
    health: ComponentHealth | None
    opened: str
    severity: str
    source: str
    spread: str
    overdue: bool
    earliest: datetime | None
    may_operate: bool
    impacts: list[Impact]

    @property
    def component(self) -> Component:
        """What is out."""
        return self.outage.component

    @property
    def is_out(self) -> str:
        """What it is, as the verb of a sentence."""
        return is_out(self.outage)

    @property
    def partly(self) -> bool:
        """Whether little of it is missing."""
        return is_partly(self.outage)

    @property
    def delivers(self) -> bool:
        """Whether changes go out to it all the same."""
        return delivers(self.outage)

    @property
    def href(self) -> str:
        """Where updates are written and it is closed; "" where there is no such page."""
        return address("outage", self.outage.pk)


@dataclass(frozen=True, slots=True)
class Chip:
    """A state with how many are in it."""

    state: str
    count: int
    current: bool


@dataclass(frozen=True, slots=True)
class Fact:
    """A line of what Breakwater says of itself."""

    name: str
    text: str
    tone: str = ""


@dataclass(frozen=True, slots=True)
class Page:
    """The page of health."""

    system: System
    asked: Asked
    meters: list[Meter]
    outages: list[Out]
    more_out: int
    cards: list[Card]
    found: int
    chips: list[Chip]
    total: int
    itself: ComponentHealth | None
    newer: int | None
    older: int | None
    several: bool
    chosen: ComponentHealth | None
    choices: list[ComponentHealth]
    said: str
    may_operate: bool
    may_administer: bool

    @property
    def filters(self) -> bool:
        """Whether there are so many that chips and a search help."""
        return self.total > FEW or self.asked.filtered


def address(name: str, *arguments: Any) -> str:
    """The address of a page, "" where there is none of that name."""
    try:
        return reverse(name, args=arguments)
    except NoReverseMatch:
        return ""


def shown(viewer: Viewer, asked: Asked) -> Page:
    """The page as this viewer may see it."""
    now, whole = clock.now(), system(viewer)
    mine = [one for one in whole.components if one.component.organization_id is not None]
    fitting = [one for one in mine if _fits(one, asked)]
    after = min(max(asked.after, 0), max(len(fitting) - 1, 0))
    page = fitting[after : after + PAGE]
    known = details([one.component for one in page], whole.probes)
    standing = {one.component.pk: one for one in whole.components}
    outages = sorted(whole.outages, key=lambda one: _severity(one, standing.get(one.component_id)))
    earliest = earliest_of_each(outages[:SHOWN_OUT], now)
    chosen = next((one for one in whole.components if one.href == asked.of), None) or _telling(mine, outages)
    return Page(
        system=whole,
        asked=asked,
        meters=[meter(part) for part in whole.parts],
        outages=[
            _out(viewer, outage, standing.get(outage.component_id), now, earliest, full=bool(asked.of) and not n)
            for n, outage in enumerate(outages[:SHOWN_OUT])
        ],
        more_out=max(len(outages) - SHOWN_OUT, 0),
        cards=[card(one, known.get(one.component.pk, Details()), now) for one in page],
        found=len(fitting),
        chips=_chips(mine, asked),
        total=len(mine),
        itself=next((one for one in whole.components if one.component.organization_id is None), None),
        newer=max(after - PAGE, 0) if after else None,
        older=after + PAGE if len(fitting) > after + PAGE else None,
        several=len({one.component.organization_id for one in mine}) > 1,
        chosen=chosen,
        choices=_choices(page, chosen),
        said=_said(whole),
        may_operate=bool(viewer.organizations_with(Permission.OPERATE)),
        may_administer=bool(viewer.organizations_with(Permission.ADMINISTER)),
    )


def _fits(one: ComponentHealth, asked: Asked) -> bool:
    if asked.state and one.state.value != asked.state:
        return False
    text = asked.text.casefold()
    return not text or text in one.component.slug.casefold() or text in one.component.name.casefold()


def _severity(outage: Outage, health: ComponentHealth | None) -> tuple[bool, int, bool, bool, int, datetime]:
    """The worst first, of those alike the one for which most waits; what is out because of another comes after it, and what is out as
    planned comes last."""
    return (
        outage.component.planned,
        SEVERE[Severity(outage.severity)],
        is_partly(outage),
        outage.because_of_id is not None,
        -health.load.waiting if health else 0,
        outage.began_at,
    )


def _telling(mine: Sequence[ComponentHealth], outages: Sequence[Outage]) -> ComponentHealth | None:
    """Whose minutes tell most: of the worst outage, else the worst component."""
    out = outages[0].component_id if outages else None
    return next((one for one in mine if one.component.pk == out), None) or next(iter(mine), None)


def _choices(page: Sequence[ComponentHealth], chosen: ComponentHealth | None) -> list[ComponentHealth]:
    known = {one.component.pk for one in page}
    return [*page, *([chosen] if chosen and chosen.component.pk not in known else [])]


def _chips(mine: Sequence[ComponentHealth], asked: Asked) -> list[Chip]:
    counted: dict[State, int] = defaultdict(int)
    for one in mine:
        counted[one.state] += 1
    return [Chip(state.value, counted[state], asked.state == state.value) for state in CHIPS]


def _said(whole: System) -> str:
    names: dict[State, list[str]] = defaultdict(list)
    for one in whole.components:
        names[one.state].append(one.component.name)
    return words.states_said(names)


def tone_of(score: float | None) -> str:
    """The tone of a score: quiet when good."""
    if score is None or score >= settings.HEALTH["healthy_from"]:
        return "idle"
    return "warn" if score >= settings.HEALTH["degraded_from"] else "bad"


def meter(part: Part) -> Meter:
    """A part of the score as a bar."""
    if part.score is None:
        return Meter(part, tone_of(None), "")
    exact = part.score if part.exact is None else part.exact
    said = number(exact, 1) if abs(exact - part.score) >= words.EXACT else ""
    return Meter(part, tone_of(part.score), f"{max(part.score, 1)}%", said)


def _out(
    viewer: Viewer,
    outage: Outage,
    health: ComponentHealth | None,
    now: datetime,
    earliest: Mapping[int, datetime],
    *,
    full: bool,
) -> Out:
    return Out(
        outage=outage,
        health=health,
        opened=words.opened(outage),
        severity=words.severity(outage),
        source=words.expected_source(outage),
        spread=words.spread(outage),
        overdue=outage.expected_at is not None and outage.expected_at < now,
        earliest=earliest.get(outage.pk),
        may_operate=viewer.can(Permission.OPERATE, outage.component.organization_id or 0),
        impacts=held_up(viewer, outage) if full else _waiting(outage, health),
    )


def _waiting(outage: Outage, health: ComponentHealth | None) -> list[Impact]:
    """What is known of the impact without another query; the rest comes with the minutes."""
    upstream = health.component.upstream if health else None
    if health is None or upstream is None or not health.load.waiting or delivers(outage):
        return []
    return [words.waiting(health.load.waiting, upstream.slug)]


def out_of(viewer: Viewer, health: ComponentHealth) -> Out | None:
    """The panel of a component's own outage."""
    if health.outage is None:
        return None
    now = clock.now()
    return _out(viewer, health.outage, health, now, earliest_of_each([health.outage], now), full=True)


def card(one: ComponentHealth, known: Details, now: datetime) -> Card:
    """The card of a component."""
    figure, aside, full = _figure(one, known)
    columns = _columns(known.days)
    kinds = [kind for kind, _lost in columns]
    breaker = BREAKERS[one.breaker.breaker_state] if one.breaker else ""
    notes = _notes(one)
    seen = "|".join([one.state.value, breaker, str(one.load.waiting > 0), str(one.outage is not None), *notes])
    return Card(
        health=one,
        figure=figure,
        aside=aside,
        full=full,
        spark=_spark(one, known, now),
        strip=drawing.bars(columns),
        strip_says=words.days_said(kinds) if kinds else "",
        available=words.availability(known.availability.quarter),
        of_data=words.of_data(known.availability.short[-1]),
        breaker=breaker,
        notes=notes,
        version=blake2b(seen.encode(), digest_size=4).hexdigest(),
    )


def _figure(one: ComponentHealth, known: Details) -> tuple[str, str, str]:
    """The figure, what it says in few words, and the whole of it."""
    since = _(" since %s") % words.moment_of(one.since) if one.since else ""
    measured = known.p95 if known.p95 is not None else one.last_ms
    if recorded := _recorded(one):
        return words.latency(measured), recorded, one.reason
    match one.state:
        case State.DOWN:
            at = words.moment_of(one.since) if one.since else ""
            said, whole = causes.since(causes.plain(one.reason), at), causes.since(one.reason, at)
            return _down(one.probes), said, whole
        case State.NONE:
            aside = (_("no data") + since) if one.since or one.last_at else _("no data yet")
            if not one.probes and one.component.upstream_id is None:
                aside = _("no probe runs")
            return "–", aside, one.reason
        case State.MAINTENANCE:
            return words.latency(one.last_ms), _("in maintenance") + since, one.reason
        case State.SLOW:
            usual = _("usual %s,") % words.latency(known.usual) if known.usual is not None else ""
            return words.latency(measured), f"{_('p95;')} {usual}{since}".replace(";  ", "; "), one.reason
    usual = _("p95; usual %s") % words.latency(known.usual) if known.usual is not None else _("p95 of the last hour")
    return words.latency(measured), usual if known.p95 is not None else _("last answer"), ""


def _down(probes: Sequence[ProbeRow]) -> str:
    """How the probes of what is down found it when they last ran, whatever they are held to be."""
    ill = [probe for probe in probes if probe.last_ok is False]
    if not ill and any(probe.state == State.DOWN.value and probe.last_ok for probe in probes):
        return _("answers again")
    return _("no answer") if ill and all(probe.unanswered for probe in ill) else _("failing")


def _recorded(one: ComponentHealth) -> str:
    """Who recorded what it is out for, and how its probes find it; "" where they or its breaker say as much."""
    outage, tripped = one.outage, one.breaker is not None and one.breaker.out and not one.breaker.force
    found = [State(probe.state) for probe in one.probes]
    if (
        outage is None
        or not outage.by_hand
        or tripped
        or one.state not in (State.DOWN, State.SLOW)
        or one.state in found
    ):
        return ""
    return words.recorded(outage.opened_by, found)


def _notes(one: ComponentHealth) -> list[str]:
    """What else a person should know before they look further."""
    found = []
    if one.blamed_on is not None:
        found.append(_("because %s is down") % one.blamed_on.name)
    if one.component.upstream is not None and one.component.upstream.paused_at is not None:
        found.append(_("paused: nothing is sent to it"))
    if one.planned and one.outage is not None:
        found.append(_("out, as planned"))
    return found


def _spark(one: ComponentHealth, known: Details, now: datetime) -> Spark:
    out = None
    if one.state in (State.DOWN, State.NONE) and one.since is not None and known.spark:
        out = max(len(known.spark) - 1 - int((now - one.since) / MINUTE), 0)
    return drawing.spark([ms for _at, ms in known.spark], out_from=out)


def _columns(days: Sequence[Day]) -> list[tuple[str, float]]:
    found = []
    for day in days:
        known = day.seconds.known
        found.append((day.state.value, day.seconds.down / known if known else 0.0))
    return found


def counts(whole: System) -> dict[str, Count | None]:
    """What the navigation counts, of what was read anyway."""
    down = whole.count(State.DOWN)
    unplanned = [one.breaker for one in whole.components if one.breaker and not one.planned]
    stopped = sum(1 for breaker in unplanned if breaker.state == BreakerState.OPEN)
    failed = sum(one.load.failed for one in whole.components)
    conflicts = sum(one.load.conflicts for one in whole.components)
    return {
        "health": count(down),
        "breakers": Count(stopped, _("open"), "bad") if stopped else None,
        "queue": Count(failed, _("failed"), "bad") if failed else Count(whole.backlog, _("waiting")),
        "conflicts": Count(conflicts, _("need a decision"), "ask") if conflicts else None,
    }


def count(n: int) -> Count | None:
    """The figure in the navigation; nothing when all is well."""
    return Count(n, _("down"), "bad") if n else None


def down_count(viewer: Viewer) -> Count | None:
    """How many components are down; loud when there are any. One short query: what is told on every page."""
    if not viewer.organization_ids:
        return None
    out = Q(upstream__breaker__state__in=OUT, upstream__breaker__forced="")
    return count(Component.objects.for_org(viewer).unplanned().filter(Q(state=State.DOWN.value) | out).count())

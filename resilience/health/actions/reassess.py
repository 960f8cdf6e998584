"""Holding components against all that is known of them: their probes, their breaker, what is planned, their parent.

What came of it is written in the caller's transaction: the component's state, its flip and event, an outage that opens (with the moment
that it began) or closes by itself, and which parent is to blame.
"""

import logging
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from portal.events.record import record
from portal.kit.viewer import SYSTEM
from resilience.breakers.models import Breaker
from resilience.health import causes
from resilience.health.core.eta import Source
from resilience.health.core.judge import Change
from resilience.health.core.occurrences import active_at
from resilience.health.core.states import Severity, State
from resilience.health.core.status import RECORDED, SEVERITY, Facts, answering_state, component_state
from resilience.health.expecting import expected_for, keep
from resilience.health.models import Component, Flip, Maintenance, Outage, Probe
from resilience.health.providers import loads
from resilience.upstreams.standing import standings

log = logging.getLogger(__name__)

TOGETHER = timedelta(minutes=2)
"""An outage that began no earlier than so long before its parent's came of it; a probe that began to fail so soon after the first, too."""
JUST = timedelta(seconds=10)
EXPECTED = ("expected_at", "expected_source", "expected_text", "expected_low", "expected_high", "expected_of")


@dataclass(slots=True)
class _World:
    """What is known of the components that are looked at."""

    now: datetime
    components: dict[int, Component]
    probes: dict[int, list[Probe]]
    breakers: dict[int, Breaker]
    delivers: set[int]
    outages: dict[int, Outage]
    maintained: Collection[int]
    flips: list[Flip] = field(default_factory=list)


def reassess(
    component_ids: Iterable[int],
    *,
    now: datetime,
    changes: Mapping[int, Sequence[Change]] | None = None,
    maintained: Iterable[int] = (),
) -> set[int]:
    """The ids of those among these components that changed. `changes` are those of their probes that led here."""
    world = _look(component_ids, now, set(maintained))
    moved = {pk for pk, one in world.components.items() if _reassess(world, one, (changes or {}).get(pk, ()))}
    Flip.objects.bulk_create(world.flips)
    if moved:
        _tell_children(world, moved)
    return moved


def read_maintained(component: Component, now: datetime) -> set[int]:
    """The component's id if its maintenance is now, for whoever holds no book; else nothing."""
    if component.organization_id is None:
        return set()
    plans = Maintenance.objects.unscoped().standing().filter(organization_id=component.organization_id)
    active = active_at([plan for plan in plans if plan.component_id in (None, component.pk)], now)
    return {component.pk} if active else set()


def down_by_itself(component: Component) -> bool:
    """Whether a component's probes or its breaker find it down, whatever a person recorded. Locks nothing."""
    probes = Probe.objects.unscoped().filter(component=component, enabled=True, state=State.DOWN.value)
    if probes.exists():
        return True
    breaker = Breaker.objects.unscoped().filter(pk=component.upstream_id or 0).first()
    return breaker is not None and breaker.out and not breaker.force


def _look(component_ids: Iterable[int], now: datetime, maintained: Collection[int]) -> _World:
    rows = Component.objects.unscoped().select_related("upstream", "organization", "parent")
    locked = rows.filter(pk__in=list(component_ids)).select_for_update(of=("self",), no_key=True).order_by("pk")
    components = {row.pk: row for row in locked}
    probes: dict[int, list[Probe]] = defaultdict(list)
    wanted = Probe.objects.unscoped().filter(component_id__in=components, enabled=True).order_by("pk")
    for probe in wanted.only("component_id", "name", "state", "since", "last_error", "last_ms"):
        probes[probe.component_id].append(probe)
    upstreams = {row.upstream_id for row in components.values() if row.upstream_id is not None}
    breakers = {row.pk: row for row in Breaker.objects.unscoped().filter(pk__in=upstreams)}
    blank = [row.upstream_id for pk, row in components.items() if row.upstream_id in breakers and pk not in probes]
    delivers = {pk for pk, one in standings([pk for pk in blank if pk is not None]).items() if one.delivered}
    active = Outage.objects.unscoped().active().filter(component_id__in=components)
    outages = {row.component_id: row for row in active}
    return _World(now, components, probes, breakers, delivers, outages, maintained)


def _reassess(world: _World, component: Component, changes: Sequence[Change]) -> bool:
    """One component; says whether its state changed."""
    facts, breaker = _facts(world, component)
    shown, answering = component_state(facts), answering_state(facts)
    before = State(component.state)
    began = _began(world, component, shown, changes, breaker if facts.breaker_out else None)
    reason = _reason(world, component, shown, breaker if facts.breaker_out else None)
    if shown is not before:
        _move(world, component, shown, began, reason)
    elif shown is State.DOWN and any(State.DOWN in (change.before, change.after) for change in changes):
        _say_better(world, component, changes, reason)
    outage = world.outages.get(component.pk)
    if outage is not None and shown is State.MAINTENANCE and before is not shown:
        _expect_again(component, outage, world.now)
    if shown is State.DOWN and outage is None:  # also where a person closed one while it was still down
        _open(world, component, began, reason)
    elif outage is not None and not outage.by_hand and (answering in (State.UP, State.SLOW) or _unwatched(facts)):
        _close(world, component, outage, min((one.at for one in changes if one.after is answering), default=began))
    return shown is not before


def _unwatched(facts: Facts) -> bool:
    """Whether nobody asks any more, so that an outage would never end."""
    return not facts.probes and not facts.breaker_out


def _facts(world: _World, component: Component) -> tuple[Facts, Breaker | None]:
    breaker = world.breakers.get(component.upstream_id) if component.upstream_id is not None else None
    out = None if breaker is None else breaker.out and not breaker.force
    states = [State(probe.state) for probe in world.probes.get(component.pk, ())]
    outage, maintenance = world.outages.get(component.pk), component.pk in world.maintained
    by_hand = outage is not None and outage.by_hand
    recorded = RECORDED[Severity(outage.severity)] if outage is not None and by_hand else State.NONE
    delivers, goes_on = component.upstream_id in world.delivers, outage is not None and not by_hand
    return Facts(states, out, delivers, maintenance, recorded, goes_on), breaker


def _began(
    world: _World, component: Component, shown: State, changes: Sequence[Change], out: Breaker | None
) -> datetime:
    """When the present state began: with the probe that brought it about, or with its breaker; never before the state that it ends."""
    moments = [change.at for change in changes if change.after is shown] or [change.at for change in changes]
    if shown is State.DOWN and out is not None and out.opened_at is not None:
        moments.append(out.opened_at)
    if shown is State.DOWN and component.state != shown.value:
        moments += [one.since for one in _down(world, component) if one.since]
    outage = world.outages.get(component.pk)
    if shown in (State.DOWN, State.SLOW) and outage is not None and outage.by_hand:
        moments.append(outage.began_at)
    if not moments and (closed := _just_closed(world, component)):
        moments.append(closed)
    if shown is State.MAINTENANCE or component.state == State.MAINTENANCE.value:
        moments = []
    began = min(moments, default=world.now)
    return max(began, component.since) if component.since else began


def _just_closed(world: _World, component: Component) -> datetime | None:
    """When the breaker closed, if that is what is being noticed now."""
    breaker = world.breakers.get(component.upstream_id) if component.upstream_id is not None else None
    if breaker is None or breaker.out or breaker.since is None:
        return None
    return breaker.since if world.now - breaker.since < JUST else None


def _reason(world: _World, component: Component, shown: State, out: Breaker | None) -> str:
    """Why it stands so, in a sentence; empty where there is nothing to say. What a probe found says more than that a breaker opened."""
    probes, failing = world.probes.get(component.pk, []), _down(world, component)
    slow = [one for one in probes if one.state == State.SLOW.value]
    if shown is State.DOWN and failing:
        return causes.of_probes(failing, all_fail=len(failing) == len(probes))
    if shown is State.DOWN and out is not None:
        return causes.of_breaker(out.reason)
    if shown is State.SLOW and slow:
        return causes.of_slow(slow[0], alone=len(probes) == 1)
    outage = world.outages.get(component.pk)
    if shown in (State.DOWN, State.SLOW) and outage is not None and outage.by_hand:
        said = {"who": outage.opened_by, "cause": outage.cause}
        return ((_("%(who)s says: %(cause)s") if outage.cause else _("Recorded by %(who)s.")) % said)[:300]
    return ""


def _down(world: _World, component: Component) -> list[Probe]:
    """Its probes that are down, who has been for longest first. One with fewer failures than it takes is no evidence yet."""
    down = [one for one in world.probes.get(component.pk, ()) if one.state == State.DOWN.value]
    return sorted(down, key=lambda one: (one.since or world.now, one.pk))


def _say_better(world: _World, component: Component, changes: Sequence[Change], reason: str) -> None:
    """What it is down of by now. Where another probe went down of the same thing, the outage and the flip are corrected: it may have
    begun to fail earlier than the first to be noticed, and says more than a breaker. What a person recorded stays."""
    outage = world.outages.get(component.pk)
    if outage is not None and outage.by_hand:
        return
    new = [change.at for change in changes if change.after is State.DOWN]
    alone = len(_down(world, component)) <= len(new)  # until now it was down by its breaker alone
    if new and component.since and (alone or min(new) <= component.since + TOGETHER):
        _correct(world, component, outage, min(new), reason)
    if component.reason != reason:
        component.reason = reason
        component.save(update_fields=["reason"])


def _correct(world: _World, component: Component, outage: Outage | None, at: datetime, reason: str) -> None:
    """Beginning and reason of the flip that led here, and of the outage that began with it; never before the state that it ended."""
    flips = Flip.objects.unscoped().of_components().filter(component=component).order_by("-pk")[:2]
    flip, earlier = [*flips, None, None][:2]
    if flip is None or flip.after != component.state or flip.at != component.since:
        return
    began = flip.at if flip.before == State.MAINTENANCE.value else min(flip.at, at)
    began = max(began, earlier.at) if earlier is not None else began
    if outage is not None and outage.began_at == flip.at:
        moved = began != flip.at
        anew = moved and outage.expected_source != Source.PERSON
        outage.began_at, outage.cause = began, reason
        if anew:
            _expect(outage, component, world.now)
        outage.save(update_fields=["began_at", "cause", *(EXPECTED if anew else ())])
        if moved:
            said = {"began_at": began.isoformat(), "before": flip.at.isoformat(), "reason": reason}
            _record("outage.corrected", f"outage:{outage.pk}", component, world.now, **said)
    component.since = flip.at = began
    flip.reason = reason
    flip.save(update_fields=["at", "reason"])
    component.save(update_fields=["since"])


def _move(world: _World, component: Component, shown: State, began: datetime, reason: str) -> None:
    before = component.state
    component.state, component.since, component.reason = shown.value, began, reason
    component.blamed_on = _blamed(component)
    component.save(update_fields=["state", "since", "reason", "blamed_on"])
    world.flips.append(
        Flip(component=component, at=began, noticed_at=world.now, before=before, after=component.state, reason=reason)
    )
    _record(f"health.{shown.value}", f"component:{component.pk}", component, world.now, before=before, reason=reason)


def _blamed(component: Component) -> Component | None:
    """The parent, when both are down. One that is looked at in the same turn has its say in `_tell_children`."""
    parent = component.parent
    down = State.DOWN.value
    return parent if component.state == down and parent is not None and parent.state == down else None


def _open(world: _World, component: Component, began: datetime, reason: str) -> None:
    outage = Outage(
        component=component,
        began_at=began,
        noticed_at=world.now,
        severity=SEVERITY[component.weighs].value,
        cause=reason,
        most_waiting=_waiting(component),
    )
    if component.blamed_on_id is not None:
        active = Outage.objects.unscoped().active().filter(component_id=component.blamed_on_id)
        outage.because_of = active.filter(began_at__lte=began + TOGETHER).first()
    _expect(outage, component, world.now)
    try:
        with transaction.atomic():
            outage.save(force_insert=True)
    except IntegrityError:  # a person recorded one in this very moment
        return
    world.outages[component.pk] = outage
    _record(
        "outage.opened",
        f"outage:{outage.pk}",
        component,
        world.now,
        severity=outage.severity,
        began_at=began.isoformat(),
        reason=reason,
    )


def _expect(outage: Outage, component: Component, now: datetime) -> None:
    """Says when it is likely to be over; an outage opens whether or not that can be told."""
    try:
        with transaction.atomic():
            keep(outage, expected_for(component, outage, now))
    except Exception:
        log.exception("It cannot be told when the outage of %s will be over", component)


def _expect_again(component: Component, outage: Outage, now: datetime) -> None:
    """The end of the maintenance that begins is what is expected, unless a person said something else."""
    if outage.expected_source == Source.PERSON:
        return
    before = {"at": outage.expected_at and outage.expected_at.isoformat(), "text": outage.expected_text}
    _expect(outage, component, now)
    if outage.expected_source != Source.MAINTENANCE or outage.expected_at is None:
        return
    outage.save(update_fields=EXPECTED)
    said = {"at": outage.expected_at.isoformat(), "text": "", "before": before}
    _record("outage.expected", f"outage:{outage.pk}", component, now, **said)


def _close(world: _World, component: Component, outage: Outage, ended: datetime) -> None:
    outage.ended_at = max(ended, outage.began_at)
    outage.save(update_fields=["ended_at"])
    del world.outages[component.pk]
    seconds = round((outage.ended_at - outage.began_at).total_seconds(), 1)
    said = {"seconds": seconds, "ended_at": outage.ended_at.isoformat(timespec="seconds")}
    _record("outage.closed", f"outage:{outage.pk}", component, world.now, **said)


def _waiting(component: Component) -> int | None:
    upstream_id = component.upstream_id
    return loads([upstream_id])[upstream_id].waiting if upstream_id is not None else None


def _tell_children(world: _World, moved: Collection[int]) -> None:
    """Children that are down have their parent to blame while it is down, and nobody else when it is not."""
    children = Component.objects.unscoped().filter(parent_id__in=moved, state=State.DOWN.value)
    for child in children:
        parent = world.components[child.parent_id] if child.parent_id is not None else None
        down = parent is not None and parent.state == State.DOWN.value
        if (child.blamed_on_id is not None) != down:
            child.blamed_on = parent if down else None
            child.save(update_fields=["blamed_on"])
        outage = world.outages.get(parent.pk) if parent is not None and down else None
        if outage is not None:
            mine = Outage.objects.unscoped().active().filter(component=child, because_of__isnull=True)
            mine.filter(began_at__gte=outage.began_at - TOGETHER).update(because_of=outage)


def _record(verb: str, subject: str, component: Component, now: datetime, **data: object) -> None:
    organization = component.organization
    record(
        verb=verb,
        subject=subject,
        actor=SYSTEM,
        organization_id=component.organization_id,
        organization_name=organization.name if organization else "",
        data={"component": component.slug, "upstream": component.upstream_id, **data},
        at=now,
    )

"""Asking at once because a person wants to know: in the caller's process, recorded, and judged as any other result.

What it finds is judged from what the probe's row says then, under its lock, so that it never undoes what the prober counted meanwhile.
"""

import asyncio
import json
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext as _

from portal.events.record import record
from portal.kit import clock
from portal.kit.errors import Conflicting, Invalid, NotFound
from portal.kit.viewer import Permission, Viewer
from resilience.breakers.here import breaker_of, runtime
from resilience.health.actions.reassess import read_maintained
from resilience.health.actions.settle import settle
from resilience.health.asking import NotWell, Ready, ask, ran, ready, verdict_of
from resilience.health.core.states import State
from resilience.health.models import Component, Probe
from resilience.health.once import only_one
from resilience.health.outside import reaches
from resilience.health.store import Ran
from resilience.health.targets.base import Finding, Tools
from resilience.outbound.client import Client
from resilience.patterns.breaker import Permit
from resilience.patterns.typing import Verdict

LONGEST = 30.0
"""Seconds that a person waits at most; a probe that may take longer is not judged by a check that was cut off."""
THREADS = 4
MOST = 50


@dataclass(frozen=True, slots=True)
class Checked:
    """What one check found. `state` is the probe's afterwards; `counted` says whether it was recorded and judged."""

    probe_id: int
    name: str
    at: datetime
    ok: bool
    slow: bool
    ms: float
    error: str
    state: State
    counted: bool
    blind: bool = False
    metadata: Mapping[str, Any] = field(default_factory=dict)


def check_now(*, viewer: Viewer, probe_id: int) -> Checked:
    """What this probe finds now. Needs the right to operate; raises Conflicting while another check of it is under way."""
    probe = _probes(viewer).filter(pk=probe_id).first()
    if probe is None:
        raise NotFound
    _require(viewer, probe.component)
    return check([probe], actor=viewer.name, request_id=viewer.request_id)[0]


def check_all_now(*, viewer: Viewer, component_id: int) -> list[Checked]:
    """What the enabled probes of this component find now, all asked at once. Raises as `check_now` does."""
    component = Component.objects.for_org(viewer).filter(pk=component_id).first()
    if component is None:
        raise NotFound
    _require(viewer, component)
    probes = list(_probes(viewer).filter(component=component, enabled=True).order_by("pk")[:MOST])
    if not probes:
        raise Invalid(_("%s has no probe that could be asked.") % component.name)
    return check(probes, actor=viewer.name, request_id=viewer.request_id)


def _probes(viewer: Viewer) -> Any:
    return Probe.objects.for_org(viewer).select_related("component__upstream", "component__organization")


def _require(viewer: Viewer, component: Component) -> None:
    """Operators of its organization; for Breakwater itself, operators of any."""
    if component.organization_id is None:
        viewer.require_anywhere(Permission.OPERATE)
    else:
        viewer.require(Permission.OPERATE, component.organization_id)


def check(probes: Sequence[Probe], *, actor: str, request_id: str = "") -> list[Checked]:
    """What these probes find now, for a caller who has checked that it may be asked; all of one component."""
    with ExitStack() as locks:
        for probe in probes:
            if not locks.enter_context(only_one(probe.pk)):
                raise Conflicting(_("%s is being checked already. Its result comes in a moment.") % probe.name)
        at = clock.now()
        asked = [_bounded(ready(probe)) for probe in probes]
        permits = [_permit(probe) for probe in probes]
        found: list[tuple[Finding, bool]] = []
        try:
            found = asyncio.run(_ask_all(asked))
        finally:
            # Told here and not in the event loop: a breaker may have to write, and Django writes from no event loop.
            for number, permit in enumerate(permits):
                _tell(permit, *(found[number] if found else (None, True)))
        runs = [_ran(probe, one, at) for probe, one in zip(probes, found, strict=True)]
        return _recorded(probes, runs, [finding for finding, _ in found], actor, request_id)


def _bounded(asked: Ready) -> Ready:
    seconds = min(asked.question.timeout, LONGEST)
    return replace(asked, question=replace(asked.question, timeout=seconds))


async def _ask_all(asked: Sequence[Ready]) -> list[tuple[Finding, bool]]:
    networks = [str(network) for network in settings.BREAKWATER_ALLOWED_NETWORKS]
    threads = ThreadPoolExecutor(max_workers=THREADS, thread_name_prefix="check-target")
    try:
        async with Client(allowed_networks=networks) as client:
            tools = Tools(client, threads)
            return await asyncio.gather(*(_ask(one, tools) for one in asked))
    finally:
        threads.shutdown(wait=False, cancel_futures=True)


async def _ask(asked: Ready, tools: Tools) -> tuple[Finding, bool]:
    """What was found, and whether we were blind."""
    finding = await ask(asked, tools)
    outside = settings.HEALTH["outside_test"]
    return finding, bool(finding.transport and asked.host and outside and not await reaches(outside))


def _permit(probe: Probe) -> Permit | None:
    component = probe.component
    if component.upstream is None or not component.feeds_breaker or not probe.enabled:
        return None
    return breaker_of(component.upstream).try_admit()


def _tell(permit: Permit | None, finding: Finding | None, blind: bool) -> None:
    if permit is None:
        return
    verdict = Verdict.IGNORED if finding is None or blind else verdict_of(finding)
    error = NotWell(finding.error) if finding is not None and verdict is Verdict.FAILURE else None
    permit.done(verdict, finding.seconds if finding else None, error)
    runtime().round()


def _ran(probe: Probe, found: tuple[Finding, bool], at: datetime) -> Ran | None:
    """As it is kept; None when it says nothing: the probe is off, or it was cut off before its own time was over."""
    finding, blind = found
    cut_off = finding.transport and finding.seconds >= LONGEST and probe.timeout > LONGEST
    if not probe.enabled or cut_off:
        return None
    slow_after = probe.slow_after_ms
    return ran(probe.pk, probe.revision, finding, at=at, slow_after_ms=slow_after, blind=blind, by_hand=True)


def _recorded(
    probes: Sequence[Probe], runs: Sequence[Ran | None], findings: Sequence[Finding], actor: str, request_id: str
) -> list[Checked]:
    counted = [one for one in runs if one is not None]
    component = probes[0].component
    checked = []
    with transaction.atomic():
        settled = settle(counted, maintained=read_maintained(component, clock.now()))
        for probe, one, finding in zip(probes, runs, findings, strict=True):
            standing = settled.standings.get(probe.pk)
            state = standing.state if standing is not None else State(probe.state)
            kept = one or ran(probe.pk, probe.revision, finding, at=clock.now(), slow_after_ms=probe.slow_after_ms)
            said = Checked(
                probe_id=probe.pk,
                name=probe.name,
                at=kept.at,
                ok=kept.ok,
                slow=kept.slow,
                ms=kept.ms,
                error=kept.error,
                state=state,
                counted=standing is not None,
                blind=kept.blind,
                metadata=json.loads(kept.metadata) if kept.metadata else {},
            )
            checked.append(said)
            _record(probe, said, actor, request_id)
    return checked


def _record(probe: Probe, said: Checked, actor: str, request_id: str) -> None:
    component = probe.component
    organization = component.organization
    about = {"component": component.slug, "upstream": component.upstream_id, "probe": probe.name}
    record(
        verb="probe.checked",
        subject=f"probe:{probe.pk}",
        actor=actor,
        organization_id=component.organization_id,
        organization_name=organization.name if organization else "",
        data={**about, "ok": said.ok, "ms": round(said.ms, 1), "error": said.error},
        request_id=request_id,
    )

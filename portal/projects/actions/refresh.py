"""Asking an upstream for a plan. The copy stays what it was when that fails."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import F, Q

from portal.kit import clock
from portal.kit.errors import NotFound
from portal.kit.viewer import Viewer
from portal.projects.actions.copy import keep, keep_gone, keep_trouble
from portal.projects.models import ENTITY_TYPE, Plan
from resilience.breakers.models import Breaker
from resilience.upstreams.models import Upstream
from syncqueue.adapters.base import Entity, Fetched, Gone
from syncqueue.asking import Asked, ask

MOST_AT_ONCE = 8


def refresh(*, viewer: Viewer, plan_id: int, anyway: bool = False) -> Plan:
    """The plan after its upstream was asked, with a short timeout and outside any transaction.

    Asks only when nobody did within the last seconds (settings.PLANS), and not while the upstream is known to be down or is paused;
    `anyway` asks in any case. Raises NotFound.
    """
    plan = _get(viewer, plan_id)
    if anyway or not resting(plan):
        old = None if anyway else clock.now() - timedelta(seconds=settings.PLANS["fresh_seconds"])
        _ask_for(viewer, [plan], old)
    return _get(viewer, plan_id)


def refresh_some(*, viewer: Viewer) -> None:
    """Asks for a few of the viewer's plans whose copies are the oldest, all at once: for lists, which so fill up by and by."""
    old = clock.now() - timedelta(seconds=settings.PLANS["list_seconds"])
    down = Breaker.objects.for_org(viewer).out()
    rows = Plan.objects.for_org(viewer).there().select_related("upstream").filter(upstream__paused_at__isnull=True)
    rows = rows.exclude(upstream__in=down.values("upstream")).filter(_older_than(old))
    _ask_for(viewer, list(rows.order_by(F("asked_at").asc(nulls_first=True), "pk")[:MOST_AT_ONCE]), old)


def _ask_for(viewer: Viewer, plans: Sequence[Plan], old: datetime | None) -> None:
    """Asks for those that no other reader asked for since `old`, and keeps what was answered."""
    claimed = [plan for plan in plans if _claim(viewer, plan, old)]
    at = clock.now()
    for plan, found in zip(claimed, look([(plan.upstream, plan.entity_id) for plan in claimed]), strict=True):
        match found:
            case Fetched(document=document, version=version, changed_at=changed_at):
                keep(viewer, plan, document, version=version or "", at=at, changed_at=changed_at)
            case Gone():
                keep_gone(viewer, plan, at=at)
            case refused:
                keep_trouble(viewer, plan, refused.reason)


def look(entities: Sequence[tuple[Upstream, str]]) -> list[Asked]:
    """What upstreams have under these ids now, or why they could not be asked. Never raises for what an upstream does."""
    named = [(upstream, Entity(ENTITY_TYPE, entity_id)) for upstream, entity_id in entities]
    return ask(named, seconds=settings.PLANS["ask_seconds"])


def _get(viewer: Viewer, plan_id: int) -> Plan:
    rows = Plan.objects.for_org(viewer).select_related("organization", "upstream", "project", "lane")
    plan = rows.filter(pk=plan_id).first()
    if plan is None:
        raise NotFound
    return plan


def _claim(viewer: Viewer, plan: Plan, old: datetime | None) -> bool:
    """Whether this call is the one that asks: only one of many readers does."""
    rows = Plan.objects.for_org(viewer).filter(pk=plan.pk)
    return bool((rows.filter(_older_than(old)) if old else rows).update(asked_at=clock.now()))


def _older_than(old: datetime) -> Q:
    """Plans that nobody asked for since then, and whose copy is not younger either."""
    return (Q(asked_at__isnull=True) | Q(asked_at__lt=old)) & (Q(fetched_at__isnull=True) | Q(fetched_at__lt=old))


def resting(plan: Plan) -> bool:
    """Whether the upstream is left alone: a person paused it, or it is known to be down."""
    if plan.upstream.paused_at:
        return True
    return Breaker.objects.unscoped().out().filter(upstream_id=plan.upstream_id).exists()


def stale(plan: Plan) -> bool:
    """Whether the copy is old enough to be asked for again."""
    newest = max((at for at in (plan.fetched_at, plan.asked_at) if at), default=None)
    return newest is None or (clock.now() - newest).total_seconds() > settings.PLANS["fresh_seconds"]

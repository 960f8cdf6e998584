"""Asking an upstream for a plan. The copy stays what it was when that fails."""

import asyncio
from dataclasses import replace
from datetime import timedelta

from django.conf import settings
from django.db.models import Q
from django.utils.translation import gettext as _

from portal.kit import clock
from portal.kit.errors import Error, NotFound
from portal.kit.masking import mask_text
from portal.kit.secrets import SecretUnreadable
from portal.kit.viewer import Viewer
from portal.projects.actions.copy import keep, keep_gone, keep_trouble
from portal.projects.models import ENTITY_TYPE, Plan
from resilience.outbound.client import Client
from resilience.upstreams.models import Upstream
from syncqueue import upstreams
from syncqueue.adapters.base import Entity, Fetched, Gone, Rejected, RetryAt
from syncqueue.models import Gate

Asked = Fetched | Gone | RetryAt | Rejected


def refresh(*, viewer: Viewer, plan_id: int, anyway: bool = False) -> Plan:
    """The plan after its upstream was asked, with a short timeout and outside any transaction.

    Asks only when nobody did within the last seconds (settings.PLANS), and not while the upstream is known to be down or is paused;
    `anyway` asks in any case. Raises NotFound.
    """
    plan = _get(viewer, plan_id)
    if _claim(viewer, plan, anyway=anyway):
        at = clock.now()
        match ask(plan.upstream, plan.entity_id):
            case Fetched(document=document, version=version, changed_at=changed_at):
                keep(viewer, plan, document, version=version or "", at=at, changed_at=changed_at)
            case Gone():
                keep_gone(viewer, plan, at=at)
            case refused:
                keep_trouble(viewer, plan, refused.reason)
    return _get(viewer, plan_id)


def ask(upstream: Upstream, entity_id: str) -> Asked:
    """What the upstream has under this id now, or why it could not be asked. Never raises for what an upstream does."""
    patience = float(settings.PLANS["ask_seconds"])
    try:
        destination = upstreams.destination(upstream)
    except (SecretUnreadable, Error) as error:
        return Rejected(str(error), "settings")
    target = replace(destination.target, timeout=min(destination.target.timeout, patience))

    async def get() -> Asked:
        async with Client(allowed_networks=[str(net) for net in settings.BREAKWATER_ALLOWED_NETWORKS]) as client:
            return await asyncio.wait_for(
                destination.adapter.fetch(client, target, Entity(ENTITY_TYPE, entity_id)), timeout=patience + 1
            )

    try:
        found = asyncio.run(get())
    except TimeoutError:
        return RetryAt(_("No answer within %d s") % patience, "timeout", transport=True)
    return replace(found, reason=mask_text(found.reason)) if isinstance(found, RetryAt | Rejected) else found


def _get(viewer: Viewer, plan_id: int) -> Plan:
    rows = Plan.objects.for_org(viewer).select_related("organization", "upstream", "project", "lane")
    plan = rows.filter(pk=plan_id).first()
    if plan is None:
        raise NotFound
    return plan


def _claim(viewer: Viewer, plan: Plan, *, anyway: bool) -> bool:
    """Whether this call is the one that asks: only one of many readers does."""
    now = clock.now()
    rows = Plan.objects.for_org(viewer).filter(pk=plan.pk)
    if not anyway:
        if resting(plan):
            return False
        stale = now - timedelta(seconds=float(settings.PLANS["fresh_seconds"]))
        rows = rows.filter(Q(asked_at__isnull=True) | Q(asked_at__lt=stale))
        rows = rows.filter(Q(fetched_at__isnull=True) | Q(fetched_at__lt=stale))
    return bool(rows.update(asked_at=now))


def resting(plan: Plan) -> bool:
    """Whether the upstream is left alone: a person paused it, or it is known to be down."""
    if plan.upstream.paused_at:
        return True
    return Gate.objects.filter(upstream_id=plan.upstream_id, closed_since__isnull=False).exists()


def stale(plan: Plan) -> bool:
    """Whether the copy is old enough to be asked for again."""
    newest = max((at for at in (plan.fetched_at, plan.asked_at) if at), default=None)
    return newest is None or (clock.now() - newest).total_seconds() > float(settings.PLANS["fresh_seconds"])

"""What the queue knows of plans comes into their copies: which there are, what was delivered, what was deleted."""

from collections.abc import Iterable

from django.db.models import Exists, F, Max, OuterRef, Q, Subquery

from portal.kit import jsontext
from portal.kit.viewer import Viewer
from portal.projects.actions.copy import keep, keep_gone
from portal.projects.models import ENTITY_TYPE, Plan, PlanQuerySet
from syncqueue.core.states import ItemState
from syncqueue.models import Item, Lane, Snapshot

MOST = 200
"""So many rows are brought in at one reading; the next one goes on."""

_OVERLAP = 1_000
"""Lanes are numbered when they are made and seen when that commits, which may be another order."""


def catch_up(*, viewer: Viewer, plan_id: int | None = None) -> None:
    """Brings the copies of the viewer's plans (or of one) up to what was delivered. Changes nothing that anybody decided."""
    if plan_id is None:
        for organization_id in sorted(viewer.organization_ids):
            _learn(viewer.narrowed(organization_id))
    plans = Plan.objects.for_org(viewer)
    if plan_id is not None:
        plans = plans.filter(pk=plan_id)
    _connect(viewer, plans)
    known = plans.filter(lane__isnull=False)
    delivered = Snapshot.objects.for_org(viewer).filter(lane=OuterRef("lane"))
    newer = Exists(delivered.filter(at__gt=OuterRef("fetched_at")))
    _take_over(viewer, known.filter(newer | (Q(fetched_at__isnull=True) & Exists(delivered)))[:MOST])
    _bury(viewer, known.filter(gone=False, lane__version="", lane__depth=0)[:MOST])


def _learn(viewer: Viewer) -> None:
    """Plans of one organization that somebody enqueued a change for, with the project that the change names."""
    last = Plan.objects.for_org(viewer).filter(learned=True).aggregate(last=Max("lane_id"))["last"] or 0
    named = Item.objects.for_org(viewer).filter(lane=OuterRef("pk"), project__isnull=False).order_by("-seq")
    names = ("pk", "organization_id", "upstream_id", "entity_id", "title", "named")
    lanes = (
        Lane.objects.for_org(viewer)
        .filter(entity_type=ENTITY_TYPE, pk__gt=last - _OVERLAP)
        .exclude(Exists(Plan.objects.for_org(viewer).filter(lane=OuterRef("pk"))))
        .annotate(named=Subquery(named.values("project")[:1]))
        .order_by("pk")
        .values_list(*names)[:MOST]
    )
    Plan.objects.bulk_create(
        [
            Plan(
                organization_id=organization_id,
                upstream_id=upstream_id,
                lane_id=lane_id,
                entity_id=entity_id,
                title=title,
                project_id=project_id,
                learned=True,
            )
            for lane_id, organization_id, upstream_id, entity_id, title, project_id in lanes
        ],
        ignore_conflicts=True,
    )


def _connect(viewer: Viewer, plans: PlanQuerySet) -> None:
    """Plans that were added by hand get their lane once there is one."""
    lane = Lane.objects.for_org(viewer).filter(
        upstream=OuterRef("upstream"), entity_type=ENTITY_TYPE, entity_id=OuterRef("entity_id")
    )
    found = plans.filter(lane__isnull=True).filter(Exists(lane))
    if found.exists():  # a statement that writes nothing would still wait for its turn to write
        found.update(lane=Subquery(lane.values("pk")[:1]))


def _take_over(viewer: Viewer, plans: Iterable[Plan]) -> None:
    """The newest document that a delivery left."""
    for plan in plans:
        newest = Snapshot.objects.for_org(viewer).filter(lane=plan.lane_id).order_by("-at", "slot").first()
        if newest is not None:
            keep(
                viewer, plan, jsontext.load(newest.document), version=newest.version, at=newest.at, changed_at=newest.at
            )


def _bury(viewer: Viewer, plans: Iterable[Plan]) -> None:
    """Plans whose last change was a delete that was delivered."""
    for plan in plans:
        last = Item.objects.for_org(viewer).filter(lane=plan.lane_id, seq=F("lane__tail_seq")).first()
        done = last is not None and last.operation == "delete" and last.item_state is ItemState.SYNCED
        if (
            done
            and last is not None
            and last.finished_at
            and (not plan.fetched_at or last.finished_at > plan.fetched_at)
        ):
            keep_gone(viewer, plan, at=last.finished_at)

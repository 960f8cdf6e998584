"""Writing what is known of a plan at its upstream into its copy. The newest knowledge wins, whoever brings it."""

from datetime import datetime
from typing import Any

from django.db.models import Q

from portal.kit import jsontext
from portal.kit.viewer import Viewer
from portal.projects.core.reading import read_plan
from portal.projects.models import Plan


def keep(
    viewer: Viewer,
    plan: Plan,
    document: Any,
    *,
    version: str,
    at: datetime,
    changed_at: datetime | None = None,
) -> None:
    """Takes over a document that the upstream had at the time `at`, unless something newer is known."""
    text = jsontext.dump(document)
    view = read_plan(document)
    figures = view.figures
    moved = bool(plan.document) and text != plan.document
    values = {
        "document": text,
        "version": version[:200],
        "fetched_at": at,
        "changed_at": changed_at or (at if moved else plan.changed_at),
        "trouble": "",
        "gone": False,
        "title": " ".join(view.title.split())[:200] or plan.title,
        "status": view.status[:20],
        "steps": figures.steps,
        "steps_done": figures.steps_done,
        "criteria": figures.criteria,
        "criteria_met": figures.criteria_met,
    }
    _older(viewer, plan, at).update(**values)


def keep_gone(viewer: Viewer, plan: Plan, *, at: datetime) -> None:
    """Marks the plan as deleted at its upstream. Its last copy stays readable."""
    _older(viewer, plan, at).update(gone=True, fetched_at=at, version="", trouble="")


def keep_trouble(viewer: Viewer, plan: Plan, why: str) -> None:
    """Notes that the upstream could not be asked."""
    Plan.objects.for_org(viewer).filter(pk=plan.pk).update(trouble=why.rstrip(".")[:300])


def _older(viewer: Viewer, plan: Plan, at: datetime) -> Any:
    rows = Plan.objects.for_org(viewer).filter(pk=plan.pk)
    return rows.filter(Q(fetched_at__isnull=True) | Q(fetched_at__lte=at))

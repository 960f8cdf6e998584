"""Everything that a plan's page shows, read once."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils.dateparse import parse_datetime

from conflicts.core import MISSING
from conflicts.models import Conflict
from conflicts.ruling import ruling
from portal.kit.viewer import Permission, Viewer
from portal.projects.actions.refresh import resting, stale
from portal.projects.core.reading import Figures, Phase, PlanView, Remark, read_plan
from portal.projects.core.telling import differences
from portal.projects.models import ENTITY_TYPE, Plan
from portal.projects.waiting import KIND, Waiting, expected, own, waiting
from portal.tenancy.models import Project

MOST_STEPS = 150
"""A plan with more microsteps shows those of one phase at a time."""


@dataclass(frozen=True, slots=True)
class ShownPhase:
    """A phase; `unfolded` when its microsteps are on the page."""

    phase: Phase
    unfolded: bool


@dataclass(frozen=True, slots=True)
class ShownRemark:
    """A comment with its time, None where the document's is none."""

    remark: Remark
    at: datetime | None


@dataclass(frozen=True, slots=True)
class PlanPage:
    """A plan with all that its page needs. `view` is None when there is no document to show: never read, or gone without a copy.

    `saving` names the places that wait to be sent. `last_copy`: the plan is gone, and what is shown is what it was.
    """

    plan: Plan
    view: PlanView | None
    document: Any
    phases: Sequence[ShownPhase]
    comments: Sequence[ShownRemark]
    annotations: Sequence[ShownRemark]
    saving: frozenset[str]
    waiting: Sequence[Waiting]
    conflicts: Sequence[Conflict]
    rules: Mapping[str, Any]
    projects: Sequence[Project]
    may_edit: bool
    stale: bool
    resting: bool
    last_copy: bool

    @property
    def name(self) -> str:
        """What it is called, with an edit that waits."""
        return (self.view.title if self.view else "") or self.plan.name

    @property
    def depth(self) -> int:
        """How many changes wait."""
        return max(self.plan.lane.depth if self.plan.lane else 0, len(self.waiting))

    @property
    def more(self) -> int:
        """How many of them are not listed."""
        return self.depth - len(self.waiting)

    @property
    def figures(self) -> Figures:
        """How far it is."""
        return self.view.figures if self.view else Figures()

    @property
    def editable(self) -> bool:
        """Whether its forms are offered."""
        return self.may_edit and self.view is not None and not self.last_copy and isinstance(self.document, dict)


def plan_page(viewer: Viewer, plan: Plan, now: datetime, *, unfold: str = "", step: str = "") -> PlanPage:
    """The page of a plan. `unfold` is the key of a phase and `step` that of a microstep that has to be on it."""
    edits = own(viewer, plan)
    coming = expected(viewer, plan, edits)
    last_copy = coming is MISSING and plan.known
    document = plan.read() if last_copy else None if coming is MISSING else coming
    view = None if document is None else read_plan(document)
    saving = _saving(plan, view) if edits and view and not last_copy else frozenset[str]()
    projects = Project.objects.for_org(viewer).filter(organization_id=plan.organization_id).order_by("name")
    conflicts = Conflict.objects.for_org(viewer).open().filter(upstream_id=plan.upstream_id)
    return PlanPage(
        plan=plan,
        view=view,
        document=document,
        phases=_phases(view, unfold, step) if view else (),
        comments=_dated(view.comments) if view else (),
        annotations=_dated(view.annotations) if view else (),
        saving=saving,
        waiting=waiting(viewer, plan, now),
        conflicts=list(conflicts.filter(entity_type=ENTITY_TYPE, entity_id=plan.entity_id)[:20]),
        rules=ruling(viewer, plan.organization_id, KIND).rules,
        projects=list(projects),
        may_edit=viewer.can(Permission.ENQUEUE, plan.organization_id),
        stale=stale(plan),
        resting=resting(plan),
        last_copy=last_copy,
    )


def _saving(plan: Plan, view: PlanView) -> frozenset[str]:
    """The places that differ from what the upstream is known to have."""
    return (
        frozenset(found.place for found in differences(read_plan(plan.read() or {}), view))
        if plan.known
        else frozenset()
    )


def _phases(view: PlanView, unfold: str, step: str) -> list[ShownPhase]:
    small = view.figures.steps <= MOST_STEPS
    return [
        ShownPhase(phase, small or phase.key == unfold or any(step and one.key == step for one in phase.steps))
        for phase in view.phases
    ]


def _dated(remarks: Sequence[Remark]) -> list[ShownRemark]:
    return [ShownRemark(remark, _moment(remark.at)) for remark in remarks]


def _moment(text: str) -> datetime | None:
    try:
        at = parse_datetime(text)
    except ValueError:
        return None
    return at if at and at.tzinfo else None

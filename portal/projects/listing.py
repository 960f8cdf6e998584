"""What the lists of projects and plans show, read in a handful of queries."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from django.db.models import Count, Q

from conflicts.models import Conflict
from portal.kit.errors import NotFound
from portal.kit.viewer import Viewer
from portal.projects.models import ENTITY_TYPE, Plan, PlanQuerySet
from portal.projects.rendering import first_words
from portal.tenancy.models import Project
from syncqueue.core.states import LaneState

MOST_PLANS = 12
"""So many plans of each project stand on the page of all projects; its own page has the rest."""
MOST_LISTED = 500
URGENCY = {"conflict": 0, "stuck": 1, "waiting": 2, "": 3}


@dataclass(frozen=True, slots=True)
class Line:
    """One plan in a list."""

    plan: Plan
    conflicts: int = 0

    @property
    def waiting(self) -> int:
        """How many changes wait in its lane."""
        return self.plan.lane.depth if self.plan.lane else 0

    @property
    def standing(self) -> str:
        """What its lane is in: "conflict", "stuck", "waiting" or ""."""
        if self.conflicts:
            return "conflict"
        if self.plan.lane and self.plan.lane.lane_state is LaneState.BLOCKED:
            return "stuck"
        return "waiting" if self.waiting else ""


@dataclass(frozen=True, slots=True)
class Card:
    """A project with its plans; `plans` counts all of them, `lines` are those that are shown."""

    project: Project
    about: str
    lines: Sequence[Line]
    plans: int

    @property
    def more(self) -> int:
        """How many plans are left out."""
        return max(self.plans - len(self.lines), 0)


def plans_of(viewer: Viewer) -> PlanQuerySet:
    """The viewer's plans as lists need them: without their documents, without those that are gone and have nothing waiting."""
    rows = Plan.objects.for_org(viewer).select_related("upstream", "lane", "organization").defer("document")
    return rows.filter(Q(gone=False) | Q(lane__depth__gt=0))


def lines(viewer: Viewer, plans: Sequence[Plan]) -> list[Line]:
    """The plans with what is open in their lanes; those that need a hand first."""
    open_ones = Conflict.objects.for_org(viewer).open().filter(entity_type=ENTITY_TYPE)
    counted = Counter(open_ones.values_list("upstream_id", "entity_id"))
    found = [Line(plan, counted[plan.upstream_id, plan.entity_id]) for plan in plans]
    return sorted(found, key=lambda line: (URGENCY[line.standing], line.plan.name.lower()))


def cards(viewer: Viewer) -> list[Card]:
    """The viewer's projects with their plans."""
    projects = list(
        Project.objects.for_org(viewer).select_related("organization").order_by("organization__name", "name")
    )
    counted = _counted(viewer)
    grouped: dict[int | None, list[Line]] = defaultdict(list)
    for line in lines(viewer, list(plans_of(viewer).filter(project__isnull=False).order_by("-pk")[:MOST_LISTED])):
        grouped[line.plan.project_id].append(line)
    return [
        Card(
            project,
            project.description or first_words(project.specification),
            grouped[project.pk][:MOST_PLANS],
            counted.get(project.pk, 0),
        )
        for project in projects
    ]


def loose(viewer: Viewer) -> tuple[list[Line], int]:
    """Plans that belong to no project, and how many there are."""
    rows = plans_of(viewer).filter(project__isnull=True).order_by("-pk")
    return lines(viewer, list(rows[: 2 * MOST_PLANS])), _counted(viewer).get(None, 0)


def _counted(viewer: Viewer) -> Mapping[int | None, int]:
    rows = Plan.objects.for_org(viewer).filter(Q(gone=False) | Q(lane__depth__gt=0))
    return dict(rows.values_list("project_id").annotate(Count("pk")).order_by())


def project_of(viewer: Viewer, project_id: int) -> Project:
    """The project; raises NotFound for one that the viewer may not see."""
    project = Project.objects.for_org(viewer).select_related("organization").filter(pk=project_id).first()
    if project is None:
        raise NotFound
    return project


def plan_of(viewer: Viewer, plan_id: int) -> Plan:
    """The plan with its copy; raises NotFound for one that the viewer may not see."""
    rows = Plan.objects.for_org(viewer).select_related("organization", "upstream", "project", "lane")
    plan = rows.filter(pk=plan_id).first()
    if plan is None:
        raise NotFound
    return plan

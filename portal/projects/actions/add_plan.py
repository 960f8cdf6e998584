"""A plan comes into a project: one that its upstream has already, or a new one that is created there through the queue."""

from django.db import transaction
from django.utils.translation import gettext as _

from portal.events.record import record
from portal.kit.errors import Conflicting, Fault, Invalid, NotFound
from portal.kit.viewer import Permission, Viewer
from portal.projects.models import ENTITY_TYPE, Plan
from portal.projects.waiting import CLIENT, KIND
from portal.tenancy.models import Project
from resilience.upstreams.models import Upstream
from syncqueue.actions.enqueue import enqueue
from syncqueue.adapters.routes import id_fault
from syncqueue.core.change import NewChange


def add_plan(*, viewer: Viewer, project_id: int, upstream_id: int, entity_id: str) -> Plan:
    """The plan with this id at the upstream, now in the project. Raises Invalid at /entity_id or /upstream."""
    with transaction.atomic():
        project = _project(viewer, project_id)
        upstream = _upstream(viewer, project, upstream_id)
        if fault := id_fault(entity_id):
            raise Invalid.at("/entity_id", fault)
        plan, _new = Plan.objects.for_org(viewer).get_or_create(
            upstream=upstream, entity_id=entity_id, defaults={"organization_id": project.organization_id}
        )
        if plan.project_id != project.pk:
            plan.project = project
            plan.save(update_fields=["project"])
            tell(viewer, plan, "plan.added", project)
    return plan


def create_plan(*, viewer: Viewer, project_id: int, upstream_id: int, entity_id: str, title: str, summary: str) -> Plan:
    """A plan that waits to be created at the upstream. Raises Invalid, and Conflicting when we know one of this id already."""
    with transaction.atomic():
        project = _project(viewer, project_id)
        upstream = _upstream(viewer, project, upstream_id)
        if Plan.objects.for_org(viewer).filter(upstream=upstream, entity_id=entity_id).exists():
            taken = _("%(upstream)s has a plan of this id already.") % {"upstream": upstream.slug}
            raise Conflicting(taken, faults=[Fault("/entity_id", taken)])
        document = {"title": title, "summary": summary, "status": "draft", "owner": viewer.name, "phases": []}
        change = NewChange(
            kind=KIND,
            organization=project.organization.slug,
            upstream=upstream.slug,
            entity_type=ENTITY_TYPE,
            entity_id=entity_id,
            operation="create",
            payload={name: value for name, value in document.items() if value != ""},
            project=project.slug,
            client_id=CLIENT,
        )
        item = enqueue(viewer=viewer, changes=[change])[0].item
        plan = Plan.objects.create(
            organization_id=project.organization_id,
            project=project,
            upstream=upstream,
            lane_id=item.lane_id,
            entity_id=entity_id,
            title=title[:200],
            status="draft",
        )
        tell(viewer, plan, "plan.added", project)
    return plan


def tell(viewer: Viewer, plan: Plan, verb: str, project: Project | None) -> None:
    """Writes the event of what was done to a plan's place."""
    record(
        verb=verb,
        subject=f"plan:{plan.pk}",
        actor=viewer.name,
        organization_id=plan.organization_id,
        organization_name=plan.organization.name,
        data={"upstream": plan.upstream_id, "plan": plan.entity_id[:100], "project": project.slug if project else ""},
        request_id=viewer.request_id,
    )


def _project(viewer: Viewer, project_id: int) -> Project:
    project = Project.objects.for_org(viewer).select_related("organization").filter(pk=project_id).first()
    if project is None:
        raise NotFound
    viewer.require(Permission.ENQUEUE, project.organization_id)
    return project


def _upstream(viewer: Viewer, project: Project, upstream_id: int) -> Upstream:
    rows = Upstream.objects.for_org(viewer).filter(organization_id=project.organization_id)
    upstream = rows.filter(pk=upstream_id).first()
    if upstream is None or ENTITY_TYPE not in upstream.routes:
        raise Invalid.at("/upstream", _("This organization has no such upstream that takes plans."))
    return upstream

"""A plan goes to another project, or to none."""

from django.db import transaction
from django.utils.translation import gettext as _

from portal.kit.errors import Invalid
from portal.kit.viewer import Permission, Viewer
from portal.projects.actions.add_plan import tell
from portal.projects.actions.save import locked
from portal.projects.models import Plan
from portal.tenancy.models import Project


def move_plan(*, viewer: Viewer, plan_id: int, project_id: int | None) -> Plan:
    """The plan in its new project (None takes it out of any). Raises Invalid at /project for one of another organization."""
    with transaction.atomic():
        plan = locked(viewer, plan_id)
        viewer.require(Permission.ENQUEUE, plan.organization_id)
        project = None
        if project_id is not None:
            mine = Project.objects.for_org(viewer).filter(organization_id=plan.organization_id)
            project = mine.filter(pk=project_id).first()
            if project is None:
                raise Invalid.at("/project", _("The organization has no such project."))
        if plan.project_id != project_id:
            plan.project = project
            plan.save(update_fields=["project"])
            tell(viewer, plan, "plan.moved", project)
    return plan

"""A project gets another name, description or specification."""

from django.db import transaction

from portal.kit import clock
from portal.kit.errors import Conflicting, NotFound
from portal.kit.viewer import Permission, Viewer
from portal.tenancy.actions.check import checked_line, checked_name, checked_text, tell
from portal.tenancy.models import Project


class ProjectMoved(Conflicting):
    """Somebody else changed this project after you opened it. Look at their text, then save yours again."""

    code = "project-moved"


def edit_project(
    *, viewer: Viewer, project_id: int, revision: int, name: str, description: str, specification: str
) -> Project:
    """The project with what was said. `revision` is the one that the editor saw; raises ProjectMoved when there is a newer one."""
    with transaction.atomic():
        rows = Project.objects.for_org(viewer).select_related("organization")
        project = rows.select_for_update(of=("self",)).filter(pk=project_id).first()
        if project is None:
            raise NotFound
        viewer.require(Permission.OPERATE, project.organization_id)
        said = {
            "name": checked_name(name),
            "description": checked_line(description, "/description"),
            "specification": checked_text(specification, "/specification"),
        }
        changed = [field for field, value in said.items() if getattr(project, field) != value]
        if not changed:
            return project
        if project.revision != revision:
            raise ProjectMoved
        for field, value in said.items():
            setattr(project, field, value)
        project.revision += 1
        project.updated_at, project.updated_by = clock.now(), viewer.name
        project.save(update_fields=[*said, "revision", "updated_at", "updated_by"])
        tell("project.edited", f"project:{project.pk}", project.organization, viewer, {"changed": changed})
    return project

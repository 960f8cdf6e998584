"""A new body of work."""

from django.db import transaction
from django.utils.translation import gettext as _

from portal.kit.errors import Conflicting, Fault
from portal.kit.viewer import Viewer
from portal.tenancy.actions.check import administered, checked_line, checked_name, checked_text, tell
from portal.tenancy.actions.create_organization import checked_slug
from portal.tenancy.models import Project


def create_project(
    *, viewer: Viewer, organization_id: int, slug: str, name: str, description: str = "", specification: str = ""
) -> Project:
    """The new project. Raises Invalid at the field that cannot be used, and Conflicting when the organization has one of this slug."""
    with transaction.atomic():
        organization = administered(viewer, organization_id)
        said = {
            "name": checked_name(name),
            "description": checked_line(description, "/description"),
            "specification": checked_text(specification, "/specification"),
        }
        project, new = Project.objects.for_org(viewer).get_or_create(
            organization=organization, slug=checked_slug(slug), defaults=said
        )
        if not new:
            taken = _("There is a project %s already.") % slug
            raise Conflicting(taken, faults=[Fault("/slug", taken)])
        tell("project.created", f"project:{project.pk}", organization, viewer, {"slug": slug})
    return project

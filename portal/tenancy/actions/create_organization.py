"""A new organization with its first admin. Only commands and the demo make one."""

from django.core.exceptions import ValidationError
from django.core.validators import validate_slug
from django.db import transaction
from django.utils.translation import gettext as _

from portal.accounts.models import User
from portal.kit.errors import Conflicting, Fault, Invalid
from portal.kit.viewer import Role, Viewer
from portal.tenancy.actions.check import checked_name, tell
from portal.tenancy.models import Membership, Organization


def create_organization(*, actor: str, slug: str, name: str, admin: User) -> Organization:
    """The new organization. Raises Invalid at /slug or /name, and Conflicting when the slug is taken."""
    name = checked_name(name)
    checked_slug(slug)
    with transaction.atomic():
        organization, new = Organization.objects.unscoped().get_or_create(slug=slug, defaults={"name": name})
        if not new:
            taken = _("There is an organization %s already.") % slug
            raise Conflicting(taken, faults=[Fault("/slug", taken)])
        Membership.objects.create(organization=organization, user=admin, role=Role.ADMIN.value)
        by = Viewer(user_id=None, name=actor)
        tell(
            "organization.created",
            f"organization:{organization.pk}",
            organization,
            by,
            {"slug": slug, "admin": admin.username},
        )
    return organization


def checked_slug(slug: str) -> str:
    """The slug; raises Invalid at /slug for what is none."""
    try:
        validate_slug(slug)
    except ValidationError:
        raise Invalid.at("/slug", _("A slug has letters, figures, hyphens and underscores.")) from None
    if len(slug) > 50:
        raise Invalid.at("/slug", _("A slug has at most 50 characters."))
    return slug

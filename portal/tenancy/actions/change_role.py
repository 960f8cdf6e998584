"""A member gets another role."""

from django.db import transaction
from django.utils.translation import gettext as _

from portal.kit.errors import Conflicting, Fault
from portal.kit.viewer import Role, Viewer
from portal.tenancy.actions.check import checked_role, is_last_admin, membership_of, tell
from portal.tenancy.models import Membership


def change_role(*, viewer: Viewer, membership_id: int, role: int) -> Membership:
    """The membership with its new role. Raises Conflicting when nobody else could administer the organization."""
    with transaction.atomic():
        membership = membership_of(viewer, membership_id)
        granted = checked_role(role)
        if membership.role == granted:
            return membership
        if is_last_admin(membership):
            why = _("%s is the only admin. Make somebody else an admin first.") % membership.user
            raise Conflicting(why, faults=[Fault("/role", why)])
        before = Role(membership.role).name.lower()
        membership.role = granted.value
        membership.save(update_fields=["role"])
        data = {"user": membership.user.username, "from": before, "to": granted.name.lower()}
        tell("member.role_changed", f"membership:{membership.pk}", membership.organization, viewer, data)
    return membership

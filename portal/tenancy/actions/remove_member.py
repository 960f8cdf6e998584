"""A member leaves an organization."""

from django.db import transaction
from django.utils.translation import gettext as _

from portal.kit import clock
from portal.kit.errors import Conflicting
from portal.kit.viewer import Viewer
from portal.tenancy.actions.check import checked_reason, is_last_admin, membership_of, tell
from portal.tenancy.models import Token


def remove_member(*, viewer: Viewer, membership_id: int, reason: str = "") -> None:
    """Ends the membership and revokes the person's tokens of this organization. The last admin cannot go (Conflicting)."""
    with transaction.atomic():
        membership = membership_of(viewer, membership_id)
        if is_last_admin(membership):
            raise Conflicting(_("%s is the only admin. Make somebody else an admin first.") % membership.user)
        tokens = Token.objects.for_org(viewer).filter(
            user_id=membership.user_id, organization_id=membership.organization_id, revoked_at=None
        )
        revoked = tokens.update(revoked_at=clock.now())
        data = {"user": membership.user.username, "tokens_revoked": revoked, "reason": checked_reason(reason)}
        tell("member.removed", f"membership:{membership.pk}", membership.organization, viewer, data)
        membership.delete()

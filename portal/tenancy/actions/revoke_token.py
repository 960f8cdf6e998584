"""A key stops opening anything."""

from django.db import transaction

from portal.kit import clock
from portal.kit.errors import NotFound
from portal.kit.viewer import Viewer
from portal.tenancy.actions.check import administered, checked_reason, tell
from portal.tenancy.models import Token


def revoke_token(*, viewer: Viewer, token_id: int, reason: str = "") -> Token:
    """The revoked token. One that is revoked already stays as it is."""
    with transaction.atomic():
        token = Token.objects.for_org(viewer).select_related("organization").filter(pk=token_id).first()
        if token is None:
            raise NotFound
        administered(viewer, token.organization_id)
        token.refresh_from_db(fields=["revoked_at"])
        if token.revoked_at is None:
            token.revoked_at = clock.now()
            token.save(update_fields=["revoked_at"])
            data = {"name": token.name, "prefix": token.prefix, "reason": checked_reason(reason)}
            tell("token.revoked", f"token:{token.pk}", token.organization, viewer, data)
    return token

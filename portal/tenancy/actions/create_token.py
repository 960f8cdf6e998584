"""A new key for the REST API."""

import secrets
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from portal.kit import clock
from portal.kit.errors import Forbidden, Invalid
from portal.kit.viewer import Permission, Viewer
from portal.tenancy.actions.check import administered, checked_name, tell
from portal.tenancy.models import Token
from portal.tenancy.viewers import token_digest


@dataclass(frozen=True, slots=True)
class Created:
    """The token, and its secret (shown once, kept nowhere)."""

    token: Token
    secret: str


def create_token(
    *,
    viewer: Viewer,
    organization_id: int,
    name: str,
    scopes: Collection[str],
    expires_at: datetime | None = None,
    user_id: int | None = None,
) -> Created:
    """A token that acts as the viewer (or as `user_id`, for commands) in one organization.

    Raises Invalid at /name, /scopes or /expires_at.
    A viewer that is a token itself cannot make one that may do more, or that lives longer.
    """
    with transaction.atomic():
        organization = administered(viewer, organization_id)
        owner = user_id or viewer.user_id
        if owner is None:
            raise Invalid.at("", _("A token acts as a person: say which."))
        token, secret = _drawn(viewer, name, scopes, expires_at)
        token.organization, token.user_id = organization, owner
        token.save()
        data = {"name": token.name, "prefix": token.prefix, "scopes": token.scopes, "user": token.user.username}
        tell("token.created", f"token:{token.pk}", organization, viewer, data)
    return Created(token, secret)


def _drawn(viewer: Viewer, name: str, scopes: Collection[str], expires_at: datetime | None) -> tuple[Token, str]:
    known = {permission.value for permission in Permission}
    asked = sorted(set(scopes))
    if not asked or not known.issuperset(asked):
        raise Invalid.at("/scopes", _("A token needs one or more of: %s.") % ", ".join(sorted(known)))
    if expires_at is not None and expires_at <= clock.now():
        raise Invalid.at("/expires_at", _("This moment has passed."))
    if viewer.scopes is not None:
        _bounded(viewer, asked, expires_at)
    prefix = f"bw_{secrets.token_hex(4)}"
    secret = f"{prefix}_{secrets.token_urlsafe(32)}"
    token = Token(
        name=checked_name(name),
        prefix=prefix,
        digest=token_digest(secret),
        scopes=asked,
        expires_at=expires_at,
    )
    return token, secret


def _bounded(viewer: Viewer, scopes: list[str], expires_at: datetime | None) -> None:
    """Raises Forbidden when a token would make one that is more than itself."""
    own = Token.objects.for_org(viewer).filter(pk=viewer.token_id or 0).first()
    if own is None or not set(own.scopes).issuperset(scopes):
        raise Forbidden(_("A token cannot make one with scopes that it does not have."))
    if own.expires_at is not None and (expires_at is None or expires_at > own.expires_at):
        raise Forbidden(_("A token cannot make one that lives longer than itself."))

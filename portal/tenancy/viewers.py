"""Who asks, from what the request brought: a signed-in person or a token."""

from datetime import datetime, timedelta
from hashlib import sha256

from portal.accounts.models import User
from portal.kit.viewer import Role, Viewer
from portal.tenancy.models import Membership, Token

USED_AGAIN_AFTER = timedelta(minutes=1)


def viewer_of_user(user: User, *, request_id: str = "") -> Viewer:
    """The viewer that a person is, with all memberships. One query."""
    return Viewer(user_id=user.pk, name=user.username, roles=_roles(user.pk), request_id=request_id)


def viewer_of_token(token: Token, *, request_id: str = "") -> Viewer:
    """The viewer that a token is: its user, in its one organization, within its scopes. One query."""
    return Viewer(
        user_id=token.user_id,
        name=token.user.username,
        roles=_roles(token.user_id, token.organization_id),
        scopes=frozenset(token.scopes),
        token_id=token.pk,
        request_id=request_id,
    )


def usable_token(secret: str, now: datetime) -> Token | None:
    """The token (with its user) that this secret opens; None when it is unknown, expired, revoked, or its user is switched off."""
    token = Token.objects.unscoped().select_related("user").filter(digest=token_digest(secret)).first()
    if token is None or not token.user.is_active:
        return None
    return token if token.usable(now) else None


def note_use(token: Token, now: datetime) -> None:
    """Writes when a token was last used, at most once a minute, so that reading stays reading."""
    if token.last_used_at is None or now - token.last_used_at >= USED_AGAIN_AFTER:
        Token.objects.unscoped().filter(pk=token.pk).update(last_used_at=now)


def token_digest(secret: str) -> str:
    """What is kept of a token's secret. It has 256 random bits, so that no slow hash is needed."""
    return sha256(secret.encode("utf-8", "surrogateescape")).hexdigest()


def _roles(user_id: int, organization_id: int | None = None) -> dict[int, Role]:
    rows = Membership.objects.unscoped().filter(user_id=user_id)
    if organization_id is not None:
        rows = rows.filter(organization_id=organization_id)
    return {of: Role(role) for of, role in rows.values_list("organization_id", "role")}

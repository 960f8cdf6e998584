"""Who calls the REST API: a program with a token, or one of our own pages with its session."""

from typing import Any

from django.http import HttpRequest
from rest_framework import authentication
from rest_framework.request import Request

from portal.accounts.models import User
from portal.api.throttling import note_stranger
from portal.kit import clock
from portal.kit.errors import SignedOut
from portal.tenancy.middleware import viewer_from
from portal.tenancy.models import Token
from portal.tenancy.viewers import note_use, usable_token, viewer_of_token

CHALLENGE = 'Bearer realm="Breakwater"'


class TokenAuthentication(authentication.BaseAuthentication):
    """`Authorization: Bearer bw_…`. Sets `request.viewer`, `request.user` and `request.auth` (the Token)."""

    def authenticate(self, request: Request) -> tuple[User, Token] | None:
        """The token's user and the token; None without an Authorization header."""
        kind, _, secret = request.headers.get("Authorization", "").partition(" ")
        if not kind:
            return None
        now = clock.now()
        token = usable_token(secret.strip(), now) if kind.lower() == "bearer" else None
        if token is None:
            note_stranger(plain(request))
            raise SignedOut("This token is unknown, expired or revoked. Send a good one as: Authorization: Bearer bw_…")
        note_use(token, now)
        asked: Any = plain(request)
        asked.viewer = viewer_of_token(token, request_id=asked.request_id)
        return token.user, token

    def authenticate_header(self, request: Request) -> str:
        """What a 401 tells the caller to send."""
        return CHALLENGE


class SessionAuthentication(authentication.SessionAuthentication):
    """The session of our own pages, with the CSRF token for whatever changes something. Sets `request.viewer`."""

    def authenticate(self, request: Request) -> tuple[Any, None] | None:
        """The signed-in person; None without a session."""
        found = super().authenticate(request)
        if found is None:
            return None
        asked: Any = plain(request)
        asked.viewer = viewer_from(asked)
        return found[0], None


def plain(request: Request) -> HttpRequest:
    """Django's request within the one of the REST framework."""
    return request._request

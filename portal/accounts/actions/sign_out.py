"""Signing out."""

from django.contrib.auth import logout
from django.db import transaction
from django.http import HttpRequest

from portal.accounts.actions.tell import tell
from portal.accounts.models import User


def sign_out(*, request: HttpRequest) -> None:
    """Ends the session of this request, if it has one."""
    user = getattr(request, "user", None)
    with transaction.atomic():
        if isinstance(user, User):
            request_id = getattr(request, "request_id", "")
            tell(user=user, verb="account.signed_out", actor=user.username, request_id=request_id)
        logout(request)

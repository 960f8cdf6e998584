"""Signing in, with a lockout that holds over all processes.

1. The try is written down (committed) before the password is looked at, so that a hundred tries at once are a hundred.
2. When too many earlier tries of this account or address failed within 15 minutes, it is refused unseen.
3. The password is checked. A good one takes this account's tries away; a bad one leaves its own.
"""

import unicodedata
from datetime import datetime

from django.contrib.auth import authenticate, login
from django.db import transaction
from django.http import HttpRequest
from django.utils.translation import gettext as _

from portal.accounts.actions.tell import tell
from portal.accounts.addresses import client_address
from portal.accounts.core.lockout import WINDOW, locked_until
from portal.accounts.models import SignInTry, User
from portal.kit import clock
from portal.kit.errors import SignedOut, TooMany


class WrongPassword(SignedOut):
    """Name and password do not belong together."""

    code = "wrong-password"


def sign_in(*, request: HttpRequest, name: str, password: str) -> User:
    """The person who is now signed in with this request's session. Raises WrongPassword, or TooMany with `retry_after`."""
    now, address, account = clock.now(), client_address(request), account_key(name)
    SignInTry.objects.filter(at__lte=now - WINDOW).delete()
    mine = SignInTry.objects.create(at=now, account=account, address=address)
    until = locked_until(_earlier(mine, account=account), _earlier(mine, address=address))
    if until is not None:
        mine.delete()
        raise TooMany(
            _("Too many sign-ins failed. Wait 15 minutes, or ask an administrator to reset the password."),
            retry_after=(until - now).total_seconds(),
        )
    user = authenticate(request, username=name, password=password)
    request_id = getattr(request, "request_id", "")
    if not isinstance(user, User):
        _tell_of_failure(name, address, request_id)
        raise WrongPassword
    with transaction.atomic():
        forget_tries(user)
        login(request, user)
        tell(user=user, verb="account.signed_in", actor=user.username, data={"address": address}, request_id=request_id)
    return user


def account_key(name: str) -> str:
    """One name for all spellings of an account, cut to what is kept."""
    return unicodedata.normalize("NFKC", name).casefold()[:150]


def forget_tries(user: User) -> None:
    """Ends the lockout of this account."""
    SignInTry.objects.filter(account=account_key(user.username)).delete()


def _earlier(mine: SignInTry, **which: str) -> list[datetime]:
    tries = SignInTry.objects.filter(at__gt=mine.at - WINDOW, **which).exclude(pk=mine.pk)
    return list(tries.values_list("at", flat=True))


def _tell_of_failure(name: str, address: str, request_id: str) -> None:
    """Only for accounts that exist: strangers cannot fill the log."""
    user = User.objects.filter(username=name).first()
    if user is not None:
        data = {"address": address}
        tell(user=user, verb="account.sign_in_failed", actor="", data=data, request_id=request_id)

"""What the commands for people share."""

import os
import sys

from django.core.management.base import CommandError

from portal.accounts.models import User
from portal.accounts.passwords import new_password, password_faults
from portal.kit.errors import Error

VARIABLE = "BREAKWATER_ADMIN_PASSWORD"


def said(error: Error) -> str:
    """An error as a command says it: every fault, or the detail."""
    return "\n".join(fault.detail for fault in error.faults) or error.detail


def user_named(name: str) -> User:
    """The account of this name; ends the command when there is none."""
    user = User.objects.filter(username=name).first()
    if user is None:
        raise CommandError(f"Nobody signs in as {name}.")
    return user


def chosen_password(*, from_stdin: bool, user: User) -> tuple[str, bool]:
    """The password from stdin or BREAKWATER_ADMIN_PASSWORD, else a new one; and whether it was made here."""
    text = sys.stdin.readline().rstrip("\r\n") if from_stdin else os.environ.get(VARIABLE, "")
    if not from_stdin and not text:
        return new_password(), True
    faults = password_faults(text, user)
    if faults:
        raise CommandError(" ".join(fault.detail for fault in faults))
    return text, False

"""`manage.py resetpassword`."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from portal.accounts.actions.reset_password import reset_password
from portal.kit.viewer import SYSTEM
from portal.tenancy.management.reading import VARIABLE, chosen_password, user_named


class Command(BaseCommand):
    """Gives an account a new password, ends its sessions and its lockout."""

    help = f"{__doc__} Without --stdin or {VARIABLE}, a temporary password is printed on stdout."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """The account's name."""
        parser.add_argument("username")
        parser.add_argument("--stdin", action="store_true", help="Read the password from the first line of stdin.")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Resets."""
        user = user_named(options["username"])
        password, made = chosen_password(from_stdin=options["stdin"], user=user)
        reset_password(user=user, password=password, actor=SYSTEM, temporary=made)
        self.stderr.write(f"{user.username} has a new password. All sessions have ended.")
        if made:
            self.stdout.write(password)

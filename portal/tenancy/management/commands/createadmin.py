"""`manage.py createadmin`."""

from argparse import ArgumentParser
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError
from django.db import transaction

from portal.accounts.models import User
from portal.kit.errors import Error
from portal.kit.viewer import SYSTEM
from portal.tenancy.actions.create_organization import create_organization
from portal.tenancy.management.reading import VARIABLE, chosen_password, said


class Command(BaseCommand):
    """Makes an account and an organization that it administers. Prints the password, unless it was given."""

    help = f"{__doc__} The password comes from --stdin or from {VARIABLE}; otherwise a new one is printed on stdout."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Everything has a default."""
        parser.add_argument("username", nargs="?", default="admin")
        parser.add_argument("--organization", default="main", metavar="SLUG")
        parser.add_argument("--organization-name", default="", metavar="NAME")
        parser.add_argument("--email", default="")
        parser.add_argument("--stdin", action="store_true", help="Read the password from the first line of stdin.")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Creates both or neither."""
        user = User(username=options["username"], email=options["email"])
        if User.objects.filter(username__iexact=user.username).exists():
            raise CommandError(
                f"The name {user.username} is taken. A new password: manage.py resetpassword {user.username}"
            )
        password, made = chosen_password(from_stdin=options["stdin"], user=user)
        user.set_password(password)
        slug = options["organization"]
        try:
            user.full_clean()
            with transaction.atomic():
                user.save()
                name = options["organization_name"] or slug.replace("-", " ").capitalize()
                create_organization(actor=SYSTEM, slug=slug, name=name, admin=user)
        except ValidationError as error:
            raise CommandError(" ".join(error.messages)) from None
        except Error as error:
            raise CommandError(said(error)) from None
        self.stderr.write(f"{user.username} is the admin of {slug}.")
        if made:
            self.stdout.write(password)

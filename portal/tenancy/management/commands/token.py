"""`manage.py token create`."""

from argparse import ArgumentParser
from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from portal.kit import clock
from portal.kit.errors import Error
from portal.kit.viewer import SYSTEM, Permission, Role, Viewer
from portal.tenancy.actions.create_token import create_token
from portal.tenancy.management.reading import said, user_named
from portal.tenancy.models import Organization

LONGEST_LIFE = 3_650


class Command(BaseCommand):
    """Makes a token for the REST API and prints it alone on stdout. It is shown only this once."""

    help = __doc__ or ""

    def add_arguments(self, parser: ArgumentParser) -> None:
        """`create` is the only verb so far."""
        verbs = parser.add_subparsers(dest="verb", required=True)
        create = verbs.add_parser("create", help="Make a token and print it.")
        create.add_argument("--user", required=True, help="The name of the account that the token acts as.")
        create.add_argument(
            "--scope",
            required=True,
            nargs="+",
            action="extend",
            metavar="SCOPE",
            help=f"One or more of: {', '.join(Permission)} (also with commas between).",
        )
        create.add_argument("--organization", default="", help="Its slug; needed when the account has several.")
        create.add_argument("--expires", type=int, metavar="DAYS", help="Ends after so many days; never without it.")
        create.add_argument("--name", default="command line", help="What people see in the list of tokens.")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Creates."""
        user, days = user_named(options["user"]), options["expires"]
        if days is not None and not 1 <= days <= LONGEST_LIFE:
            raise CommandError(f"--expires takes 1 to {LONGEST_LIFE} days.")
        mine = Organization.objects.unscoped().filter(memberships__user=user)
        found = list(mine.filter(slug=options["organization"]) if options["organization"] else mine[:2])
        if len(found) != 1:
            slugs = ", ".join(mine.order_by("slug").values_list("slug", flat=True)) or "none"
            raise CommandError(f"Say --organization: {user.username} belongs to {slugs}.")
        try:
            created = create_token(
                viewer=Viewer(user_id=None, name=SYSTEM, roles={found[0].pk: Role.ADMIN}),
                organization_id=found[0].pk,
                name=options["name"],
                scopes=[scope for text in options["scope"] for scope in text.split(",") if scope],
                expires_at=clock.now() + timedelta(days=days) if days else None,
                user_id=user.pk,
            )
        except Error as error:
            raise CommandError(said(error)) from None
        self.stdout.write(created.secret)

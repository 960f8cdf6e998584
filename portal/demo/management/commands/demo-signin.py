"""`manage.py demo-signin`."""

from typing import Any

from django.core.management.base import BaseCommand

from portal.demo import state
from portal.demo.cast import ORGANIZATIONS, PEOPLE

NAMES = {organization.slug: organization.name for organization in ORGANIZATIONS}


class Command(BaseCommand):
    """Tells how to sign in to the demo."""

    help = __doc__ or ""

    def handle(self, *_args: Any, **_options: Any) -> None:
        """Prints the accounts and their password."""
        self.stdout.write(f"  Sign in as admin with the password {state.read()['password']}")
        others = [person for person in PEOPLE[1:] if "-" not in person.username and person.username != "helpdesk"]
        for person in others:
            roles = ", ".join(f"{role.name.lower()} of {NAMES[slug]}" for slug, role in person.roles.items())
            self.stdout.write(f"  or as {person.username} ({roles}), same password")

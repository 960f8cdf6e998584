"""Run in a portal's environment: makes its tables, an organization with an admin, and prints a token for the REST API."""

import secrets

import django
from django.core.management import call_command

SCOPES = ["read", "enqueue", "operate", "administer"]


def main() -> None:
    """Do it."""
    django.setup()
    call_command("migrate", verbosity=0)
    from portal.accounts.models import User  # noqa: PLC0415  # models need the setup above
    from portal.kit.viewer import Role  # noqa: PLC0415
    from portal.tenancy.models import Membership, Organization, Token  # noqa: PLC0415
    from portal.tenancy.viewers import token_digest  # noqa: PLC0415

    tidewater = Organization.objects.create(slug="tidewater", name="Tidewater")
    alice = User.objects.create(username="alice")
    Membership.objects.create(organization=tidewater, user=alice, role=Role.ADMIN.value)
    secret = secrets.token_urlsafe(32)
    Token.objects.create(
        organization=tidewater,
        user=alice,
        name="tests",
        prefix=secret[:8],
        digest=token_digest(secret),
        scopes=SCOPES,
    )
    print(secret)


if __name__ == "__main__":
    main()

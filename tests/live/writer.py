"""Another process than the one that serves: it owns the database, and does what each line on its input asks for.

A line is {"do": name, …arguments}; the answer is a line of JSON. It sees to the migrations first, then prints "ready".
"""

import json
import sys
from collections.abc import Callable
from hashlib import sha256
from importlib import import_module
from typing import Any

import django

django.setup()

from django.conf import settings  # noqa: E402
from django.core.management import call_command  # noqa: E402
from django.db import transaction  # noqa: E402
from django.test import Client  # noqa: E402

from portal.accounts.actions.change_password import change_password  # noqa: E402
from portal.accounts.actions.tell import tell  # noqa: E402
from portal.accounts.models import User  # noqa: E402
from portal.events.models import Event  # noqa: E402
from portal.events.record import record  # noqa: E402
from portal.kit import clock  # noqa: E402
from portal.kit.viewer import Role  # noqa: E402
from portal.tenancy.actions.remove_member import remove_member  # noqa: E402
from portal.tenancy.actions.revoke_token import revoke_token  # noqa: E402
from portal.tenancy.models import Membership, Organization, Token  # noqa: E402
from portal.tenancy.viewers import viewer_of_user  # noqa: E402
from resilience.health.models import Component  # noqa: E402


def person(name: str, organization: str, role: str) -> dict[str, Any]:
    """A member with a session and a token."""
    home, _ = Organization.objects.get_or_create(slug=organization.lower(), defaults={"name": organization})
    user = User.objects.create(username=name, password="!")
    Membership.objects.create(user=user, organization=home, role=Role[role.upper()])
    secret = f"bw_{name}_secret"
    Token.objects.create(
        organization=home,
        user=user,
        name=name,
        prefix=name[:12],
        digest=sha256(secret.encode()).hexdigest(),
        scopes=["read"],
    )
    return {"user": user.pk, "organization": home.pk, "session": session(user.pk), "token": secret}


def session(user: int) -> str:
    """The key of a new session."""
    client = Client()
    client.force_login(User.objects.get(pk=user))
    return client.cookies[settings.SESSION_COOKIE_NAME].value


def event(organization: int, verb: str, subject: str, count: int = 1, **data: Any) -> int:
    """Writes events and gives the last one's id."""
    for _ in range(count):
        last = record(verb=verb, subject=subject, actor="alice", organization_id=organization, data=data)
    return last.pk


def burst(organization: int, count: int) -> int:
    """Writes many events in one transaction."""
    now = clock.now()
    Event.objects.bulk_create(
        Event(at=now, organization_id=organization, verb="item.queued", subject=f"item:{n}") for n in range(count)
    )
    return Event.objects.latest("id").pk


def remove_membership(user: int, organization: int) -> None:
    """Takes a membership away."""
    Membership.objects.filter(user=user, organization=organization).delete()


def sign_out(key: str) -> None:
    """Ends a session as signing out does."""
    import_module(settings.SESSION_ENGINE).SessionStore(key).flush()


def deactivate(user: int) -> None:
    """Locks a person out."""
    User.objects.filter(pk=user).update(is_active=False)


def new_password(user: int) -> None:
    """Gives a person another password, which ends all sessions."""
    kept = User.objects.get(pk=user)
    kept.set_password("another long pass phrase")
    kept.save()


def revoke(secret: str) -> None:
    """Revokes a token."""
    Token.objects.filter(digest=sha256(secret.encode()).hexdigest()).update(revoked_at=clock.now())


def component(slug: str, organization: int | None = None) -> int:
    """A component that is up; without an organization it is a part of Breakwater itself."""
    with transaction.atomic():
        made = Component.objects.create(
            organization_id=organization, slug=slug, name=slug.title(), state="up", since=clock.now()
        )
        record(verb="component.added", subject=f"component:{made.pk}", actor="alice", organization_id=organization)
    return made.pk


def turn(component: int, state: str, reason: str = "", *, verb: str = "") -> int:
    """Gives a component another state as the prober does, and gives the event's id."""
    with transaction.atomic():
        found = Component.objects.unscoped().get(pk=component)
        data = {"component": found.slug, "upstream": None, "before": found.state, "reason": reason}
        found.state, found.since, found.reason = state, clock.now(), reason
        found.save()
        last = record(
            verb=verb or f"health.{state}",
            subject=f"component:{found.pk}",
            actor="breakwater",
            organization_id=found.organization_id,
            data=data,
        )
    return last.pk


def remove(component: int) -> None:
    """Removes a component."""
    with transaction.atomic():
        found = Component.objects.unscoped().get(pk=component)
        record(
            verb="component.removed",
            subject=f"component:{found.pk}",
            actor="alice",
            organization_id=found.organization_id,
            data={"component": found.slug},
        )
        found.delete()


def told(what: str, user: int, organization: int, key: str, secret: str) -> None:
    """Takes something away as the portal's own actions do: with the event that tells of it."""
    person = User.objects.get(pk=user)
    admin, _new = User.objects.get_or_create(username=f"admin-{organization}", defaults={"password": "!"})
    Membership.objects.get_or_create(user=admin, organization_id=organization, defaults={"role": Role.ADMIN})
    viewer = viewer_of_user(admin)
    membership = Membership.objects.unscoped().get(user=person, organization_id=organization)
    match what:
        case "sign_out":
            with transaction.atomic():
                tell(user=person, verb="account.signed_out", actor=person.username)
                sign_out(key)
        case "password":
            person.set_password("a long pass phrase of before")
            person.save()
            change_password(user=person, old="a long pass phrase of before", new="another long pass phrase")
        case "remove":
            remove_member(viewer=viewer, membership_id=membership.pk)
        case "revoke":
            token = Token.objects.unscoped().get(digest=sha256(secret.encode()).hexdigest())
            revoke_token(viewer=viewer, token_id=token.pk)


COMMANDS: dict[str, Callable[..., Any]] = {
    each.__name__: each
    for each in (
        *(person, session, event, burst, remove_membership, sign_out, deactivate, new_password, revoke),
        *(component, turn, remove, told),
    )
}


def main() -> None:
    """Serves until its input ends."""
    call_command("migrate", verbosity=0)
    print("ready", flush=True)
    for line in sys.stdin:
        asked = json.loads(line)
        print(json.dumps(COMMANDS[asked.pop("do")](**asked)), flush=True)


main()

"""A person joins an organization."""

from dataclasses import dataclass

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.translation import gettext as _

from portal.accounts.models import User
from portal.accounts.passwords import new_password
from portal.kit.errors import Conflicting, Fault, Invalid
from portal.kit.viewer import Viewer
from portal.tenancy.actions.check import administered, checked_role, tell
from portal.tenancy.models import Membership


@dataclass(frozen=True, slots=True)
class Added:
    """The membership, and the temporary password of a person who is new (shown once, kept nowhere)."""

    membership: Membership
    password: str = ""


def add_member(
    *, viewer: Viewer, organization_id: int, username: str, role: int, create: bool = False, email: str = ""
) -> Added:
    """The new member. With `create`, the person is made first, with a password that has to be changed at the first sign-in.

    Raises Invalid at /username, /email or /role, and Conflicting when the person (or the name) is there already.
    """
    with transaction.atomic():
        organization = administered(viewer, organization_id)
        granted = checked_role(role)
        user, password = _created(username, email) if create else (_known(username), "")
        membership, new = Membership.objects.unscoped().get_or_create(
            organization=organization, user=user, defaults={"role": granted.value}
        )
        if not new:
            raise _conflict(_("%s belongs to this organization already.") % username)
        data = {"user": user.username, "role": granted.name.lower(), "created": create}
        tell("member.added", f"membership:{membership.pk}", organization, viewer, data)
    return Added(membership, password)


def _known(username: str) -> User:
    user = User.objects.filter(username=username, is_active=True).first()
    if user is None:
        raise Invalid.at("/username", _("Nobody signs in under this name. Create the account at the same time."))
    return user


def _created(username: str, email: str) -> tuple[User, str]:
    if User.objects.filter(username__iexact=username).exists():
        raise _conflict(_("The name %s is taken.") % username)
    password = new_password()
    user = User(username=username, email=email, password_is_temporary=True)
    user.set_password(password)
    try:
        user.full_clean()
    except ValidationError as error:
        faults = [Fault(f"/{field}", text) for field, texts in error.message_dict.items() for text in texts]
        raise Invalid(faults[0].detail, faults=faults) from None
    user.save()
    return user, password


def _conflict(detail: str) -> Conflicting:
    return Conflicting(detail, faults=[Fault("/username", detail)])

"""A person's own new password."""

from django.db import transaction
from django.utils.translation import gettext as _

from portal.accounts.actions.tell import tell
from portal.accounts.models import User
from portal.accounts.passwords import password_faults
from portal.kit.errors import Invalid


def change_password(*, user: User, old: str, new: str, request_id: str = "") -> User:
    """The person with the new password; all other sessions end. Raises Invalid at /old or /new."""
    with transaction.atomic():
        user = User.objects.select_for_update().get(pk=user.pk)
        if not user.check_password(old):
            raise Invalid.at("/old", _("This is not your present password."))
        if old == new:
            raise Invalid.at("/new", _("This is your present password: choose another."))
        faults = password_faults(new, user)
        if faults:
            raise Invalid(faults[0].detail, faults=faults)
        user.set_password(new)
        user.password_is_temporary = False
        user.save(update_fields=["password", "password_is_temporary"])
        tell(user=user, verb="account.password_changed", actor=user.username, request_id=request_id)
    return user

"""A new password for somebody who cannot sign in any more."""

from django.db import transaction

from portal.accounts.actions.sign_in import forget_tries
from portal.accounts.actions.tell import tell
from portal.accounts.models import User


def reset_password(*, user: User, password: str, actor: str, temporary: bool, request_id: str = "") -> User:
    """The person with a password that somebody else chose; all sessions and the lockout end."""
    with transaction.atomic():
        user = User.objects.select_for_update().get(pk=user.pk)
        user.set_password(password)
        user.password_is_temporary = temporary
        user.save(update_fields=["password", "password_is_temporary"])
        forget_tries(user)
        tell(user=user, verb="account.password_reset", actor=actor, request_id=request_id)
    return user

"""What a person likes: theme, keyboard shortcuts, time zone."""

from zoneinfo import available_timezones

from django.db import transaction
from django.utils.translation import gettext as _

from portal.accounts.actions.tell import tell
from portal.accounts.models import User
from portal.kit.errors import Invalid

ZONES = frozenset(available_timezones())


def change_profile(*, user: User, theme: str, shortcuts: bool, timezone: str, request_id: str = "") -> User:
    """The person with these likings. Raises Invalid at /theme or /timezone."""
    if theme not in User.Theme.values:
        raise Invalid.at("/theme", _("There is no such theme."))
    if timezone and timezone not in ZONES:
        raise Invalid.at("/timezone", _("There is no such time zone."))
    with transaction.atomic():
        user = User.objects.select_for_update().get(pk=user.pk)
        user.theme, user.shortcuts, user.timezone = theme, shortcuts, timezone
        user.save(update_fields=["theme", "shortcuts", "timezone"])
        data = {"theme": theme, "shortcuts": shortcuts, "timezone": timezone}
        tell(user=user, verb="account.profile_changed", actor=user.username, data=data, request_id=request_id)
    return user

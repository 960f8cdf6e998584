"""What belongs to the account on every page: its time zone, and a temporary password that has to go first."""

from collections.abc import Callable
from typing import Any
from zoneinfo import ZoneInfo

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.deprecation import MiddlewareMixin
from django.utils.translation import gettext as _

from portal.accounts.actions.change_profile import ZONES
from portal.accounts.models import User

OPEN = frozenset({"profile", "profile_password", "logout", "login"})


class Account(MiddlewareMixin):
    """Writes times in the zone of the profile, and leads to the profile as long as the password is a temporary one."""

    def process_view(
        self, request: HttpRequest, view: Callable[..., Any], args: Any, kwargs: Any
    ) -> HttpResponse | None:
        """The way to the profile, when it has to be gone first."""
        user: object = getattr(request, "user", None)
        if not isinstance(user, User) or request.path.startswith("/api/"):
            return None
        if user.timezone in ZONES:
            timezone.activate(ZoneInfo(user.timezone))
        match = request.resolver_match
        if user.password_is_temporary and match and match.url_name not in OPEN:
            messages.warning(request, _("Your password is a temporary one. Choose your own first."))
            return redirect("profile")
        return None

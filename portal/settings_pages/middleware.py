"""What belongs to the account on every page: signing in, its time zone, and a temporary password that has to go first."""

from collections.abc import Callable
from typing import Any
from zoneinfo import ZoneInfo

from django.contrib import messages
from django.contrib.auth.middleware import LoginRequiredMiddleware
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.deprecation import MiddlewareMixin
from django.utils.translation import gettext as _

from portal.accounts.actions.change_profile import ZONES
from portal.accounts.models import User

OPEN = frozenset({"profile", "profile_password", "logout", "login"})
FOR_MACHINES = frozenset({"/livez", "/readyz", "/metrics"})
"""These answer while the database is away, also a browser that has a session."""


class SignIn(LoginRequiredMiddleware):
    """As Django's, but does not read the session for what is open to everybody, or checks by itself who asks."""

    def process_view(
        self, request: HttpRequest, view_func: Callable[..., Any], view_args: Any, view_kwargs: Any
    ) -> HttpResponseBase | None:
        """The way to the sign-in, for those who need it."""
        if not getattr(view_func, "login_required", True):
            return None
        return super().process_view(request, view_func, view_args, view_kwargs)


class Account(MiddlewareMixin):
    """Writes times in the zone of the profile, and leads to the profile as long as the password is a temporary one."""

    def process_view(
        self, request: HttpRequest, view: Callable[..., Any], args: Any, kwargs: Any
    ) -> HttpResponse | None:
        """The way to the profile, when it has to be gone first."""
        if request.path.startswith("/api/") or request.path in FOR_MACHINES:
            return None
        user: object = getattr(request, "user", None)
        if not isinstance(user, User):
            return None
        if user.timezone in ZONES:
            timezone.activate(ZoneInfo(user.timezone))
        match = request.resolver_match
        if user.password_is_temporary and match and match.url_name not in OPEN:
            messages.warning(request, _("Your password is a temporary one. Choose your own first."))
            return redirect("profile")
        return None

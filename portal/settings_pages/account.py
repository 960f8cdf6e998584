"""Sign-in, sign-out, profile. Each parses, calls one action, renders."""

import math
from typing import Any

from django.contrib import messages
from django.contrib.auth import update_session_auth_hash
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST

from portal.accounts.actions.change_password import change_password
from portal.accounts.actions.change_profile import change_profile
from portal.accounts.actions.sign_in import WrongPassword, sign_in
from portal.accounts.actions.sign_out import sign_out
from portal.accounts.models import User
from portal.kit.errors import Invalid, TooMany
from portal.settings_pages.forms import PasswordForm, ProfileForm, SignInForm, show


@never_cache
@login_not_required
@sensitive_post_parameters("password")
@require_http_methods(["GET", "POST"])
def login(request: HttpRequest) -> HttpResponse:
    """The sign-in page; then on to the page that was asked for."""
    target = _target(request)
    if request.user.is_authenticated:
        return redirect(target)
    form = SignInForm(request.POST if request.method == "POST" else None)
    status, wait = 200, 0
    if form.is_bound:
        status = 422
        if form.is_valid():
            try:
                sign_in(request=request, name=form.cleaned_data["username"], password=form.cleaned_data["password"])
                return redirect(target)
            except WrongPassword:
                form.add_error(None, _("Name and password do not belong together. Capital letters count."))
            except TooMany as error:
                form.add_error(None, error.detail)
                status, wait = 429, math.ceil(error.extra["retry_after"])
    response = render(request, "login.html", {"form": form, "next": target}, status=status)
    if wait:
        response.headers["Retry-After"] = str(wait)
    return response


def _target(request: HttpRequest) -> str:
    """The page to go on to, when it is one of ours."""
    asked = request.POST.get("next", request.GET.get("next", ""))
    ours = url_has_allowed_host_and_scheme(asked, {request.get_host()}, require_https=request.is_secure())
    return asked if ours else "/"


@require_POST
@login_not_required
def logout(request: HttpRequest) -> HttpResponse:
    """Signs out and leads to the sign-in page."""
    sign_out(request=request)
    return redirect("login")


@never_cache
@require_http_methods(["GET", "POST"])
def profile(request: HttpRequest) -> HttpResponse:
    """What the signed-in person likes, and the form of the password."""
    user = _user(request)
    liked = {"theme": user.theme, "shortcuts": user.shortcuts, "timezone": user.timezone}
    form = ProfileForm(request.POST if request.method == "POST" else None, initial=liked)
    if form.is_bound and form.is_valid():
        try:
            change_profile(user=user, request_id=_request_id(request), **form.cleaned_data)
        except Invalid as error:
            show(form, error)
        else:
            messages.success(request, _("Your profile is saved."))
            response = redirect("profile")
            response.delete_cookie("breakwater_theme")  # what the theme switch kept; the profile is newer
            return response
    return _profile_page(request, form, PasswordForm())


@never_cache
@sensitive_post_parameters("old", "new", "again")
@require_POST
def password(request: HttpRequest) -> HttpResponse:
    """Changes the password; every other session ends."""
    user = _user(request)
    form = PasswordForm(request.POST)
    if form.is_valid():
        said = form.cleaned_data
        try:
            changed = change_password(user=user, old=said["old"], new=said["new"], request_id=_request_id(request))
        except Invalid as error:
            show(form, error)
        else:
            update_session_auth_hash(request, changed)
            messages.success(request, _("Your password is changed. All other sessions have ended."))
            return redirect("profile")
    liked = {"theme": user.theme, "shortcuts": user.shortcuts, "timezone": user.timezone}
    return _profile_page(request, ProfileForm(initial=liked), form)


def _profile_page(request: HttpRequest, liking: ProfileForm, new: PasswordForm) -> HttpResponse:
    context: dict[str, Any] = {"form": liking, "password_form": new}
    return render(request, "settings_pages/profile.html", context, status=422 if liking.errors or new.errors else 200)


def _user(request: HttpRequest) -> User:
    user = request.user
    assert isinstance(user, User)  # noqa: S101 - LoginRequiredMiddleware lets nobody else in
    return user


def _request_id(request: HttpRequest) -> str:
    return str(getattr(request, "request_id", ""))

"""The forms of sign-in, profile, members and tokens. They turn what a person types into values; the actions judge them."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from portal.accounts.actions.change_profile import ZONES
from portal.accounts.models import User
from portal.kit import clock
from portal.kit.errors import Error
from portal.kit.viewer import Permission, Role
from portal.tenancy.models import Organization

ROLES = [
    (Role.VIEWER.value, gettext_lazy("Viewer: reads")),
    (Role.OPERATOR.value, gettext_lazy("Operator: also sends, retries, cancels, resolves, pauses")),
    (Role.ADMIN.value, gettext_lazy("Admin: also deletes, changes upstreams, members and tokens")),
]
SCOPES = [
    (Permission.READ.value, gettext_lazy("read: lists and items")),
    (Permission.ENQUEUE.value, gettext_lazy("enqueue: new changes")),
    (Permission.OPERATE.value, gettext_lazy("operate: retry, cancel, resolve, pause")),
    (Permission.ADMINISTER.value, gettext_lazy("administer: delete, upstreams, members, tokens")),
]
LIVES = [
    ("30", gettext_lazy("30 days")),
    ("90", gettext_lazy("90 days")),
    ("365", gettext_lazy("1 year")),
    ("", gettext_lazy("Until it is revoked")),
]


def show(form: forms.Form, error: Error) -> None:
    """Puts the faults of an error beside the fields that their pointers name, and the rest on top."""
    if not error.faults:
        form.add_error(None, error.detail)
    for fault in error.faults:
        name = fault.pointer.strip("/")
        form.add_error(name if name in form.fields else None, fault.detail)


def _password(label: Any, autocomplete: str, help_text: Any = "") -> forms.CharField:
    widget = forms.PasswordInput(render_value=False, attrs={"autocomplete": autocomplete})
    return forms.CharField(label=label, strip=False, max_length=4096, widget=widget, help_text=help_text)


class SignInForm(forms.Form):
    """Name and password."""

    username = forms.CharField(
        label=gettext_lazy("Name"),
        max_length=150,
        widget=forms.TextInput(attrs={"autocomplete": "username", "autocapitalize": "none", "autofocus": True}),
    )
    password = _password(gettext_lazy("Password"), "current-password")


class PasswordForm(forms.Form):
    """A new password of one's own."""

    old = _password(gettext_lazy("Present password"), "current-password")
    new = _password(
        gettext_lazy("New password"), "new-password", gettext_lazy("At least 8 characters, not a common word.")
    )
    again = _password(gettext_lazy("New password again"), "new-password")

    def clean(self) -> dict[str, Any]:
        """The passwords, when both new ones are the same."""
        said = super().clean() or {}
        if said.get("new") and said.get("again") and said["new"] != said["again"]:
            self.add_error("again", _("This is not the same as the new password."))
        return said


class ProfileForm(forms.Form):
    """What a person likes."""

    theme = forms.ChoiceField(
        label=gettext_lazy("Theme"),
        choices=[
            (User.Theme.SYSTEM.value, gettext_lazy("As the system")),
            (User.Theme.LIGHT.value, gettext_lazy("Light")),
            (User.Theme.DARK.value, gettext_lazy("Dark")),
        ],
    )
    shortcuts = forms.BooleanField(label=gettext_lazy("Keyboard shortcuts"), required=False)
    timezone = forms.ChoiceField(label=gettext_lazy("Time zone"), required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        zones = [(zone, zone.replace("_", " ")) for zone in sorted(ZONES)]
        self.fields["timezone"].choices = [("", _("As the browser")), *zones]  # type: ignore[attr-defined]


class InOrganizationForm(forms.Form):
    """A form that asks for the organization when there are several."""

    def __init__(self, *args: Any, organizations: Sequence[Organization], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.organizations = organizations
        if len(organizations) > 1:
            choices = [(row.slug, row.name) for row in organizations]
            self.fields = {"organization": forms.ChoiceField(label=_("Organization"), choices=choices), **self.fields}

    def organization(self) -> Organization:
        """The chosen one, or the only one."""
        slug = self.cleaned_data.get("organization", "")
        return next(row for row in self.organizations if not slug or row.slug == slug)


class MemberForm(InOrganizationForm):
    """A new member."""

    username = forms.CharField(
        label=gettext_lazy("Name to sign in with"),
        max_length=150,
        widget=forms.TextInput(attrs={"autocomplete": "off", "autocapitalize": "none"}),
    )
    role = forms.TypedChoiceField(label=gettext_lazy("Role"), choices=ROLES, coerce=int)
    create = forms.BooleanField(
        label=gettext_lazy("This person is new here"),
        required=False,
        help_text=gettext_lazy("Makes the account too. The next page shows a temporary password, once."),
    )
    email = forms.EmailField(
        label=gettext_lazy("E-mail address"), required=False, help_text=gettext_lazy("For a new person.")
    )


class TokenForm(InOrganizationForm):
    """A new token."""

    name = forms.CharField(
        label=gettext_lazy("Name"), max_length=100, help_text=gettext_lazy("What uses it, such as: nightly import.")
    )
    scopes = forms.MultipleChoiceField(
        label=gettext_lazy("May"), choices=SCOPES, widget=forms.CheckboxSelectMultiple, initial=["read"]
    )
    lives = forms.ChoiceField(label=gettext_lazy("Ends after"), choices=LIVES, required=False, initial="90")

    def expires_at(self) -> Any:
        """When it ends; None for never."""
        days = self.cleaned_data["lives"]
        return clock.now() + timedelta(days=int(days)) if days else None


class ReasonForm(forms.Form):
    """Why."""

    reason = forms.CharField(
        label=gettext_lazy("Reason, kept in the audit log"), max_length=300, widget=forms.Textarea(attrs={"rows": 3})
    )

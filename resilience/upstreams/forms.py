"""The form of an upstream: it turns what a person types into the fields of a draft; the actions judge them."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from django import forms
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from portal.kit import jsontext
from portal.kit.errors import Fault, Invalid
from portal.kit.masking import mask_headers
from portal.tenancy.models import Organization
from resilience.upstreams.adapters import all_adapters
from resilience.upstreams.core.draft import POLICIES
from resilience.upstreams.models import Upstream

KEEP = "keep"
CREDENTIALS: list[tuple[str, str | Promise]] = [
    ("none", gettext_lazy("None")),
    ("basic", gettext_lazy("User name and password")),
    ("bearer", gettext_lazy("Bearer token")),
    ("header", gettext_lazy("Header of its own")),
]
PARTS = {
    "basic": {"username": "credentials_username", "password": "credentials_password"},
    "bearer": {"token": "credentials_token"},
    "header": {"name": "credentials_name", "value": "credentials_value"},
}
WORDS: dict[str, str | Promise] = {
    "api": gettext_lazy("API: the policy’s own figures"),
    "ai": gettext_lazy("AI: opens after 3 failures in a row, for 2 min"),
    "database": gettext_lazy("Database: opens after 10 failures in a row, for 30 s"),
    "external": gettext_lazy("External: the policy’s own figures"),
    "critical": gettext_lazy("Critical: the policy’s own figures"),
}
PLAIN = ("name", "adapter", "address", "timeout", "in_flight_limit", "failed_head", "critical", "version", "policy")


def secret(label: Any) -> forms.CharField:
    """A field whose value is never shown again."""
    widget = forms.PasswordInput(render_value=False, attrs={"autocomplete": "new-password"})
    return forms.CharField(label=label, required=False, strip=False, widget=widget)


class UpstreamForm(forms.Form):
    """What an upstream is, how it is reached, and how hard it is pressed."""

    organization = forms.ChoiceField(label=gettext_lazy("Organization"))
    name = forms.CharField(label=gettext_lazy("Name"), max_length=100)
    slug = forms.CharField(
        label=gettext_lazy("Slug"),
        max_length=50,
        help_text=gettext_lazy("Small letters, digits and hyphens. Changes name the upstream by it, so it stays."),
    )
    adapter = forms.ChoiceField(label=gettext_lazy("Adapter"))
    address = forms.CharField(
        label=gettext_lazy("Address"),
        max_length=500,
        widget=forms.URLInput(attrs={"spellcheck": "false"}),
        help_text=gettext_lazy(
            "Such as https://plans.example.org/v1. Another scheme, host or port clears credentials."
        ),
    )
    credentials_type = forms.ChoiceField(label=gettext_lazy("Credentials"))
    credentials_username = forms.CharField(label=gettext_lazy("User name"), required=False, strip=False)
    credentials_password = secret(gettext_lazy("Password"))
    credentials_token = secret(gettext_lazy("Token"))
    credentials_name = forms.CharField(label=gettext_lazy("Name of the header"), required=False)
    credentials_value = secret(gettext_lazy("Value of the header"))
    headers = forms.CharField(
        label=gettext_lazy("Own headers"),
        required=False,
        widget=forms.Textarea(attrs={"rows": 3, "spellcheck": "false"}),
        help_text=gettext_lazy("One a line, such as X-Client: breakwater. Dots stand for a value that stays as it is."),
    )
    routes = forms.CharField(
        label=gettext_lazy("Routes"),
        widget=forms.Textarea(attrs={"rows": 8, "spellcheck": "false"}),
        help_text=gettext_lazy("JSON: for each type of entity, where it is. {id} stands for its id."),
    )
    version = forms.ChoiceField(
        label=gettext_lazy("Versions"),
        choices=[("etag", gettext_lazy("Entity tags (ETag)")), ("none", gettext_lazy("None: the last writer wins"))],
        initial="etag",
    )
    timeout = forms.FloatField(label=gettext_lazy("Timeout of an attempt, in seconds"), initial=10)
    in_flight_limit = forms.IntegerField(label=gettext_lazy("Requests at a time"), initial=8)
    failed_head = forms.ChoiceField(
        label=gettext_lazy("When an item fails for good"),
        choices=Upstream.FailedHead.choices,
        widget=forms.RadioSelect,
        initial="hold",
    )
    critical = forms.BooleanField(
        label=gettext_lazy("Critical"),
        required=False,
        help_text=gettext_lazy("The portal counts as degraded while it is down."),
    )
    policy = forms.ChoiceField(
        label=gettext_lazy("Policy of its breaker"),
        choices=[(name, WORDS[name]) for name in POLICIES],
        initial="api",
        help_text=gettext_lazy("Its own figures, on the page of its breaker, come before the policy’s."),
    )
    revision = forms.IntegerField(required=False, widget=forms.HiddenInput)

    def __init__(
        self, data: Any = None, *, organizations: Sequence[Organization] = (), upstream: Upstream | None = None
    ) -> None:
        super().__init__(data, initial=_shown(upstream) if upstream else {"routes": _example()})
        self.upstream = upstream
        self._choices("adapter", [(choice.name, choice.title) for choice in all_adapters()])
        if upstream:
            del self.fields["organization"], self.fields["slug"]
        else:
            self._choices("organization", [(row.slug, row.name) for row in organizations])
            if len(organizations) == 1:
                self.fields["organization"].widget = forms.HiddenInput()
                self.fields["organization"].initial = organizations[0].slug
        kept = [(KEEP, _kept(upstream))] if upstream and upstream.credentials else []
        self._choices("credentials_type", [*kept, *CREDENTIALS])

    def _choices(self, name: str, choices: Sequence[tuple[str, str | Promise]]) -> None:
        field = self.fields[name]
        if isinstance(field, forms.ChoiceField):
            field.choices = list(choices)

    def clean_headers(self) -> dict[str, str]:
        """The headers as an object."""
        lines = [line for line in self.cleaned_data["headers"].splitlines() if line.strip()]
        broken = next((line for line in lines if ":" not in line), None)
        if broken is not None:
            raise forms.ValidationError(_("“%s” has no colon between name and value.") % broken[:80])
        pairs = [(name.strip(), value.strip()) for name, _colon, value in (line.partition(":") for line in lines)]
        if len(dict(pairs)) != len(pairs):
            raise forms.ValidationError(_("A header is set twice."))
        return dict(pairs)

    def clean_routes(self) -> Any:
        """The routes as an object."""
        try:
            return jsontext.parse(self.cleaned_data["routes"])
        except Invalid as error:
            fault = error.faults[0]
            raise forms.ValidationError(f"{fault.pointer} {fault.detail}".strip()) from None

    def said(self) -> dict[str, Any]:
        """The fields of a draft, as the form names them."""
        data = self.cleaned_data
        said = {name: data[name] for name in (*PLAIN, "headers", "routes")}
        chosen = data["credentials_type"]
        if chosen != KEEP:
            said["credentials"] = {"type": chosen, **{part: data[name] for part, name in PARTS.get(chosen, {}).items()}}
        if self.upstream:
            return {**said, "revision": data["revision"]}
        return {**said, "slug": data["slug"], "organization": data["organization"]}

    def show(self, faults: Sequence[Fault]) -> None:
        """Puts each fault at its field; what has none stands on top."""
        for fault in faults:
            name = field_of(fault.pointer)
            inside = fault.pointer.removeprefix(f"/{name}")
            where = f"{inside}: " if inside and name == "routes" else ""
            if name == "headers" and inside:
                where = f"{inside[1:]}: "
            self.add_error(name if name in self.fields else None, f"{where}{fault.detail}")


def field_of(pointer: str) -> str:
    """The name of the form's field that a pointer leads to."""
    first, _slash, rest = pointer.removeprefix("/").partition("/")
    return f"credentials_{rest or 'type'}" if first == "credentials" else first


def _shown(upstream: Upstream) -> dict[str, Any]:
    values: dict[str, Any] = {name: getattr(upstream, name) for name in (*PLAIN, "revision")}
    values["headers"] = "\n".join(f"{name}: {value}" for name, value in mask_headers(upstream.headers).items())
    values["routes"] = _text(upstream.routes)
    values["credentials_type"] = KEEP if upstream.credentials else "none"
    return values


def _kept(upstream: Upstream) -> str:
    """What is known of credentials without telling them."""
    names = {name: str(word) for name, word in CREDENTIALS}
    said = {"type": names.get(upstream.credentials_type, upstream.credentials_type)}
    if upstream.credentials_set_at is None:
        return _("Keep what is set (%(type)s)") % said
    return _("Keep what was set on %(at)s (%(type)s)") % {
        **said,
        "at": timezone.localtime(upstream.credentials_set_at).strftime("%-d %b %Y, %H:%M"),
    }


def _example() -> str:
    return _text(next((choice.default_routes for choice in all_adapters() if choice.default_routes), {}))


def _text(routes: Mapping[str, Any]) -> str:
    return json.dumps(routes, indent=2, ensure_ascii=False)

"""The forms of components and probes: they turn what a person types into the fields of a draft; the actions judge them."""

import json
from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import Any

from django import forms
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from portal.kit import jsontext
from portal.kit.errors import Fault, Invalid
from portal.tenancy.models import Organization
from resilience.health.actions.filling import functions
from resilience.health.actions.steering import readable, shown_address, shown_options
from resilience.health.core.states import Importance
from resilience.health.models import Component, Probe
from resilience.health.targets.fields import Field, Template
from resilience.health.targets.registry import kinds

VALUE = "value-"
"""What the names of a template's values begin with, so that they never meet those of the probe itself."""
FEW = 6
"""So many fields that may be left empty are not folded."""
_NUMBERS = ("interval", "timeout", "slow_after_ms", "failures_to_down", "successes_to_up")

IMPORTANCE = [
    (Importance.NORMAL.value, gettext_lazy("Normal")),
    (Importance.HIGH.value, gettext_lazy("High: weighs three times as much")),
    (
        Importance.CRITICAL.value,
        gettext_lazy("Critical: weighs five times as much, and caps the score while it is down"),
    ),
]


class ComponentForm(forms.Form):
    """What a component is called, how much it counts, what it depends on."""

    organization = forms.ChoiceField(label=gettext_lazy("Organization"))
    name = forms.CharField(label=gettext_lazy("Name"), max_length=100)
    slug = forms.CharField(
        label=gettext_lazy("Slug"),
        max_length=60,
        help_text=gettext_lazy("Small letters, digits and hyphens. Addresses name it by this, so it stays."),
    )
    importance = forms.ChoiceField(
        label=gettext_lazy("Importance"),
        choices=IMPORTANCE,
        widget=forms.RadioSelect,
        initial=Importance.NORMAL.value,
    )
    parent = forms.ChoiceField(
        label=gettext_lazy("Parent"),
        required=False,
        help_text=gettext_lazy("What it cannot work without. While that is down, this one says whose fault it is."),
    )
    run_book = forms.CharField(
        label=gettext_lazy("Run book"),
        required=False,
        max_length=500,
        widget=forms.URLInput(attrs={"spellcheck": "false"}),
        help_text=gettext_lazy("A link to what to do when it is down. It stands at every outage."),
    )
    feeds_breaker = forms.BooleanField(
        label=gettext_lazy("Its probes count in its breaker"),
        required=False,
        help_text=gettext_lazy("Failed probes then open the breaker before a delivery has to find out."),
    )
    revision = forms.IntegerField(required=False, widget=forms.HiddenInput)

    def __init__(
        self,
        data: Any = None,
        *,
        organizations: Sequence[Organization] = (),
        parents: Sequence[Component] = (),
        component: Component | None = None,
    ) -> None:
        super().__init__(data, initial=_shown(component) if component else {})
        self.component = component
        say_what_is_missing(self)
        self._choices("parent", [("", _("None")), *_grouped(parents)])
        if component is None:
            del self.fields["feeds_breaker"], self.fields["revision"]
            self._choices("organization", [(row.slug, row.name) for row in organizations])
            if len(organizations) == 1:
                self.fields["organization"].widget = forms.HiddenInput()
                self.fields["organization"].initial = organizations[0].slug
            return
        del self.fields["organization"], self.fields["slug"]
        del self.fields["name" if component.upstream_id else "feeds_breaker"]

    def _choices(self, name: str, choices: list[Any]) -> None:
        field = self.fields[name]
        if isinstance(field, forms.ChoiceField):
            field.choices = choices

    def said(self) -> dict[str, Any]:
        """The fields of a draft."""
        return {**self.cleaned_data, "parent": self.cleaned_data["parent"] or None}


def show(form: forms.Form, faults: Sequence[Fault], names: Mapping[str, str] | None = None) -> None:
    """Puts each fault at its field, by its pointer or by `names`; what has none stands on top."""
    for fault in faults:
        name = (names or {}).get(fault.pointer, fault.pointer.removeprefix("/"))
        form.add_error(name if name in form.fields else None, fault.detail)


def say_what_is_missing(form: forms.Form) -> None:
    """Has each field that cannot be empty say what to enter, with its example where it has one."""
    for field in form.fields.values():
        said = {"label": field.label, "example": field.widget.attrs.get("placeholder", "")}
        if isinstance(field, forms.ChoiceField):
            text = _("%(label)s is missing. Choose one.")
        elif isinstance(field, forms.IntegerField):
            text = _("%(label)s: enter a number.")
        else:
            text = _("%(label)s is missing. Enter it, such as %(example)s.")
            text = text if said["example"] else _("%(label)s is missing. Enter it.")
        field.error_messages["required"] = text % said


def _shown(component: Component) -> dict[str, Any]:
    plain = ("name", "importance", "run_book", "feeds_breaker", "revision")
    parent = component.parent.slug if component.parent else ""
    return {**{name: getattr(component, name) for name in plain}, "parent": parent}


def _grouped(parents: Sequence[Component]) -> list[Any]:
    """The choices, below their organizations where there are several."""
    groups = [(name, list(rows)) for name, rows in groupby(parents, key=lambda row: str(row.organization))]
    choices = [(name, [(row.slug, row.name) for row in rows]) for name, rows in groups]
    return choices[0][1] if len(choices) == 1 else choices


class RemoveForm(forms.Form):
    """The name of what goes for good, typed once more."""

    typed = forms.CharField(
        max_length=100, widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"})
    )

    def __init__(self, data: Any = None, *, name: str) -> None:
        super().__init__(data)
        self.name = name
        self.fields["typed"].label = _("Type %s to confirm") % name
        self.fields["typed"].error_messages["required"] = _("Type the name as it stands: it goes for good.")

    def clean_typed(self) -> str:
        """The name, letter by letter."""
        typed: str = self.cleaned_data["typed"]
        if typed.strip() != self.name.strip():
            raise forms.ValidationError(_("This is not its name."))
        return typed


class ProbeForm(forms.Form):
    """How a component is asked whether it is well: what the template wants to know, then what every probe has."""

    name = forms.CharField(label=gettext_lazy("Name"), max_length=100)
    interval = forms.FloatField(
        label=gettext_lazy("Interval, in seconds"),
        required=False,
        help_text=gettext_lazy("5 seconds to a day. Empty: what suits the template."),
    )
    timeout = forms.FloatField(
        label=gettext_lazy("Timeout, in seconds"),
        required=False,
        help_text=gettext_lazy("Less than the interval. Empty: 10 seconds, or less where the interval is short."),
    )
    slow_after_ms = forms.IntegerField(
        label=gettext_lazy("Slow after, in milliseconds"),
        required=False,
        help_text=gettext_lazy("Good answers that take longer make it slow. Empty: never, or what suits the template."),
    )
    failures_to_down = forms.IntegerField(
        label=gettext_lazy("Down after so many failures in a row"), initial=3, help_text=gettext_lazy("1 to 20.")
    )
    successes_to_up = forms.IntegerField(
        label=gettext_lazy("Up after so many good results in a row"), initial=2, help_text=gettext_lazy("1 to 20.")
    )
    enabled = forms.BooleanField(
        label=gettext_lazy("It runs"),
        required=False,
        initial=True,
        help_text=gettext_lazy("A probe that does not run says nothing about its component."),
    )
    revision = forms.IntegerField(required=False, widget=forms.HiddenInput)

    def __init__(self, data: Any = None, *, made_of: Template | None, probe: Probe | None = None) -> None:
        super().__init__(
            data, initial=_probe_shown(probe) if probe else {"name": str(made_of.title) if made_of else ""}
        )
        self.made_of = made_of
        self.probe = probe
        own = _fields(made_of, probe) if made_of else _by_hand(probe)
        self.fields = {"name": self.fields.pop("name"), **own, **self.fields}
        if probe is None:
            del self.fields["enabled"], self.fields["revision"]
        say_what_is_missing(self)

    @property
    def main(self) -> list[forms.BoundField]:
        """Its name, and what the template cannot do without; all of it where that is little."""
        return [self["name"], *(self[name] for name in self._own() if name not in self._folded())]

    @property
    def more(self) -> list[forms.BoundField]:
        """What else the template can check."""
        return [self[name] for name in self._folded()]

    @property
    def more_open(self) -> bool:
        """Whether something of that is filled in or wrong."""
        made_of = {VALUE + one.name: one.default for one in self.made_of.fields} if self.made_of else {}
        return any(field.errors or field.value() not in (None, "", False, made_of[field.name]) for field in self.more)

    @property
    def figures(self) -> list[forms.BoundField]:
        """How often, how long, how many in a row."""
        return [self[name] for name in (*_NUMBERS, "enabled") if name in self.fields]

    def _own(self) -> list[str]:
        return [name for name in self.fields if name not in (*_NUMBERS, "name", "enabled", "revision")]

    def _folded(self) -> list[str]:
        optional = [name for name in self._own() if not self.fields[name].required] if self.made_of else []
        return optional if len(optional) > FEW else []

    def said(self) -> dict[str, Any]:
        """The fields of a draft."""
        data = self.cleaned_data
        said = {name: data[name] for name in ("name", *_NUMBERS) if data[name] is not None}
        said |= {name: data[name] for name in ("enabled", "revision") if name in data}
        if self.probe is not None:
            said["slow_after_ms"] = data["slow_after_ms"]
        if self.made_of is not None:
            values = {one.name: data[VALUE + one.name] for one in self.made_of.fields}
            return {**said, "template": self.made_of.name, "values": values}
        said |= {"kind": data["kind"], "address": data["address"], "options": data["options"] or {}}
        if data["secret"] is not None:
            said["secret"] = data["secret"]
        return said

    def show(self, faults: Sequence[Fault]) -> None:
        """Puts each fault at its field; what has none stands on top, with its place."""
        for fault in faults:
            first, _slash, rest = fault.pointer.removeprefix("/").partition("/")
            name = VALUE + rest if first == "values" else first
            where = f"{rest}: " if rest and first in ("options", "secret") else ""
            self.add_error(name if name in self.fields else None, f"{where}{fault.detail}")


class JsonField(forms.CharField):
    """An object as JSON; None when nothing is written."""

    widget = forms.Textarea(attrs={"rows": 6, "spellcheck": "false"})

    def clean(self, value: Any) -> Any:
        """What the text says."""
        text = super().clean(value)
        if not text.strip():
            return None
        try:
            return jsontext.parse(text)
        except Invalid as error:
            fault = error.faults[0]
            raise forms.ValidationError(f"{fault.pointer} {fault.detail}".strip()) from None


def _probe_shown(probe: Probe) -> dict[str, Any]:
    shown = {name: getattr(probe, name) for name in ("name", "enabled", "revision", *_NUMBERS)}
    return {
        name: int(value) if isinstance(value, float) and value.is_integer() else value for name, value in shown.items()
    }


def _fields(made_of: Template, probe: Probe | None) -> dict[str, forms.Field]:
    """A field for each value that the template asks for."""
    known = shown_options(probe.values) if probe is not None and probe.template == made_of.name else {}
    kept = readable(probe)[1] if probe is not None and probe.template == made_of.name else {}
    return {VALUE + one.name: _field(one, known, _kept(probe, one, kept)) for one in made_of.fields}


def _kept(probe: Probe | None, one: Field, kept: Mapping[str, Any]) -> str:
    """What is known of a secret without telling it."""
    if probe is None or probe.secret_set_at is None or not kept.get(one.name):
        return ""
    at = timezone.localtime(probe.secret_set_at).strftime("%-d %b %Y, %H:%M")
    return _("Set on %s. Empty: it stays.") % at


def _field(one: Field, known: Mapping[str, Any], kept: str) -> forms.Field:
    names: dict[str, Any] = {
        "label": one.label,
        "required": one.required and not kept and one.default is None,
        "help_text": " ".join(part for part in (kept, str(one.hint)) if part),
    }
    initial = known.get(one.name, one.default)
    attributes = {"placeholder": one.example, "spellcheck": "false", "autocomplete": "off"}
    choices = list(one.choices)
    if one.name == "function":
        choices = [(name, name) for name in functions()]
    match one.kind:
        case "flag":
            return forms.BooleanField(initial=bool(initial), **{**names, "required": False})
        case "secret":
            hidden = forms.PasswordInput(render_value=False, attrs={**attributes, "autocomplete": "new-password"})
            return forms.CharField(strip=False, widget=hidden, **names)
        case "long":
            return forms.CharField(initial=initial, widget=forms.Textarea(attrs={**attributes, "rows": 4}), **names)
        case _ if choices or one.name == "function":
            blank = [] if one.default is not None else [("", _("Choose one") if one.required else _("None"))]
            return forms.ChoiceField(initial=initial, choices=[*blank, *choices], **names)
    return forms.CharField(initial=initial, widget=forms.TextInput(attrs=attributes), **names)


def _by_hand(probe: Probe | None) -> dict[str, forms.Field]:
    """What a kind needs, as it is kept: for whom no template does."""
    set_at = (
        timezone.localtime(probe.secret_set_at).strftime("%-d %b %Y, %H:%M") if probe and probe.secret_set_at else ""
    )
    known = json.dumps(shown_options(probe.options), indent=2, ensure_ascii=False) if probe else "{}"
    return {
        "kind": forms.ChoiceField(
            label=_("Kind"), choices=[(name, name) for name in kinds()], initial=probe.kind if probe else "http"
        ),
        "address": forms.CharField(
            label=_("Address"),
            required=False,
            max_length=500,
            initial=shown_address(probe) if probe else "",
            widget=forms.TextInput(attrs={"spellcheck": "false"}),
            help_text=_(
                "A URL, host:port, a name, a path: what the kind wants. Empty with http: that of the upstream."
            ),
        ),
        "options": JsonField(
            label=_("Options"), required=False, initial=known, help_text=_("JSON, as the kind wants it.")
        ),
        "secret": JsonField(
            label=_("Secrets"),
            required=False,
            help_text=(
                _("Set on %s. Empty: they stay.") % set_at if set_at else _("JSON, kept encrypted, never shown.")
            ),
        ),
    }

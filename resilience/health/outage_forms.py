"""The forms of outages: they turn what a person types into what the actions take; the actions judge it."""

from collections.abc import Sequence
from itertools import groupby
from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from portal.kit.errors import Fault
from resilience.health.core.states import Severity
from resilience.health.models import Component

SEVERITIES = [
    (Severity.MINOR.value, gettext_lazy("Minor: little is missing")),
    (Severity.MAJOR.value, gettext_lazy("Major: work waits")),
    (Severity.CRITICAL.value, gettext_lazy("Critical: nothing goes")),
]


class Showing(forms.Form):
    """A form that shows what the actions found wrong, at its fields."""

    def show(self, faults: Sequence[Fault], detail: str = "") -> None:
        """Puts each fault at its field; what has none stands on top, as `detail` does when there is no fault."""
        for fault in faults:
            name = fault.pointer.removeprefix("/")
            shown = name in self.fields and not self.fields[name].widget.is_hidden
            self.add_error(name if shown else None, fault.detail)
        if not faults and detail:
            self.add_error(None, detail)


def moment_field(label: Any, help_text: Any = "") -> forms.DateTimeField:
    """A moment in the reader's zone, which may be left out."""
    widget = forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M")
    return forms.DateTimeField(label=label, required=False, help_text=help_text, widget=widget)


def text_field(label: Any, help_text: Any = "", *, required: bool = False, rows: int = 2, most: int = 300) -> Any:
    """A text of a few lines."""
    widget = forms.Textarea(attrs={"rows": rows})
    return forms.CharField(label=label, required=required, help_text=help_text, max_length=most, widget=widget)


class RecordForm(Showing):
    """What is out, how bad it is, since when, and when it is expected back."""

    component = forms.ChoiceField(
        label=gettext_lazy("Component"), error_messages={"required": gettext_lazy("Choose which component is out.")}
    )
    severity = forms.ChoiceField(
        label=gettext_lazy("Severity"), choices=SEVERITIES, widget=forms.RadioSelect, initial=Severity.MAJOR.value
    )
    cause = text_field(gettext_lazy("What is known of the cause"))
    began_at = moment_field(gettext_lazy("Began at"), gettext_lazy("In your time zone. Left out, it began now."))
    expected_at = moment_field(
        gettext_lazy("Expected back at"), gettext_lazy("Left out, it is estimated from what was before, if it can be.")
    )
    expected_text = forms.CharField(
        label=gettext_lazy("Expected back, in words"),
        required=False,
        max_length=300,
        help_text=gettext_lazy("Such as who says so."),
    )

    def __init__(self, data: Any = None, *, components: Sequence[Component], initial: Any = None) -> None:
        super().__init__(data, initial=initial)
        field = self.fields["component"]
        if isinstance(field, forms.ChoiceField):
            field.choices = [("", _("Choose one")), *grouped(components)]

    def said(self) -> dict[str, Any]:
        """What the action takes."""
        return {name: value for name, value in self.cleaned_data.items() if name != "component"}


class CloseForm(Showing):
    """Why it is over, and since when. `although_failing` is there once the page has said what follows."""

    reason = text_field(gettext_lazy("Reason, kept in the audit log"), required=True)
    ended_at = moment_field(gettext_lazy("Ended at"), gettext_lazy("In your time zone. Left out, it ends now."))
    although_failing = forms.BooleanField(required=False, widget=forms.HiddenInput)


class NoteForm(Showing):
    """What is new."""

    text = text_field(gettext_lazy("What is new"), required=True, rows=3, most=1_000)


class ExpectForm(Showing):
    """When it is likely back."""

    at = moment_field(gettext_lazy("Back at"), gettext_lazy("In your time zone."))
    text = forms.CharField(
        label=gettext_lazy("In words"),
        required=False,
        max_length=300,
        help_text=gettext_lazy("Such as who says so. With neither it is estimated again."),
    )


def grouped(components: Sequence[Component]) -> list[Any]:
    """The choices, below their organizations where there are several. `components` come sorted by organization."""
    groups = [
        (name, [(str(row.pk), row.name) for row in rows])
        for name, rows in groupby(components, key=lambda row: str(row.organization))
    ]
    return groups if len(groups) > 1 else [choice for _name, choices in groups for choice in choices]

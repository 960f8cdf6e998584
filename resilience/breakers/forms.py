"""The form that takes a breaker out of its own hands: why, and until when."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from django import forms
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from portal.kit import clock

OTHER, TIME = "other", "time"
MORNING = 8


REASONS: Mapping[str, list[tuple[str, Any]]] = {
    "force-open": [
        ("maintenance", gettext_lazy("Upstream maintenance")),
        ("harm", gettext_lazy("It harms the upstream")),
        ("data", gettext_lazy("Wrong data")),
        (OTHER, gettext_lazy("Other")),
    ],
    "force-closed": [
        ("wrong", gettext_lazy("It opens without cause")),
        ("urgent", gettext_lazy("These changes cannot wait")),
        ("trial", gettext_lazy("A load test")),
        (OTHER, gettext_lazy("Other")),
    ],
}


class ForceForm(forms.Form):
    """Why (a chip, with words of one's own), and until when (a chip, or a moment)."""

    why = forms.ChoiceField()
    reason = forms.CharField(required=False, max_length=250)
    until = forms.ChoiceField(choices=[("30", ""), ("60", ""), ("morning", ""), (TIME, "")], initial="60")
    at = forms.DateTimeField(required=False)
    disable = forms.BooleanField(required=False)

    def __init__(self, data: Any = None, *, how: str) -> None:
        super().__init__(data, initial={"why": REASONS[how][0][0]})
        self.labels = dict(REASONS[how])
        field = self.fields["why"]
        if isinstance(field, forms.ChoiceField):
            field.choices = REASONS[how]

    def clean(self) -> dict[str, Any]:
        """What goes together: other reasons need words, a moment of one's own needs the moment."""
        said = super().clean() or {}
        if said.get("why") == OTHER and not said.get("reason"):
            self.add_error("reason", _("Say why, so that the next person knows."))
        if said.get("until") == TIME and not said.get("at") and "at" not in self.errors:
            self.add_error("at", _("Say when it ends."))
        return said

    @property
    def said_reason(self) -> str:
        """The chip and the words, as the audit log keeps them."""
        why: str = self.cleaned_data["why"]
        words: str = self.cleaned_data["reason"].strip()
        if why == OTHER:
            return words
        return f"{self.labels[why]}: {words}" if words else str(self.labels[why])

    @property
    def said_until(self) -> datetime:
        """The moment."""
        match self.cleaned_data["until"]:
            case "morning":
                return next_morning()
            case "time":
                at: datetime = self.cleaned_data["at"]
                return at
            case minutes:
                return clock.now() + timedelta(minutes=int(minutes))


def next_morning() -> datetime:
    """The next 08:00 in the reader's zone."""
    local = timezone.localtime(clock.now())
    morning = local.replace(hour=MORNING, minute=0, second=0, microsecond=0)
    return morning if morning > local else morning + timedelta(days=1)

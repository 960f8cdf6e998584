"""The forms of maintenance: rhythms that people know are turned into cron lines; the actions judge the rest."""

from collections.abc import Mapping, Sequence
from datetime import datetime, time, timedelta
from typing import Any

from django import forms
from django.utils import timezone
from django.utils.dates import WEEKDAYS
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from portal.kit.errors import Fault
from portal.tenancy.models import Organization
from portal.web.middleware import ZONES
from resilience.health.actions.plan_maintenance import MOST_MINUTES, Plan
from resilience.health.core.occurrences import zone_of
from resilience.health.core.rhythm import LAST, Every, Rhythm, cron_of
from resilience.health.models import Component
from resilience.health.outage_forms import Showing, moment_field

ONCE, CRON = "once", "cron"
HOW = [
    (ONCE, gettext_lazy("Once")),
    (Every.DAY.value, gettext_lazy("Every day")),
    (Every.WORKDAY.value, gettext_lazy("Monday to Friday")),
    (Every.WEEK.value, gettext_lazy("Every week")),
    (Every.MONTH.value, gettext_lazy("Every month")),
    (CRON, gettext_lazy("Cron line")),
]
NEEDS: Mapping[str, tuple[str, ...]] = {
    ONCE: ("starts_at", "ends_at"),
    Every.DAY.value: ("at", "minutes"),
    Every.WORKDAY.value: ("at", "minutes"),
    Every.WEEK.value: ("at", "weekday", "minutes"),
    Every.MONTH.value: ("at", "day", "minutes"),
    CRON: ("schedule", "minutes"),
}
MISSING = {
    "starts_at": gettext_lazy("Say when it starts."),
    "ends_at": gettext_lazy("Say when it ends."),
    "at": gettext_lazy("Say at what time it starts."),
    "weekday": gettext_lazy("Choose a day of the week."),
    "day": gettext_lazy("Choose a day of the month."),
    "schedule": gettext_lazy("Write a cron line."),
    "minutes": gettext_lazy("Say for how many minutes."),
}
ALL_OF = "all-"


def zones() -> list[tuple[str, str]]:
    """The zones to choose from."""
    return [(name, name.replace("_", " ")) for name in sorted(ZONES)]


class PlanForm(Showing):
    """What is maintained, when, and how often. Moments are read on the clock of the zone that the form names."""

    what = forms.ChoiceField(
        label=gettext_lazy("What"), error_messages={"required": gettext_lazy("Choose what the maintenance is for.")}
    )
    title = forms.CharField(
        label=gettext_lazy("What is done"),
        max_length=100,
        help_text=gettext_lazy("So that others know why it is out."),
        error_messages={"required": gettext_lazy("Say what is done.")},
    )
    how = forms.ChoiceField(
        label=gettext_lazy("How often"),
        choices=HOW,
        widget=forms.RadioSelect,
        initial=ONCE,
        error_messages={"required": gettext_lazy("Choose how often.")},
    )
    starts_at = moment_field(gettext_lazy("From"))
    ends_at = moment_field(gettext_lazy("To"))
    schedule = forms.CharField(
        label=gettext_lazy("Cron line"),
        required=False,
        max_length=100,
        widget=forms.TextInput(attrs={"spellcheck": "false", "class": "mono"}),
        help_text=gettext_lazy("Minute, hour, day of the month, month, day of the week: 0 2 * * 1 is Monday, 02:00."),
    )
    weekday = forms.TypedChoiceField(
        label=gettext_lazy("On"),
        required=False,
        coerce=int,
        empty_value=None,
        choices=[(number + 1, word) for number, word in WEEKDAYS.items()],
    )
    day = forms.TypedChoiceField(
        label=gettext_lazy("On day"),
        required=False,
        coerce=int,
        empty_value=None,
        choices=[*((number, str(number)) for number in range(1, 32)), (LAST, gettext_lazy("The last one"))],
        help_text=gettext_lazy("A month that has no such day is left out."),
    )
    at = forms.TimeField(
        label=gettext_lazy("At"), required=False, widget=forms.TimeInput(attrs={"type": "time"}, format="%H:%M")
    )
    minutes = forms.IntegerField(
        label=gettext_lazy("For how many minutes"), required=False, min_value=1, max_value=MOST_MINUTES
    )
    until = forms.DateField(
        label=gettext_lazy("Up to and with"),
        required=False,
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
        help_text=gettext_lazy("The last day. Left out, it goes on until it is called off."),
    )
    time_zone = forms.ChoiceField(
        label=gettext_lazy("On the clock of"),
        help_text=gettext_lazy("Across summer time it keeps its time on this clock."),
    )

    def __init__(
        self,
        data: Any = None,
        *,
        organizations: Sequence[Organization],
        components: Sequence[Component],
        initial: Any = None,
    ) -> None:
        super().__init__(data, initial={"time_zone": organizations[0].time_zone, **(initial or {})})
        self._choices("what", [("", _("Choose one")), *_whats(organizations, components)])
        self._choices("time_zone", zones())

    def _choices(self, name: str, choices: Sequence[Any]) -> None:
        field = self.fields[name]
        if isinstance(field, forms.ChoiceField):
            field.choices = list(choices)

    def full_clean(self) -> None:
        """Reads the moments on the clock of the zone that the form names."""
        zone = zone_of(self.data.get("time_zone", "")) if self.is_bound else None
        with timezone.override(zone or timezone.get_current_timezone()):
            super().full_clean()

    def clean(self) -> dict[str, Any]:
        """What belongs to the chosen rhythm has to be there."""
        said = super().clean() or {}
        for name in NEEDS.get(said.get("how", ""), ()):
            if said.get(name) in (None, "") and name not in self.errors:
                self.add_error(name, MISSING[name])
        return said

    @property
    def place(self) -> tuple[int | None, int | None]:
        """The ids of the organization and of the component, one of them None."""
        what: str = self.cleaned_data["what"]
        if what.startswith(ALL_OF):
            return int(what.removeprefix(ALL_OF)), None
        return None, int(what)

    def plan(self) -> Plan:
        """What the action takes."""
        said = self.cleaned_data
        zone = said["time_zone"]
        if said["how"] == ONCE:
            return Plan(said["title"], said["starts_at"], said["ends_at"], time_zone=zone)
        schedule = said["schedule"] if said["how"] == CRON else cron_of(self._rhythm())
        return Plan(said["title"], None, self._end(), schedule, said["minutes"], zone)

    def _rhythm(self) -> Rhythm:
        said = self.cleaned_data
        every = Every(said["how"])
        day = {Every.WEEK: said["weekday"], Every.MONTH: said["day"]}.get(every, 1)
        return Rhythm(every, said["at"], day)

    def _end(self) -> datetime | None:
        """The midnight after the last day, on the clock of the plan."""
        last = self.cleaned_data["until"]
        if last is None:
            return None
        return datetime.combine(last + timedelta(days=1), time(), zone_of(self.cleaned_data["time_zone"]))

    def show(self, faults: Sequence[Fault], detail: str = "") -> None:
        """Puts each fault at the field that stands for it in the chosen rhythm."""
        once = self.cleaned_data.get("how") == ONCE
        renamed = {"/component": "/what", "/organization": "/what"} | ({} if once else {"/ends_at": "/until"})
        super().show([Fault(renamed.get(fault.pointer, fault.pointer), fault.detail) for fault in faults], detail)


def _whats(organizations: Sequence[Organization], components: Sequence[Component]) -> list[Any]:
    """Everything of an organization, or one component; below the organizations' names where there are several."""
    found: list[Any] = []
    for row in organizations:
        mine = [(str(one.pk), one.name) for one in components if one.organization_id == row.pk]
        choices = [(f"{ALL_OF}{row.pk}", _("Everything of %s") % row.name), *mine]
        found += [(row.name, choices)] if len(organizations) > 1 else choices
    return found


class CallOffForm(Showing):
    """Why, if that is worth saying."""

    reason = forms.CharField(
        label=gettext_lazy("Reason, kept in the audit log"),
        required=False,
        max_length=300,
        widget=forms.Textarea(attrs={"rows": 2}),
    )


class ZoneForm(Showing):
    """The zone of one organization."""

    organization = forms.IntegerField(widget=forms.HiddenInput)
    time_zone = forms.ChoiceField(label=gettext_lazy("Time zone"))

    def __init__(self, data: Any = None, *, organization: Organization | None = None) -> None:
        initial = {"organization": organization.pk, "time_zone": organization.time_zone} if organization else None
        super().__init__(data, initial=initial, auto_id=f"zone_{organization.pk}_%s" if organization else "zone_%s")
        self.owner = organization
        field = self.fields["time_zone"]
        if isinstance(field, forms.ChoiceField):
            field.choices = zones()

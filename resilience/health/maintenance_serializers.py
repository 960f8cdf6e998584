"""Maintenance as the REST API describes it."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.utils.translation import gettext_lazy as _
from rest_framework import serializers

from resilience.health.core.occurrences import Window, next_windows, window_at
from resilience.health.models import Maintenance

STATES = ["now", "planned", "over", "called_off"]
SHOWN = 3


class NewMaintenanceSerializer(serializers.Serializer[Any]):
    """What is planned. Once: `starts_at` and `ends_at`. Recurring: `schedule` and `minutes`."""

    title = serializers.CharField(max_length=100)
    component = serializers.CharField(
        required=False, allow_null=True, help_text=_("Its slug; left out, all that the organization has.")
    )
    organization = serializers.CharField(required=False, help_text=_("Its slug; may be left out with one membership."))
    starts_at = serializers.DateTimeField(
        required=False, allow_null=True, help_text=_("For a recurring one, from when on.")
    )
    ends_at = serializers.DateTimeField(
        required=False, allow_null=True, help_text=_("For a recurring one, until when; null for no end.")
    )
    schedule = serializers.CharField(
        max_length=100,
        required=False,
        allow_blank=True,
        help_text=_("Cron: minute, hour, day of the month, month, day of the week."),
    )
    minutes = serializers.IntegerField(
        required=False, min_value=0, max_value=10_080, help_text=_("How long each window of a recurring one lasts.")
    )
    time_zone = serializers.CharField(
        required=False, help_text=_("Whose clock `schedule` goes by: an IANA name; the organization's unless said.")
    )


class MaintenanceWindowSerializer(serializers.Serializer[Any]):
    """One time of maintenance."""

    starts_at = serializers.DateTimeField()
    ends_at = serializers.DateTimeField()


class MaintenanceSerializer(serializers.Serializer[Any]):
    """A planned maintenance."""

    id = serializers.IntegerField()
    organization = serializers.CharField()
    component = serializers.CharField(allow_null=True, help_text=_("Null for all that the organization has."))
    title = serializers.CharField()
    state = serializers.ChoiceField(choices=STATES)
    starts_at = serializers.DateTimeField()
    ends_at = serializers.DateTimeField(allow_null=True)
    schedule = serializers.CharField(allow_blank=True)
    minutes = serializers.IntegerField()
    time_zone = serializers.CharField()
    window = MaintenanceWindowSerializer(allow_null=True, help_text=_("The one that is now."))
    next = MaintenanceWindowSerializer(many=True, help_text=_("The next three."))
    created_by = serializers.CharField()
    created_at = serializers.DateTimeField()
    called_off_at = serializers.DateTimeField(allow_null=True)
    called_off_by = serializers.CharField(allow_blank=True)


class TimeZoneSerializer(serializers.Serializer[Any]):
    """The zone in which an organization plans."""

    organization = serializers.CharField(required=False, help_text=_("Its slug; may be left out with one membership."))
    time_zone = serializers.CharField(help_text=_("An IANA name, such as Europe/Berlin."))


def state_of(row: Maintenance, now: datetime) -> str:
    """How it stands: now, planned, over or called off."""
    if row.called_off_at is not None:
        return "called_off"
    if window_at(row, now) is not None:
        return "now"
    return "planned" if next_windows(row, now, 1) else "over"


def represent(row: Maintenance, now: datetime) -> Mapping[str, Any]:
    """A maintenance as JSON. Reads `organization` and `component`."""
    plain = ("id", "title", "starts_at", "ends_at", "schedule", "minutes", "time_zone", "created_by", "created_at")
    window = window_at(row, now)
    return {
        **{name: getattr(row, name) for name in plain},
        "organization": row.organization.slug,
        "component": row.component.slug if row.component else None,
        "state": state_of(row, now),
        "window": _window(window) if window else None,
        "next": [_window(one) for one in next_windows(row, now, SHOWN)],
        "called_off_at": row.called_off_at,
        "called_off_by": row.called_off_by,
    }


def _window(window: Window) -> Mapping[str, datetime]:
    return {"starts_at": window.starts_at, "ends_at": window.ends_at}

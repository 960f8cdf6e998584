"""Outages as the REST API describes them."""

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext_lazy as _
from rest_framework import serializers

from portal.kit import clock
from portal.kit.viewer import Viewer
from resilience.health.core.eta import Source
from resilience.health.core.states import Severity
from resilience.health.expecting import source_of
from resilience.health.models import Note, Outage
from resilience.health.partly import held_up

SEVERITIES = [one.value for one in Severity]
SOURCES = [one.value for one in Source]
NOW = _("Now, unless said.")


class RecordSerializer(serializers.Serializer[Any]):
    """An outage that a person saw."""

    component = serializers.CharField(help_text=_("The slug of what is out."))
    organization = serializers.CharField(
        required=False, help_text=_("Its slug, when several of yours have a component of this slug.")
    )
    severity = serializers.ChoiceField(choices=SEVERITIES)
    cause = serializers.CharField(max_length=300, required=False, allow_blank=True)
    began_at = serializers.DateTimeField(required=False, allow_null=True, help_text=NOW)
    expected_at = serializers.DateTimeField(required=False, allow_null=True, help_text=_("When it is likely back."))
    expected_text = serializers.CharField(
        max_length=300, required=False, allow_blank=True, help_text=_("The same in words, or who says so.")
    )


class NewNoteSerializer(serializers.Serializer[Any]):
    """What is new."""

    text = serializers.CharField(max_length=1_000)


class CloseSerializer(serializers.Serializer[Any]):
    """Why it is over, and since when."""

    reason = serializers.CharField(max_length=300)
    ended_at = serializers.DateTimeField(required=False, allow_null=True, help_text=NOW)
    although_failing = serializers.BooleanField(
        required=False, help_text=_("Close it although its component is still down, so that it opens again.")
    )


class ExpectSerializer(serializers.Serializer[Any]):
    """When it is likely back; with neither, that is estimated again."""

    at = serializers.DateTimeField(required=False, allow_null=True)
    text = serializers.CharField(max_length=300, required=False, allow_blank=True)


class NoteSerializer(serializers.Serializer[Any]):
    """What a person wrote."""

    id = serializers.IntegerField()
    at = serializers.DateTimeField()
    author = serializers.CharField()
    text = serializers.CharField()


class ExpectedSerializer(serializers.Serializer[Any]):
    """When it is likely back, and what that rests on. It does not move by itself: when its time has passed, it is overdue."""

    source = serializers.ChoiceField(choices=SOURCES)  # type: ignore[assignment]
    at = serializers.DateTimeField(allow_null=True)
    text = serializers.CharField(allow_blank=True)
    low_seconds = serializers.FloatField(
        allow_null=True, help_text=_("Half of the past outages took between this and `high_seconds`.")
    )
    high_seconds = serializers.FloatField(allow_null=True)
    of = serializers.IntegerField(help_text=_("So many past outages it rests on."))
    overdue = serializers.BooleanField()


class ImpactSerializer(serializers.Serializer[Any]):
    """One line of what an outage means."""

    label = serializers.CharField()  # type: ignore[assignment]
    text = serializers.CharField()
    n = serializers.IntegerField()
    more = serializers.CharField(allow_blank=True)
    page = serializers.CharField(allow_blank=True, help_text=_("Where the rows are."))


class OutageSerializer(serializers.Serializer[Any]):
    """An outage."""

    id = serializers.IntegerField()
    component = serializers.CharField(help_text=_("Its slug."))
    organization = serializers.CharField(allow_null=True, help_text=_("Null for Breakwater itself."))
    upstream = serializers.CharField(allow_null=True, help_text=_("The slug of its upstream."))
    severity = serializers.ChoiceField(choices=SEVERITIES)
    cause = serializers.CharField(allow_blank=True)
    began_at = serializers.DateTimeField()
    noticed_at = serializers.DateTimeField()
    ended_at = serializers.DateTimeField(allow_null=True, help_text=_("Null while it goes on."))
    seconds = serializers.FloatField(help_text=_("How long it took, or has taken so far."))
    opened_by = serializers.CharField(allow_blank=True, help_text=_("Empty when it opened by itself."))
    closed_by = serializers.CharField(allow_blank=True, help_text=_("Empty when it ended by itself."))
    because_of = serializers.IntegerField(allow_null=True, help_text=_("The outage of its parent that it came of."))
    most_waiting = serializers.IntegerField(allow_null=True, help_text=_("How much waited for it at the most."))
    expected = ExpectedSerializer()
    run_book = serializers.CharField(allow_blank=True)
    page = serializers.CharField()


class OutageWholeSerializer(OutageSerializer):
    """An outage with its notes and what it blocks."""

    notes = NoteSerializer(many=True, help_text=_("The newest first, 200 at the most."))
    impact = ImpactSerializer(many=True, help_text=_("While it goes on."))


MOST_NOTES = 200


def represent(outage: Outage) -> Mapping[str, Any]:
    """An outage as JSON. Reads nothing when it comes from `.told()`."""
    component, now = outage.component, clock.now()
    plain = ("id", "severity", "cause", "began_at", "noticed_at", "ended_at", "opened_by", "closed_by", "most_waiting")
    return {
        **{name: getattr(outage, name) for name in plain},
        "component": component.slug,
        "organization": component.organization.slug if component.organization else None,
        "upstream": component.upstream.slug if component.upstream else None,
        "seconds": round(((outage.ended_at or now) - outage.began_at).total_seconds(), 1),
        "because_of": outage.because_of_id,
        "expected": {
            "source": source_of(outage).value,
            "at": outage.expected_at,
            "text": outage.expected_text,
            "low_seconds": outage.expected_low,
            "high_seconds": outage.expected_high,
            "of": outage.expected_of,
            "overdue": outage.ended_at is None and outage.expected_at is not None and outage.expected_at < now,
        },
        "run_book": component.run_book,
        "page": f"/settings/health/outages/{outage.pk}",
    }


def represent_whole(outage: Outage, viewer: Viewer) -> Mapping[str, Any]:
    """The same with its notes and, while it goes on, what it blocks for this viewer."""
    notes = Note.objects.for_org(viewer).filter(outage=outage).order_by("-pk")[:MOST_NOTES]
    impact = [
        {"label": str(one.label), "text": str(one.text), "n": one.n, "more": str(one.more), "page": one.href}
        for one in held_up(viewer, outage)
    ]
    return {**represent(outage), "notes": [represent_note(note) for note in notes], "impact": impact}


def represent_note(note: Note) -> Mapping[str, Any]:
    """A note as JSON."""
    return {name: getattr(note, name) for name in ("id", "at", "author", "text")}

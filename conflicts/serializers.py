"""Conflicts as the REST API describes them. What is wrong with a resolution is found in incoming.py and by the actions."""

from typing import Any, get_args

from django.utils.translation import gettext_lazy as _
from rest_framework import serializers

from conflicts.core.decisions import Kind
from conflicts.states import ConflictState

STATES = [state.slug for state in ConflictState]
KINDS = list(get_args(Kind))
DOCUMENTS = ["base", "local", "remote", "result"]
SIDES = ["base", "local", "remote"]


class ConflictSerializer(serializers.Serializer[Any]):
    """One change that met another one at its upstream."""

    id = serializers.UUIDField()
    state = serializers.ChoiceField(choices=STATES)
    item = serializers.UUIDField(help_text=_("The item of the queue that met it."))
    organization = serializers.CharField()
    upstream = serializers.CharField()
    kind = serializers.CharField()
    operation = serializers.CharField()
    entity_type = serializers.CharField()
    entity_id = serializers.CharField()
    title = serializers.CharField(allow_blank=True)
    behind = serializers.IntegerField(help_text=_("How many later changes of the same entity wait for it."))
    decision_count = serializers.IntegerField(help_text=_("Places where a side differs from the base."))
    ask_count = serializers.IntegerField(help_text=_("Those of them that needed a person when it was last merged."))
    stale_count = serializers.IntegerField(help_text=_("Choices that fell away when the upstream moved."))
    digest = serializers.CharField(help_text=_("What a resolution names, so that it is about what you saw."))
    base_known = serializers.BooleanField(help_text=_("False when nobody could say what the change was made on."))
    base_version = serializers.CharField(allow_blank=True)
    remote_version = serializers.CharField(allow_blank=True, help_text=_("What the result is sent against."))
    local_by = serializers.CharField(allow_blank=True)
    local_at = serializers.DateTimeField()
    remote_by = serializers.CharField(allow_blank=True)
    remote_at = serializers.DateTimeField(allow_null=True)
    opened_at = serializers.DateTimeField()
    moved_at = serializers.DateTimeField(allow_null=True, help_text=_("When the upstream moved once more."))
    resolved_at = serializers.DateTimeField(allow_null=True)
    resolved_by = serializers.CharField(allow_blank=True, help_text=_("Empty when rules decided."))
    by_hand = serializers.BooleanField(help_text=_("Whether the whole document was written by hand."))
    finished_at = serializers.DateTimeField(allow_null=True)
    rounds = serializers.IntegerField(help_text=_("How often it was merged and sent again by itself."))


class HunkSerializer(serializers.Serializer[Any]):
    """One stretch of a text or of a list."""

    number = serializers.IntegerField()
    start = serializers.IntegerField(help_text=_("Lines, sentences or elements of the base, counted from 0."))
    end = serializers.IntegerField()
    base = serializers.JSONField()
    local = serializers.JSONField()
    remote = serializers.JSONField()
    action = serializers.CharField()
    asks = serializers.BooleanField()
    suggestion = serializers.CharField(allow_null=True, allow_blank=True)


class DecisionSerializer(serializers.Serializer[Any]):
    """One place of the document, and what becomes of it."""

    id = serializers.CharField()
    path = serializers.CharField(allow_blank=True, help_text=_("JSON Pointer; empty for the whole document."))
    key = serializers.CharField(allow_blank=True, help_text=_("What identifies an item of a list."))
    kind = serializers.ChoiceField(choices=KINDS)
    action = serializers.CharField(help_text=_("conflict, local, remote, same, or auto: and the policy."))
    asks = serializers.BooleanField()
    reason = serializers.CharField()
    rule = serializers.CharField(allow_blank=True, help_text=_("The rule that decided; empty for the defaults."))
    options = serializers.ListField(child=serializers.CharField(), help_text=_("The plain choices that fit."))
    missing = serializers.ListField(
        child=serializers.ChoiceField(choices=SIDES), help_text=_("Sides that have nothing here, which null is not.")
    )
    base = serializers.JSONField(required=False, allow_null=True)
    local = serializers.JSONField(required=False, allow_null=True)
    remote = serializers.JSONField(required=False, allow_null=True)
    suggestion = serializers.JSONField(required=False, allow_null=True)
    hunks = HunkSerializer(many=True)


class RoundSerializer(serializers.Serializer[Any]):
    """An earlier round: what was decided before the upstream moved once more."""

    number = serializers.IntegerField(help_text=_("Grows from round to round, with gaps."))
    ended_at = serializers.DateTimeField()
    resolved_by = serializers.CharField(allow_blank=True, help_text=_("Empty when rules decided."))
    remote_version = serializers.CharField(allow_blank=True)
    choices = serializers.DictField(child=serializers.JSONField())
    result = serializers.JSONField(
        required=False, allow_null=True, help_text=_("What was to be sent; left out when nothing was left.")
    )


class ConflictWholeSerializer(ConflictSerializer):
    """One conflict with its documents, decisions and choices."""

    missing = serializers.ListField(
        child=serializers.ChoiceField(choices=DOCUMENTS),
        help_text=_("Documents that do not exist: never made, deleted, or not decided yet. Their fields are left out."),
    )
    base = serializers.JSONField(required=False, allow_null=True)
    local = serializers.JSONField(required=False, allow_null=True)
    remote = serializers.JSONField(required=False, allow_null=True)
    result = serializers.JSONField(required=False, allow_null=True)
    settled = serializers.BooleanField(
        help_text=_("Whether there is a result; one that is missing deletes the entity.")
    )
    rules = serializers.DictField(child=serializers.DictField(), help_text=_("The rules that it is merged by."))
    decisions = DecisionSerializer(many=True)
    choices = serializers.DictField(child=serializers.JSONField(), help_text=_("What was chosen, by decision."))
    undecided = serializers.ListField(child=serializers.CharField(), help_text=_("Decisions that still ask."))
    earlier = RoundSerializer(many=True, help_text=_("Earlier rounds, the first one first."))


class PreviewSerializer(serializers.Serializer[Any]):
    """What you would decide: your choices so far, or a document merged by hand."""

    choices = serializers.DictField(child=serializers.JSONField(), required=False)
    document = serializers.JSONField(required=False, allow_null=True)


class DiscardedSerializer(serializers.Serializer[Any]):
    """What a side wrote and the result leaves out."""

    decision = serializers.CharField()
    path = serializers.CharField(allow_blank=True)
    side = serializers.ChoiceField(choices=["local", "remote"])
    hunk = serializers.IntegerField(allow_null=True)
    missing = serializers.BooleanField(help_text=_("The side took the place away: that is what is left out."))
    value = serializers.JSONField(required=False, allow_null=True)


class FaultSerializer(serializers.Serializer[Any]):
    """One thing that is wrong with the document."""

    pointer = serializers.CharField(allow_blank=True)
    detail = serializers.CharField()


class PreviewedSerializer(serializers.Serializer[Any]):
    """What would be sent."""

    missing = serializers.BooleanField(help_text=_("Nothing is left: the entity would be deleted."))
    document = serializers.JSONField(required=False, allow_null=True)
    undecided = serializers.ListField(child=serializers.CharField(), help_text=_("They stand as in the base."))
    discarded = DiscardedSerializer(many=True)
    faults = FaultSerializer(many=True)


class ResolutionSerializer(PreviewSerializer):
    """A resolution of what you saw."""

    digest = serializers.CharField()
    hold = serializers.FloatField(
        required=False, min_value=0, max_value=60, help_text=_("Seconds before it is sent, in which undo works.")
    )

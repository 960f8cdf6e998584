"""Items as the REST API describes them. What is wrong with a change is found by intake, with its pointers."""

from typing import Any

from django.utils.translation import gettext_lazy as _
from rest_framework import serializers

from syncqueue.adapters.routes import LONGEST_ID
from syncqueue.core.change import FORMS, LONGEST, OPERATIONS
from syncqueue.core.states import ItemState, LaneState
from syncqueue.models import Attempt

STATES = [state.slug for state in ItemState]
LANE_STATES = [state.name.lower() for state in LaneState]


class NewChangeSerializer(serializers.Serializer[Any]):
    """A change to deliver. What its kind, its client or its organization can tell may be left out."""

    kind = serializers.CharField(max_length=64)
    payload = serializers.JSONField(
        required=False, allow_null=True, help_text=_("As the kind's schema says; a delete has none.")
    )
    upstream = serializers.CharField(required=False, allow_null=True, allow_blank=True, help_text=_("Its slug."))
    entity_type = serializers.CharField(required=False, allow_null=True, allow_blank=True, max_length=64)
    entity_id = serializers.CharField(
        required=False,
        allow_null=True,
        allow_blank=True,
        max_length=LONGEST_ID,
        help_text=_("One segment of an address: no slash, no control character, not . or .."),
    )
    operation = serializers.ChoiceField(choices=OPERATIONS, required=False, allow_null=True, allow_blank=True)
    form = serializers.ChoiceField(
        choices=FORMS,
        required=False,
        allow_null=True,
        allow_blank=True,
        help_text=_("How the payload is meant: a part to merge (RFC 7396), or the whole."),
    )
    base = serializers.JSONField(
        required=False, allow_null=True, help_text=_("The document that the change was made on.")
    )
    base_version = serializers.CharField(
        required=False,
        allow_null=True,
        allow_blank=True,
        max_length=LONGEST["base_version"],
        help_text=_("Its version."),
    )
    project = serializers.CharField(required=False, allow_null=True, allow_blank=True, help_text=_("Its slug."))
    organization = serializers.CharField(required=False, allow_null=True, allow_blank=True, help_text=_("Its slug."))
    assigned_by = serializers.CharField(
        required=False, allow_null=True, allow_blank=True, max_length=LONGEST["assigned_by"]
    )
    client_id = serializers.CharField(
        required=False, allow_null=True, allow_blank=True, max_length=LONGEST["client_id"]
    )
    client_seq = serializers.IntegerField(required=False, allow_null=True, min_value=0, max_value=2**63 - 1)
    txn = serializers.CharField(required=False, allow_null=True, allow_blank=True, max_length=LONGEST["txn"])
    occurred_at = serializers.DateTimeField(required=False, allow_null=True, help_text=_("With its zone."))
    idempotency_key = serializers.CharField(
        required=False, allow_null=True, allow_blank=True, max_length=LONGEST["idempotency_key"]
    )


class SentSerializer(serializers.Serializer[Any]):
    """What goes out instead of an item's payload."""

    operation = serializers.ChoiceField(choices=OPERATIONS)
    form = serializers.ChoiceField(choices=FORMS)
    payload = serializers.JSONField(allow_null=True)


class ItemSerializer(serializers.Serializer[Any]):
    """One change on its way."""

    id = serializers.UUIDField()
    state = serializers.ChoiceField(choices=STATES)
    why = serializers.CharField(allow_blank=True, help_text=_("Why it is where it is, in a sentence."))
    organization = serializers.CharField()
    upstream = serializers.CharField()
    project = serializers.CharField(allow_null=True)
    kind = serializers.CharField()
    operation = serializers.ChoiceField(choices=OPERATIONS)
    form = serializers.ChoiceField(choices=FORMS)
    entity_type = serializers.CharField()
    entity_id = serializers.CharField()
    title = serializers.CharField(allow_blank=True)
    seq = serializers.IntegerField(help_text=_("Its place in the order of its entity's changes."))
    actor = serializers.CharField(allow_blank=True)
    assigned_by = serializers.CharField(allow_blank=True)
    client_id = serializers.CharField(allow_blank=True)
    client_seq = serializers.IntegerField(allow_null=True)
    txn = serializers.CharField(allow_blank=True)
    occurred_at = serializers.DateTimeField(allow_null=True)
    idempotency_key = serializers.CharField()
    base_version = serializers.CharField(allow_blank=True)
    created_at = serializers.DateTimeField()
    finished_at = serializers.DateTimeField(allow_null=True)
    next_attempt_at = serializers.DateTimeField(allow_null=True)
    attempts = serializers.IntegerField(help_text=_("Failures that were its own."))
    requests = serializers.IntegerField(help_text=_("How often it was sent."))
    outcome_unknown = serializers.BooleanField(help_text=_("An answer was lost: it may have been applied."))
    code = serializers.CharField(allow_blank=True)
    reason = serializers.CharField(allow_blank=True)


class EnqueuedSerializer(ItemSerializer):
    """An item that stands for a change."""

    created = serializers.BooleanField(help_text=_("False when it was taken in before under the same key."))


class AttemptSerializer(serializers.Serializer[Any]):
    """One request that was made for an item."""

    number = serializers.IntegerField()
    started_at = serializers.DateTimeField()
    finished_at = serializers.DateTimeField(allow_null=True)
    outcome = serializers.ChoiceField(choices=Attempt.Outcome.values)
    counted = serializers.BooleanField(help_text=_("Whether it used up one of the item's attempts."))
    status = serializers.IntegerField(allow_null=True)
    seconds = serializers.FloatField(allow_null=True)
    reason = serializers.CharField(allow_blank=True)
    worker = serializers.CharField()
    exchanges = serializers.ListField(
        child=serializers.DictField(), help_text=_("What went out and came back, secrets masked.")
    )


class LaneSerializer(serializers.Serializer[Any]):
    """The ordered items of the item's entity."""

    state = serializers.ChoiceField(choices=LANE_STATES)
    depth = serializers.IntegerField(help_text=_("How many items wait in it."))
    head = serializers.UUIDField(allow_null=True, help_text=_("The item that goes next."))
    ahead = serializers.IntegerField(help_text=_("How many go before this one."))
    version = serializers.CharField(allow_blank=True, help_text=_("The entity's version as last known."))
    held_by = serializers.CharField(allow_blank=True)
    held_reason = serializers.CharField(allow_blank=True)


class ItemWholeSerializer(ItemSerializer):
    """One change with all that is known of it."""

    payload = serializers.JSONField(allow_null=True, help_text=_("null when it was erased."))
    base = serializers.JSONField(allow_null=True)
    remote = serializers.JSONField(
        allow_null=True, help_text=_("In conflict: what the upstream has; null when it has nothing.")
    )
    remote_version = serializers.CharField(allow_blank=True, help_text=_("In conflict: the upstream's version of it."))
    sent = SentSerializer(
        allow_null=True, help_text=_("What goes out instead of the payload, when it was merged or stands for others.")
    )
    conflict = serializers.UUIDField(allow_null=True, help_text=_("The conflict that it met."))
    superseded_by = serializers.UUIDField(allow_null=True, help_text=_("The item that was sent in its place."))
    lane = LaneSerializer()
    history = AttemptSerializer(many=True, help_text=_("Its attempts, the newest first, at most 50."))


class FailedFilterSerializer(serializers.Serializer[Any]):
    """Which failed items to send again; what is left out means any."""

    upstream = serializers.CharField(required=False, allow_blank=True)
    kind = serializers.CharField(required=False, allow_blank=True)
    entity_type = serializers.CharField(required=False, allow_blank=True)
    reason = serializers.CharField(required=False, allow_blank=True, max_length=300)


class RetriedAllSerializer(serializers.Serializer[Any]):
    """What became of the failed items."""

    retried = serializers.IntegerField()
    skipped = serializers.IntegerField(help_text=_("They had moved on meanwhile."))
    more = serializers.BooleanField(help_text=_("Call again for the rest."))


class UpstreamStatsSerializer(serializers.Serializer[Any]):
    """The figures of one upstream."""

    organization = serializers.CharField()
    upstream = serializers.CharField()
    waiting = serializers.IntegerField()
    failed = serializers.IntegerField()
    conflict = serializers.IntegerField()
    delivered = serializers.IntegerField()
    paused = serializers.BooleanField()
    out = serializers.BooleanField()


class StatsSerializer(serializers.Serializer[Any]):
    """The queue in figures."""

    states = serializers.DictField(child=serializers.IntegerField(), help_text=_("How many items are in each state."))
    open = serializers.IntegerField()
    waiting = serializers.IntegerField()
    enqueued = serializers.IntegerField(help_text=_("Since ever, as the next five."))
    delivered = serializers.IntegerField()
    refused = serializers.IntegerField()
    retried = serializers.IntegerField()
    merged = serializers.IntegerField(help_text=_("Conflicts that rules settled; each was sent again."))
    coalesced = serializers.IntegerField(help_text=_("Items that went out with another one: requests saved."))
    upstreams = UpstreamStatsSerializer(many=True)

"""How the API describes what monitoring reads."""

from typing import Any

from rest_framework import serializers
from rest_framework.fields import CharField, DictField, FloatField, IntegerField, ListField

STATUSES = ("healthy", "degraded", "unhealthy", "unknown")


class CircuitBreakersSerializer(serializers.Serializer[Any]):
    """How many breakers there are, and how many let nothing, or little, through."""

    total = IntegerField()
    open = IntegerField()
    halfOpen = IntegerField()  # noqa: N815 - as it is named outside


class BulkheadSerializer(serializers.Serializer[Any]):
    """The places of an upstream: how many requests may be under way at once, and how many are."""

    name = CharField(help_text="The upstream's slug.")
    organization = CharField()
    utilization = FloatField(help_text="The share that is taken, 0 to 1.")
    active = IntegerField()
    limit = IntegerField()
    executions = IntegerField(help_text="Deliveries that got a place and ended, since ever.")


class OrgEnforcementSerializer(serializers.Serializer[Any]):
    """Whether a change is refused whose `assigned_by` is no member, and the assignments that only a person can move on."""

    enforced = serializers.BooleanField()
    stuck = IntegerField(help_text="Assignments that failed or are in conflict.")
    byOrganization = DictField(child=IntegerField())  # noqa: N815


class WaitingSerializer(serializers.Serializer[Any]):
    """What waits of one organization."""

    backlog = IntegerField()
    pendingAssignments = IntegerField()  # noqa: N815


class OfflineQueueSerializer(serializers.Serializer[Any]):
    """What waits to be delivered."""

    backlog = IntegerField(help_text="Changes that wait, among them those under way.")
    pendingAssignments = IntegerField()  # noqa: N815
    oldestSeconds = FloatField(allow_null=True, help_text="How long the oldest of them waits.")  # noqa: N815
    byOrganization = DictField(child=WaitingSerializer())  # noqa: N815


class StorageSerializer(serializers.Serializer[Any]):
    """The database, and the disk of BREAKWATER_HOME."""

    database = serializers.ChoiceField(choices=["sqlite", "postgresql"])
    freePercent = FloatField(help_text="What is free of the disk. Sizes are in /metrics, behind its key.")  # noqa: N815


class InMaintenanceSerializer(serializers.Serializer[Any]):
    """A component that is in planned maintenance now."""

    component = CharField(help_text="Its slug.")
    organization = CharField()
    until = serializers.DateTimeField(allow_null=True, help_text="null when it is about to end.")


class HealthSerializer(serializers.Serializer[Any]):
    """How everything is. Who is not signed in gets `status` alone."""

    status = CharField(help_text=", ".join(STATUSES))
    score = IntegerField(required=False, allow_null=True, min_value=0, max_value=100)
    trend = DictField(required=False, allow_null=True)
    parts = ListField(required=False, child=DictField(), help_text="What the score is made of.")
    caps = ListField(required=False, child=DictField(), help_text="What holds the score, or the status, down.")
    thresholds = DictField(required=False)
    network = DictField(required=False)
    backlog = IntegerField(required=False)
    states = DictField(required=False, child=IntegerField(), help_text="How many components are in which state.")
    fresh = serializers.BooleanField(required=False, help_text="Whether every probe ran when it was due.")
    checkedAt = serializers.DateTimeField(required=False)  # noqa: N815
    circuitBreakers = CircuitBreakersSerializer(required=False)  # noqa: N815
    bulkheads = BulkheadSerializer(many=True, required=False)
    issues = ListField(child=CharField(), required=False, help_text="What is wrong, in sentences.")
    maintenance = InMaintenanceSerializer(many=True, required=False)
    orgEnforcement = OrgEnforcementSerializer(required=False)  # noqa: N815
    analyticsIngestLagMs = IntegerField(  # noqa: N815
        required=False, help_text="How long the oldest analytics event waits; 0 when none does."
    )
    offlineQueue = OfflineQueueSerializer(required=False)  # noqa: N815
    storage = StorageSerializer(required=False)


class DiagnosticsSerializer(serializers.Serializer[Any]):
    """All figures. Counters are since ever."""

    at = serializers.DateTimeField()
    queue = DictField()
    breakers = ListField(child=DictField())
    bulkheads = BulkheadSerializer(many=True)
    retries = DictField(child=IntegerField())
    timeouts = DictField(child=IntegerField())
    probes = DictField()
    conflicts = DictField()
    assignments = DictField(child=IntegerField())
    analyticsIngestLagMs = IntegerField()  # noqa: N815
    workers = DictField()
    storage = StorageSerializer()

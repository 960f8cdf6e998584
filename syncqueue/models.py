"""The queue's tables: lanes own order, lease and blocking; items wait in them; attempts say what was tried.

Foreign keys have no index of their own where another one begins with the same column: a delivery updates each item twice, and each
index would be written each time. Times are UTC. JSON is kept as canonical text, exactly as it is sent. docs/states.md draws the moves.
"""

import json
from typing import Any

from django.db import models
from django.db.models import Q
from django.db.models.expressions import RawSQL

from portal.kit.ids import uuid7
from portal.kit.scope import ScopedQuerySet
from portal.tenancy.models import Organization, Project
from resilience.upstreams.models import Upstream
from syncqueue.core.checksum import checksum
from syncqueue.core.states import OPEN_BELOW, ItemState, LaneState

FOLLOWED = ("analytics_event", "assignment")
"""The kinds of which /api/health tells how many wait, and for how long."""


class LaneQuerySet(ScopedQuerySet["Lane"]):
    """Reads of lanes."""


class Lane(models.Model):
    """The ordered items of one entity at one upstream.

    Whoever holds the lease (`lease_owner` with `epoch`) may deliver its head; each take-over raises `epoch`, which fences late writers.
    `version` is the entity's version as we last knew it; `chain_base` and `chain_client` say from which version, and for whom,
    our own deliveries led there, so that a client's later changes that were made on `chain_base` follow on.
    """

    organization = models.ForeignKey(Organization, models.CASCADE, related_name="+", db_index=False)
    upstream = models.ForeignKey(Upstream, models.CASCADE, related_name="lanes", db_index=False)
    entity_type = models.CharField(max_length=64)
    entity_id = models.CharField(max_length=255)
    title = models.CharField(max_length=200, blank=True, default="")
    state = models.PositiveSmallIntegerField(default=LaneState.IDLE.value)
    ready_at = models.DateTimeField()
    tail_seq = models.BigIntegerField(default=0)
    depth = models.PositiveIntegerField(default=0)
    epoch = models.PositiveIntegerField(default=0)
    lease_owner = models.CharField(max_length=80, blank=True, default="")
    lease_until = models.DateTimeField(null=True)
    held_by = models.CharField(max_length=150, blank=True, default="")
    held_reason = models.CharField(max_length=300, blank=True, default="")
    blocked_since = models.DateTimeField(null=True)
    version = models.CharField(max_length=200, blank=True, default="")
    chain_base = models.CharField(max_length=200, blank=True, default="")
    chain_client = models.CharField(max_length=200, blank=True, default="")

    objects = LaneQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["upstream", "entity_type", "entity_id"], name="lane_entity_once")
        ]
        indexes = [
            models.Index(fields=["upstream", "ready_at", "id"], name="lane_ready", condition=Q(state=1)),
            models.Index(fields=["lease_owner", "lease_until"], name="lane_leased", condition=Q(state=2)),
            models.Index(fields=["upstream", "id"], name="lane_stuck", condition=Q(state__gte=3)),
        ]

    def __str__(self) -> str:
        return f"{self.entity_type}:{self.entity_id}"

    @property
    def lane_state(self) -> LaneState:
        """`state` as the enum."""
        return LaneState(self.state)


class ItemQuerySet(ScopedQuerySet["Item"]):
    """Reads of items."""

    def light(self) -> "ItemQuerySet":
        """Without the documents that they carry, which a list does not show."""
        return self.defer("payload", "base", "remote", "outgoing")

    def followed(self) -> "ItemQuerySet":
        """The open ones of the kinds whose lag is measured; an index of their own serves them. Literals, as in `open`."""
        kinds = [RawSQL(f"'{kind}'", []) for kind in FOLLOWED]  # noqa: S611 - constants
        return self.open().filter(kind__in=kinds)

    def open(self) -> "ItemQuerySet":
        """Those that still wait for something. A literal: SQLite takes a partial index only when it can read the condition."""
        return self.filter(state__lt=RawSQL(str(OPEN_BELOW), []))  # noqa: S611 - a constant


class Item(models.Model):
    """One change waiting to be delivered (or done with).

    `attempts` counts the failures that were its own; `sends` numbers the requests that were made for it.
    A failed item that was `stepped_over` no longer holds its lane; when it is retried, it goes to the lane's end.
    `checksum` is over what will be sent and where; it is checked before each delivery. `outgoing` is what is sent instead of `payload`
    when the item stands for others or was merged (core/outgoing.py); `payload` stays what was taken in.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    organization = models.ForeignKey(Organization, models.CASCADE, related_name="+", db_index=False)
    upstream = models.ForeignKey(Upstream, models.CASCADE, related_name="+", db_index=False)
    lane = models.ForeignKey(Lane, models.CASCADE, related_name="items", db_index=False)
    project = models.ForeignKey(Project, models.SET_NULL, null=True, related_name="+", db_index=False)
    seq = models.BigIntegerField()
    state = models.PositiveSmallIntegerField(default=ItemState.QUEUED.value)
    kind = models.CharField(max_length=64)
    operation = models.CharField(max_length=8)
    form = models.CharField(max_length=12, default="merge-patch")
    payload = models.TextField(blank=True, default="")
    base = models.TextField(blank=True, default="")
    base_version = models.CharField(max_length=200, blank=True, default="")
    actor = models.CharField(max_length=150, blank=True, default="")
    assigned_by = models.CharField(max_length=150, blank=True, default="")
    client_id = models.CharField(max_length=100, blank=True, default="")
    client_seq = models.BigIntegerField(null=True)
    txn = models.CharField(max_length=100, blank=True, default="")
    occurred_at = models.DateTimeField(null=True)
    idempotency_key = models.CharField(max_length=200)
    body_digest = models.CharField(max_length=64)
    checksum = models.CharField(max_length=64)
    created_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True)
    retry_at = models.DateTimeField(null=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    sends = models.PositiveIntegerField(default=0)
    outcome_unknown = models.BooleanField(default=False)
    code = models.CharField(max_length=48, blank=True, default="")
    reason = models.CharField(max_length=500, blank=True, default="")
    remote = models.TextField(blank=True, default="")
    remote_version = models.CharField(max_length=200, blank=True, default="")
    superseded_by = models.UUIDField(null=True)
    stepped_over = models.BooleanField(default=False)
    outgoing = models.TextField(blank=True, default="")

    objects = ItemQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["lane", "seq"], name="item_seq_once"),
            models.UniqueConstraint(fields=["organization", "idempotency_key"], name="item_key_once"),
        ]
        indexes = [
            models.Index(fields=["lane", "seq"], name="item_open", condition=Q(state__lt=60, stepped_over=False)),
            models.Index(fields=["upstream", "state", "id"], name="item_listing"),
            models.Index(fields=["finished_at"], name="item_finished", condition=Q(state__gte=60)),
            models.Index(fields=["project", "id"], name="item_project", condition=Q(project__isnull=False)),
            models.Index(
                fields=["kind", "organization", "state", "created_at"],
                name="item_followed",
                condition=Q(state__lt=60) & Q(kind__in=FOLLOWED),
            ),
        ]

    def __str__(self) -> str:
        return str(self.id)

    @property
    def item_state(self) -> ItemState:
        """`state` as the enum."""
        return ItemState(self.state)

    @property
    def intact(self) -> bool:
        """Whether what is stored is still what was taken in; reads the lane."""
        return self.checksum == self.sum()

    def sum(self) -> str:
        """The checksum that fits what is stored; reads the lane."""
        return checksum(
            item_id=self.pk,
            entity_type=self.lane.entity_type,
            entity_id=self.lane.entity_id,
            operation=self.operation,
            form=self.form,
            payload=self.payload,
            base=self.base,
            base_version=self.base_version,
            outgoing=self.outgoing,
        )

    def read_payload(self) -> Any:
        """The payload as it will be sent; None when it was erased."""
        return json.loads(self.payload) if self.payload else None

    def read_base(self) -> Any:
        """The document that the change was made on; None when it is not known."""
        return json.loads(self.base) if self.base else None

    def read_remote(self) -> Any:
        """What the upstream had when it last refused the change as a conflict; None when it had nothing."""
        return json.loads(self.remote) if self.remote else None


class SnapshotQuerySet(ScopedQuerySet["Snapshot"]):
    """Reads of snapshots."""

    organization_path = "lane__organization_id"


class Snapshot(models.Model):
    """A document as the upstream had it at one version, kept so that a later conflict has its base. The last few of each lane.

    `client` made it out of `base_version`; `own` is what that client believes to be there when others' changes were merged in ("" when
    that is `document`). A snapshot without a client is what was found before the lane's first delivery.
    """

    SLOTS = 8

    lane = models.ForeignKey(Lane, models.CASCADE, related_name="+", db_index=False)
    slot = models.PositiveSmallIntegerField()
    version = models.CharField(max_length=200)
    document = models.TextField()
    own = models.TextField(blank=True, default="")
    client = models.CharField(max_length=200, blank=True, default="")
    base_version = models.CharField(max_length=200, blank=True, default="")
    at = models.DateTimeField()

    objects = SnapshotQuerySet.as_manager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["lane", "slot"], name="snapshot_slot_once")]

    def __str__(self) -> str:
        return f"{self.lane_id} at {self.version}"


class AttemptQuerySet(ScopedQuerySet["Attempt"]):
    """Reads of attempts."""

    organization_path = "item__organization_id"


class Attempt(models.Model):
    """One request that was made for an item: written down before it is sent, its answer set once.

    `exchanges` is JSON text: what went out and what came back, masked, without the payload itself.
    An attempt without `finished_at` whose lease is gone has an unknown outcome.
    """

    class Outcome(models.TextChoices):
        OPEN = "", "under way"
        DELIVERED = "delivered", "delivered"
        RETRY = "retry", "to be tried again"
        CONFLICT = "conflict", "conflict"
        REJECTED = "rejected", "rejected"
        UNKNOWN = "unknown", "outcome unknown"

    item = models.ForeignKey(Item, models.CASCADE, related_name="attempt_set", db_index=False)
    number = models.PositiveIntegerField()
    epoch = models.PositiveIntegerField()
    worker = models.CharField(max_length=80)
    started_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True)
    outcome = models.CharField(max_length=10, choices=Outcome.choices, blank=True, default="")
    counted = models.BooleanField(default=False)
    status = models.PositiveSmallIntegerField(null=True)
    seconds = models.FloatField(null=True)
    reason = models.CharField(max_length=500, blank=True, default="")
    exchanges = models.TextField(blank=True, default="")

    objects = AttemptQuerySet.as_manager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["item", "number"], name="attempt_number_once")]

    def __str__(self) -> str:
        return f"{self.item_id} #{self.number}"


class Streak(models.Model):
    """The items whose attempts failed in transport since their upstream last answered, one entry for each failure; see core/streak.py.

    `items` is JSON text. All pumps add to it; whoever sees the upstream's breaker open gives the attempts back.
    """

    upstream = models.OneToOneField(Upstream, models.CASCADE, primary_key=True, related_name="+")
    items = models.TextField(default="[]")

    def __str__(self) -> str:
        return f"streak of {self.upstream_id}"


class CounterQuerySet(ScopedQuerySet["Counter"]):
    """Reads of counters."""

    organization_path = "upstream__organization_id"


class Counter(models.Model):
    """A running number of an upstream, spread over 16 slots so that writers do not wait for each other; its value is their sum.

    Names: the slug of an item state (how many items are in it now), and, since ever, "enqueued", "delivered", "refused" (of these
    "failed_ever" became dead letters, "unsent" among them without a request, and "conflicts_ever" were left to people), "retried",
    "merged" (sent again after a merge), "coalesced" (went out with another one: a request saved) and "timed_out" (no answer in time).
    """

    upstream = models.ForeignKey(Upstream, models.CASCADE, related_name="+", db_index=False)
    name = models.CharField(max_length=24)
    slot = models.PositiveSmallIntegerField()
    value = models.BigIntegerField(default=0)

    objects = CounterQuerySet.as_manager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["upstream", "name", "slot"], name="counter_slot_once")]

    def __str__(self) -> str:
        return f"{self.upstream_id} {self.name}"


class SampleQuerySet(ScopedQuerySet["Sample"]):
    """Reads of samples."""

    organization_path = "upstream__organization_id"


class Sample(models.Model):
    """The figures of one upstream at one minute, for the charts: items waiting then, and delivered and refused since ever."""

    upstream = models.ForeignKey(Upstream, models.CASCADE, related_name="+", db_index=False)
    at = models.DateTimeField()
    waiting = models.PositiveIntegerField()
    delivered = models.BigIntegerField()
    refused = models.BigIntegerField()

    objects = SampleQuerySet.as_manager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["upstream", "at"], name="sample_minute_once")]

    def __str__(self) -> str:
        return f"{self.upstream_id} {self.at:%H:%M}"

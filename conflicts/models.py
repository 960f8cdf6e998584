"""Conflicts as they are kept: the three documents, the rules that were applied, what was chosen, and what was sent.

Documents are JSON text; "" stands for a document that is not there. The decisions are not stored: they follow from the three
documents and the rules (`conflicts.core.merge`), and `digest` binds a resolution to exactly these.
"""

from typing import Any

from django.db import models

from conflicts.core import MISSING, Decision, merge
from conflicts.states import ConflictState
from portal.kit import jsontext
from portal.kit.ids import uuid7
from portal.kit.scope import ScopedQuerySet
from portal.tenancy.models import Organization
from resilience.upstreams.models import Upstream


class ConflictQuerySet(ScopedQuerySet["Conflict"]):
    """Reads of conflicts."""

    def open(self) -> "ConflictQuerySet":
        """Those that wait for a person, the oldest first."""
        return self.filter(state=ConflictState.OPEN).order_by("id")


class _Documents:
    """The three documents, the rules, the choices and the result as JSON values, out of columns of text."""

    base: Any
    local: Any
    remote: Any
    rules: Any
    choices: Any
    result: Any

    def documents(self) -> tuple[Any, Any, Any]:
        """Base, local and remote as JSON values, MISSING where there is none."""
        return read(self.base), read(self.local), read(self.remote)

    def read_result(self) -> Any:
        """The document that is sent, MISSING when nothing is left of the entity."""
        return read(self.result)

    def read_rules(self) -> dict[str, Any]:
        """The rules that the documents are merged by."""
        rules: dict[str, Any] = jsontext.load(self.rules)
        return rules

    def read_choices(self) -> dict[str, Any]:
        """What was chosen, by decision."""
        choices: dict[str, Any] = jsontext.load(self.choices)
        return choices


class Conflict(_Documents, models.Model):
    """What two sides made of one entity: `local` is what the item wanted, `remote` what the upstream had, `base` what both started from.

    `item_id` is the item of the queue that met it (one conflict an item). `base_known` is False when nobody could say what the
    change was made on. `remote_version` is the version that the result will be sent against. `digest` is over the three documents,
    that version and the rules; who submits names the one that they saw. `choices` is what was decided; after the upstream moved (at
    `moved_at`) it holds those that still stand, and `stale` counts those that fell away. `result` is the document that is sent (by
    hand, when `manual`); "" with `settled` means that nothing is left of the entity. `rounds` counts how often it was merged and sent
    again by itself; `revision` grows with each change.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    organization = models.ForeignKey(Organization, models.CASCADE, related_name="+", db_index=False)
    upstream = models.ForeignKey(Upstream, models.CASCADE, related_name="+", db_index=False)
    item_id = models.UUIDField(unique=True)
    entity_type = models.CharField(max_length=64)
    entity_id = models.CharField(max_length=255)
    title = models.CharField(max_length=200, blank=True, default="")
    kind = models.CharField(max_length=64)
    operation = models.CharField(max_length=8)
    state = models.PositiveSmallIntegerField(default=ConflictState.OPEN.value)
    base = models.TextField(blank=True, default="")
    local = models.TextField(blank=True, default="")
    remote = models.TextField(blank=True, default="")
    base_known = models.BooleanField(default=True)
    base_version = models.CharField(max_length=200, blank=True, default="")
    remote_version = models.CharField(max_length=200, blank=True, default="")
    client = models.CharField(max_length=200, blank=True, default="")
    local_by = models.CharField(max_length=150, blank=True, default="")
    local_at = models.DateTimeField()
    remote_by = models.CharField(max_length=150, blank=True, default="")
    remote_at = models.DateTimeField(null=True)
    rules = models.TextField(blank=True, default="{}")
    digest = models.CharField(max_length=64)
    decisions = models.PositiveIntegerField(default=0)
    asks = models.PositiveIntegerField(default=0)
    choices = models.TextField(blank=True, default="{}")
    manual = models.BooleanField(default=False)
    stale = models.PositiveIntegerField(default=0)
    moved_at = models.DateTimeField(null=True)
    result = models.TextField(blank=True, default="")
    settled = models.BooleanField(default=False)
    rounds = models.PositiveSmallIntegerField(default=0)
    revision = models.PositiveIntegerField(default=1)
    opened_at = models.DateTimeField()
    resolved_at = models.DateTimeField(null=True)
    resolved_by = models.CharField(max_length=150, blank=True, default="")
    finished_at = models.DateTimeField(null=True)

    objects = ConflictQuerySet.as_manager()

    class Meta:
        indexes = [
            models.Index(fields=["organization", "state", "id"], name="conflict_listing"),
            models.Index(fields=["upstream", "entity_type", "entity_id", "id"], name="conflict_entity"),
            models.Index(
                fields=["finished_at"], name="conflict_finished", condition=models.Q(finished_at__isnull=False)
            ),
        ]

    def __str__(self) -> str:
        return str(self.id)

    @property
    def conflict_state(self) -> ConflictState:
        """`state` as the enum."""
        return ConflictState(self.state)

    @property
    def by_rule(self) -> bool:
        """Whether rules alone decided."""
        return not self.resolved_by and self.state in (ConflictState.MERGED, ConflictState.DELIVERED)


def decisions_of(conflict: "Conflict | Round") -> tuple[Decision, ...]:
    """The decisions of a conflict (or of an earlier round of it) as its documents and rules are; worked out each time."""
    return merge(*conflict.documents(), conflict.read_rules()).decisions


def read(text: str) -> Any:
    """The document that a column holds, or MISSING."""
    return jsontext.load(text) if text else MISSING


def write(document: Any) -> str:
    """The text for a column."""
    return "" if document is MISSING else jsontext.dump(document)


class RoundQuerySet(ScopedQuerySet["Round"]):
    """Reads of rounds."""

    organization_path = "conflict__organization_id"


class Round(_Documents, models.Model):
    """An earlier round of a conflict: what stood against what, what was decided and sent, before the upstream moved once more.

    What a decision left out stays readable here even where its result had reached the upstream unnoticed (the answer was lost).
    """

    conflict = models.ForeignKey(Conflict, models.CASCADE, related_name="earlier")
    number = models.PositiveIntegerField()
    base = models.TextField(blank=True, default="")
    local = models.TextField(blank=True, default="")
    remote = models.TextField(blank=True, default="")
    remote_version = models.CharField(max_length=200, blank=True, default="")
    remote_by = models.CharField(max_length=150, blank=True, default="")
    rules = models.TextField(blank=True, default="{}")
    choices = models.TextField(blank=True, default="{}")
    manual = models.BooleanField(default=False)
    result = models.TextField(blank=True, default="")
    settled = models.BooleanField(default=False)
    resolved_by = models.CharField(max_length=150, blank=True, default="")
    resolved_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField()

    KEPT = ("base", "local", "remote", "remote_version", "remote_by", "rules", "choices", "manual", "result", "settled")

    objects = RoundQuerySet.as_manager()

    class Meta:
        ordering = ["number"]
        constraints = [models.UniqueConstraint(fields=["conflict", "number"], name="round_once")]

    def __str__(self) -> str:
        return f"round {self.number} of {self.conflict_id}"


class DraftQuerySet(ScopedQuerySet["Draft"]):
    """Reads of drafts."""

    organization_path = "conflict__organization_id"


class Draft(models.Model):
    """What one person has chosen so far in an open conflict, not sent yet.

    `choices` maps decision ids to choices, `paths` the same ids to their places, so that an answer can still be shown beside its place when
    the upstream moved and the decision became another. `raw` holds what was written as JSON and is not valid yet, by the name of its field.
    `manual` is the text of the editor, valid JSON or not; "" when it is not used.
    """

    conflict = models.ForeignKey(Conflict, models.CASCADE, related_name="drafts")
    user_id = models.BigIntegerField()
    name = models.CharField(max_length=150)
    choices = models.TextField(default="{}")
    paths = models.TextField(default="{}")
    raw = models.TextField(default="{}")
    manual = models.TextField(blank=True, default="")
    saved_at = models.DateTimeField()

    objects = DraftQuerySet.as_manager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["conflict", "user_id"], name="draft_once")]

    def __str__(self) -> str:
        return f"{self.name} on {self.conflict_id}"


class KindRulesQuerySet(ScopedQuerySet["KindRules"]):
    """Reads of rules."""


class KindRules(models.Model):
    """The merge rules that an organization set for a kind of change, instead of those that the kind brings along. JSON text."""

    organization = models.ForeignKey(Organization, models.CASCADE, related_name="+")
    kind = models.CharField(max_length=64)
    rules = models.TextField()
    revision = models.PositiveIntegerField(default=1)
    updated_at = models.DateTimeField()
    updated_by = models.CharField(max_length=150)

    objects = KindRulesQuerySet.as_manager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["organization", "kind"], name="kind_rules_once")]

    def __str__(self) -> str:
        return f"{self.kind} of {self.organization_id}"

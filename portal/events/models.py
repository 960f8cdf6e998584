"""The append-only log: one row for each change of state, written in the transaction of that change."""

from django.db import models

from portal.kit.scope import ScopedQuerySet


class EventQuerySet(ScopedQuerySet["Event"]):
    """Reads of the log."""

    def about(self, subject: str) -> "EventQuerySet":
        """What happened to one thing, newest first."""
        return self.filter(subject=subject).order_by("-id")

    def matching(self, *, verb: str = "", subject: str = "", actor: str = "") -> "EventQuerySet":
        """Those of this verb ("item.failed"; "item." is all that begin so), about this subject, by this actor; "" is any."""
        found = self
        if verb:
            found = found.filter(verb__startswith=verb) if verb.endswith(".") else found.filter(verb=verb)
        if subject:
            found = found.filter(subject=subject)
        return found.filter(actor=actor) if actor else found


class Event(models.Model):
    """One thing that happened. No foreign keys: nothing that is deleted touches it.

    `subject` is "<kind>:<id>"; `data` holds ids, digests and masked extracts as JSON text, never payloads.
    """

    id = models.BigAutoField(primary_key=True)
    at = models.DateTimeField()
    organization_id = models.BigIntegerField(null=True)
    organization_name = models.CharField(max_length=100, blank=True, default="")
    actor = models.CharField(max_length=150, blank=True, default="")
    verb = models.CharField(max_length=48)
    subject = models.CharField(max_length=80)
    data = models.TextField(blank=True, default="")
    request_id = models.CharField(max_length=36, blank=True, default="")

    objects = EventQuerySet.as_manager()

    class Meta:
        indexes = [
            models.Index(fields=["subject", "id"], name="event_subject"),
            models.Index(fields=["organization_id", "id"], name="event_organization"),
            models.Index(fields=["at"], name="event_at"),
        ]

    def __str__(self) -> str:
        return f"{self.verb} {self.subject}"


class EventRetention(models.Model):
    """One row: events from `delete_before` on cannot be deleted (a database trigger reads it).

    Only the retention action moves it.
    """

    id = models.PositiveSmallIntegerField(primary_key=True, default=1)
    delete_before = models.DateTimeField()

    class Meta:
        constraints = [models.CheckConstraint(condition=models.Q(id=1), name="event_retention_one_row")]

    def __str__(self) -> str:
        return f"before {self.delete_before:%Y-%m-%d}"

"""The portal's own copies of plans, so that they can be read while their upstream is slow or down."""

from typing import Any

from django.db import models

from portal.kit import jsontext
from portal.kit.scope import ScopedQuerySet
from portal.tenancy.models import Organization, Project
from resilience.upstreams.models import Upstream
from syncqueue.models import Lane

ENTITY_TYPE = "plan"


class PlanQuerySet(ScopedQuerySet["Plan"]):
    """Reads of plans."""

    def there(self) -> "PlanQuerySet":
        """Those that are not known to be deleted at their upstream."""
        return self.filter(gone=False)


class Plan(models.Model):
    """The last known copy of one plan. The upstream has the plan itself; edits go there through the queue, never into this row.

    `document` is JSON text as the upstream had it at `version`, "" while it was never read. It is as old as `fetched_at`; `asked_at` is
    when we last asked, `trouble` why that failed ("" when it did not). `changed_at` is when the upstream changed it, as far as that is
    known. `gone`: the upstream has it no more. `lane` is where its changes wait, once there was one. `learned`: it came from a lane, and
    all lanes before that one were looked at. What lists show is kept beside it.
    """

    organization = models.ForeignKey(Organization, models.CASCADE, related_name="+")
    project = models.ForeignKey(Project, models.SET_NULL, null=True, blank=True, related_name="plans")
    upstream = models.ForeignKey(Upstream, models.CASCADE, related_name="+", db_index=False)
    lane = models.ForeignKey(Lane, models.SET_NULL, null=True, related_name="+")
    entity_id = models.CharField(max_length=255)
    title = models.CharField(max_length=200, blank=True, default="")
    document = models.TextField(blank=True, default="")
    version = models.CharField(max_length=200, blank=True, default="")
    fetched_at = models.DateTimeField(null=True)
    asked_at = models.DateTimeField(null=True)
    changed_at = models.DateTimeField(null=True)
    trouble = models.CharField(max_length=300, blank=True, default="")
    learned = models.BooleanField(default=False)
    gone = models.BooleanField(default=False)
    status = models.CharField(max_length=20, blank=True, default="")
    steps = models.PositiveIntegerField(default=0)
    steps_done = models.PositiveIntegerField(default=0)
    criteria = models.PositiveIntegerField(default=0)
    criteria_met = models.PositiveIntegerField(default=0)

    objects = PlanQuerySet.as_manager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["upstream", "entity_id"], name="plan_once")]

    def __str__(self) -> str:
        return self.name

    @property
    def name(self) -> str:
        """What it is called: its title, else its id."""
        return self.title or self.entity_id

    @property
    def known(self) -> bool:
        """Whether there is a copy."""
        return self.document != ""

    def read(self) -> Any:
        """The document as it was at `version`; None while it was never read."""
        return jsontext.load(self.document) if self.document else None

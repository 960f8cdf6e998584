"""What is watched (components and their probes), what was found (results, thinned to buckets), and what came of it.

    Component ─┬─ Probe ─┬─ Result   each run, kept for hours
               │         └─ Bucket   runs and latencies by minute, hour and day
               ├─ Flip               each change of state, of the component or of one of its probes
               ├─ Uptime             seconds in each state by hour and day, made of the flips
               ├─ Outage ── Note     from the moment that it began to the moment that it ended
               └─ Maintenance        planned times that count in neither side of availability
    SystemSnapshot                   the score each minute

A component without an organization is Breakwater itself: every member may read it, nobody may change it.
"""

import json
from collections.abc import Mapping
from typing import Any, Self

from django.db import models
from django.db.models import Q

from portal.kit import clock, secrets
from portal.kit.scope import RowT, ScopedQuerySet
from portal.kit.viewer import Viewer
from portal.tenancy.models import Organization
from resilience.health.core.states import Importance, Severity, State
from resilience.upstreams.models import Upstream

STATES = [(state.value, state.value) for state in State]
MINUTE, HOUR, DAY = 60, 3_600, 86_400


class HealthQuerySet(ScopedQuerySet[RowT]):
    """Reads of rows that belong to an organization, or to Breakwater itself, which all members may read."""

    def for_org(self, viewer: Viewer) -> Self:
        """The rows of the viewer's organizations, and those of Breakwater itself if the viewer is a member anywhere."""
        ids = viewer.organization_ids
        if not ids:
            return self.none()
        path = self.organization_path
        return self.filter(Q(**{f"{path}__in": ids}) | Q(**{f"{path.removesuffix('_id')}__isnull": True}))


class ComponentQuerySet(HealthQuerySet["Component"]):
    """Reads of components."""

    def unplanned(self) -> Self:
        """Those that are not in planned maintenance."""
        return self.exclude(state=State.MAINTENANCE.value)


class Component(models.Model):
    """Something whose health is watched: an upstream, a service that nothing is sent to, or Breakwater itself.

    `state`, `since`, `reason` and `blamed_on` (the parent that is down too) are written by the prober alone.
    `revision` grows with each change of what people set.
    """

    organization = models.ForeignKey(Organization, models.CASCADE, null=True, blank=True, related_name="components")
    upstream = models.OneToOneField(Upstream, models.CASCADE, null=True, blank=True, related_name="component")
    slug = models.SlugField(max_length=60)
    name = models.CharField(max_length=100)
    importance = models.CharField(
        max_length=10, choices=[(one.value, one.value) for one in Importance], default=Importance.NORMAL.value
    )
    parent = models.ForeignKey("self", models.SET_NULL, null=True, blank=True, related_name="children")
    run_book = models.URLField(max_length=500, blank=True, default="")
    feeds_breaker = models.BooleanField(default=False)
    revision = models.PositiveIntegerField(default=1)
    state = models.CharField(max_length=12, choices=STATES, default=State.NONE.value)
    since = models.DateTimeField(null=True)
    reason = models.CharField(max_length=300, blank=True, default="")
    blamed_on = models.ForeignKey("self", models.SET_NULL, null=True, related_name="+")
    created_at = models.DateTimeField(default=clock.now)

    objects = ComponentQuerySet.as_manager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["organization", "slug"], name="component_slug_once")]

    def __str__(self) -> str:
        return self.slug

    @property
    def about(self) -> str:
        """What notices name it by: as its upstream, where it has one, so that of both only the newest word stands."""
        return f"upstream:{self.upstream_id}" if self.upstream_id else f"component:{self.pk}"

    @property
    def planned(self) -> bool:
        """Whether it is in planned maintenance: whatever is wrong with it then is no trouble."""
        return self.state == State.MAINTENANCE.value

    @property
    def weighs(self) -> Importance:
        """How much it counts: a critical upstream is critical whatever is said here. Reads `upstream`."""
        if self.upstream is not None and self.upstream.critical:
            return Importance.CRITICAL
        return Importance(self.importance)


class ProbeQuerySet(HealthQuerySet["Probe"]):
    """Reads of probes."""

    organization_path = "component__organization_id"


class Probe(models.Model):
    """One way to ask whether a component is well, and what its last answer was.

    `address` is what its kind says: a URL, host:port, a name to look up, a path, or the name of a registered function.
    `options` are the kind's own (targets/<kind>.py says which); `values` is what was filled in the template, without its secrets.
    `secret` is encrypted JSON and is never shown again.
    `revision` grows with each change of what people set; everything from `state` on is written by the prober alone.
    `failures` and `successes` count in a row; `streak_at` is when the present row of failures began. `runs`, `runs_failed`, `runs_ms`
    (how long they took together) and `skipped` count since ever and never fall: monitoring systems take the difference of two looks.
    """

    component = models.ForeignKey(Component, models.CASCADE, related_name="probes")
    name = models.CharField(max_length=100)
    kind = models.CharField(max_length=20)
    template = models.CharField(max_length=40, blank=True, default="")
    values = models.JSONField(default=dict, blank=True)
    address = models.CharField(max_length=500, blank=True, default="")
    options = models.JSONField(default=dict, blank=True)
    secret = models.TextField(blank=True, default="")
    secret_set_at = models.DateTimeField(null=True)
    interval = models.FloatField(default=30.0, help_text="Seconds between two runs, 5 at least.")
    timeout = models.FloatField(default=10.0, help_text="Seconds for one run.")
    slow_after_ms = models.PositiveIntegerField(null=True, blank=True)
    failures_to_down = models.PositiveSmallIntegerField(default=3)
    successes_to_up = models.PositiveSmallIntegerField(default=2)
    enabled = models.BooleanField(default=True)
    revision = models.PositiveIntegerField(default=1)
    created_at = models.DateTimeField(default=clock.now)

    state = models.CharField(max_length=12, choices=STATES, default=State.NONE.value)
    since = models.DateTimeField(null=True)
    failures = models.PositiveIntegerField(default=0)
    successes = models.PositiveIntegerField(default=0)
    slows = models.PositiveIntegerField(default=0)
    streak_at = models.DateTimeField(null=True)
    last_at = models.DateTimeField(null=True)
    last_ok = models.BooleanField(null=True)
    last_ms = models.FloatField(null=True)
    last_error = models.CharField(max_length=300, blank=True, default="")
    last_metadata = models.TextField(blank=True, default="")
    runs = models.BigIntegerField(default=0)
    runs_failed = models.BigIntegerField(default=0)
    runs_ms = models.FloatField(default=0)
    skipped = models.PositiveIntegerField(default=0)

    objects = ProbeQuerySet.as_manager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["component", "name"], name="probe_name_once")]

    def __str__(self) -> str:
        return self.name

    def read_secret(self) -> dict[str, Any]:
        """The secret in the clear, for the probe itself only; {} when there is none."""
        return self._kept().get("secret", {})

    def read_filled(self) -> dict[str, Any]:
        """The secrets that were filled in the template, by its fields, for making the probe anew; {} when there are none."""
        return self._kept().get("filled", {})

    def keep_secret(self, secret: Mapping[str, Any], filled: Mapping[str, Any] | None = None) -> None:
        """Encrypts `secret`, and what of it was `filled` in a template, into the row (unsaved); the moment is kept in the clear.

        {} takes it away.
        """
        kept = {"secret": dict(secret), "filled": dict(filled or {})}
        self.secret = secrets.encrypt(json.dumps(kept)) if secret else ""
        self.secret_set_at = clock.now() if secret else None

    def _kept(self) -> dict[str, dict[str, Any]]:
        kept: dict[str, dict[str, Any]] = json.loads(secrets.decrypt(self.secret)) if self.secret else {}
        return kept


class ResultQuerySet(HealthQuerySet["Result"]):
    """Reads of results."""

    organization_path = "probe__component__organization_id"


class Result(models.Model):
    """What one run of a probe found. Append only; removed within hours, when its minute is a bucket.

    `error` and `metadata` (JSON text) are masked and short. `state` is the probe's afterwards.
    `unanswered`: no answer came (name, connection, time), which the network's score counts.
    `blind`: we could reach nothing at all, so it says nothing about the upstream. `by_hand`: a person asked.
    """

    probe = models.ForeignKey(Probe, models.CASCADE, related_name="results", db_index=False)
    at = models.DateTimeField()
    ok = models.BooleanField()
    slow = models.BooleanField(default=False)
    ms = models.FloatField()
    state = models.CharField(max_length=12, choices=STATES)
    unanswered = models.BooleanField(default=False)
    maintenance = models.BooleanField(default=False)
    blind = models.BooleanField(default=False)
    by_hand = models.BooleanField(default=False)
    error = models.CharField(max_length=300, blank=True, default="")
    metadata = models.TextField(blank=True, default="")

    objects = ResultQuerySet.as_manager()

    class Meta:
        indexes = [
            models.Index(fields=["probe", "-at"], name="result_listing"),
            models.Index(fields=["at"], name="result_at"),
        ]

    def __str__(self) -> str:
        return f"{self.probe_id} {self.at:%H:%M:%S}"


class BucketQuerySet(HealthQuerySet["Bucket"]):
    """Reads of buckets."""

    organization_path = "probe__component__organization_id"


class Bucket(models.Model):
    """The results of one probe within one minute, hour or day (UTC): how many, how many failed or were slow, and how long they took.

    `histogram` holds the counts of the latencies of the good ones in the fixed buckets of core/histogram.py, as text.
    """

    probe = models.ForeignKey(Probe, models.CASCADE, related_name="buckets", db_index=False)
    size = models.PositiveIntegerField(choices=[(MINUTE, "minute"), (HOUR, "hour"), (DAY, "day")])
    at = models.DateTimeField()
    runs = models.PositiveIntegerField(default=0)
    failed = models.PositiveIntegerField(default=0)
    slow = models.PositiveIntegerField(default=0)
    unanswered = models.PositiveIntegerField(default=0)
    blind = models.PositiveIntegerField(default=0)
    sum_ms = models.FloatField(default=0)
    max_ms = models.FloatField(default=0)
    histogram = models.CharField(max_length=300, blank=True, default="")

    objects = BucketQuerySet.as_manager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["probe", "size", "at"], name="bucket_once")]
        indexes = [models.Index(fields=["size", "at"], name="bucket_age")]

    def __str__(self) -> str:
        return f"{self.probe_id} {self.size} {self.at}"


class FlipQuerySet(HealthQuerySet["Flip"]):
    """Reads of flips."""

    organization_path = "component__organization_id"

    def of_components(self) -> "FlipQuerySet":
        """Those of components themselves, of which availability is made."""
        return self.filter(probe__isnull=True)


class Flip(models.Model):
    """One change of state: of a component (no probe) or of one of its probes. Append only, beginning and reason may be corrected once more
    is known; removed by age.

    `at` is when it began (the first failure of the row), `noticed_at` when the threshold was reached.
    """

    component = models.ForeignKey(Component, models.CASCADE, related_name="flips", db_index=False)
    probe = models.ForeignKey(Probe, models.CASCADE, null=True, related_name="flips")
    at = models.DateTimeField()
    noticed_at = models.DateTimeField()
    before = models.CharField(max_length=12, choices=STATES)
    after = models.CharField(max_length=12, choices=STATES)
    reason = models.CharField(max_length=300, blank=True, default="")

    objects = FlipQuerySet.as_manager()

    class Meta:
        indexes = [models.Index(fields=["component", "-at"], name="flip_listing")]

    def __str__(self) -> str:
        return f"{self.component_id} {self.before} to {self.after}"


class UptimeQuerySet(HealthQuerySet["Uptime"]):
    """Reads of uptimes."""

    organization_path = "component__organization_id"


class Uptime(models.Model):
    """How many seconds of one hour or day (UTC) a component was in each state; what is missing to the whole is no data."""

    component = models.ForeignKey(Component, models.CASCADE, related_name="uptimes", db_index=False)
    size = models.PositiveIntegerField(choices=[(HOUR, "hour"), (DAY, "day")])
    at = models.DateTimeField()
    up = models.FloatField(default=0)
    slow = models.FloatField(default=0)
    down = models.FloatField(default=0)
    maintenance = models.FloatField(default=0)

    objects = UptimeQuerySet.as_manager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["component", "size", "at"], name="uptime_once")]
        indexes = [models.Index(fields=["size", "at"], name="uptime_age")]

    def __str__(self) -> str:
        return f"{self.component_id} {self.size} {self.at}"


class OutageQuerySet(HealthQuerySet["Outage"]):
    """Reads of outages."""

    organization_path = "component__organization_id"

    def active(self) -> "OutageQuerySet":
        """Those that go on."""
        return self.filter(ended_at__isnull=True)

    def unplanned(self) -> "OutageQuerySet":
        """Without those that go on in planned maintenance."""
        return self.exclude(ended_at__isnull=True, component__state=State.MAINTENANCE.value)

    def told(self) -> "OutageQuerySet":
        """The same, each with its component, organization and upstream."""
        return self.select_related("component__organization", "component__upstream")


class Outage(models.Model):
    """A time in which a component was out, opened and closed by itself (`opened_by` is empty) or by a person.

    `expected_at` with its source stands as it was said, and does not move silently when it has passed.
    `expected_low`, `expected_high` (seconds) and `expected_of` are the middle half of so many past outages, where these are the source.
    """

    component = models.ForeignKey(Component, models.CASCADE, related_name="outages", db_index=False)
    began_at = models.DateTimeField()
    noticed_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)
    severity = models.CharField(max_length=10, choices=[(one.value, one.value) for one in Severity])
    cause = models.CharField(max_length=300, blank=True, default="")
    opened_by = models.CharField(max_length=150, blank=True, default="")
    closed_by = models.CharField(max_length=150, blank=True, default="")
    expected_at = models.DateTimeField(null=True)
    expected_source = models.CharField(max_length=20, blank=True, default="")
    expected_text = models.CharField(max_length=300, blank=True, default="")
    expected_low = models.FloatField(null=True)
    expected_high = models.FloatField(null=True)
    expected_of = models.PositiveSmallIntegerField(default=0)
    because_of = models.ForeignKey("self", models.SET_NULL, null=True, related_name="+")
    most_waiting = models.PositiveIntegerField(null=True)

    objects = OutageQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["component"], condition=Q(ended_at__isnull=True), name="outage_one_at_a_time"
            )
        ]
        indexes = [
            models.Index(fields=["component", "-began_at"], name="outage_listing"),
            models.Index(fields=["-began_at"], name="outage_newest"),
        ]

    def __str__(self) -> str:
        return f"{self.component_id} since {self.began_at}"

    @property
    def by_hand(self) -> bool:
        """Whether a person opened it; then only a person closes it."""
        return bool(self.opened_by)


class NoteQuerySet(HealthQuerySet["Note"]):
    """Reads of notes."""

    organization_path = "outage__component__organization_id"


class Note(models.Model):
    """What a person wrote about an outage. Append only."""

    outage = models.ForeignKey(Outage, models.CASCADE, related_name="notes")
    at = models.DateTimeField(default=clock.now)
    author = models.CharField(max_length=150)
    text = models.CharField(max_length=1_000)

    objects = NoteQuerySet.as_manager()

    def __str__(self) -> str:
        return self.text[:40]


class MaintenanceQuerySet(ScopedQuerySet["Maintenance"]):
    """Reads of maintenance."""

    def standing(self) -> "MaintenanceQuerySet":
        """Those that nobody called off."""
        return self.filter(called_off_at__isnull=True)


class Maintenance(models.Model):
    """A planned time in which a component, or all of an organization's, may be out.

    Once: from `starts_at` to `ends_at`. Recurring: `schedule` (cron, five fields) in `time_zone` says when it starts, for `minutes`,
    from `starts_at` on and until `ends_at` if that is set.
    """

    organization = models.ForeignKey(Organization, models.CASCADE, related_name="maintenance")
    component = models.ForeignKey(Component, models.CASCADE, null=True, blank=True, related_name="maintenance")
    title = models.CharField(max_length=100)
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField(null=True)
    schedule = models.CharField(max_length=100, blank=True, default="")
    minutes = models.PositiveIntegerField(default=0)
    time_zone = models.CharField(max_length=60, default="UTC")
    created_by = models.CharField(max_length=150)
    created_at = models.DateTimeField(default=clock.now)
    called_off_at = models.DateTimeField(null=True)
    called_off_by = models.CharField(max_length=150, blank=True, default="")

    objects = MaintenanceQuerySet.as_manager()

    def __str__(self) -> str:
        return self.title


class SystemSnapshotQuerySet(ScopedQuerySet["SystemSnapshot"]):
    """Reads of snapshots."""


class SystemSnapshot(models.Model):
    """How an organization stood at one minute; without an organization, how everything stood. `parts` is the JSON text of the breakdown."""

    organization = models.ForeignKey(Organization, models.CASCADE, null=True, related_name="+", db_index=False)
    at = models.DateTimeField()
    score = models.PositiveSmallIntegerField(null=True)
    status = models.CharField(max_length=10)
    weight = models.FloatField(default=0)
    parts = models.TextField(default="{}")
    waiting = models.PositiveIntegerField(default=0)
    down = models.PositiveIntegerField(default=0)
    open_breakers = models.PositiveIntegerField(default=0)

    objects = SystemSnapshotQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["organization", "at"], name="snapshot_once"),
            models.UniqueConstraint(fields=["at"], condition=Q(organization__isnull=True), name="snapshot_of_all_once"),
        ]
        indexes = [models.Index(fields=["at"], name="snapshot_at")]

    def __str__(self) -> str:
        return f"{self.organization_id} {self.at}"

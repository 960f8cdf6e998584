"""The services that Breakwater sends to."""

import json
from collections.abc import Mapping
from typing import Any

from django.db import models

from portal.kit import clock, secrets
from portal.kit.scope import ScopedQuerySet
from portal.tenancy.models import Organization


class UpstreamQuerySet(ScopedQuerySet["Upstream"]):
    """Reads of upstreams."""


class Upstream(models.Model):
    """A service of one organization, with how to reach it and how hard to press.

    `credentials` is encrypted JSON ({"type": "none" | "basic" | "bearer" | "header", …}) and is never shown again.
    `routes` maps an entity type to {"path": "/records/{id}", …}, as its adapter defines.
    `figures` are its own where it departs from the policy: {"circuit_breaker.cooldown_ms": 5000, "sync_backoff.max_attempts": 8}.
    `revision` grows with each change, so that pumps know when to read it anew.
    """

    class FailedHead(models.TextChoices):
        HOLD = "hold", "Hold the lane"
        STEP_OVER = "step-over", "Step over it"

    organization = models.ForeignKey(Organization, models.CASCADE, related_name="upstreams")
    slug = models.SlugField(max_length=50)
    name = models.CharField(max_length=100)
    adapter = models.CharField(max_length=40, default="json-http")
    address = models.URLField(max_length=500)
    headers = models.JSONField(default=dict, blank=True)
    credentials = models.TextField(blank=True, default="")
    credentials_type = models.CharField(max_length=10, default="none")
    credentials_set_at = models.DateTimeField(null=True, blank=True)
    timeout = models.FloatField(default=10.0, help_text="Seconds for one attempt.")
    in_flight_limit = models.PositiveSmallIntegerField(default=8)
    failed_head = models.CharField(max_length=10, choices=FailedHead.choices, default=FailedHead.HOLD)
    critical = models.BooleanField(default=False)
    policy = models.CharField(max_length=20, default="api")
    figures = models.JSONField(default=dict, blank=True)
    routes = models.JSONField(default=dict)
    version = models.CharField(max_length=20, default="etag")
    paused_at = models.DateTimeField(null=True, blank=True)
    paused_by = models.CharField(max_length=150, blank=True, default="")
    paused_reason = models.CharField(max_length=300, blank=True, default="")
    revision = models.PositiveIntegerField(default=1)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    objects = UpstreamQuerySet.as_manager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["organization", "slug"], name="upstream_slug_once")]

    def __str__(self) -> str:
        return self.slug

    def read_credentials(self) -> dict[str, Any]:
        """The credentials in the clear, for the outbound client only. {"type": "none"} when there are none."""
        if not self.credentials:
            return {"type": "none"}
        kept: dict[str, Any] = json.loads(secrets.decrypt(self.credentials))
        return kept

    def keep_credentials(self, credentials: Mapping[str, Any]) -> None:
        """Encrypts `credentials` into the row (unsaved), with their type and the moment in the clear."""
        self.credentials_type = credentials.get("type", "none")
        none = self.credentials_type == "none"
        self.credentials = "" if none else secrets.encrypt(json.dumps(dict(credentials)))
        self.credentials_set_at = None if none else clock.now()

"""Organizations, who belongs to them, their tokens and projects."""

from datetime import datetime

from django.conf import settings
from django.db import models

from portal.kit.scope import ScopedQuerySet
from portal.kit.viewer import Role


class OrganizationQuerySet(ScopedQuerySet["Organization"]):
    """Reads of organizations."""

    organization_path = "pk"


class Organization(models.Model):
    """A tenant: upstreams, lanes, items and everything else belong to exactly one."""

    slug = models.SlugField(max_length=50, unique=True)
    name = models.CharField(max_length=100)
    time_zone = models.CharField(max_length=60, default="UTC", help_text="Where its maintenance is planned.")
    created_at = models.DateTimeField(auto_now_add=True)

    objects = OrganizationQuerySet.as_manager()

    def __str__(self) -> str:
        return self.name


class MembershipQuerySet(ScopedQuerySet["Membership"]):
    """Reads of memberships."""


class Membership(models.Model):
    """The role of one person in one organization."""

    Role = Role
    ROLES = [(Role.VIEWER.value, "Viewer"), (Role.OPERATOR.value, "Operator"), (Role.ADMIN.value, "Admin")]

    organization = models.ForeignKey(Organization, models.CASCADE, related_name="memberships")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="memberships")
    role = models.PositiveSmallIntegerField(choices=ROLES, default=Role.VIEWER.value)
    created_at = models.DateTimeField(auto_now_add=True)

    objects = MembershipQuerySet.as_manager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["organization", "user"], name="membership_once")]

    def __str__(self) -> str:
        return f"{self.user_id} in {self.organization_id}"


class TokenQuerySet(ScopedQuerySet["Token"]):
    """Reads of tokens."""


class Token(models.Model):
    """A key for the REST API. Only the SHA-256 of the secret is kept; `prefix` is shown so that people tell tokens apart.

    It acts as its user, inside one organization, within its scopes.
    """

    organization = models.ForeignKey(Organization, models.CASCADE, related_name="tokens")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="tokens")
    name = models.CharField(max_length=100)
    prefix = models.CharField(max_length=12)
    digest = models.CharField(max_length=64, unique=True)
    scopes = models.JSONField(default=list)
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField(null=True, blank=True)
    last_used_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)

    objects = TokenQuerySet.as_manager()

    def __str__(self) -> str:
        return f"{self.name} ({self.prefix}…)"

    def usable(self, now: datetime) -> bool:
        """Whether it opens anything at `now`: neither revoked nor expired."""
        return self.revoked_at is None and (self.expires_at is None or self.expires_at > now)


class ProjectQuerySet(ScopedQuerySet["Project"]):
    """Reads of projects."""


class Project(models.Model):
    """A body of work of one organization; items may name one.

    `description` is one line, `specification` is Markdown. `revision` grows with each edit: who saves names the one that they saw.
    """

    organization = models.ForeignKey(Organization, models.CASCADE, related_name="projects")
    slug = models.SlugField(max_length=50)
    name = models.CharField(max_length=100)
    description = models.CharField(max_length=300, blank=True, default="")
    specification = models.TextField(blank=True, default="")
    revision = models.PositiveIntegerField(default=1)
    updated_at = models.DateTimeField(null=True, blank=True)
    updated_by = models.CharField(max_length=150, blank=True, default="")
    created_at = models.DateTimeField(auto_now_add=True)

    objects = ProjectQuerySet.as_manager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["organization", "slug"], name="project_slug_once")]

    def __str__(self) -> str:
        return self.name

"""What the REST API of projects and plans answers."""

from typing import Any

from rest_framework import serializers

from portal.projects.models import Plan
from portal.tenancy.models import Project


class ProjectWholeSerializer(serializers.Serializer[Any]):
    """A project with its specification."""

    id = serializers.IntegerField()
    organization = serializers.CharField()
    slug = serializers.CharField()
    name = serializers.CharField()
    description = serializers.CharField()
    specification = serializers.CharField()
    revision = serializers.IntegerField()
    plans = serializers.IntegerField()
    created_at = serializers.DateTimeField()
    updated_at = serializers.DateTimeField(allow_null=True)


class PlanSerializer(serializers.Serializer[Any]):
    """A plan as lists show it."""

    id = serializers.IntegerField()
    organization = serializers.CharField()
    project = serializers.CharField(allow_null=True)
    upstream = serializers.CharField()
    entity_type = serializers.CharField()
    entity_id = serializers.CharField()
    title = serializers.CharField()
    status = serializers.CharField()
    microsteps = serializers.IntegerField()
    microsteps_done = serializers.IntegerField()
    criteria = serializers.IntegerField()
    criteria_met = serializers.IntegerField()
    waiting = serializers.IntegerField()
    version = serializers.CharField(allow_null=True)
    fetched_at = serializers.DateTimeField(allow_null=True)
    changed_at = serializers.DateTimeField(allow_null=True)
    trouble = serializers.CharField(allow_null=True)
    gone = serializers.BooleanField()


class PlanWholeSerializer(PlanSerializer):
    """A plan with its document; null while it was never read."""

    document = serializers.JSONField(allow_null=True)


def represent_project(project: Project, plans: int) -> dict[str, Any]:
    """A project as the API shows it."""
    return {
        "id": project.pk,
        "organization": project.organization.slug,
        "slug": project.slug,
        "name": project.name,
        "description": project.description,
        "specification": project.specification,
        "revision": project.revision,
        "plans": plans,
        "created_at": _utc(project.created_at),
        "updated_at": _utc(project.updated_at),
    }


def represent(plan: Plan) -> dict[str, Any]:
    """A plan as lists show it. Its organization, project, upstream and lane are to be loaded."""
    return {
        "id": plan.pk,
        "organization": plan.organization.slug,
        "project": plan.project.slug if plan.project else None,
        "upstream": plan.upstream.slug,
        "entity_type": "plan",
        "entity_id": plan.entity_id,
        "title": plan.title,
        "status": plan.status,
        "microsteps": plan.steps,
        "microsteps_done": plan.steps_done,
        "criteria": plan.criteria,
        "criteria_met": plan.criteria_met,
        "waiting": plan.lane.depth if plan.lane else 0,
        "version": plan.version or None,
        "fetched_at": _utc(plan.fetched_at),
        "changed_at": _utc(plan.changed_at),
        "trouble": plan.trouble or None,
        "gone": plan.gone,
    }


def represent_whole(plan: Plan) -> dict[str, Any]:
    """A plan with its document."""
    return {**represent(plan), "document": plan.read()}


def _utc(at: Any) -> str | None:
    return at.isoformat().replace("+00:00", "Z") if at else None

"""The REST API of one project and of plans. It reads only: an edit of a plan is a change for the queue."""

from typing import Any

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.generics import GenericAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from portal.api.openapi import example, problems
from portal.api.reading import viewer_of
from portal.projects import serializers
from portal.projects.actions.catch_up import catch_up
from portal.projects.actions.refresh import refresh
from portal.projects.listing import plan_of, plans_of, project_of
from portal.projects.models import Plan, PlanQuerySet

TAGS = ["projects"]
FILTERS = {
    "organization": "organization__slug",
    "project": "project__slug",
    "upstream": "upstream__slug",
    "entity_id": "entity_id",
}
PROJECT = {
    "id": 3,
    "organization": "tidewater",
    "slug": "web",
    "name": "Web app",
    "description": "What customers see first.",
    "specification": "# Web app\n\nNew customers reach their first working sync within ten minutes.",
    "revision": 2,
    "plans": 4,
    "created_at": "2026-11-01T09:00:00Z",
    "updated_at": "2026-11-21T02:31:00Z",
}
PLAN = {
    "id": 17,
    "organization": "tidewater",
    "project": "web",
    "upstream": "plans-api",
    "entity_type": "plan",
    "entity_id": "onboarding-revamp",
    "title": "Onboarding revamp",
    "status": "active",
    "microsteps": 6,
    "microsteps_done": 2,
    "criteria": 9,
    "criteria_met": 3,
    "waiting": 1,
    "version": '"1763695860123"',
    "fetched_at": "2026-11-21T02:31:00Z",
    "changed_at": "2026-11-21T02:24:12Z",
    "trouble": None,
    "gone": False,
}
WHOLE = {**PLAN, "document": {"title": "Onboarding revamp", "status": "active", "phases": []}}


class ProjectView(APIView):
    """One project."""

    @extend_schema(
        operation_id="projects_read",
        summary="Read a project",
        responses={200: serializers.ProjectWholeSerializer, **problems(404)},
        examples=[example("A project", PROJECT, status=200)],
        tags=TAGS,
    )
    def get(self, request: Request, project_id: int) -> Response:
        """The project with its specification (Markdown) and how many plans it has; `/api/v1/plans?project=` lists them."""
        viewer = viewer_of(request)
        project = project_of(viewer, project_id)
        return Response(serializers.represent_project(project, plans_of(viewer).filter(project=project).count()))


class PlansView(GenericAPIView[Plan]):
    """Plans."""

    serializer_class = serializers.PlanSerializer
    filters = tuple(FILTERS)

    def get_queryset(self) -> PlanQuerySet:
        """Those of the viewer's organizations that fit the filter."""
        if getattr(self, "swagger_fake_view", False):
            return Plan.objects.none()
        query = self.request.query_params.dict()
        viewer = viewer_of(self.request)
        catch_up(viewer=viewer)
        asked = {path: query[name] for name, path in FILTERS.items() if query.get(name)}
        return plans_of(viewer).select_related("project").filter(**asked)

    @extend_schema(
        operation_id="plans_list",
        summary="List plans",
        parameters=[OpenApiParameter(name) for name in FILTERS],
        responses={200: serializers.PlanSerializer(many=True), **problems(400)},
        examples=[example("One plan", PLAN, status=200)],
        tags=TAGS,
    )
    def get(self, request: Request) -> Response:
        """The plans of your organizations that Breakwater knows of, newest first, in cursor pages, without their documents."""
        page: Any = self.paginate_queryset(self.get_queryset()) or []
        return self.get_paginated_response([serializers.represent(plan) for plan in page])


class PlanView(APIView):
    """One plan."""

    @extend_schema(
        operation_id="plans_read",
        summary="Read a plan",
        responses={200: serializers.PlanWholeSerializer, **problems(404)},
        examples=[example("A plan", WHOLE, status=200)],
        tags=TAGS,
    )
    def get(self, request: Request, plan_id: int) -> Response:
        """The plan as its upstream had it at `fetched_at`, asked for again when that is older than 15 seconds.

        `document` and `version` are what a change needs as its `base` and `base_version`. When the upstream cannot be asked, this is
        the last copy and `trouble` says why.
        """
        viewer = viewer_of(request)
        plan_of(viewer, plan_id)
        catch_up(viewer=viewer, plan_id=plan_id)
        return Response(serializers.represent_whole(refresh(viewer=viewer, plan_id=plan_id)))

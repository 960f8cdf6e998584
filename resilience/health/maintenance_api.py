"""The REST API of maintenance. It parses, calls one action or one read, and answers; the pages call the same actions."""

from datetime import datetime

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.generics import GenericAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from portal.api.openapi import OptionalReasonSerializer, example, problems
from portal.api.reading import viewer_of
from portal.kit import clock
from portal.kit.errors import NotFound
from portal.tenancy.actions.change_time_zone import change_time_zone
from portal.tenancy.actions.check import organization_named
from resilience.health import maintenance_serializers as serializers
from resilience.health import outage_examples as shown
from resilience.health.actions.call_off_maintenance import call_off_maintenance
from resilience.health.actions.plan_maintenance import Plan, plan_maintenance
from resilience.health.bodies import component_named, said
from resilience.health.maintenance_listing import Asked
from resilience.health.models import Maintenance, MaintenanceQuerySet


class MaintenanceListView(GenericAPIView[Maintenance]):
    """All maintenance."""

    serializer_class = serializers.MaintenanceSerializer
    filters = Asked.__slots__

    def get_queryset(self) -> MaintenanceQuerySet:
        """That of the viewer's organizations, as the address asks for it."""
        if getattr(self, "swagger_fake_view", False):
            return Maintenance.objects.none()
        return Asked.read(self.request.query_params).plans(viewer_of(self.request))

    @extend_schema(
        operation_id="maintenance_list",
        summary="List maintenance",
        parameters=[
            OpenApiParameter("standing", bool, description="true leaves out what was called off and what is over."),
            OpenApiParameter("component", description="The slug of a component; what is for all counts too."),
            OpenApiParameter("organization", description="The slug of an organization."),
        ],
        responses={200: serializers.MaintenanceSerializer(many=True), **problems(400)},
        examples=[example("Each Monday", shown.MAINTENANCE, status=200)],
        tags=["health"],
    )
    def get(self, request: Request) -> Response:
        """What is planned and what was, with the next times of each; what was planned last comes first, in cursor pages."""
        page = self.paginate_queryset(self.get_queryset()) or []
        now = clock.now()
        return self.get_paginated_response([serializers.represent(row, now) for row in page])

    @extend_schema(
        operation_id="maintenance_plan",
        summary="Plan maintenance",
        request=serializers.NewMaintenanceSerializer,
        responses={201: serializers.MaintenanceSerializer, **problems(400, 403, 413, 415)},
        examples=[
            example("Once", shown.PLAN_ONCE),
            example("Each Monday", shown.PLAN_WEEKLY),
            example("Planned", shown.MAINTENANCE, status=201),
        ],
        tags=["health"],
    )
    def post(self, request: Request) -> Response:
        """Plans maintenance of a component, or of all that an organization has. Needs the scope administer and the role admin.

        While a window of it is open the component reads maintenance, no outage opens by itself, and the time counts in neither side
        of availability.
        """
        viewer = viewer_of(request)
        body = said(
            request,
            title=str,
            component=str,
            organization=str,
            starts_at=datetime,
            ends_at=datetime,
            schedule=str,
            minutes=int,
            time_zone=str,
        )
        slug, organization = body.pop("component"), body.pop("organization")
        plan = Plan(**body)
        if slug:
            component = component_named(viewer, slug, organization)
            row = plan_maintenance(viewer=viewer, plan=plan, component_id=component.pk)
        else:
            owner = organization_named(viewer, organization)
            row = plan_maintenance(viewer=viewer, plan=plan, organization_id=owner.pk)
        return Response(serializers.represent(row, clock.now()), status=201)


def one(request: Request, maintenance_id: int) -> Maintenance:
    """The maintenance that the address names; raises NotFound."""
    rows = Maintenance.objects.for_org(viewer_of(request)).select_related("organization", "component")
    row = rows.filter(pk=maintenance_id).first()
    if row is None:
        raise NotFound
    return row


class MaintenanceView(APIView):
    """One maintenance."""

    @extend_schema(
        operation_id="maintenance_read",
        summary="Read a maintenance",
        responses={200: serializers.MaintenanceSerializer, **problems(404)},
        examples=[example("Each Monday", shown.MAINTENANCE, status=200)],
        tags=["health"],
    )
    def get(self, request: Request, maintenance_id: int) -> Response:
        """The maintenance with its next three times."""
        return Response(serializers.represent(one(request, maintenance_id), clock.now()))


class CallOffView(APIView):
    """Calling one maintenance off."""

    @extend_schema(
        operation_id="maintenance_call_off",
        summary="Call maintenance off",
        request=OptionalReasonSerializer,
        responses={200: serializers.MaintenanceSerializer, **problems(400, 403, 404, 409, 413, 415)},
        examples=[
            example("Why", {"reason": "The vendor has put it off."}),
            example("Called off", shown.CALLED_OFF, status=200),
        ],
        tags=["health"],
    )
    def post(self, request: Request, maintenance_id: int) -> Response:
        """What goes on ends now, and nothing more comes; what is over stays as it is (409). Needs the role admin."""
        one(request, maintenance_id)
        reason = said(request, reason=str)["reason"]
        row = call_off_maintenance(viewer=viewer_of(request), maintenance_id=maintenance_id, reason=reason)
        return Response(serializers.represent(row, clock.now()))


class ZoneView(APIView):
    """The zone in which an organization plans."""

    @extend_schema(
        operation_id="maintenance_time_zone",
        summary="Set an organization's time zone",
        request=serializers.TimeZoneSerializer,
        responses={200: serializers.TimeZoneSerializer, **problems(400, 403, 413, 415)},
        examples=[example("Berlin", shown.ZONE), example("Set", shown.ZONE, status=200)],
        tags=["health"],
    )
    def put(self, request: Request) -> Response:
        """The zone of what is planned from now on; what is planned already keeps its own. Needs the scope administer and the role admin."""
        viewer, body = viewer_of(request), said(request, organization=str, time_zone=str)
        owner = organization_named(viewer, body["organization"])
        done = change_time_zone(viewer=viewer, organization_id=owner.pk, time_zone=body["time_zone"])
        return Response({"organization": done.slug, "time_zone": done.time_zone})

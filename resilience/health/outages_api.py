"""The REST API of outages. It parses, calls one action or one read, and answers; the pages call the same actions."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.generics import GenericAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from portal.api.openapi import example, problems
from portal.api.reading import viewer_of
from portal.kit.errors import Invalid, NotFound
from resilience.health import outage_examples as shown
from resilience.health import outage_serializers as serializers
from resilience.health.actions.close_outage import close_outage
from resilience.health.actions.expect_outage import expect_outage
from resilience.health.actions.note_outage import note_outage
from resilience.health.actions.record_outage import record_outage
from resilience.health.bodies import component_named, said
from resilience.health.models import Note, NoteQuerySet, Outage, OutageQuerySet
from resilience.health.outage_listing import BY, STATES, Asked

ACTED = (400, 403, 404, 409, 413, 415)
FILTERS = [
    OpenApiParameter("state", enum=STATES, description="Those that go on, or those that are over."),
    OpenApiParameter("component", description="The slug of a component."),
    OpenApiParameter("organization", description="The slug of an organization."),
    OpenApiParameter("severity", enum=serializers.SEVERITIES),
    OpenApiParameter("by", enum=BY, description="Opened by a person, or by itself."),
]


def one(request: Request, outage_id: int) -> Outage:
    """The outage that the address names; raises NotFound."""
    rows = Outage.objects.for_org(viewer_of(request)).told()
    outage = rows.filter(pk=outage_id).first()
    if outage is None:
        raise NotFound
    return outage


def answer(request: Request, outage: Outage, *, status: int = 200) -> Response:
    """An outage with its notes, as it stands now."""
    return Response(serializers.represent_whole(one(request, outage.pk), viewer_of(request)), status=status)


class OutagesView(GenericAPIView[Outage]):
    """All outages."""

    serializer_class = serializers.OutageSerializer
    filters = Asked.__slots__

    def get_queryset(self) -> OutageQuerySet:
        """Those that fit what the address asks for."""
        if getattr(self, "swagger_fake_view", False):
            return Outage.objects.none()
        return Asked.read(self.request.query_params).outages(viewer_of(self.request))

    @extend_schema(
        operation_id="outages_list",
        summary="List outages",
        parameters=FILTERS,
        responses={200: serializers.OutageSerializer(many=True), **problems(400)},
        examples=[example("One that goes on", shown.OUTAGE, status=200)],
        tags=["health"],
    )
    def get(self, request: Request) -> Response:
        """The outages of your components, the one that was opened last first, in cursor pages."""
        page = self.paginate_queryset(self.get_queryset()) or []
        return self.get_paginated_response([serializers.represent(row) for row in page])

    @extend_schema(
        operation_id="outages_record",
        summary="Record an outage",
        request=serializers.RecordSerializer,
        responses={201: serializers.OutageWholeSerializer, **problems(400, 403, 409, 413, 415)},
        examples=[example("The vendor says so", shown.RECORD), example("Recorded", shown.WHOLE, status=201)],
        tags=["health"],
    )
    def post(self, request: Request) -> Response:
        """Records an outage that a person closes. Needs the role operator.

        A component has one outage at a time: 409 names the one that goes on (`outage` is its id, `page` its address).
        """
        viewer = viewer_of(request)
        body = said(
            request,
            component=str,
            organization=str,
            severity=str,
            cause=str,
            began_at=datetime,
            expected_at=datetime,
            expected_text=str,
        )
        if not body["component"]:
            raise Invalid.at("/component", _("Say which component is out."))
        component = component_named(viewer, body.pop("component"), body.pop("organization"))
        return answer(request, record_outage(viewer=viewer, component_id=component.pk, **body), status=201)


class OutageView(APIView):
    """One outage."""

    @extend_schema(
        operation_id="outages_read",
        summary="Read an outage",
        responses={200: serializers.OutageWholeSerializer, **problems(404)},
        examples=[example("One that goes on", shown.WHOLE, status=200)],
        tags=["health"],
    )
    def get(self, request: Request, outage_id: int) -> Response:
        """The outage with its notes and, while it goes on, what it blocks."""
        return Response(serializers.represent_whole(one(request, outage_id), viewer_of(request)))


class NotesView(GenericAPIView[Note]):
    """The notes of one outage."""

    serializer_class = serializers.NoteSerializer

    def get_queryset(self) -> NoteQuerySet:
        """Those of the outage that the address names."""
        if getattr(self, "swagger_fake_view", False):
            return Note.objects.none()
        outage = one(self.request, self.kwargs["outage_id"])
        return Note.objects.for_org(viewer_of(self.request)).filter(outage=outage)

    @extend_schema(
        operation_id="outages_notes",
        summary="List the notes of an outage",
        responses={200: serializers.NoteSerializer(many=True), **problems(400, 404)},
        examples=[example("A note", shown.NOTE, status=200)],
        tags=["health"],
    )
    def get(self, request: Request, outage_id: int) -> Response:
        """What people wrote about it, newest first, in cursor pages."""
        page = self.paginate_queryset(self.get_queryset()) or []
        return self.get_paginated_response([serializers.represent_note(row) for row in page])

    @extend_schema(
        operation_id="outages_note",
        summary="Write an update about an outage",
        request=serializers.NewNoteSerializer,
        responses={201: serializers.NoteSerializer, **problems(400, 403, 404, 413, 415)},
        examples=[example("What is new", {"text": shown.NOTE["text"]}), example("Written", shown.NOTE, status=201)],
        tags=["health"],
    )
    def post(self, request: Request, outage_id: int) -> Response:
        """Adds a note, which stays as it is; also to one that is over. Needs the role operator."""
        one(request, outage_id)
        note = note_outage(viewer=viewer_of(request), outage_id=outage_id, text=said(request, text=str)["text"])
        return Response(serializers.represent_note(note), status=201)


class CloseView(APIView):
    """Closing one outage."""

    @extend_schema(
        operation_id="outages_close",
        summary="Close an outage",
        request=serializers.CloseSerializer,
        responses={200: serializers.OutageWholeSerializer, **problems(*ACTED)},
        examples=[
            example("It is over", {"reason": "The vendor replaced the disk."}),
            example("Over", shown.OVER, status=200),
        ],
        tags=["health"],
    )
    def post(self, request: Request, outage_id: int) -> Response:
        """Ends it now, or when `ended_at` says. Needs the role operator.

        While its component is still down an outage opens again at once by itself: 409, unless `although_failing` is true.
        One that is over stays as it is (409).
        """
        one(request, outage_id)
        body = said(request, reason=str, ended_at=datetime, although_failing=bool)
        return answer(request, close_outage(viewer=viewer_of(request), outage_id=outage_id, **body))


class ExpectView(APIView):
    """When one component is expected back."""

    @extend_schema(
        operation_id="outages_expect",
        summary="Say when an outage is expected to end",
        request=serializers.ExpectSerializer,
        responses={200: serializers.OutageWholeSerializer, **problems(*ACTED)},
        examples=[
            example("The vendor says so", {"at": "2026-11-21T04:00:00Z", "text": "Their status page says so."}),
            example("Expected", shown.EXPECTED, status=200),
        ],
        tags=["health"],
    )
    def post(self, request: Request, outage_id: int) -> Response:
        """A moment, words, or both; with neither it is estimated again. It does not move by itself. Needs the role operator."""
        one(request, outage_id)
        body: Mapping[str, Any] = said(request, at=datetime, text=str)
        return answer(request, expect_outage(viewer=viewer_of(request), outage_id=outage_id, **body))

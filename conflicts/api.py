"""The REST API of conflicts. It parses, calls one action or one read, and answers; the pages call the same actions."""

from typing import Any
from uuid import UUID

from django.utils.translation import gettext as _
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.generics import GenericAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from conflicts import api_examples as shown
from conflicts import serializers
from conflicts.actions.resolve import resolve
from conflicts.actions.undo import undo
from conflicts.errors import AlreadyDecided, Moved
from conflicts.incoming import read_decided, read_preview
from conflicts.models import Conflict, ConflictQuerySet
from conflicts.preview import preview
from conflicts.representation import LARGE, represent_all, represent_preview, represent_whole, still_asked
from conflicts.states import ConflictState
from portal.api.openapi import example, problems
from portal.api.pagination import CursorPages
from portal.api.reading import object_of, texts_of, viewer_of
from portal.kit.errors import Invalid, NotFound
from portal.kit.viewer import Viewer

RELATED = ("organization", "upstream")
STATES = {state.slug: state for state in ConflictState}
FILTERS = {
    "upstream": "upstream__slug",
    "kind": "kind",
    "organization": "organization__slug",
    "entity_type": "entity_type",
    "entity_id": "entity_id",
}


class ConflictPages(CursorPages):
    """Open conflicts come oldest first, as a person takes them; all others newest first."""

    def get_ordering(self, request: Request, queryset: Any, view: Any) -> tuple[str, ...]:
        """The order of the list that is asked for."""
        return ("id",) if _state(request) == "open" else ("-id",)


def _state(request: Request) -> str:
    return request.query_params.get("state", "") or "open"


class ConflictsView(GenericAPIView[Conflict]):
    """All conflicts."""

    serializer_class = serializers.ConflictSerializer
    pagination_class = ConflictPages
    filters = (*FILTERS, "state")

    def get_queryset(self) -> ConflictQuerySet:
        """Those of the viewer's organizations that fit the filter."""
        if getattr(self, "swagger_fake_view", False):
            return Conflict.objects.none()
        return _filtered(viewer_of(self.request), self.request.query_params.dict())

    @extend_schema(
        operation_id="conflicts_list",
        summary="List conflicts",
        parameters=[
            OpenApiParameter("state", enum=[*STATES, "all"], description="Those that are open unless you say another."),
            *(OpenApiParameter(name) for name in FILTERS),
        ],
        responses={200: serializers.ConflictSerializer(many=True), **problems(400)},
        examples=[example("One conflict", shown.CONFLICT, status=200)],
        tags=["conflicts"],
    )
    def get(self, request: Request) -> Response:
        """The conflicts of your organizations in cursor pages, open ones oldest first. Documents are left out; read one for its own."""
        page = self.paginate_queryset(self.get_queryset()) or []
        return self.get_paginated_response(represent_all(viewer_of(request), page))


def _filtered(viewer: Viewer, query: dict[str, str]) -> ConflictQuerySet:
    conflicts = Conflict.objects.for_org(viewer).select_related(*RELATED).defer(*LARGE)
    state = query.get("state", "") or "open"
    if state != "all" and state not in STATES:
        raise Invalid.at("?state", _("There is no such state. Known: all, %s.") % ", ".join(STATES))
    if state != "all":
        conflicts = conflicts.filter(state=STATES[state].value)
    return conflicts.filter(**{path: query[name] for name, path in FILTERS.items() if query.get(name)})


def _conflict(viewer: Viewer, conflict_id: UUID) -> Conflict:
    conflict = Conflict.objects.for_org(viewer).select_related(*RELATED).filter(pk=conflict_id).first()
    if conflict is None:
        raise NotFound
    return conflict


class ConflictView(APIView):
    """One conflict."""

    @extend_schema(
        operation_id="conflicts_read",
        summary="Read a conflict",
        responses={200: serializers.ConflictWholeSerializer, **problems(404)},
        examples=[example("A conflict", shown.WHOLE, status=200)],
        tags=["conflicts"],
    )
    def get(self, request: Request, conflict_id: UUID) -> Response:
        """The conflict with its documents, every decision (those that rules made too) and what was chosen so far."""
        viewer = viewer_of(request)
        return Response(represent_whole(viewer, _conflict(viewer, conflict_id)))


class PreviewView(APIView):
    """What would be sent."""

    @extend_schema(
        operation_id="conflicts_preview",
        summary="Preview a resolution",
        request=serializers.PreviewSerializer,
        responses={200: serializers.PreviewedSerializer, **problems(400, 404, 413, 415)},
        examples=[
            example("Choices so far", {"choices": shown.CHOICES}),
            example("What would be sent", shown.PREVIEWED, status=200),
        ],
        tags=["conflicts"],
    )
    def post(self, request: Request, conflict_id: UUID) -> Response:
        """The document that follows from your choices, what is undecided in it and what would be left out. Nothing is stored."""
        conflict = _conflict(viewer_of(request), conflict_id)
        return Response(represent_preview(preview(conflict, read_preview(object_of(request)))))


class ResolveView(APIView):
    """Deciding one conflict."""

    @extend_schema(
        operation_id="conflicts_resolve",
        summary="Resolve a conflict",
        request=serializers.ResolutionSerializer,
        responses={200: serializers.ConflictWholeSerializer, **problems(400, 403, 404, 409, 413, 415)},
        examples=[
            example("By choices", {"digest": shown.DIGEST, "choices": shown.CHOICES}),
            example("By hand", {"digest": shown.DIGEST, "document": shown.RESULT, "hold": 10}),
            example("Decided", shown.DECIDED, status=200),
        ],
        tags=["conflicts"],
    )
    def post(self, request: Request, conflict_id: UUID) -> Response:
        """Decides the conflict as you saw it (its `digest`) and queues the result. Needs the scope operate.

        409 `already-decided` says who was faster; 409 `moved` has the new `digest` and the decisions that are `undecided` in it.
        A fault at /result points into the document that your choices would make.
        """
        viewer, said = viewer_of(request), read_decided(object_of(request))
        try:
            resolve(
                viewer=viewer,
                conflict_id=conflict_id,
                digest=said.digest,
                resolution=said.resolution,
                hold=said.hold,
            )
        except AlreadyDecided as error:
            now = _conflict(viewer, conflict_id)
            error.extra |= {
                "state": now.conflict_state.slug,
                "resolved_by": now.resolved_by,
                "resolved_at": now.resolved_at,
            }
            raise
        except Moved as error:
            now = _conflict(viewer, conflict_id)
            error.extra |= {"digest": now.digest, "undecided": still_asked(now, said.resolution.choices)}
            raise
        return Response(represent_whole(viewer, _conflict(viewer, conflict_id)))


class UndoView(APIView):
    """Taking a resolution back."""

    @extend_schema(
        operation_id="conflicts_undo",
        summary="Undo a resolution",
        request=None,
        responses={200: serializers.ConflictWholeSerializer, **problems(400, 403, 404, 409, 413, 415)},
        examples=[example("Open again", shown.WHOLE, status=200)],
        tags=["conflicts"],
    )
    def post(self, request: Request, conflict_id: UUID) -> Response:
        """The conflict is open again with the choices as they were, while the result is not on its way. Needs the scope operate."""
        viewer = viewer_of(request)
        texts_of(request)
        undo(viewer=viewer, conflict_id=conflict_id)
        return Response(represent_whole(viewer, _conflict(viewer, conflict_id)))

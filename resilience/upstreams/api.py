"""The REST API of upstreams. It parses, calls one action or one read, and answers."""

from collections.abc import Callable

from django.utils.translation import gettext as _
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.generics import GenericAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from portal.api.openapi import OptionalReasonSerializer, ReasonSerializer, example, problems
from portal.api.reading import object_of, texts_of, viewer_of
from portal.kit.errors import Invalid, NotFound
from resilience.upstreams import serializers, standing
from resilience.upstreams.actions.create_upstream import create_upstream
from resilience.upstreams.actions.pause import pause
from resilience.upstreams.actions.resume import resume
from resilience.upstreams.actions.update_upstream import update_upstream
from resilience.upstreams.models import Upstream, UpstreamQuerySet
from resilience.upstreams.standing import standings

WHICH = OpenApiParameter(
    "organization", description="The organization's slug, when several of yours have an upstream of this slug."
)
NEW = {
    "slug": "plans-api",
    "name": "Plans API",
    "address": "https://plans.example.org/v1",
    "headers": {"X-Client": "breakwater"},
    "credentials": {"type": "basic", "username": "breakwater", "password": "…"},
    "routes": {"plan": {"path": "/buckets/b/collections/plans/records/{id}", "document": "data"}},
}
SHOWN = {
    "organization": "tidewater",
    **{name: value for name, value in NEW.items() if name != "credentials"},
    "adapter": "json-http",
    "credentials": {"type": "basic", "set_at": "2026-11-21T02:31:00Z"},
    "timeout": 10.0,
    "in_flight_limit": 8,
    "failed_head": "hold",
    "critical": False,
    "policy": "api",
    "figures": {},
    "version": "etag",
    "paused": None,
    "out": None,
    "waiting": 0,
    "failed": 0,
    "conflicts": 0,
    "revision": 1,
    "created_at": "2026-11-21T02:31:00Z",
    "updated_at": "2026-11-21T02:31:00Z",
}
PAUSED = {"since": "2026-11-21T02:31:00Z", "by": "alice", "reason": "It moves to another host until 03:00."}


def one(request: Request, slug: str) -> Upstream:
    """The upstream that the address names; raises NotFound, or Invalid when several organizations have one."""
    upstreams = Upstream.objects.for_org(viewer_of(request)).select_related("organization").filter(slug=slug)
    organization = request.query_params.get("organization", "")
    if "\x00" in organization:
        raise Invalid.at("?organization", _("NUL is no part of any text."))
    found = list(upstreams.filter(organization__slug=organization) if organization else upstreams)
    if not found:
        raise NotFound
    if len(found) > 1:
        raise Invalid.at("?organization", _("Several of your organizations have this upstream: say which."))
    return found[0]


def answer(upstream: Upstream, *, status: int = 200, notice: str = "") -> Response:
    """An upstream, as it stands now."""
    shown = serializers.represent(upstream, standings([upstream.pk])[upstream.pk])
    return Response({**shown, "notice": notice} if notice else shown, status=status)


class UpstreamsView(GenericAPIView[Upstream]):
    """All upstreams."""

    serializer_class = serializers.UpstreamSerializer

    def get_queryset(self) -> UpstreamQuerySet:
        """Those of the viewer's organizations."""
        if getattr(self, "swagger_fake_view", False):
            return Upstream.objects.none()
        return Upstream.objects.for_org(viewer_of(self.request)).select_related("organization")

    @extend_schema(
        operation_id="upstreams_list",
        summary="List upstreams",
        responses={200: serializers.UpstreamSerializer(many=True), **problems(400)},
        examples=[example("One upstream", SHOWN, status=200)],
        tags=["upstreams"],
    )
    def get(self, request: Request) -> Response:
        """The upstreams of your organizations, newest first, in cursor pages."""
        page = self.paginate_queryset(self.get_queryset()) or []
        known = standings([upstream.pk for upstream in page])
        return self.get_paginated_response([serializers.represent(row, known[row.pk]) for row in page])

    @extend_schema(
        operation_id="upstreams_create",
        summary="Add an upstream",
        request=serializers.NewUpstreamSerializer,
        responses={201: serializers.UpstreamSerializer, **problems(400, 403, 409, 413, 415)},
        examples=[example("A Kinto collection of plans", NEW), example("Added", SHOWN, status=201)],
        tags=["upstreams"],
    )
    def post(self, request: Request) -> Response:
        """Adds an upstream. Needs the scope administer and the role admin."""
        return answer(create_upstream(viewer=viewer_of(request), fields=object_of(request)), status=201)


class UpstreamView(APIView):
    """One upstream."""

    @extend_schema(
        operation_id="upstreams_read",
        summary="Read an upstream",
        parameters=[WHICH],
        responses={200: serializers.UpstreamSerializer, **problems(400, 404)},
        examples=[example("An upstream", SHOWN, status=200)],
        tags=["upstreams"],
    )
    def get(self, request: Request, slug: str) -> Response:
        """The upstream with its state and what waits for it. Credentials are never shown."""
        return answer(one(request, slug))

    @extend_schema(
        operation_id="upstreams_update",
        summary="Change an upstream",
        parameters=[WHICH],
        request=serializers.ChangesSerializer,
        responses={200: serializers.UpstreamSerializer, **problems(400, 403, 404, 409, 413, 415)},
        examples=[
            example("Press it less", {"in_flight_limit": 2, "revision": 1}),
            example("Changed", {**SHOWN, "in_flight_limit": 2, "revision": 2}, status=200),
        ],
        tags=["upstreams"],
    )
    def patch(self, request: Request, slug: str) -> Response:
        """Changes what is named. Another scheme, host or port clears the credentials; `notice` says so."""
        upstream = one(request, slug)
        updated = update_upstream(viewer=viewer_of(request), upstream_id=upstream.pk, changes=object_of(request))
        return answer(updated.upstream, notice=updated.notice)


class TestView(APIView):
    """The connection of one upstream."""

    @extend_schema(
        operation_id="upstreams_test",
        summary="Test the connection",
        parameters=[WHICH],
        request=None,
        responses={200: serializers.TestedSerializer, **problems(400, 403, 404, 409, 413, 415, 503)},
        examples=[
            example(
                "It answers",
                {"ok": True, "sentence": "Plans API answered in 12 ms (200).", "status": 200, "seconds": 0.012},
                status=200,
            )
        ],
        tags=["upstreams"],
    )
    def post(self, request: Request, slug: str) -> Response:
        """Asks the upstream's address once, with its headers and credentials, and says what came back. Its breaker counts the answer."""
        tested = standing.test(viewer=viewer_of(request), upstream_id=one(request, slug).pk)
        shown = {name: getattr(tested, name) for name in ("ok", "sentence", "status", "seconds")}
        return Response(shown)


class PauseView(APIView):
    """Pausing one upstream."""

    @extend_schema(
        operation_id="upstreams_pause",
        summary="Pause an upstream",
        parameters=[WHICH],
        request=ReasonSerializer,
        responses={200: serializers.UpstreamSerializer, **problems(400, 403, 404, 413, 415)},
        examples=[
            example("A reason", {"reason": "It moves to another host until 03:00."}),
            example("Paused", {**SHOWN, "paused": PAUSED, "revision": 2}, status=200),
        ],
        tags=["upstreams"],
    )
    def post(self, request: Request, slug: str) -> Response:
        """Nothing more is sent to it; what comes in waits. One that is paused already stays as it is."""
        return answer(_act(pause, request, slug))


class ResumeView(APIView):
    """Resuming one upstream."""

    @extend_schema(
        operation_id="upstreams_resume",
        summary="Resume an upstream",
        parameters=[WHICH],
        request=OptionalReasonSerializer,
        responses={200: serializers.UpstreamSerializer, **problems(400, 403, 404, 413, 415)},
        examples=[
            example("A reason", {"reason": "It has moved."}),
            example("Sent to again", {**SHOWN, "revision": 3}, status=200),
        ],
        tags=["upstreams"],
    )
    def post(self, request: Request, slug: str) -> Response:
        """What waited is sent, in order. One that is not paused stays as it is."""
        return answer(_act(resume, request, slug))


def _act(action: Callable[..., Upstream], request: Request, slug: str) -> Upstream:
    return action(
        viewer=viewer_of(request), upstream_id=one(request, slug).pk, reason=texts_of(request, "reason")["reason"]
    )

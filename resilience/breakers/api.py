"""The REST API of breakers. It parses, calls one action or one read, and answers; the pages call the same actions."""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema
from rest_framework.generics import GenericAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from portal.api.openapi import OptionalReasonSerializer, example, problems
from portal.api.reading import texts_of, viewer_of
from portal.kit import clock
from portal.kit.errors import Invalid
from portal.kit.viewer import Viewer
from resilience.breakers import api_examples as shown
from resilience.breakers import counted, serializers
from resilience.breakers.actions.force import disable, force_closed, force_open
from resilience.breakers.actions.reset import reset, reset_all
from resilience.breakers.actions.test_now import test_now
from resilience.breakers.figures import figures_of
from resilience.breakers.models import Breaker, Transition, TransitionQuerySet, Window
from resilience.breakers.page import KEPT, breaker_in
from resilience.upstreams.api import WHICH, one
from resilience.upstreams.models import Upstream, UpstreamQuerySet
from resilience.upstreams.serializers import TestedSerializer

ACTED = (400, 403, 404, 413, 415, 503)


def _published(viewer: Viewer, upstreams: Sequence[Upstream]) -> dict[int, list[counted.Figures]]:
    configs = {upstream.pk: figures_of(upstream).config for upstream in upstreams}
    found: dict[int, list[counted.Figures]] = defaultdict(list)
    windows = Window.objects.for_org(viewer).filter(breaker_id__in=configs, at__gte=clock.now() - KEPT)
    for window in windows:
        found[window.breaker_id] += counted.of_windows([window], configs[window.breaker_id])
    return found


def _answer(viewer: Viewer, breaker: Breaker) -> Response:
    """A breaker as it stands after an action."""
    upstream = breaker.upstream
    return Response(_shown(viewer, [(breaker, upstream)])[0])


def _shown(viewer: Viewer, pairs: Sequence[tuple[Breaker, Upstream]]) -> list[Mapping[str, Any]]:
    upstreams = [upstream for _breaker, upstream in pairs]
    known = _published(viewer, upstreams)
    moves = counted.moves_at(viewer, [upstream.pk for upstream in upstreams])
    opened = counted.opened_of(viewer, [breaker for breaker, _upstream in pairs])
    return [
        serializers.represent(breaker, upstream, known[upstream.pk], moves.get(upstream.pk), opened.get(upstream.pk))
        for breaker, upstream in pairs
    ]


def until_in(text: str) -> datetime | None:
    """The moment that a body names; None for "". Raises Invalid at /until."""
    if not text:
        return None
    try:
        until = parse_datetime(text)
    except ValueError:
        until = None
    if until is None:
        raise Invalid.at("/until", _("This is no moment. One reads 2026-11-21T04:12:00Z."))
    return until


class BreakersView(GenericAPIView[Upstream]):
    """All breakers."""

    serializer_class = serializers.BreakerSerializer

    def get_queryset(self) -> UpstreamQuerySet:
        """The upstreams of the viewer's organizations, each with its breaker."""
        if getattr(self, "swagger_fake_view", False):
            return Upstream.objects.none()
        return Upstream.objects.for_org(viewer_of(self.request)).select_related("organization", "breaker")

    @extend_schema(
        operation_id="breakers_list",
        summary="List breakers",
        responses={200: serializers.BreakerSerializer(many=True), **problems(400)},
        examples=[example("One breaker", shown.BREAKER, status=200)],
        tags=["breakers"],
    )
    def get(self, request: Request) -> Response:
        """The breakers of your upstreams, the newest upstream first, in cursor pages."""
        page = self.paginate_queryset(self.get_queryset()) or []
        rows = _shown(viewer_of(request), [(breaker_in(upstream), upstream) for upstream in page])
        return self.get_paginated_response(rows)


class BreakerView(APIView):
    """One breaker."""

    @extend_schema(
        operation_id="breakers_read",
        summary="Read a breaker",
        parameters=[WHICH],
        responses={200: serializers.BreakerWholeSerializer, **problems(400, 404)},
        examples=[example("An open breaker", shown.WHOLE, status=200)],
        tags=["breakers"],
    )
    def get(self, request: Request, slug: str) -> Response:
        """The breaker of the upstream of this slug, with the figures in force and the last calls."""
        viewer, upstream = viewer_of(request), one(request, slug)
        known = _published(viewer, [upstream])[upstream.pk]
        moved_at = counted.moves_at(viewer, [upstream.pk]).get(upstream.pk)
        breaker = breaker_in(upstream)
        opened = counted.opened_of(viewer, [breaker]).get(upstream.pk)
        figures = figures_of(upstream)
        return Response(serializers.represent(breaker, upstream, known, moved_at, opened, figures=figures))


class TransitionsView(GenericAPIView[Transition]):
    """The transitions of one breaker."""

    serializer_class = serializers.TransitionSerializer

    def get_queryset(self) -> TransitionQuerySet:
        """Those of the breaker that the address names."""
        if getattr(self, "swagger_fake_view", False):
            return Transition.objects.none()
        upstream = one(self.request, self.kwargs["slug"])
        return Transition.objects.for_org(viewer_of(self.request)).filter(breaker_id=upstream.pk)

    @extend_schema(
        operation_id="breakers_transitions",
        summary="List a breaker's transitions",
        parameters=[WHICH],
        responses={200: serializers.TransitionSerializer(many=True), **problems(400, 404)},
        examples=[example("It opened", shown.TRANSITION, status=200)],
        tags=["breakers"],
    )
    def get(self, request: Request, slug: str) -> Response:
        """Each change of its state with what caused it, newest first, in cursor pages."""
        page = self.paginate_queryset(self.get_queryset()) or []
        return self.get_paginated_response([serializers.represent_transition(row) for row in page])


class TestView(APIView):
    """A test that the breaker counts."""

    @extend_schema(
        operation_id="breakers_test",
        summary="Test an upstream now",
        parameters=[WHICH],
        request=None,
        responses={200: TestedSerializer, **problems(*ACTED, 409)},
        examples=[example("It answers", shown.TESTED, status=200)],
        tags=["breakers"],
    )
    def post(self, request: Request, slug: str) -> Response:
        """Makes an open breaker half-open and sends one call, which it counts. One that a person keeps open stays so (409)."""
        tested = test_now(viewer=viewer_of(request), upstream_id=one(request, slug).pk)
        return Response({name: getattr(tested, name) for name in ("ok", "sentence", "status", "seconds")})


class ResetView(APIView):
    """Resetting one breaker."""

    @extend_schema(
        operation_id="breakers_reset",
        summary="Reset a breaker",
        parameters=[WHICH],
        request=OptionalReasonSerializer,
        responses={200: serializers.BreakerSerializer, **problems(*ACTED, 409)},
        examples=[
            example("A reason", {"reason": "The deploy is done."}),
            example("Closed", shown.CLOSED, status=200),
        ],
        tags=["breakers"],
    )
    def post(self, request: Request, slug: str) -> Response:
        """Closes it with nothing counted and nothing forced. Needs the role operator; admin where a person forced it (409)."""
        viewer, said = viewer_of(request), texts_of(request, "reason")
        return _answer(viewer, reset(viewer=viewer, upstream_id=one(request, slug).pk, reason=said["reason"]))


class ForceOpenView(APIView):
    """Keeping one breaker open."""

    @extend_schema(
        operation_id="breakers_force_open",
        summary="Force a breaker open",
        parameters=[WHICH],
        request=serializers.ForceSerializer,
        responses={200: serializers.BreakerSerializer, **problems(*ACTED)},
        examples=[example("For an hour", shown.FORCE), example("Forced open", shown.FORCED, status=200)],
        tags=["breakers"],
    )
    def post(self, request: Request, slug: str) -> Response:
        """No call goes out until then; after that it is half-open and tests by itself. Needs the scope administer and the role admin."""
        return _force(request, slug, force_open)


class ForceClosedView(APIView):
    """Keeping one breaker closed."""

    @extend_schema(
        operation_id="breakers_force_closed",
        summary="Force a breaker closed",
        parameters=[WHICH],
        request=serializers.ForceSerializer,
        responses={200: serializers.BreakerSerializer, **problems(*ACTED)},
        examples=[
            example("For an hour", {"reason": "Its probe lies."}),
            example("Forced closed", shown.HELD_CLOSED, status=200),
        ],
        tags=["breakers"],
    )
    def post(self, request: Request, slug: str) -> Response:
        """Failures are counted and do not open it until then. Needs the scope administer and the role admin."""
        return _force(request, slug, force_closed)


class DisableView(APIView):
    """Switching one breaker off."""

    @extend_schema(
        operation_id="breakers_disable",
        summary="Disable a breaker",
        parameters=[WHICH],
        request=serializers.ForceSerializer,
        responses={200: serializers.BreakerSerializer, **problems(*ACTED)},
        examples=[
            example("For an hour", {"reason": "A load test."}),
            example("Disabled", shown.DISABLED, status=200),
        ],
        tags=["breakers"],
    )
    def post(self, request: Request, slug: str) -> Response:
        """Every call goes out and nothing is counted until then. Needs the scope administer and the role admin."""
        return _force(request, slug, disable)


def _force(request: Request, slug: str, action: Callable[..., Breaker]) -> Response:
    viewer, said = viewer_of(request), texts_of(request, "reason", "until")
    upstream = one(request, slug)
    breaker = action(viewer=viewer, upstream_id=upstream.pk, reason=said["reason"], until=until_in(said["until"]))
    return _answer(viewer, breaker)


class ResetAllView(APIView):
    """Resetting all breakers."""

    @extend_schema(
        operation_id="breakers_reset_all",
        summary="Reset all breakers",
        request=OptionalReasonSerializer,
        responses={200: serializers.ResetAllSerializer, **problems(400, 403, 413, 415, 503)},
        examples=[
            example("A reason", {"reason": "The network is back."}),
            example("One was open", {"reset": 1, "breakers": [shown.CLOSED]}, status=200),
        ],
        tags=["breakers"],
    )
    def post(self, request: Request) -> Response:
        """Resets each breaker that is not closed, where you are operator. What a person forced stays as it is."""
        viewer, said = viewer_of(request), texts_of(request, "reason")
        done = reset_all(viewer=viewer, reason=said["reason"])
        rows = _shown(viewer, [(breaker, breaker.upstream) for breaker in done])
        return Response({"reset": len(rows), "breakers": rows})

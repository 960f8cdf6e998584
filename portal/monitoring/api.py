"""/api/health and /api/diagnostics/metrics: how everything is, for programs and for the portal's own pages."""

from typing import Any

from django.db import Error
from django.utils.decorators import method_decorator
from django.utils.translation import get_language
from django.views.decorators.cache import never_cache
from drf_spectacular.utils import extend_schema
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from portal.api.openapi import example, problems
from portal.api.reading import viewer_of
from portal.kit.viewer import Permission
from portal.monitoring import examples, report
from portal.monitoring.lately import Lately
from portal.monitoring.serializers import DiagnosticsSerializer, HealthSerializer

LATELY: Lately[Any] = Lately(1.0)
"""Per set of organizations."""
STATUS: Lately[str] = Lately(1.0, share=0.1)
"""The one word that everybody gets: however many ask for it, they take no more than a tenth of one thread's time."""
AWAY = {"status": "unhealthy"}


@method_decorator(never_cache, name="dispatch")
class HealthView(APIView):
    """How everything is."""

    permission_classes = [AllowAny]

    @extend_schema(
        operation_id="health",
        summary="Read how everything is",
        responses={200: HealthSerializer, (503, "application/json"): HealthSerializer, **problems(403)},
        examples=[
            example("To a member", examples.HEALTH, status=200),
            example("To everybody else", {"status": "healthy"}, status=200),
            example("While the database is away", AWAY, status=503),
        ],
        tags=["health"],
    )
    def get(self, request: Request) -> Response:
        """200 while healthy, degraded or unknown, 503 while unhealthy. Without signing in only the status, that of the whole portal;
        with a session or a token with the scope `read`, everything about your organizations. What you get is a second old at most."""
        said = self._said(request)
        return _answer(said, 503 if said["status"] == "unhealthy" else 200)

    def _said(self, request: Request) -> dict[str, Any]:
        if not request.user.is_authenticated:
            return {"status": STATUS.get("", report.status)}
        viewer = viewer_of(request)
        if viewer.scopes is not None:
            viewer.require_anywhere(Permission.READ)
        if not viewer.organization_ids:
            return {"status": STATUS.get("", report.status)}
        key = ("health", viewer.organization_ids, get_language())
        said: dict[str, Any] = LATELY.get(key, lambda: report.health(viewer))
        return said

    def handle_exception(self, exc: Exception) -> Response:
        """While the database is away nobody can be signed in, and that alone is the answer; what is told of it is in the log."""
        if isinstance(exc, Error):
            return _answer(AWAY, 503)
        return super().handle_exception(exc)


@method_decorator(never_cache, name="dispatch")
class DiagnosticsView(APIView):
    """All figures."""

    @extend_schema(
        operation_id="diagnostics_metrics",
        summary="Read all figures",
        responses={200: DiagnosticsSerializer, **problems(403)},
        examples=[example("Figures", examples.DIAGNOSTICS, status=200)],
        tags=["health"],
    )
    def get(self, request: Request) -> Response:
        """The queue, breakers, bulkheads, retries, timeouts, probes, conflicts, ingest lag and workers, of your organizations. Counters
        are since ever and never fall; the latencies are of the last 15 minutes. What you get is a second old at most."""
        viewer = viewer_of(request)
        viewer.require_anywhere(Permission.READ)
        return Response(LATELY.get(("diagnostics", viewer.organization_ids), lambda: report.diagnostics(viewer)))


def _answer(said: dict[str, Any], status: int) -> Response:
    response = Response(said, status=status)
    response.told = True  # type: ignore[attr-defined]  # this is the answer, also with 503: no problem takes its place
    response._has_been_logged = True  # type: ignore[attr-defined]  # and no error of the portal
    return response

"""The API's own pages: its schema, its documentation, its kinds of problem."""

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe
from drf_spectacular.views import SpectacularAPIView

from portal.api.problems import all_kinds

schema = SpectacularAPIView.as_view()


@require_safe
@login_not_required
def docs(request: HttpRequest) -> HttpResponse:
    """Swagger UI over the schema, without an inline script."""
    return render(request, "api/docs.html", {"csrf_header": settings.CSRF_HEADER_NAME[5:].replace("_", "-")})


@require_safe
@login_not_required
def problems(request: HttpRequest) -> HttpResponse:
    """What each `type` of a problem means."""
    return render(request, "api/problems.html", {"kinds": all_kinds()})

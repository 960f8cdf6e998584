"""What the views of projects and plans share: who asks, and an answer that nobody keeps."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.cache import patch_cache_control, patch_vary_headers

from portal.kit.viewer import Viewer


def viewer_of(request: HttpRequest) -> Viewer:
    """Who asks: actions and single pages take this one."""
    viewer: Viewer = request.viewer  # type: ignore[attr-defined]
    return viewer


def chosen_of(request: HttpRequest) -> Viewer:
    """Who asks, narrowed to the organization of the page's switcher: lists take this one."""
    viewer: Viewer = request.chosen  # type: ignore[attr-defined]
    return viewer


def answer(request: HttpRequest, template: str, context: dict[str, Any], *, status: int = 200) -> HttpResponse:
    """The rendered page."""
    response = render(request, template, context, status=status)
    patch_vary_headers(response, ["HX-Request", "HX-Target"])
    patch_cache_control(response, no_store=True, private=True)
    return response

"""Who asks, as the views of projects and plans take it."""

from django.http import HttpRequest

from portal.kit.viewer import Viewer


def viewer_of(request: HttpRequest) -> Viewer:
    """Who asks: actions and single pages take this one."""
    viewer: Viewer = request.viewer  # type: ignore[attr-defined]
    return viewer


def chosen_of(request: HttpRequest) -> Viewer:
    """Who asks, narrowed to the organization of the page's switcher: lists take this one."""
    viewer: Viewer = request.chosen  # type: ignore[attr-defined]
    return viewer
